//! macOS: locked anonymous pages between guards, and no debugger. Compiled and linted, never run by us.

use super::guarded::out_of_memory;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags};
use std::ffi::c_void;
use std::io;
use std::ptr::NonNull;

/// How more memory can be locked.
pub(super) const LOCK_REMEDY: &str = "raise the limit of locked memory with `ulimit -l`";

/// Refuses debuggers (ptrace(2), PT_DENY_ATTACH); core files are the resource limit's affair.
pub(super) fn deny_inspection() -> io::Result<()> {
    // SAFETY: the request has neither address nor data.
    match unsafe { libc::ptrace(libc::PT_DENY_ATTACH, 0, std::ptr::null_mut(), 0) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Pages are private here, so the parent of a fork has its own.
pub(crate) fn forked_parent() {}

/// Locks are not inherited; what the child had read before it is not locked again. Nothing forks but `agent` going to
/// the background, which macOS leaves to launchd.
pub(crate) fn forked_child() {}

pub(super) fn page_size() -> usize {
    rustix::param::page_size()
}

/// Zeroes between two pages that cannot be touched, and whether they are locked.
pub(super) fn map(len: usize) -> (NonNull<u8>, io::Result<()>) {
    let guard = page_size();
    let whole = len.saturating_add(2 * guard);
    // SAFETY: a new mapping at an address that the kernel chooses touches nothing that exists.
    let base = unsafe {
        rustix::mm::mmap_anonymous(std::ptr::null_mut(), whole, ProtFlags::empty(), MapFlags::PRIVATE)
    };
    let start = base
        .ok()
        .and_then(|base| NonNull::new(base.cast::<u8>().wrapping_add(guard)));
    let Some(start) = start else { out_of_memory(whole) };
    let pages: *mut c_void = start.as_ptr().cast();
    // SAFETY: inside the new mapping, to which nothing refers yet.
    let opened = unsafe { rustix::mm::mprotect(pages, len, MprotectFlags::READ | MprotectFlags::WRITE) };
    if opened.is_err() {
        out_of_memory(len);
    }
    // SAFETY: a lock changes nothing that Rust can see.
    let locked = unsafe { rustix::mm::mlock(pages, len) };
    (start, locked.map_err(io::Error::from))
}

/// Gives them and their guards back.
///
/// # Safety
/// `start` and `len` are those of [`map`], and nothing refers to the pages any more.
pub(super) unsafe fn unmap(start: NonNull<u8>, len: usize) {
    let guard = page_size();
    // SAFETY: the caller's promise; `map` mapped exactly this range.
    let _ = unsafe { rustix::mm::munmap(start.as_ptr().sub(guard).cast(), len + 2 * guard) };
}
