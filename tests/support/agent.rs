//! The real agent in the foreground.

use super::{Home, LIMIT, Person, signal};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;

/// A running agent; ended and reaped when dropped. Its log is shown when the test fails.
pub(crate) struct Agent {
    child: Child,
    socket: PathBuf,
    log: PathBuf,
}

impl Agent {
    /// Starts it in `home`, with nobody to ask.
    pub(crate) fn start(home: &Home) -> Self {
        Self::from_command(home, &mut home.claviger(&["agent", "-d"]))
    }

    /// Starts it with someone to ask.
    pub(crate) fn start_with(home: &Home, person: &Person) -> Self {
        Self::from_command(home, person.sits_at(&mut home.claviger(&["agent", "-d"])))
    }

    /// Starts it from a command that keeps it in front, and waits for the line that says where it listens.
    pub(crate) fn from_command(home: &Home, command: &mut Command) -> Self {
        let log = home.path("agent.log");
        let stderr = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .expect("a log");
        command.stdout(Stdio::piped()).stderr(stderr);
        let mut child = command.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"));
        let stdout = child.stdout.take().expect("its output");
        let (says, said) = mpsc::channel();
        // Reads on to the end, so that the agent never writes into a closed pipe.
        std::thread::spawn(move || {
            BufReader::new(stdout)
                .lines()
                .map_while(Result::ok)
                .for_each(|l| drop(says.send(l)))
        });
        let agent = Self {
            child,
            socket: home.socket(),
            log,
        };
        match said.recv_timeout(LIMIT) {
            Ok(line) if line.starts_with("SSH_AUTH_SOCK=") => agent,
            other => panic!("the agent did not say where it listens, but {other:?}"),
        }
    }

    /// Where it listens.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Sends a signal and waits for its end.
    pub(crate) fn end_by(&mut self, name: &str) -> ExitStatus {
        signal(self.pid(), name);
        self.child.wait().expect("its end")
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // Both fail only for an agent that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            println!("--- {}\n{}", self.log.display(), self.log());
        }
    }
}
