//! A program that only shows something, until it is no longer wanted.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::Stdio;
use tokio::process::{Child, Command};

/// A running program. Dropping it asks the program to end (SIGTERM), as OpenSSH does with its notices; on Windows,
/// where a program cannot be asked so, it is ended.
#[derive(Debug)]
pub struct Shown {
    child: Child,
}

impl Shown {
    /// Starts `program` with `text` as its only argument and SSH_ASKPASS_PROMPT=none. Needs a tokio runtime.
    ///
    /// # Errors
    /// The OS's, if it cannot be started.
    pub fn start(program: &Path, text: impl AsRef<OsStr>) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.arg(text.as_ref()).env("SSH_ASKPASS_PROMPT", "none");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        super::unharden(&mut command);
        super::imp::lead_group(&mut command);
        Ok(Self {
            child: command.spawn()?,
        })
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        // While it was not waited for, its number is its own. The runtime waits for it afterwards.
        if let Some(pid) = self.child.id() {
            super::imp::ask_to_end(pid);
        }
    }
}
