//! A home, and the program linked into it as `ssh-agent`.
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

pub(crate) struct DropIn {
    pub(crate) home: tempfile::TempDir,
}

/// An agent in the foreground, killed when dropped.
pub(crate) struct Front {
    pub(crate) child: Child,
    pub(crate) lines: Vec<String>,
    out: BufReader<ChildStdout>,
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
        let mut command = Command::new(program.as_ref());
        command
            .args(args)
            .current_dir(self.home.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.home.path())
            .env("TMPDIR", self.home.path())
            .stdin(Stdio::null());
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
        Self { child, lines, out }
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
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut errors)
            .unwrap();
        (self.child.wait().unwrap().code().unwrap_or(-1), errors)
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
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

/// Waits for a file to go, for as long as a test may take.
pub(crate) fn gone(path: &Path) {
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while path.symlink_metadata().is_ok() {
        assert!(std::time::Instant::now() < end, "{} stays", path.display());
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}
