//! macOS: what is known of a pid, from libproc and from its program's signature. Compiled and linted, never run by us.

#[path = "macos_code.rs"]
mod code;

use super::named::named;
use std::ffi::CStr;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// How often the parent is looked for; OpenSSH looks every ten seconds.
const LOOK: Duration = Duration::from_secs(1);

/// A parent whose end its child waits for.
#[derive(Debug)]
pub(super) struct Watched(Option<rustix::process::Pid>);

impl Watched {
    /// This very process, for a child to watch.
    pub(super) fn own() -> Self {
        Self(Some(rustix::process::getpid()))
    }

    /// Waits for its end: as long as it is the parent, it is there.
    pub(super) async fn gone(&self) -> io::Result<()> {
        while rustix::process::getppid() == self.0 {
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }
}

/// "ssh (com.apple.openssh, pid 123)" or less of it, for messages. The name is the other process's own claim, the identity
/// that of its program's signature. Takes some milliseconds, as the program's file is looked at.
pub fn describe(pid: u32) -> String {
    let mut name = [0_u8; 64];
    // SAFETY: the buffer is writable over the length given, whose last byte stays zero.
    unsafe { libc::proc_name(pid.cast_signed(), name.as_mut_ptr().cast(), name.len() as u32 - 1) };
    let name = CStr::from_bytes_until_nul(&name)
        .unwrap_or_default()
        .to_string_lossy();
    named(&name, code::identity(pid).as_deref(), pid)
}

/// This very program, to be started again.
pub(super) fn own_program() -> io::Result<PathBuf> {
    std::env::current_exe()
}

/// Threads of this process.
pub(super) fn threads() -> io::Result<usize> {
    // SAFETY: all zeros is a valid value of this structure of numbers.
    let mut info: libc::proc_taskinfo = unsafe { std::mem::zeroed() };
    let size = size_of_val(&info) as i32;
    // SAFETY: a place of the size that is told.
    let filled = unsafe {
        let own = libc::getpid();
        libc::proc_pidinfo(own, libc::PROC_PIDTASKINFO, 0, (&raw mut info).cast(), size)
    };
    if filled == size {
        Ok(usize::try_from(info.pti_threadnum).unwrap_or(usize::MAX))
    } else {
        Err(io::Error::last_os_error())
    }
}
