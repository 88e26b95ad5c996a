//! What the tests on Windows share: an agent in a home of its own, clients, a key.

use ssh_agent_lib::ssh_key::private::{Ed25519Keypair, Ed25519PrivateKey};
use ssh_agent_lib::ssh_key::public::Ed25519PublicKey;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// ERROR_PIPE_BUSY.
const BUSY: i32 = 231;

/// The agent with a home of its own, at a pipe of its own.
pub(crate) struct Agent {
    pub(crate) home: tempfile::TempDir,
    pub(crate) pipe: PathBuf,
    child: Child,
}

impl Agent {
    pub(crate) fn start() -> Self {
        Self::configured(|_| String::new())
    }

    /// With this configuration, which may name what is in its home.
    pub(crate) fn configured(config: impl FnOnce(&Path) -> String) -> Self {
        let home = home();
        std::fs::write(home.path().join("config.toml"), config(home.path())).unwrap();
        let pipe = home.path().file_name().unwrap().to_str().unwrap();
        let pipe = format!(r"\\.\pipe\claviger-test.{}", pipe.replace([' ', 'ö', 'ß'], ""));
        Self::launch(home, pipe.into(), |_, _| ())
    }

    /// With these variables, which may name what is in its home.
    pub(crate) fn told(variables: impl FnOnce(&mut Command, &Path)) -> Self {
        let pipe = format!(r"\\.\pipe\claviger-test.{}", std::process::id());
        Self::launch(home(), pipe.into(), variables)
    }

    /// At the pipe that `-a` names.
    pub(crate) fn at(pipe: &str) -> Self {
        Self::launch(home(), pipe.into(), |command, _| {
            command.args(["-a", pipe]);
        })
    }

    fn launch(home: tempfile::TempDir, pipe: PathBuf, more: impl FnOnce(&mut Command, &Path)) -> Self {
        let mut command = claviger(home.path(), &pipe);
        command.args(["agent", "-D"]);
        more(&mut command, home.path());
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        // What is announced is served.
        said.read_line(&mut line).unwrap();
        assert!(line.contains("SSH_AUTH_SOCK"), "{line}");
        Self { home, pipe, child }
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        claviger(self.home.path(), &self.pipe)
            .args(args)
            .output()
            .unwrap()
    }

    pub(crate) fn said(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(
            output.status.success(),
            "{args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn home() -> tempfile::TempDir {
    let mut name = tempfile::Builder::new();
    name.prefix("Größe mit Platz ").tempdir().unwrap()
}

pub(crate) fn claviger(home: &Path, pipe: &Path) -> Command {
    called(Path::new(env!("CARGO_BIN_EXE_claviger")), home, pipe)
}

/// The same under another name.
pub(crate) fn called(program: &Path, home: &Path, pipe: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env("USERPROFILE", home)
        .env("CLAVIGER_CONFIG", home.join("config.toml"))
        .env("CLAVIGER_STATE_DIR", home.join("state"))
        .env("CLAVIGER_DATA_DIR", home.join("data"))
        .env("CLAVIGER_SOCKET", pipe)
        .env("SSH_ASKPASS_REQUIRE", "never")
        .env_remove("SSH_AUTH_SOCK");
    command
}

/// The first test key of RFC 8032 (7.1).
pub(crate) fn test_key() -> Ed25519Keypair {
    key_of(
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    )
}

/// The second.
pub(crate) fn other_key() -> Ed25519Keypair {
    key_of(
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    )
}

fn key_of(private: &str, public: &str) -> Ed25519Keypair {
    let bytes = |hex: &str| -> [u8; 32] {
        let pairs = (0..32).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap());
        pairs.collect::<Vec<_>>().try_into().unwrap()
    };
    Ed25519Keypair {
        public: Ed25519PublicKey(bytes(public)),
        private: Ed25519PrivateKey::from_bytes(&bytes(private)),
    }
}

/// A client's end of a pipe.
pub(crate) fn open(pipe: &Path) -> File {
    let mut client = std::fs::OpenOptions::new();
    // All instances may be taken for a moment.
    loop {
        match client.read(true).write(true).open(pipe) {
            Err(error) if error.raw_os_error() == Some(BUSY) => std::thread::yield_now(),
            opened => return opened.unwrap(),
        }
    }
}

/// A client that knows pipes and frames and nothing else.
pub(crate) fn raw(pipe: &Path, body: &[u8]) -> Vec<u8> {
    let mut file = open(pipe);
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    file.write_all(&[&length, body].concat()).unwrap();
    let mut length = [0; 4];
    file.read_exact(&mut length).unwrap();
    let mut answer = vec![0; u32::from_be_bytes(length) as usize];
    file.read_exact(&mut answer).unwrap();
    answer
}

pub(crate) fn encoded(value: &impl ssh_agent_lib::ssh_encoding::Encode) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.encode(&mut bytes).unwrap();
    bytes
}

/// Has the listed key of this comment sign, and verifies what it signed.
pub(crate) fn signs(pipe: &Path, comment: &str) {
    let list = raw(pipe, &[11]);
    let mut rest = &list[5..];
    loop {
        let (blob, behind) = string(rest);
        let (named, behind) = string(behind);
        rest = behind;
        if named != comment.as_bytes() {
            continue;
        }
        let length = u32::try_from(blob.len()).unwrap().to_be_bytes();
        let question = [&[13], &length[..], blob, &[0, 0, 0, 4], b"data", &[0; 4]].concat();
        let answer = raw(pipe, &question);
        assert_eq!(answer[0], 14, "no signature: {answer:?}");
        return claviger::key::verify(blob, b"data", string(&answer[1..]).0).unwrap();
    }
}

/// The string of ssh at the beginning, and what is behind it.
fn string(bytes: &[u8]) -> (&[u8], &[u8]) {
    let length = u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize;
    bytes[4..].split_at(length)
}
