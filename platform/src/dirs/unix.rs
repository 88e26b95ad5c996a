//! Unix: whether a directory from the environment may be used, and what this machine and its user are called.

use std::ffi::{CStr, OsString};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Where Debian, Fedora, Arch, the BSDs, Homebrew and OpenSSH's own build put it.
pub(super) const SK_HELPERS: &[&str] = &[
    "/usr/lib/openssh/ssh-sk-helper",
    "/usr/libexec/openssh/ssh-sk-helper",
    "/usr/lib/ssh/ssh-sk-helper",
    "/usr/libexec/ssh-sk-helper",
    "/opt/homebrew/opt/openssh/libexec/ssh-sk-helper",
    "/usr/local/libexec/ssh-sk-helper",
];

/// Whether a runtime directory exists and is this user's own: `su` leaves the variable of the user before, and
/// containers one that nobody made.
pub(super) fn usable(dir: &Path) -> bool {
    let own = rustix::process::geteuid().as_raw();
    dir.metadata()
        .is_ok_and(|state| state.is_dir() && state.uid() == own)
}

/// The machine's name, as gethostname(2) tells it.
pub fn host_name() -> OsString {
    let mut name = [0_u8; 256];
    // SAFETY: the buffer is writable over the length given, whose last byte stays zero.
    unsafe { libc::gethostname(name.as_mut_ptr().cast(), name.len() - 1) };
    let name = CStr::from_bytes_until_nul(&name).unwrap_or_default();
    OsString::from_vec(name.to_bytes().to_vec())
}

/// The user's number, and name in the user database.
pub fn user() -> (u32, Option<OsString>) {
    let uid = rustix::process::getuid().as_raw();
    let mut text = vec![0; 16 * 1024];
    let mut found = std::ptr::null_mut();
    // SAFETY: all zeros is a valid `passwd` of null pointers.
    let mut entry: libc::passwd = unsafe { std::mem::zeroed() };
    // SAFETY: every pointer is to a live local of the length given.
    unsafe { libc::getpwuid_r(uid, &mut entry, text.as_mut_ptr(), text.len(), &mut found) };
    if found.is_null() || entry.pw_name.is_null() {
        return (uid, None);
    }
    // SAFETY: a found entry's name is a terminated string inside `text`, which is still alive.
    let name = unsafe { CStr::from_ptr(entry.pw_name) };
    (uid, Some(OsString::from_vec(name.to_bytes().to_vec())))
}
