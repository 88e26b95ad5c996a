//! OpenSSH's agent, started for a test, and the frames that go to it.

use claviger::wire::string;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A running `ssh-agent`; ends with this value.
pub(crate) struct Agent {
    child: Child,
    socket: PathBuf,
}

impl Agent {
    pub(crate) fn start(home: &Path) -> Self {
        let socket = home.join("agent.sock");
        let mut child = Command::new("ssh-agent")
            .arg("-D")
            .arg("-a")
            .arg(&socket)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("ssh-agent, of the package openssh-client");
        let mut line = String::new();
        let output = child.stdout.as_mut().expect("its output");
        BufReader::new(output)
            .read_line(&mut line)
            .expect("its first line");
        assert!(line.contains("SSH_AUTH_SOCK"), "{line:?}");
        Self { child, socket }
    }

    pub(crate) fn connect(&self) -> Connection {
        Connection(UnixStream::connect(&self.socket).expect("the agent's socket"))
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One client's connection.
pub(crate) struct Connection(UnixStream);

impl Connection {
    /// Sends a message (number and body) and returns the reply's.
    pub(crate) fn ask(&mut self, kind: u8, body: &[u8]) -> Vec<u8> {
        self.0
            .write_all(&string(&[&[kind], body].concat()))
            .expect("a request");
        let mut length = [0; 4];
        self.0.read_exact(&mut length).expect("a length");
        let mut reply = vec![0; u32::from_be_bytes(length).try_into().expect("a size")];
        self.0.read_exact(&mut reply).expect("a reply");
        reply
    }

    /// Whether the reply is a success or an answer, not one of the failures.
    pub(crate) fn does(&mut self, kind: u8, body: &[u8]) -> bool {
        ![5, 28].contains(&self.ask(kind, body)[0])
    }
}

/// Each as an SSH string, one behind the other.
pub(crate) fn strings(contents: &[&[u8]]) -> Vec<u8> {
    contents.iter().flat_map(|content| string(content)).collect()
}
