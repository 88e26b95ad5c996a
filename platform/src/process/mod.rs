//! Other processes: the one door to the outside (askpass, pinentry, ssh, helpers), and what is known of a pid.
//!
//! Whatever is started goes through [`run`] (bounded in time and output), [`Companion`] (one that stays, bounded at each
//! exchange), [`Dialogue`] (one that keeps the terminal), [`run_foreground`] (the person's own command) or [`Shown`] (a notice). All give the child back what
//! hardening took from this process, so that a sandbox can later move this door into a helper process without any caller
//! noticing.
//!
//! The contract of an OS: what [`run`] and its siblings need (`restore_limits`, `lead_group`, `Leash`, `ask_to_end`), the
//! standard streams (`take`, `take_streams`, `end_at_once`), `own_program`, `alive` and `describe`; and signals, the
//! foreground and the background, where a system that has none says so.

#[cfg(unix)]
mod background;
mod companion;
mod dialogue;
mod end;
mod exchange;
#[cfg(unix)]
mod foreground;
mod input;
mod job;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
mod named;
mod seen;
mod served;
mod shown;
#[cfg(unix)]
mod signals;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as imp;
#[cfg(windows)]
use windows as imp;

#[cfg(unix)]
pub use background::{Background, Fork, become_command, daemonize};
#[cfg(windows)]
pub use windows::{
    Background, Fork, Termination, UserSignal, become_command, daemonize, lower_priority, run_foreground,
    terminate,
};

pub use companion::{Companion, CompanionError};
pub use dialogue::{Dialogue, Heard};
pub use end::End;
#[cfg(unix)]
pub use foreground::run_foreground;
#[cfg(windows)]
pub(crate) use imp::program_name;
pub use imp::{alive, describe};
pub use input::read_line_from_fd;
pub use job::{Done, Job, JobError, run};
pub use seen::{Seen, SeenError, is_ending, see};
pub use served::Served;
pub use shown::Shown;
#[cfg(unix)]
pub use signals::{Termination, UserSignal, lower_priority, terminate};

/// Makes `command` start a child as if this process had never been hardened: the limits found at start, and no
/// systemd hand-over variables, which name descriptors that the child does not get.
fn unharden(command: &mut tokio::process::Command) {
    for name in ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"] {
        command.env_remove(name);
    }
    imp::restore_limits(command);
}
