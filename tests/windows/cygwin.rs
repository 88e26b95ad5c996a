//! claviger.exe as the agent of Cygwin's ssh: found by the socket's file, whether the command line or the configuration
//! names it, and gone with it.

use super::support::claviger;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The agent, killed at the end.
struct Agent(Child);

impl Agent {
    fn start(command: &mut Command) -> Self {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut agent = Self(child.unwrap());
        let mut line = String::new();
        let mut said = BufReader::new(agent.0.stdout.take().unwrap());
        // What is announced is served.
        said.read_line(&mut line).unwrap();
        assert!(line.contains("SSH_AUTH_SOCK"), "{line}");
        agent
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A home, and a pipe's name that nobody else has.
fn home() -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::Builder::new()
        .prefix("Größe mit Platz ")
        .tempdir()
        .unwrap();
    let name = home.path().file_name().unwrap().to_str().unwrap();
    let name = name.replace([' ', 'ö', 'ß'], "");
    let pipe = PathBuf::from(format!(r"\\.\pipe\claviger-test.{name}"));
    (home, pipe)
}

/// What Cygwin's connect(2) does, and then one question, as ssh asks it.
fn asked(file: &Path, question: &[u8]) -> Vec<u8> {
    let text = std::fs::read_to_string(file).unwrap();
    let (port, secret) = text
        .trim_end_matches('\0')
        .strip_prefix("!<socket >")
        .unwrap()
        .split_once(" s ")
        .unwrap();
    let secret: Vec<u8> = secret
        .split('-')
        .flat_map(|number| u32::from_str_radix(number, 16).unwrap().to_le_bytes())
        .collect();
    let mut stream = TcpStream::connect(("127.0.0.1", port.parse::<u16>().unwrap())).unwrap();
    stream.write_all(&secret).unwrap();
    stream.read_exact(&mut [0; 16]).unwrap();
    stream.write_all(&[1; 12]).unwrap();
    stream.read_exact(&mut [0; 12]).unwrap();
    let length = u32::try_from(question.len()).unwrap().to_be_bytes();
    stream.write_all(&[&length, question].concat()).unwrap();
    let mut length = [0; 4];
    stream.read_exact(&mut length).unwrap();
    let mut answer = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut answer).unwrap();
    answer
}

#[test]
fn the_command_line_and_the_configuration_name_the_sockets_file() {
    let (home, pipe) = home();
    let (given, configured) = (
        home.path().join("given.sock"),
        home.path().join("configured.sock"),
    );
    let text = "[windows]\ncygwin_socket = \"~/configured.sock\"\n";
    std::fs::write(home.path().join("config.toml"), text).unwrap();
    let mut command = claviger(home.path(), &pipe);
    {
        let _agent = Agent::start(command.args(["agent", "-D", "--cygwin-socket"]).arg(&given));
        assert_eq!(asked(&given, &[11]), [12, 0, 0, 0, 0]);
        assert!(!configured.exists(), "the command line goes before");
    }
    // That agent was killed, so its file is still there.
    assert!(given.exists());
    let _agent = Agent::start(claviger(home.path(), &pipe).args(["agent", "-D"]));
    assert_eq!(asked(&configured, &[11]), [12, 0, 0, 0, 0]);

    let other = pipe.with_file_name(format!("claviger-test.other.{}", std::process::id()));
    let refused = claviger(home.path(), &other)
        .args(["agent", "-D"])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(
        !refused.status.success() && told.contains("already served by claviger.exe (pid "),
        "{told}"
    );
    let notes = home.path().join("notes");
    std::fs::write(&notes, "mine").unwrap();
    let refused = claviger(home.path(), &other)
        .args(["agent", "-D", "--cygwin-socket"])
        .arg(&notes)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(
        !refused.status.success() && told.contains("is not a socket"),
        "{told}"
    );
    assert_eq!(std::fs::read_to_string(&notes).unwrap(), "mine");
}

#[test]
fn an_agent_around_a_command_takes_its_file_along() {
    let (home, pipe) = home();
    let file = home.path().join("socket");
    let output = claviger(home.path(), &pipe)
        .args(["agent", "--cygwin-socket"])
        .arg(&file)
        .args(["cmd.exe", "/c", "dir", "/b", "/as"])
        .arg(home.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("socket"), "{output:?}");
    assert!(!file.exists());
}
