//! Other processes: the one door to the outside (askpass, pinentry, ssh, helpers), and what is known of a pid.
//!
//! Whatever is started goes through [`run`] (bounded in time and output), [`Companion`] (one that stays, bounded at each
//! exchange), [`Dialogue`] (one that keeps the terminal), [`run_foreground`] (the person's own command) or [`Shown`] (a notice). All give the child back what
//! hardening took from this process, so that a sandbox can later move this door into a helper process without any caller
//! noticing.

mod background;
mod companion;
mod dialogue;
mod exchange;
mod foreground;
mod input;
mod job;
#[cfg(target_os = "linux")]
mod linux;
mod seen;
mod served;
mod shown;
mod signals;

#[cfg(target_os = "linux")]
use linux as imp;

pub use background::{Background, Fork, become_command, daemonize};
pub use companion::{Companion, CompanionError};
pub use dialogue::{Dialogue, Heard};
pub use foreground::run_foreground;
pub use imp::{alive, describe};
pub use input::read_line_from_fd;
pub use job::{Done, Job, JobError, run};
pub use seen::{Seen, SeenError, is_ending, see};
pub use served::Served;
pub use shown::Shown;
pub use signals::{End, Termination, UserSignal, lower_priority, terminate};

use std::os::fd::AsRawFd;

/// Makes `command` start a child as if this process had never been hardened: the limits found at start, and no
/// systemd hand-over variables, which name descriptors that the child does not get.
fn unharden(command: &mut tokio::process::Command) {
    for name in ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"] {
        command.env_remove(name);
    }
    // The standard library itself gives a child an empty signal mask and the default SIGPIPE.
    // SAFETY: `restore_for_child` makes system calls only and neither allocates nor locks.
    unsafe { command.pre_exec(crate::harden::restore_for_child) };
}

/// Makes the standard stream `number` (0 to 2) refer to what `file` does.
fn put_on(file: &impl AsRawFd, number: i32) -> std::io::Result<()> {
    // SAFETY: replaces a standard stream, which the standard library itself only ever uses by number.
    match unsafe { libc::dup2(file.as_raw_fd(), number) } {
        -1 => Err(std::io::Error::last_os_error()),
        _ => Ok(()),
    }
}
