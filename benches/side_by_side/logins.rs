//! Whole logins by the real ssh at a real sshd: what finding out about the client adds to what a person waits for.

use crate::agents::{Program, wait};
use crate::cases::Row;
use crate::home::{Home, Room};
use crate::measure::{Figures, Plan, Who};
use crate::{Result, keys};
use std::collections::BTreeMap;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// Where a distribution has it; sshd insists on an absolute path.
const SSHD: [&str; 3] = ["/usr/sbin/sshd", "/usr/bin/sshd", "/usr/local/sbin/sshd"];

/// A login with each agent in turn: with agents that were started for it, and with agents that have run for a while.
pub(crate) fn measure(room: &Room, plan: Plan) -> Result<Vec<Row>> {
    let homes = [(Who::Claviger, room.home()?), (Who::SshAgent, room.home()?)];
    let keys = keys::ed25519(&homes[0].1.keys(), 1)?;
    keys::ed25519(&homes[1].1.keys(), 1)?;
    let server = Sshd::start(&room.home()?, &keys[0])?;
    let (mut first, mut later) = (BTreeMap::new(), BTreeMap::new());
    for _ in 0..plan.restarts {
        for (who, home) in &homes {
            let program = match who {
                Who::Claviger => Program::Claviger,
                _ => Program::SshAgent,
            };
            let agent = home.start(program, &keys)?;
            for figures in [&mut first, &mut later] {
                let start = Instant::now();
                server.login(home, agent.socket())?;
                let figures: &mut Figures = figures.entry(*who).or_default();
                figures.add(&[start.elapsed()]);
            }
        }
    }
    let row = |what: &str, figures| Row {
        what: what.into(),
        figures,
    };
    Ok(vec![
        row("ssh login, first after the agent's start", first),
        row("ssh login, later", later),
    ])
}

/// A server on this machine; ended on drop.
struct Sshd {
    child: Child,
    config: String,
}

impl Sshd {
    fn start(home: &Home, key: &keys::Key) -> Result<Self> {
        let path = SSHD.iter().find(|path| Path::new(path).exists());
        let path = path.ok_or("sshd is not installed; install the OpenSSH server")?;
        // Its own, where it is root; a system that starts sshd makes it at boot.
        let _ = fs::create_dir_all("/run/sshd");
        let host_key = &keys::ed25519(&home.path("host"), 1)?[0];
        fs::write(home.path("authorized_keys"), line(&key.path)?)?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let server = home.path("sshd_config");
        fs::write(
            &server,
            format!(
                "ListenAddress 127.0.0.1:{port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\nStrictModes no\n\
                 PermitRootLogin yes\nPasswordAuthentication no\n",
                host_key.path.display(),
                home.path("authorized_keys").display()
            ),
        )?;
        fs::write(
            home.path("known_hosts"),
            format!("[127.0.0.1]:{port} {}", line(&host_key.path)?),
        )?;
        let config = home.path("ssh_config");
        let known = home.path("known_hosts");
        fs::write(
            &config,
            format!(
                "Host other*\n  User nobody\nHost bench\n  HostName 127.0.0.1\n  Port {port}\n  UserKnownHostsFile {}\n  \
                 IdentityFile none\n  BatchMode yes\n",
                known.display()
            ),
        )?;
        let mut command = Command::new(path);
        command.args(["-D", "-f"]).arg(&server).stdin(Stdio::null());
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let sshd = Self {
            child,
            config: config.to_string_lossy().into_owned(),
        };
        wait(Path::new("sshd"), || {
            Ok(TcpStream::connect(("127.0.0.1", port)).is_ok())
        })?;
        Ok(sshd)
    }

    fn login(&self, home: &Home, socket: &Path) -> Result<()> {
        let mut ssh = home.command("ssh");
        ssh.env("SSH_AUTH_SOCK", socket)
            .args(["-F", &self.config, "bench", "true"]);
        let ran = ssh.stderr(Stdio::piped()).output()?;
        match ran.status.success() {
            true => Ok(()),
            false => Err(format!("ssh: {}", String::from_utf8_lossy(&ran.stderr)).into()),
        }
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The public half of a key file, as a line.
fn line(path: &Path) -> Result<String> {
    let output = Command::new("ssh-keygen").arg("-yf").arg(path).output()?;
    Ok(String::from_utf8(output.stdout)?)
}
