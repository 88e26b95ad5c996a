//! A program run in a home of its own: with nothing of the tester's surroundings but PATH, and all that it said.

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A command that sees this home and nothing else.
pub(crate) fn bare(program: impl AsRef<Path>, home: &Path) -> Command {
    let mut command = Command::new(program.as_ref());
    command
        .current_dir(home)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .stdin(Stdio::null());
    command
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    /// Exit status; -1 after a signal.
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
