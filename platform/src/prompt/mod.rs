//! Questions to the person: askpass under OpenSSH's rules, pinentry, the terminal, or a dialog of the system's own.
//!
//! `surroundings` decides the order of the ways from facts alone; `askpass`, `pinentry`, `terminal` and `dialog` each
//! know one way. The person sees one question at a time, whoever asks, in the order of asking. Whatever program is needed
//! goes through [`crate::process::run`], and a question whose asker went away is withdrawn: its program is killed,
//! the terminal is left as it was.
mod askpass;
mod confirm;
#[cfg(windows)]
#[path = "windows_dialog.rs"]
mod dialog;
#[cfg(target_os = "macos")]
#[path = "macos_dialog.rs"]
mod dialog;
#[cfg(not(any(windows, target_os = "macos")))]
#[path = "no_dialog.rs"]
mod dialog;
mod notice;
#[cfg(not(windows))]
mod pinentry;
#[cfg(windows)]
#[path = "windows_pinentry.rs"]
mod pinentry;
#[cfg(any(target_os = "macos", test))]
mod standing;
mod surroundings;
#[cfg(not(windows))]
mod terminal;
#[cfg(windows)]
#[path = "windows_terminal.rs"]
mod terminal;

pub use notice::Notice;
pub use pinentry::helper as pinentry_helper;
pub use surroundings::{Require, Surroundings};
pub use terminal::width as terminal_width;

use crate::harden::LockedBytes;
use crate::process::JobError;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use surroundings::Way;
use tokio::sync::{Mutex, MutexGuard};

/// How long a question stands before it is withdrawn.
const LIMIT: Duration = Duration::from_secs(120);

/// The longest passphrase taken, in bytes.
const LONGEST: usize = 4096;

/// How often a new passphrase is asked for until both entries agree.
const ATTEMPTS: usize = 3;

/// One question at a time over the whole process. tokio's mutex serves those who wait in their order.
static ASKING: Mutex<()> = Mutex::const_new(());

/// The right to ask now. Shared, because a terminal that is still being restored after its asker went away must
/// keep the next question waiting.
type Turn = Arc<MutexGuard<'static, ()>>;

/// How this process may ask; fixed at start from the environment.
pub struct Means {
    /// Path of this very program, for the pinentry helper (see [`pinentry_helper`]); without it no pinentry.
    pub helper: Option<PathBuf>,
    surroundings: Surroundings,
    limit: Duration,
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

/// What came of asking in one way.
enum Attempt {
    /// The person was asked: whatever came of it is the answer.
    Asked(Result<LockedBytes, PromptError>),
    /// The person never saw the question; the next way may work.
    NotAsked(String),
}

impl Means {
    /// SSH_ASKPASS, SSH_ASKPASS_REQUIRE, DISPLAY, WAYLAND_DISPLAY, GPG_TTY, and whether there is a terminal.
    pub fn from_environment() -> Self {
        Self::new(Surroundings::from_environment())
    }

    /// The same from facts that are given.
    pub fn new(surroundings: Surroundings) -> Self {
        Self {
            helper: None,
            surroundings,
            limit: LIMIT,
        }
    }

    /// Forbids the terminal (a daemon has none).
    pub fn without_terminal(mut self) -> Self {
        self.surroundings.terminal = false;
        self
    }

    /// Withdraws a question after `limit` instead of two minutes.
    pub fn with_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Asks for a secret. One question at a time over the whole process; others wait their turn.
    pub async fn passphrase(&self, question: &str) -> Result<LockedBytes, PromptError> {
        let turn = Arc::new(ASKING.lock().await);
        self.ask(question, &turn).await
    }

    /// Asks for a new secret with `first`, and again with `again` until both agree, at most three times.
    /// An empty one is refused.
    pub async fn passphrase_twice(&self, first: &str, again: &str) -> Result<LockedBytes, PromptError> {
        let turn = Arc::new(ASKING.lock().await);
        let mut question = first.to_owned();
        for _ in 0..ATTEMPTS {
            let secret = self.ask(&question, &turn).await?;
            if secret.is_empty() {
                question = format!("It must not be empty.\n{first}");
            } else if *self.ask(again, &turn).await? == *secret {
                return Ok(secret);
            } else {
                question = format!("The two entries differ.\n{first}");
            }
        }
        let reason = format!("no two equal entries in {ATTEMPTS} attempts");
        Err(PromptError::Failed(reason))
    }

