//! Homes of agents: each has its own keys, configuration, vault and socket, and nothing of the person's reaches it.

use crate::{Result, keys};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The master passphrase of the vault, which is as temporary as the keys.
const MASTER: &str = "a master passphrase for one benchmark";

/// A temporary directory for homes, keys and sockets.
pub(crate) struct Room {
    dir: tempfile::TempDir,
    next: AtomicUsize,
}

impl Room {
    /// Made under the system's temporary directory, and deleted on drop.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            dir: tempfile::Builder::new().prefix("side").tempdir()?,
            next: AtomicUsize::new(0),
        })
    }

    /// A path in the room that nothing has used yet.
    pub(crate) fn fresh(&self) -> PathBuf {
        self.dir
            .path()
            .join(self.next.fetch_add(1, Ordering::Relaxed).to_string())
    }

    /// A new home, with an empty directory for keys.
    pub(crate) fn home(&self) -> Result<Home> {
        let dir = self.fresh();
        for part in ["keys", "run", "data", "state"] {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(dir.join(part))?;
        }
        fs::write(dir.join("passphrase"), keys::PASSPHRASE)?;
        fs::write(dir.join("master"), MASTER)?;
        let keys = dir.join("keys");
        fs::write(
            dir.join("config.toml"),
            format!("[keys]\ndirs = [{keys:?}]\n[vault]\norder = [\"embedded\"]\n[lock]\nidle = \"never\"\n"),
        )?;
        Ok(Home { dir })
    }
}

/// A home: keys, configuration, vault, socket.
pub(crate) struct Home {
    dir: PathBuf,
}

impl Home {
    /// Where its keys are.
    pub(crate) fn keys(&self) -> PathBuf {
        self.dir.join("keys")
    }

    /// Where its agent notes what it learnt.
    pub(crate) fn state(&self) -> PathBuf {
        self.dir.join("state")
    }

    /// A file in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// A command that sees this home and neither keyring, display nor agent of the person who runs the benchmark.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        for name in [
            "DBUS_SESSION_BUS_ADDRESS",
            "DISPLAY",
            "WAYLAND_DISPLAY",
            "SSH_AUTH_SOCK",
            "SSH_ASKPASS",
        ] {
            command.env_remove(name);
        }
        command
            .env("HOME", &self.dir)
            .env("XDG_RUNTIME_DIR", self.dir.join("run"))
            .env("CLAVIGER_CONFIG", self.dir.join("config.toml"))
            .env("CLAVIGER_DATA_DIR", self.dir.join("data"))
            .env("CLAVIGER_STATE_DIR", self.dir.join("state"))
            .env("CLAVIGER_SOCKET", self.socket())
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }

    /// claviger with both passphrases on descriptors 3 (key) and 4 (vault); a shell opens them, since std cannot.
    pub(crate) fn claviger_with_passphrases(&self, arguments: &str) -> Command {
        let mut command = self.command("sh");
        command
            .args([
                "-c",
                &format!("exec \"$0\" {arguments} 3<\"$HOME/passphrase\" 4<\"$HOME/master\""),
            ])
            .arg(claviger());
        command
    }

    /// Where its agent listens.
    pub(crate) fn socket(&self) -> PathBuf {
        self.dir.join("run/agent")
    }

    /// What its agent writes to standard error.
    pub(crate) fn log(&self) -> PathBuf {
        self.dir.join("log")
    }

    /// Loads key files into the `ssh-agent` of this home, answering for their passphrases.
    pub(crate) fn ssh_add(&self, keys: &[keys::Key]) -> Result<()> {
        let mut command = self.command("ssh-add");
        command
            .env("SSH_AUTH_SOCK", self.socket())
            .env("SSH_ASKPASS", self.askpass()?)
            .env("SSH_ASKPASS_REQUIRE", "force")
            .arg("-q")
            .args(keys.iter().map(|key| &key.path))
            .stderr(Stdio::null());
        let status = command.status().map_err(|error| format!("ssh-add: {error}"))?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("ssh-add ended with {status}").into())
        }
    }

    fn askpass(&self) -> Result<PathBuf> {
        let path = self.dir.join("askpass");
        if !path.exists() {
            fs::write(&path, format!("#!/bin/sh\necho '{}'\n", keys::PASSPHRASE))?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o700))?;
        }
        Ok(path)
    }
}

/// The program that was built for this run.
pub(crate) fn claviger() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_claviger"))
}
