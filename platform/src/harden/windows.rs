//! Windows: pages locked into the working set between guards, and a process that others of the same user may neither
//! read nor debug. What an administrator may do cannot be taken away.

use super::guarded::out_of_memory;
use crate::windows::descriptor::Descriptor;
use crate::windows::{done, sid};
use std::io;
use std::ptr::{NonNull, null};
use std::sync::Once;
use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::Security::DACL_SECURITY_INFORMATION;
use windows_sys::Win32::System::Diagnostics::Debug::{
    GetErrorMode, SEM_FAILCRITICALERRORS, SEM_NOGPFAULTERRORBOX, SetErrorMode,
};
use windows_sys::Win32::System::Memory::{
    MEM_COMMIT, MEM_RELEASE, MEM_RESERVE, PAGE_NOACCESS, PAGE_READWRITE, SetProcessWorkingSetSizeEx,
    VirtualAlloc, VirtualFree, VirtualLock,
};
use windows_sys::Win32::System::SystemInformation::{GetSystemInfo, SYSTEM_INFO};
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, PROCESS_MITIGATION_POLICY, ProcessExtensionPointDisablePolicy, ProcessImageLoadPolicy,
    SetProcessMitigationPolicy,
};

/// How more memory can be locked.
pub(super) const LOCK_REMEDY: &str = "end programs that use much memory, and start claviger again";

/// Room in the working set, in bytes: locked pages count against its minimum, which is tiny by default.
const LOCKABLE: (usize, usize) = (32 << 20, 256 << 20);

/// What others of the same user may still do to this process: ask its name and its user, wait for its end, and end it
/// (PROCESS_QUERY_LIMITED_INFORMATION, SYNCHRONIZE, PROCESS_TERMINATE). Not: read its memory, copy its handles, or give
/// themselves more, which an owner may unless "owner rights" (OW) says otherwise.
fn list() -> io::Result<String> {
    let own = sid::own()?;
    Ok(format!(
        "D:P(A;;0x101001;;;{own})(A;;RC;;;OW)(A;;GA;;;SY)(A;;GA;;;BA)"
    ))
}

/// Refuses debuggers and readers of the same user, and libraries from the network or from a sandbox.
pub(super) fn deny_inspection() -> io::Result<()> {
    let descriptor = Descriptor::parse(&list()?)?;
    descriptor.set_on(own_process(), DACL_SECURITY_INFORMATION)?;
    // No remote images (1), none of a low integrity level (2); no hooks and input methods of other programs (1).
    restrict(ProcessImageLoadPolicy, 3)?;
    restrict(ProcessExtensionPointDisablePolicy, 1)
}

fn restrict(policy: PROCESS_MITIGATION_POLICY, flags: u32) -> io::Result<()> {
    // SAFETY: every one of these policies is one word of flags.
    done(unsafe { SetProcessMitigationPolicy(policy, (&raw const flags).cast(), size_of::<u32>()) })
}

/// No crash report, which would carry memory to a file and perhaps to Microsoft.
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
pub(super) fn no_core_files() -> io::Result<()> {
    // SAFETY: flags of this process.
    unsafe { SetErrorMode(GetErrorMode() | SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX) };
    Ok(())
}

/// Handles are bounded by memory alone here.
pub fn raise_file_limit() -> u64 {
    u64::MAX
}

fn own_process() -> HANDLE {
    // SAFETY: a constant that stands for this process and is never closed.
    unsafe { GetCurrentProcess() }
}

pub(super) fn page_size() -> usize {
    let mut info = SYSTEM_INFO::default();
    // SAFETY: a place for the answer.
    unsafe { GetSystemInfo(&mut info) };
    info.dwPageSize as usize
}

/// Zeroes between two pages that cannot be touched, and whether they are locked.
pub(super) fn map(len: usize) -> (NonNull<u8>, io::Result<()>) {
    static ROOM: Once = Once::new();
    // SAFETY: numbers only. A refusal shows when pages are locked.
    ROOM.call_once(|| unsafe {
        SetProcessWorkingSetSizeEx(own_process(), LOCKABLE.0, LOCKABLE.1, 0);
    });
    let guard = page_size();
    let whole = len.saturating_add(2 * guard);
    // SAFETY: reserves addresses that the system chooses; what is between the guards is then made usable.
    unsafe {
        let base = VirtualAlloc(null(), whole, MEM_RESERVE, PAGE_NOACCESS).cast::<u8>();
        if base.is_null() {
            out_of_memory(whole);
        }
        let pages = VirtualAlloc(base.add(guard).cast(), len, MEM_COMMIT, PAGE_READWRITE);
        let Some(start) = NonNull::new(pages.cast::<u8>()) else {
            out_of_memory(len);
        };
        (start, done(VirtualLock(pages, len)))
    }
}

/// Gives them and their guards back; locks end with them.
///
/// # Safety
/// `start` and `len` are those of [`map`], and nothing refers to the pages any more.
pub(super) unsafe fn unmap(start: NonNull<u8>, _len: usize) {
    // SAFETY: the caller's promise; `map` reserved from one guard before.
    unsafe { VirtualFree(start.as_ptr().sub(page_size()).cast(), 0, MEM_RELEASE) };
}

#[cfg(test)]
mod tests {
    use super::super::{LockedBytes, harden_process, memory_report};
    use crate::windows::descriptor::{Kind, read};
    use crate::windows::sid;

    #[test]
    fn secrets_are_locked_and_grow() {
        let mut bytes = LockedBytes::copy_of(b"secret");
        for _ in 0..2000 {
            bytes.extend_from_slice(&[7; 97]);
        }
        assert_eq!((&bytes[..6], bytes.len()), (&b"secret"[..], 6 + 2000 * 97));
        let report = memory_report();
        assert!(report.locked && report.weakness.is_none(), "{report:?}");
    }

    #[test]
    fn a_hardened_process_lets_its_user_ask_and_end_it_only() {
        assert_eq!(harden_process(), Vec::<String>::new());
        let list = read(super::own_process(), Kind::Pipe).unwrap();
        let own = sid::own().unwrap();
        let (_, list) = list.split_once("D:").unwrap();
        assert!(list.starts_with("P(A;;0x101001;;;"), "{list}");
        assert!(
            list.contains("(A;;RC;;;OW)") || list.contains("S-1-3-4"),
            "{list} of {own}"
        );
    }
}