    /// Asks the terminal for one of `choices` (single letters, either case; three attempts); `None` when there is
    /// no terminal to ask, or no choice was made.
    pub async fn choose(&self, question: &str, choices: &[char]) -> Option<char> {
        if !self.has_terminal() {
            return None;
        }
        let turn = Arc::new(ASKING.lock().await);
        for _ in 0..ATTEMPTS {
            let line = terminal::line(&printable(question), self.limit, &turn)
                .await
                .ok()?;
            let mut letters = line.trim().chars();
            let letter = letters.next()?;
            let chosen = choices.iter().find(|choice| choice.eq_ignore_ascii_case(&letter));
            if letters.next().is_none() && chosen.is_some() {
                return chosen.copied();
            }
        }
        None
    }

    /// Whether a question would go to the terminal.
    pub fn has_terminal(&self) -> bool {
        self.ways().first() == Some(&Way::Terminal) && terminal::usable().is_ok()
    }

    /// One word or sentence for `claviger status`: "terminal", "askpass /path", "pinentry", "none: reason".
    pub fn describe(&self) -> String {
        match self.ways().first() {
            Some(Way::Terminal) => "terminal".to_owned(),
            Some(Way::Askpass(program)) => format!("askpass {}", program.display()),
            Some(Way::Pinentry) => "pinentry".to_owned(),
            Some(Way::Dialog) => "dialog".to_owned(),
            None => format!("none: {}", self.surroundings.why_none()),
        }
    }

    fn ways(&self) -> Vec<Way> {
        let mut ways = self.surroundings.ways();
        if self.helper.is_none() {
            ways.retain(|way| *way != Way::Pinentry);
        }
        ways
    }

    async fn ask(&self, question: &str, turn: &Turn) -> Result<LockedBytes, PromptError> {
        let question = printable(question);
        let mut reasons = Vec::new();
        for way in self.ways() {
            let attempt = match (&way, &self.helper) {
                (Way::Askpass(program), _) => askpass::ask(program, &question, self.limit).await,
                (Way::Terminal, _) => terminal::passphrase(&question, self.limit, turn).await,
                (Way::Pinentry, Some(helper)) => pinentry::ask(helper, &question, self.limit).await,
                (Way::Pinentry, None) => continue,
                (Way::Dialog, _) => dialog::passphrase(&question, self.limit, turn).await,
            };
            match attempt {
                Attempt::Asked(answer) => return answer,
                Attempt::NotAsked(reason) => {
                    tracing::warn!(%reason, "a way to ask for the passphrase does not work");
                    reasons.push(reason);
                }
            }
        }
        if reasons.is_empty() {
            reasons.push(self.surroundings.why_none());
        }
        Err(PromptError::Unavailable(reasons.join("; ")))
    }
}

/// Names in questions come from files and clients: what could steer a terminal is taken out.
fn printable(question: &str) -> String {
    let replace = |letter: char| {
        if letter.is_control() && letter != '\n' {
            '?'
        } else {
            letter
        }
    };
    question.chars().map(replace).collect()
}

/// What a prompting program's failure means: only one that never started leaves the question unasked.
fn unanswered(error: JobError) -> Attempt {
    match error {
        JobError::Start { .. } => Attempt::NotAsked(error.to_string()),
        JobError::TimedOut { limit, .. } => {
            Attempt::Asked(Err(PromptError::TimedOut(limit.as_secs().max(1))))
        }
        other => Attempt::Asked(Err(PromptError::Failed(other.to_string()))),
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_cannot_steer_the_terminal() {
        assert_eq!(printable("key \x1b[2J\r\u{9b}2Ké:\n"), "key ?[2J??2Ké:\n");
    }

    #[test]
    fn status_names_the_first_way() {
        let facts = Surroundings {
            askpass: Some("/opt/ask".into()),
            display: true,
            terminal: true,
            pinentry: true,
            ..Surroundings::default()
        };
        assert_eq!(Means::new(facts.clone()).describe(), "terminal");
        let daemon = Means::new(facts.clone()).without_terminal();
        assert_eq!(daemon.describe(), "askpass /opt/ask");
        let mut without_askpass = Means::new(Surroundings {
            askpass: None,
            ..facts
        })
        .without_terminal();
        assert!(without_askpass.describe().starts_with("none: "));
        without_askpass.helper = Some("/bin/claviger".into());
        assert_eq!(without_askpass.describe(), "pinentry");
    }
}
