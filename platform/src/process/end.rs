//! What asks this process to end, under the names that Unix gave it.

/// A signal that asks this process to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// SIGTERM; on Windows the system shuts down.
    Terminate,
    /// SIGINT; on Windows Ctrl+C or Ctrl+Break.
    Interrupt,
    /// SIGHUP; on Windows the console closes or the person logs off.
    HangUp,
}

impl End {
    /// The signal's number, the same on every system.
    pub fn number(self) -> i32 {
        match self {
            Self::Terminate => 15,
            Self::Interrupt => 2,
            Self::HangUp => 1,
        }
    }
}
