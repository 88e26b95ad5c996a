//! A home, and the program linked into it as `ssh-agent`.
use crate::ran::{Ran, bare};
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};

pub(crate) struct DropIn {
    pub(crate) home: tempfile::TempDir,
}

/// An agent in the foreground, killed when dropped.
pub(crate) struct Front {
    pub(crate) child: Child,
    pub(crate) lines: Vec<String>,
    out: BufReader<ChildStdout>,
    errors: BufReader<ChildStderr>,
}

impl DropIn {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_claviger"), home.path().join("ssh-agent")).unwrap();
        Self { home }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// `program` in this home, with nothing of the tester's surroundings but PATH.
    pub(crate) fn program(&self, program: impl AsRef<Path>, args: &[&str]) -> Command {
        let mut command = bare(program, self.home.path());
        command.args(args).env("TMPDIR", self.home.path());
        command
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        self.program(self.path("ssh-agent"), args)
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.command(args).output().unwrap().into()
    }

    /// Starts in the foreground and waits for its `lines` lines.
    pub(crate) fn front(&self, args: &[&str], lines: usize) -> Front {
        Front::start(&mut self.command(args), lines)
    }
}

impl Front {
    pub(crate) fn start(command: &mut Command, lines: usize) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let lines = (0..lines)
            .map(|_| {
                let mut line = String::new();
                out.read_line(&mut line).unwrap();
                line
            })
            .collect();
        let errors = BufReader::new(child.stderr.take().unwrap());
        Self {
            child,
            lines,
            out,
            errors,
        }
    }

    /// Waits until it says this on standard error.
    pub(crate) fn says(&mut self, text: &str) {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert_ne!(
                self.errors.read_line(&mut line).unwrap(),
                0,
                "it never says {text:?}"
            );
        }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        let line = self.lines[0].strip_prefix("SSH_AUTH_SOCK=").unwrap();
        line.split(';').next().unwrap().into()
    }

    /// Sends a signal and returns exit status and what was on standard error.
    pub(crate) fn end(mut self, signal: &str) -> (i32, String) {
        kill(self.child.id(), signal);
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
        let mut errors = String::new();
        self.errors.read_to_string(&mut errors).unwrap();
        (self.child.wait().unwrap().code().unwrap_or(-1), errors)
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn kill(pid: u32, signal: &str) {
    let pid = pid.to_string();
    assert!(
        Command::new("kill")
            .args(["-s", signal, &pid])
            .status()
            .unwrap()
            .success()
    );
}

/// Whether an agent answers there: `ssh-add -l` of an empty one ends with 1, without one with 2.
pub(crate) fn answers(home: &DropIn, socket: &Path) -> bool {
    let mut list = home.program("ssh-add", &["-l"]);
    list.env("SSH_AUTH_SOCK", socket).output().unwrap().status.code() == Some(1)
}

/// A connection to an agent, whose end is the agent's.
pub(crate) struct Tie(UnixStream);

impl Tie {
    pub(crate) fn to(socket: &Path) -> Self {
        Self(UnixStream::connect(socket).unwrap())
    }

    /// Waits for the agent's end: it has removed its socket then.
    pub(crate) fn wait(mut self) {
        self.0
            .set_read_timeout(Some(std::time::Duration::from_secs(90)))
            .unwrap();
        match self.0.read(&mut [0]) {
            Ok(read) => assert_eq!(read, 0),
            // It was not even accepted yet.
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
    }
}
