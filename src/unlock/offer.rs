//! Questions that are asked once only: whether to remember a passphrase.
//!
//! A "no" is noted in a file of fingerprints (and vaults), one a line, so that it holds for good; whoever wants to be
//! asked again deletes the line.

use claviger_platform::files::{self, FileError};
use claviger_platform::prompt::Means;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// More declined offers than keys that anybody has.
const MAX_SIZE: u64 = 1 << 20;
/// Another process writes a few lines.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// The offers of this process.
pub(super) struct Offers {
    declined: PathBuf,
    means: Arc<Means>,
    /// What was asked in this process, whatever the answer.
    asked: Mutex<HashSet<String>>,
}

impl Offers {
    /// Notes go to `state`/declined.
    pub(super) fn new(state: &Path, means: Arc<Means>) -> Self {
        Self {
            declined: state.join("declined"),
            means,
            asked: Mutex::default(),
        }
    }

    /// Whether an offer about `subject` may be made: on a terminal, and not made before.
    pub(super) async fn may_ask(&self, subject: &str) -> bool {
        if !self.means.has_terminal() || self.lock().contains(subject) {
            return false;
        }
        let (file, subject) = (self.declined.clone(), subject.to_owned());
        let seen = tokio::task::spawn_blocking(move || {
            Ok::<_, FileError>(read(&file)?.lines().any(|line| line == subject))
        });
        // A list that cannot be read must not make claviger ask each time.
        matches!(seen.await, Ok(Ok(false)))
    }

    /// Asks; a letter other than 'n' is a yes to that choice. A "no" is noted.
    pub(super) async fn ask(&self, subject: &str, question: &str, choices: &[char]) -> Option<char> {
        self.lock().insert(subject.to_owned());
        let choice = self.means.choose(question, choices).await?;
        if choice != 'n' {
            return Some(choice);
        }
        let (file, line) = (self.declined.clone(), subject.to_owned());
        if let Ok(Err(error)) = tokio::task::spawn_blocking(move || note(&file, &line)).await {
            tracing::warn!(%error, "the answer could not be noted, so it will be asked again");
        }
        None
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(file: &Path) -> Result<String, FileError> {
    match files::read_public(file, MAX_SIZE) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(FileError::Missing { .. }) => Ok(String::new()),
        Err(other) => Err(other),
    }
}

fn note(file: &Path, line: &str) -> Result<(), FileError> {
    if let Some(directory) = file.parent() {
        files::private_dir(directory)?;
    }
    let _lock = files::lock(file, LOCK_WAIT)?;
    let mut lines = read(file)?;
    if !lines.lines().any(|known| known == line) {
        lines.push_str(line);
        lines.push('\n');
        files::write_atomic(file, lines.as_bytes())?;
    }
    Ok(())
}
