//! The mappings behind protected pages: what the kernel is asked for, and how it is given back.

use rustix::io::Errno;
use rustix::mm::{Advice, MapFlags, MprotectFlags, MremapFlags, ProtFlags};
use std::ffi::c_void;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::{Mutex, PoisonError};

/// Locked anonymous pages in use (address, length): locks are not inherited by fork (mlock(2)), the child takes
/// them again. Secret memory needs no lock, so this is empty where the kernel has it.
static TO_LOCK_AGAIN: Mutex<Vec<(usize, usize)>> = Mutex::new(Vec::new());

/// Secret memory (memfd_secret(2), Linux 5.14), which counts against RLIMIT_MEMLOCK.
///
/// It is mapped anywhere and then moved between its guards: mapping it there directly would, when the limit is
/// reached, leave a hole that another thread's mapping could take.
pub(super) fn secret(len: usize) -> Result<NonNull<u8>, Errno> {
    // SAFETY: takes a flag word and returns a new descriptor or -1.
    let fd = unsafe { libc::syscall(libc::SYS_memfd_secret, libc::O_CLOEXEC) };
    let fd = i32::try_from(fd)
        .ok()
        .filter(|&fd| fd >= 0)
        .ok_or_else(last_errno)?;
    // SAFETY: just opened, owned by nobody else.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    rustix::fs::ftruncate(&fd, len as u64)?;
    let access = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a new mapping at an address that the kernel chooses. It keeps the file when the descriptor closes.
    let made =
        unsafe { rustix::mm::mmap(std::ptr::null_mut(), len, access, MapFlags::SHARED, fd.as_fd(), 0)? };
    let start = reserve(len);
    // SAFETY: moves our own new mapping over our own reservation, to which nothing refers.
    let moved =
        unsafe { rustix::mm::mremap_fixed(made, len, len, MremapFlags::MAYMOVE, start.as_ptr().cast()) };
    if let Err(error) = moved {
        // SAFETY: not moved, so still there. The reservation may now have a hole and is given up: address space only.
        unsafe { rustix::mm::munmap(made, len)? };
        return Err(error);
    }
    Ok(start)
}

/// Ordinary pages that core files leave out, and locked. On an error they are usable but not locked.
///
/// Not MADV_WIPEONFORK: the vault's master passphrase is read before the agent forks to the background.
pub(super) fn locked(len: usize) -> (NonNull<u8>, Result<(), Errno>) {
    let start = reserve(len);
    let pages: *mut c_void = start.as_ptr().cast();
    // SAFETY: the range is our reservation; nothing refers to it yet.
    let opened = unsafe { rustix::mm::mprotect(pages, len, MprotectFlags::READ | MprotectFlags::WRITE) };
    if opened.is_err() {
        out_of_memory(len);
    }
    // SAFETY: advice and lock change nothing that Rust can see. Kernels without the advice still lock.
    let locked = unsafe {
        let _ = rustix::mm::madvise(pages, len, Advice::LinuxDontDump);
        rustix::mm::mlock(pages, len)
    };
    if locked.is_ok() {
        let mut list = TO_LOCK_AGAIN.lock().unwrap_or_else(PoisonError::into_inner);
        list.push((pages as usize, len));
    }
    (start, locked)
}

/// Unmaps pages and their guards.
///
/// # Safety
/// `start` and `len` are those of [`secret`] or [`locked`], and nothing refers to the pages any more.
pub(super) unsafe fn release(start: NonNull<u8>, len: usize) {
    let address = start.as_ptr() as usize;
    let mut list = TO_LOCK_AGAIN.lock().unwrap_or_else(PoisonError::into_inner);
    list.retain(|&(other, _)| other != address);
    // The list stays ours until the pages are gone: nobody may lock an address that is no longer mapped.
    let guard = rustix::param::page_size();
    // SAFETY: the caller's promise; `reserve` mapped exactly this range. Unmapping what was mapped whole cannot fail.
    let _ = unsafe { rustix::mm::munmap(start.as_ptr().sub(guard).cast(), len + 2 * guard) };
}

/// Takes the locks of [`locked`] pages again, in the child of a fork; the first error, if there was one.
pub(super) fn lock_again() -> Result<(), Errno> {
    let list = TO_LOCK_AGAIN.lock().unwrap_or_else(PoisonError::into_inner);
    let lock = |&(address, len): &(usize, usize)| {
        // SAFETY: a live mapping: it leaves the list before it is unmapped.
        unsafe { rustix::mm::mlock(address as *mut c_void, len) }
    };
    list.iter().map(lock).fold(Ok(()), Result::and)
}

/// Nobody has the list while `fork` makes a child, which would wait for ever for a thread that it does not have. Only
/// tests fork beside other threads.
#[cfg(test)]
pub(crate) fn forking<T>(fork: impl FnOnce() -> T) -> T {
    let _list = TO_LOCK_AGAIN.lock().unwrap_or_else(PoisonError::into_inner);
    fork()
}

/// Reserves `len` bytes of address space that cannot be touched, with a guard page on either side. Ends the process
/// when there is no address space left.
fn reserve(len: usize) -> NonNull<u8> {
    let guard = rustix::param::page_size();
    let whole = len.saturating_add(2 * guard);
    // SAFETY: a new mapping at an address that the kernel chooses touches nothing that exists.
    let base = unsafe {
        let private = MapFlags::PRIVATE | MapFlags::NORESERVE;
        rustix::mm::mmap_anonymous(std::ptr::null_mut(), whole, ProtFlags::empty(), private)
    };
    let start = base
        .ok()
        .and_then(|base| NonNull::new(base.cast::<u8>().wrapping_add(guard)));
    start.unwrap_or_else(|| out_of_memory(whole))
}

/// Ends the process, as every other allocation does when there is no memory.
fn out_of_memory(len: usize) -> ! {
    let layout = std::alloc::Layout::array::<u8>(len).unwrap_or(std::alloc::Layout::new::<u8>());
    std::alloc::handle_alloc_error(layout)
}

/// What the last raw system call failed with.
fn last_errno() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::NOSYS)
}
