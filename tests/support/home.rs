//! A temporary home: where everything that a test writes is, and an environment that knows of nothing else.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A home of its own for one test; gone when dropped.
pub(crate) struct Home {
    dir: TempDir,
}

impl Home {
    /// Makes it, with an empty `.ssh`.
    pub(crate) fn new() -> Self {
        // In /tmp and not deeper: a socket's path has at most 107 bytes.
        let dir = TempDir::with_prefix_in("cl-", "/tmp").expect("a temporary directory");
        let home = Self { dir };
        for name in [".ssh", "run"] {
            fs::create_dir(home.path(name)).expect("a directory");
            fs::set_permissions(home.path(name), Permissions::from_mode(0o700)).expect("its mode");
        }
        home
    }

    /// A path inside.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Where the agent listens unless told otherwise.
    pub(crate) fn socket(&self) -> PathBuf {
        self.path("run/agent.sock")
    }

    /// Where the embedded vault is made.
    pub(crate) fn vault(&self) -> PathBuf {
        self.path("share/claviger/vault.kdbx")
    }

    /// Writes the configuration.
    pub(crate) fn configure(&self, text: &str) {
        self.write("config.toml", text.as_bytes(), 0o600);
    }

    /// Writes a file inside with this mode.
    pub(crate) fn write(&self, name: &str, bytes: &[u8], mode: u32) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).expect("a file written");
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("its mode");
        path
    }

    /// A command that sees this home, and no terminal, display, askpass or session bus.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        // A session of its own: the terminal of whoever runs the tests must not be asked anything.
        let mut command = self.bare("setsid");
        command.arg(program);
        command
    }

    /// The program under test, with these arguments.
    pub(crate) fn claviger(&self, args: &[&str]) -> Command {
        let mut command = self.command(claviger());
        command.args(args);
        command
    }

    /// As [`Home::command`], in the session of whoever starts it.
    pub(crate) fn bare(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .env("LANG", "C.UTF-8")
            .env("HOME", self.dir.path())
            .env("XDG_RUNTIME_DIR", self.path("run"))
            // Where no bus is unless a test starts one: the lock of the screen before which the tests run is not theirs.
            .env(
                "DBUS_SYSTEM_BUS_ADDRESS",
                format!("unix:path={}", self.path("run/system_bus").display()),
            )
            .env("SSH_AUTH_SOCK", self.socket())
            .env("CLAVIGER_CONFIG", self.path("config.toml"))
            .env("CLAVIGER_STATE_DIR", self.path("state/claviger"))
            .env("CLAVIGER_DATA_DIR", self.path("share/claviger"))
            .env("CLAVIGER_SOCKET", self.socket())
            .current_dir(self.dir.path())
            .stdin(Stdio::null());
        command
    }
}

/// The program under test.
pub(crate) fn claviger() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_claviger"))
}
