//! Other processes: the one door to the outside (askpass, pinentry, ssh, helpers), and what is known of a pid.
mod signals;

pub use signals::{Termination, lower_priority, terminate};

use crate::harden::LockedBytes;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// One program to run, bounded in time and output.
pub struct Job {
    /// Absolute path or name searched in PATH.
    pub program: PathBuf,
    /// Arguments; never a secret.
    pub args: Vec<OsString>,
    /// Variables to set (`Some`) or remove (`None`) on top of ours.
    pub env: Vec<(OsString, Option<OsString>)>,
    /// Written to its standard input; never a secret's only copy.
    pub input: Option<LockedBytes>,
    /// When it is killed, with its whole process group.
    pub limit: Duration,
    /// More standard output than this is an error.
    pub max_output: usize,
}

/// What came of a [`Job`].
pub struct Done {
    /// Exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub output: LockedBytes,
}

/// Why a [`Job`] gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JobError {
    /// Could not be started.
    #[error("{}: cannot be started: {source}", program.display())]
    Start {
        program: PathBuf,
        source: std::io::Error,
    },
    /// Took longer than its limit; it was killed.
    #[error("{}: no answer within {} s", program.display(), limit.as_secs())]
    TimedOut { program: PathBuf, limit: Duration },
    /// Wrote more than its limit; it was killed.
    #[error("{}: answer longer than {limit} bytes", program.display())]
    TooMuch { program: PathBuf, limit: usize },
    /// Pipe trouble.
    #[error("{}: {source}", program.display())]
    Io {
        program: PathBuf,
        source: std::io::Error,
    },
}

/// Runs it in a process group of its own; dropped futures kill it.
pub async fn run(job: Job) -> Result<Done, JobError> {
    let _ = job;
    todo!()
}

/// "ssh (pid 123)" or "pid 123" for messages.
pub fn describe(pid: u32) -> String {
    let _ = pid;
    todo!()
}

/// Reads the first line (without its end) of an inherited descriptor and closes it. An error names the descriptor.
pub fn read_line_from_fd(fd: i32) -> Result<LockedBytes, String> {
    let _ = fd;
    todo!()
}

/// Which side of a fork this is.
pub enum Fork {
    /// The original process; the new one has this pid.
    Parent(u32),
    /// The new process: own session, `/` as its directory, standard streams on /dev/null.
    Child,
}

/// Goes to the background. Only while this process has a single thread (before any runtime).
pub fn daemonize() -> std::io::Result<Fork> {
    todo!()
}

/// Runs `command` in the foreground as a child that gets back the limits which hardening took away; returns its
/// shell-style exit status (128 + signal). Meanwhile this process ignores SIGINT and SIGQUIT, as a shell does.
pub async fn run_foreground(command: &[OsString], env: &[(OsString, OsString)]) -> std::io::Result<i32> {
    let _ = (command, env);
    todo!()
}
