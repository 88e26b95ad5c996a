//! A temporary home with a space, a quote and a letter outside of ASCII, and the real program in it.
use crate::ran::{Ran, bare};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

pub(crate) const KEY: &str = "correct horse";
pub(crate) const MASTER: &str = "battery staple é";

pub(crate) struct Home {
    pub(crate) dir: tempfile::TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("Zoë's home ").tempdir().unwrap();
        let home = Self { dir };
        fs::create_dir(home.path(".ssh")).unwrap();
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.path("config/config.toml")
    }

    pub(crate) fn configure(&self, text: impl AsRef<[u8]>) {
        fs::create_dir_all(self.path("config")).unwrap();
        fs::write(self.config(), text).unwrap();
    }

    /// No session bus, no askpass, no terminal (a session of its own), and both passphrases waiting at descriptors
    /// 3 and 4.
    pub(crate) fn command(&self, args: &[&str], key: &str, master: &str) -> Command {
        fs::write(self.path("key-passphrase"), format!("{key}\n")).unwrap();
        fs::write(self.path("master-passphrase"), format!("{master}\n")).unwrap();
        let mut command = bare("setsid", self.dir.path());
        command
            .args([
                "-w",
                "sh",
                "-c",
                "exec \"$@\" 3<key-passphrase 4<master-passphrase",
                "sh",
            ])
            .arg(env!("CARGO_BIN_EXE_claviger"))
            .args(args)
            .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/dev/null")
            .env("CLAVIGER_CONFIG", self.config())
            .env("CLAVIGER_STATE_DIR", self.path("state"))
            .env("CLAVIGER_DATA_DIR", self.path("data"))
            .env("CLAVIGER_SOCKET", self.path("run/agent.sock"));
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.command(args, KEY, MASTER).output().unwrap().into()
    }

    pub(crate) fn add(&self, files: &[&str]) -> Ran {
        self.run(
            &[
                &["add", "--passphrase-fd", "3", "--vault-passphrase-fd", "4"],
                files,
            ]
            .concat(),
        )
    }

    pub(crate) fn keygen(&self, file: &str, passphrase: &str) -> PathBuf {
        let path = self.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let made = Command::new("ssh-keygen")
            .args([
                "-q", "-t", "ed25519", "-a", "1", "-C", file, "-N", passphrase, "-f",
            ])
            .arg(&path)
            .status();
        assert!(made.unwrap().success());
        path
    }

    pub(crate) fn vault(&self) -> PathBuf {
        self.path("data/vault.kdbx")
    }
}

impl Ran {
    #[track_caller]
    pub(crate) fn done(self) -> Self {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "stdout: {}", self.out);
        self
    }

    #[track_caller]
    pub(crate) fn failed(self, names: &[&str]) -> Self {
        assert_eq!(self.code, 1, "stdout: {}\nstderr: {}", self.out, self.err);
        for name in names {
            assert!(self.err.contains(name), "{name:?} is not in: {}", self.err);
        }
        assert!(self.err.starts_with("claviger: "), "{}", self.err);
        self
    }
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Starts it and kills it after a while: no event tells the moment between two writes, so many moments are tried.
pub(crate) fn killed_after(mut command: Command, time: Duration) {
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(time);
    child.kill().unwrap();
    child.wait().unwrap();
}
