//! Starts the agents and ends them.

use crate::home::{Home, claviger};
use crate::wire::{self, Client};
use crate::{Result, keys};
use std::fs::{self, File};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);
/// Short against a start (1-4 ms), long enough to leave the CPU to the process that is awaited.
const PAUSE: Duration = Duration::from_micros(50);

/// Which agent is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Program {
    /// The one built from this tree.
    Claviger,
    /// OpenSSH's, from PATH.
    SshAgent,
}

impl Home {
    /// Starts `program` without waiting: claviger on the keys of this home, `ssh-agent` empty.
    pub(crate) fn spawn(&self, program: Program) -> Result<Agent> {
        let mut command = match program {
            Program::Claviger => self.command(claviger()),
            Program::SshAgent => self.command("ssh-agent"),
        };
        if program == Program::Claviger {
            command.arg("agent");
        }
        command.args(["-D", "-a"]).arg(self.socket());
        self.spawn_command(command)
    }

    /// Starts an agent by a command of the caller's.
    pub(crate) fn spawn_command(&self, mut command: Command) -> Result<Agent> {
        // A socket of an agent that was killed: ssh-agent would refuse to start.
        let _ = fs::remove_file(self.socket());
        let log = self.log();
        let child = command
            .stderr(File::create(&log)?)
            .spawn()
            .map_err(|error| format!("{command:?}: {error}"))?;
        Ok(Agent {
            child,
            socket: self.socket(),
            log,
        })
    }

    /// Starts `program` with all keys of this home and waits until it lists them.
    pub(crate) fn start(&self, program: Program, keys: &[keys::Key]) -> Result<Agent> {
        let mut agent = self.spawn(program)?;
        agent.listening()?;
        if program == Program::SshAgent && !keys.is_empty() {
            self.ssh_add(keys)?;
        }
        agent.listing(keys.len())?;
        Ok(agent)
    }
}

/// A running agent; ended on drop.
pub(crate) struct Agent {
    child: Child,
    socket: PathBuf,
    log: PathBuf,
}

impl Agent {
    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where it listens.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// A connection to it.
    pub(crate) fn connect(&self) -> Result<Client> {
        Client::connect(&self.socket)
    }

    /// Waits until it accepts connections.
    pub(crate) fn listening(&mut self) -> Result<()> {
        let (child, log, socket) = (&mut self.child, &self.log, &self.socket);
        wait(socket, || {
            if let Some(status) = child.try_wait()? {
                let said = fs::read_to_string(log).unwrap_or_default();
                return Err(format!("an agent ended with {status}: {said}").into());
            }
            Ok(UnixStream::connect(socket).is_ok())
        })
    }

    /// Waits until it lists `count` keys.
    pub(crate) fn listing(&mut self, count: usize) -> Result<()> {
        let mut client = self.connect()?;
        wait(&self.socket, || {
            Ok(wire::count(client.call(&wire::LIST)?)? == count)
        })
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // Only an already ended agent can fail here, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks `ready` until it says so; the path names what was awaited when it never does.
pub(crate) fn wait(what: &Path, mut ready: impl FnMut() -> Result<bool>) -> Result<()> {
    let start = Instant::now();
    while !ready()? {
        if start.elapsed() > PATIENCE {
            return Err(format!("{}: not ready after {PATIENCE:?}", what.display()).into());
        }
        std::thread::sleep(PAUSE);
    }
    Ok(())
}
