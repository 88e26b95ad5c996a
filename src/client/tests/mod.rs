//! The room's tests: tables of command lines, and real ssh processes that wait before they connect.

mod arguments;
mod configuration;
mod processes;
mod scan;

use super::tokens::Local;
use super::{Asked, Clients, Named};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// For a host that is never reached.
const PROXY: &str = "-oProxyCommand=sh proxy";

fn words(text: &str) -> Vec<OsString> {
    shlex::split(text)
        .unwrap()
        .into_iter()
        .map(OsString::from)
        .collect()
}

fn paths(named: &[Named]) -> Vec<&Path> {
    named.iter().map(|named| named.path.as_path()).collect()
}

/// A directory with ssh's configuration and keys.
struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(".ssh")).unwrap();
        let place = Self { dir };
        // Tells that it runs, keeps ssh waiting for a server's first word, and ends with it.
        place.write("proxy", "echo >\"$TOLD\"\ncat >/dev/null\nexit\n");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file; `@/` in `text` is this directory.
    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(
            &path,
            text.replace("@/", &format!("{}/", self.dir.path().display())),
        )
        .unwrap();
        path
    }

    fn key(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        let mut keygen = Command::new("ssh-keygen");
        keygen.args([
            "-q",
            "-t",
            "ed25519",
            "-N",
            "secret",
            "-Z",
            "aes256-ctr",
            "-a",
            "1",
            "-f",
        ]);
        assert!(keygen.arg(&path).status().unwrap().success());
        path
    }

    fn local(&self) -> Local {
        Local {
            home: self.dir.path().to_owned(),
            user: Some("me".into()),
            uid: 1000,
            host: "box".into(),
        }
    }

    /// As the agent is, but that its user's home is this directory.
    fn clients(&self) -> Clients {
        Clients::with("ssh".into(), Some(self.local()))
    }

    /// A real ssh with these arguments, in this directory, that has read its configuration and waits for a server.
    fn ssh(&self, arguments: &str) -> Ssh {
        let mut command = Command::new("ssh");
        self.started(command.arg(PROXY).args(words(arguments)))
    }

    /// Starts it, and waits for its proxy.
    fn started(&self, command: &mut Command) -> Ssh {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let told = self.path(&format!("told{}", COUNT.fetch_add(1, Ordering::Relaxed)));
        if command.get_envs().all(|(name, _)| name != "KEYS") {
            command.env("KEYS", self.dir.path());
        }
        command.env("TOLD", &told).current_dir(self.dir.path());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let ssh = Ssh(command.spawn().unwrap());
        let limit = Instant::now() + Duration::from_secs(20);
        while !told.exists() {
            assert!(Instant::now() < limit, "{command:?} did not get to its proxy");
            std::thread::yield_now();
        }
        ssh
    }

    /// As [`Place::asked`], of a command line that ssh itself would end at.
    async fn typed(&self, arguments: &str) -> Arc<Asked> {
        self.clients().typed(&words(arguments), self.path("")).await
    }

    async fn asked(&self, arguments: &str) -> Arc<Asked> {
        let ssh = self.ssh(arguments);
        self.clients().asked(Some(ssh.0.id())).await
    }
}

/// Ended when dropped.
struct Ssh(Child);

impl Drop for Ssh {
    fn drop(&mut self) {
        // Fails only for one that has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
