//! Questions to the person: askpass under OpenSSH's rules, pinentry, or the terminal.
use crate::harden::LockedBytes;
use std::path::PathBuf;

/// How this process may ask; fixed at start from the environment.
pub struct Means {
    /// Path of this very program, for the pinentry helper.
    pub helper: Option<PathBuf>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PromptError {
    /// No way to ask here; the text says what would make one.
    #[error("{0}")]
    Unavailable(String),
    /// The person said no, or closed the question.
    #[error("cancelled")]
    Cancelled,
    /// Nobody answered in time.
    #[error("nobody answered within {0} s")]
    TimedOut(u64),
    /// The prompting program failed.
    #[error("{0}")]
    Failed(String),
}

impl Means {
    /// SSH_ASKPASS, SSH_ASKPASS_REQUIRE, DISPLAY, WAYLAND_DISPLAY, and whether there is a terminal.
    pub fn from_environment() -> Self {
        todo!()
    }
    /// Forbids the terminal (a daemon has none).
    pub fn without_terminal(self) -> Self {
        self
    }
    /// Asks for a secret. One question at a time over the whole process; others wait their turn.
    pub async fn passphrase(&self, question: &str) -> Result<LockedBytes, PromptError> {
        let _ = question;
        todo!()
    }
    /// Asks the terminal for one of `choices` (single letters); `None` when there is no terminal to ask.
    pub async fn choose(&self, question: &str, choices: &[char]) -> Option<char> {
        let _ = (question, choices);
        todo!()
    }
    /// Whether a question would go to the terminal.
    pub fn has_terminal(&self) -> bool {
        todo!()
    }
    /// One word or sentence for `claviger status`: "terminal", "askpass /path", "pinentry", "none: reason".
    pub fn describe(&self) -> String {
        todo!()
    }
}
