//! Systems without a dialog of their own: there askpass and pinentry show them.

use super::{Attempt, PromptError, Turn};
use std::time::Duration;

/// Never.
pub(super) fn shown() -> bool {
    false
}

/// Never asked.
#[expect(clippy::unused_async, reason = "elsewhere it waits")]
pub(super) async fn passphrase(_question: &str, _limit: Duration, _turn: &Turn) -> Attempt {
    Attempt::NotAsked("this system has no dialog".to_owned())
}

/// Never asked.
#[expect(clippy::unused_async, reason = "elsewhere it waits")]
pub(super) async fn confirm(_question: &str, _limit: Duration, _turn: &Turn) -> Result<bool, PromptError> {
    Err(PromptError::Unavailable("this system has no dialog".to_owned()))
}

/// A text on the screen; there is none.
pub(super) enum Notice {}

/// Shows nothing.
pub(super) fn notice(_text: &str) -> Option<Notice> {
    None
}
