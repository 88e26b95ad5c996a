//! Who somebody is: security identifiers in their written form ("S-1-5-18"), which compares and fits into SDDL.

use super::done;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr::null_mut;
use windows_sys::Win32::Foundation::{HANDLE, LocalFree};
use windows_sys::Win32::Security::Authorization::ConvertSidToStringSidW;
use windows_sys::Win32::Security::{GetTokenInformation, PSID, TOKEN_QUERY, TOKEN_USER, TokenUser};
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, OpenProcess, OpenProcessToken, PROCESS_QUERY_LIMITED_INFORMATION,
};

/// LocalSystem: what root is elsewhere.
pub(crate) const SYSTEM: &str = "S-1-5-18";
/// The group of administrators, which owns what an elevated process makes.
pub(crate) const ADMINISTRATORS: &str = "S-1-5-32-544";

/// The user of this process.
pub(crate) fn own() -> io::Result<String> {
    // SAFETY: a constant that stands for this process and is never closed.
    of_process(unsafe { GetCurrentProcess() })
}

/// The user of another process. Nothing but its identity is asked for, which Windows also tells of elevated ones.
pub(crate) fn of(pid: u32) -> io::Result<String> {
    of_process(process(pid)?.as_raw_handle())
}

/// A process, to be asked who it is.
pub(crate) fn process(pid: u32) -> io::Result<OwnedHandle> {
    // SAFETY: a query by number.
    let handle = unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, pid) };
    if handle.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: just opened, owned by nobody else.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

fn of_process(process: HANDLE) -> io::Result<String> {
    let mut token = null_mut();
    // SAFETY: the process's handle is open, and `token` a place for another.
    done(unsafe { OpenProcessToken(process, TOKEN_QUERY, &mut token) })?;
    // SAFETY: just opened, owned by nobody else.
    let token = unsafe { OwnedHandle::from_raw_handle(token) };
    // Words, so that the structure at the beginning is aligned; the identifier behind it has at most 68 bytes.
    let mut answer = [0_u64; 32];
    let mut length = 0;
    // SAFETY: the buffer is writable over the length given.
    done(unsafe {
        GetTokenInformation(
            token.as_raw_handle(),
            TokenUser,
            answer.as_mut_ptr().cast(),
            size_of_val(&answer) as u32,
            &mut length,
        )
    })?;
    // SAFETY: the call filled in this structure, whose pointer leads into the same buffer.
    unsafe { written(answer.as_ptr().cast::<TOKEN_USER>().read().User.Sid) }
}

/// The written form.
///
/// # Safety
/// `sid` is null or a valid identifier.
pub(super) unsafe fn written(sid: PSID) -> io::Result<String> {
    let mut text = null_mut();
    // SAFETY: the caller's promise; a null pointer is refused by the call.
    done(unsafe { ConvertSidToStringSidW(sid, &mut text) })?;
    // SAFETY: the call made this terminated text, and hands it over.
    Ok(unsafe { taken(text) })
}

/// Copies a text that Windows allocated, and frees it.
///
/// # Safety
/// `text` is terminated, comes from LocalAlloc, and is used by nobody else.
pub(super) unsafe fn taken(text: *mut u16) -> String {
    // SAFETY: the caller's promise.
    unsafe {
        let length = (0..).take_while(|&at| *text.add(at) != 0).count();
        let copy = String::from_utf16_lossy(std::slice::from_raw_parts(text, length));
        LocalFree(text.cast());
        copy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_whom_its_number_says() {
        let own = own().unwrap();
        assert!(own.starts_with("S-1-5-"), "{own}");
        assert_eq!(of(std::process::id()).unwrap(), own);
        assert!(of(u32::MAX - 3).is_err());
    }
}
