//! Other agents: OpenSSH's own, and one made up in the test that says what it is told to say.

use super::client::string;
use super::{Home, LIMIT, succeed, wait_until};
use std::fs::DirBuilder;
use std::io::{Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

/// A running `ssh-agent` of OpenSSH; ends with this value.
pub(crate) struct OpenSsh {
    child: Child,
    socket: PathBuf,
}

impl OpenSsh {
    /// Starts it at this name in the home.
    pub(crate) fn start(home: &Home, name: &str) -> Self {
        let socket = home.path(name);
        let mut command = home.command("ssh-agent");
        command.arg("-D").arg("-a").arg(&socket).stdout(Stdio::null());
        let child = command.spawn().expect("ssh-agent");
        wait_until("ssh-agent listens", || UnixStream::connect(&socket).is_ok());
        Self { child, socket }
    }

    /// Where it listens.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// `ssh-add ARGS`, at this agent.
    pub(crate) fn ssh_add(&self, home: &Home, args: &[&str]) -> Command {
        let mut command = home.command("ssh-add");
        command.args(args).env("SSH_AUTH_SOCK", &self.socket);
        command
    }
}

impl Drop for OpenSsh {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A running gpg-agent with one Ed25519 key for logins; ends with this value.
pub(crate) struct Gpg<'a> {
    home: &'a Home,
    /// Where it listens for ssh.
    pub(crate) socket: PathBuf,
    /// The line for authorized_keys.
    pub(crate) public_line: String,
}

impl<'a> Gpg<'a> {
    /// Makes the key and starts the agent, in a folder of the home.
    pub(crate) fn start(home: &'a Home) -> Self {
        let folder = home.path("gnupg");
        DirBuilder::new()
            .mode(0o700)
            .create(&folder)
            .expect("a directory");
        // It would look for a card reader of whoever runs the tests.
        std::fs::write(folder.join("gpg-agent.conf"), "disable-scdaemon\n").expect("its configuration");
        let run = |program: &str, args: &[&str]| {
            let mut command = home.command(program);
            succeed(command.args(args).env("GNUPGHOME", &folder))
        };
        let quiet = [
            "--batch",
            "--quiet",
            "--pinentry-mode",
            "loopback",
            "--passphrase",
            "",
        ];
        let make = ["--quick-gen-key", "token@test", "ed25519", "cert,auth", "never"];
        run("gpg", &[&quiet[..], &make].concat());
        let keys = run(
            "gpg",
            &["--batch", "--quiet", "--with-colons", "--with-keygrip", "-K"],
        );
        let grip = keys.lines().find_map(|line| line.strip_prefix("grp:::::::::"));
        let grip = grip.expect("a keygrip").trim_end_matches(':');
        std::fs::write(folder.join("sshcontrol"), format!("{grip}\n")).expect("the list of keys for ssh");
        // gpg started one that knows nothing of ssh.
        run("gpgconf", &["--kill", "gpg-agent"]);
        run(
            "gpg-agent",
            &["--daemon", "--quiet", "--enable-ssh-support", "true"],
        );
        let socket = PathBuf::from(run("gpgconf", &["--list-dirs", "agent-ssh-socket"]).trim());
        let mut ssh_add = home.command("ssh-add");
        let public_line = succeed(ssh_add.arg("-L").env("SSH_AUTH_SOCK", &socket));
        Self {
            home,
            socket,
            public_line,
        }
    }
}

impl Drop for Gpg<'_> {
    fn drop(&mut self) {
        let mut command = self.home.command("gpgconf");
        command
            .args(["--kill", "gpg-agent"])
            .env("GNUPGHOME", self.home.path("gnupg"));
        let _ = command.status();
    }
}

/// What a made-up agent does with a request.
pub(crate) enum Reply {
    /// Sends these bytes, with or without a length in front as it pleases.
    Bytes(Vec<u8>),
    /// Sends these bytes and closes the connection.
    Last(Vec<u8>),
}

/// A frame with this body.
pub(crate) fn reply(body: &[u8]) -> Reply {
    Reply::Bytes(string(body))
}

/// The answer to a list: (blob, comment) pairs.
pub(crate) fn identities(keys: &[(&[u8], &[u8])]) -> Vec<u8> {
    let count = u32::try_from(keys.len()).expect("a count");
    let mut body = [&[12][..], &count.to_be_bytes()].concat();
    for (blob, comment) in keys {
        body.extend(string(blob));
        body.extend(string(comment));
    }
    body
}

/// An agent that exists only here: a thread for each connection.
pub(crate) struct MadeUp {
    /// The requests' bodies, by connection.
    heard: Arc<Mutex<Vec<Vec<Vec<u8>>>>>,
}

impl MadeUp {
    /// Listens at this name in the home, until the test ends.
    pub(crate) fn start(
        home: &Home,
        name: &str,
        answer: impl Fn(&[u8]) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = UnixListener::bind(home.path(name)).expect("a socket");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let answer = Arc::new(answer);
        let noted = heard.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let number = {
                    let mut heard: std::sync::MutexGuard<'_, Vec<_>> = noted.lock().expect("the notes");
                    heard.push(Vec::new());
                    heard.len() - 1
                };
                let (noted, answer) = (noted.clone(), answer.clone());
                std::thread::spawn(move || {
                    converse(stream, &*answer, |request| {
                        noted.lock().expect("the notes")[number].push(request);
                    });
                });
            }
        });
        Self { heard }
    }

    /// What each connection asked so far, in order.
    pub(crate) fn heard(&self) -> Vec<Vec<Vec<u8>>> {
        self.heard.lock().expect("the notes").clone()
    }
}

fn converse(mut stream: UnixStream, answer: impl Fn(&[u8]) -> Reply, note: impl Fn(Vec<u8>)) {
    stream.set_read_timeout(Some(LIMIT)).expect("a time limit");
    let mut length = [0; 4];
    while stream.read_exact(&mut length).is_ok() {
        let mut body = vec![0; u32::from_be_bytes(length) as usize];
        if stream.read_exact(&mut body).is_err() {
            return;
        }
        let reply = answer(&body);
        note(body);
        let written = match reply {
            Reply::Bytes(bytes) => stream.write_all(&bytes),
            Reply::Last(bytes) => {
                let _ = stream.write_all(&bytes);
                return;
            }
        };
        if written.is_err() {
            return;
        }
    }
}
