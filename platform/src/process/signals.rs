//! Signals in and out, and the priority of threads that only compute.

use super::End;
use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that ask this process to end. Caught from the moment of [`Termination::catch`] on, so that none is
/// lost between the start and the wait.
pub struct Termination {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Termination {
    /// Starts catching SIGTERM, SIGINT and SIGHUP. Needs a tokio runtime.
    ///
    /// # Errors
    /// The OS's, if a handler cannot be installed.
    pub fn catch() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for one of them.
    pub async fn wait(&mut self) -> End {
        tokio::select! {
            _ = self.terminate.recv() => End::Terminate,
            _ = self.interrupt.recv() => End::Interrupt,
            _ = self.hang_up.recv() => End::HangUp,
        }
    }
}

/// SIGUSR1, caught from the moment of [`UserSignal::catch`] on.
pub struct UserSignal(Signal);

impl UserSignal {
    /// Starts catching it. Needs a tokio runtime.
    ///
    /// # Errors
    /// The OS's, if the handler cannot be installed.
    pub fn catch() -> io::Result<Self> {
        Ok(Self(signal(SignalKind::user_defined1())?))
    }

    /// Waits for the next one.
    pub async fn wait(&mut self) {
        self.0.recv().await;
    }
}

/// Asks process `pid` to end (SIGTERM).
///
/// # Errors
/// "No such process" or "not permitted", as the OS says.
pub fn terminate(pid: u32) -> io::Result<()> {
    let invalid = || io::Error::from(io::ErrorKind::InvalidInput);
    let pid = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw)
        .ok_or_else(invalid)?;
    Ok(rustix::process::kill_process(pid, rustix::process::Signal::TERM)?)
}

/// Puts the calling thread behind those that answer clients: key derivations and RSA must not delay short requests.
/// A refusal changes nothing but fairness, so it is not reported.
pub fn lower_priority() {
    let _ = rustix::process::setpriority_process(None, 5);
}
