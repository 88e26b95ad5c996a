//! Console events as the signals that they stand for.

use crate::process::End;
use std::io;
use tokio::signal::windows::{
    CtrlBreak, CtrlC, CtrlClose, CtrlLogoff, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close, ctrl_logoff,
    ctrl_shutdown,
};
use windows_sys::Win32::System::Threading::{
    GetCurrentThread, SetThreadPriority, THREAD_PRIORITY_BELOW_NORMAL,
};

/// The events that ask this process to end. Caught from the moment of [`Termination::catch`] on, so that none is lost
/// between the start and the wait.
pub struct Termination {
    keys: (CtrlC, CtrlBreak),
    gone: (CtrlClose, CtrlLogoff),
    shutdown: CtrlShutdown,
}

impl Termination {
    /// Starts catching them. Needs a tokio runtime.
    ///
    /// # Errors
    /// The OS's, if a handler cannot be installed.
    pub fn catch() -> io::Result<Self> {
        Ok(Self {
            keys: (ctrl_c()?, ctrl_break()?),
            gone: (ctrl_close()?, ctrl_logoff()?),
            shutdown: ctrl_shutdown()?,
        })
    }

    /// Waits for one of them.
    pub async fn wait(&mut self) -> End {
        tokio::select! {
            _ = self.shutdown.recv() => End::Terminate,
            _ = self.keys.0.recv() => End::Interrupt,
            _ = self.keys.1.recv() => End::Interrupt,
            _ = self.gone.0.recv() => End::HangUp,
            _ = self.gone.1.recv() => End::HangUp,
        }
    }
}

/// SIGUSR1, which nobody can send here.
pub struct UserSignal;

impl UserSignal {
    /// Never fails.
    ///
    /// # Errors
    /// None here.
    pub fn catch() -> io::Result<Self> {
        Ok(Self)
    }

    /// Never comes.
    pub async fn wait(&mut self) {
        std::future::pending().await
    }
}

/// Puts the calling thread behind those that answer clients: key derivations and RSA must not delay short requests.
/// A refusal changes nothing but fairness, so it is not reported.
pub fn lower_priority() {
    // SAFETY: a constant that stands for this thread, and a number.
    unsafe { SetThreadPriority(GetCurrentThread(), THREAD_PRIORITY_BELOW_NORMAL) };
}
