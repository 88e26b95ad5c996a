//! Opening a sealed key: once for all who wait, by reading its file with a passphrase, or out of the shield.

use super::cell::{Outcome, Ticket, Turn};
use super::discover::MAX_KEY_FILE;
use super::held::{Held, KeyFile, Openers, Origin};
use crate::key::{self, KeyError, OpenKey};
use crate::secret::Secret;
use crate::unlock::{UnlockError, Wanted};
use claviger_platform::{files, harden};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// Why a key could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file cannot be read any more.
    #[error(transparent)]
    File(#[from] files::FileError),
    /// The file is damaged, or in a form that cannot be opened.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// No source had its passphrase.
    #[error(transparent)]
    Unlock(#[from] UnlockError),
    /// The file now holds another key than the one that was listed.
    #[error("{} now holds another key", .0.display())]
    Changed(PathBuf),
    /// Everything was sealed while it was being opened.
    #[error("sealed while it was being opened")]
    Sealed,
    /// The agent is locked.
    #[error("the agent is locked; ssh-add -X unlocks it")]
    Locked,
    /// A key that a client added has no passphrase.
    #[error("it was added by a client, so no passphrase opens it")]
    NoPassphrase,
    /// A token signs by itself.
    #[error("it is in a token, which signs by itself; there is nothing to open")]
    InToken,
    /// The opening task died.
    #[error("opening the key failed unexpectedly")]
    Died,
}

impl Held {
    /// Opens it with `passphrase` (from a client of ours).
    ///
    /// # Errors
    /// [`KeyError::WrongPassphrase`] inside [`OpenError::Key`], or what is wrong with the file; [`OpenError::Sealed`] if
    /// everything was sealed meanwhile.
    pub(super) async fn open_with(&self, passphrase: Secret, now: Instant) -> Result<(), OpenError> {
        let Origin::File(file) = &self.origin else {
            return Err(OpenError::NoPassphrase);
        };
        let since = self.cell.sealings();
        let (bytes, limits) = (file.read()?, file.limits);
        let key = blocking(move || key::open(&limits, &bytes, Some(&passphrase))).await??;
        match self.cell.put(self.checked(key)?, now, since) {
            true => Ok(()),
            false => Err(OpenError::Sealed),
        }
    }

    /// Opens it, or waits for the opening that is under way.
    pub(super) async fn open(self: &Arc<Self>, openers: Openers, now: Instant) -> Outcome {
        let mut outcome = match self.cell.turn(now) {
            Turn::Open(key) => return Ok(key),
            Turn::Wait(outcome) => outcome,
            Turn::Begin(ticket, outcome) => {
                tokio::spawn(self.clone().run_opening(ticket, openers, now));
                outcome
            }
        };
        let result = match outcome.wait_for(Option::is_some).await {
            Ok(result) => result.clone(),
            Err(_) => None,
        };
        result.unwrap_or_else(|| Err(Arc::new(OpenError::Died)))
    }

    /// Opens once for all who wait, and gives up (prompt and all) when the last of them has gone.
    async fn run_opening(self: Arc<Self>, ticket: Ticket, openers: Openers, started: Instant) {
        let opened = tokio::select! {
            opened = self.unseal(&openers) => opened.map_err(Arc::new),
            () = ticket.closed() => Err(Arc::new(OpenError::Sealed)),
        };
        if let Err(error) = &opened {
            tracing::warn!(key = %self.public.fingerprint, name = %self.name(), "not opened: {error}");
        }
        let outcome = self.cell.finish(&ticket, opened, started);
        ticket.send_replace(Some(outcome));
    }

    async fn unseal(&self, openers: &Openers) -> Result<Arc<OpenKey>, OpenError> {
        match &self.origin {
            Origin::File(file) if file.protected => self.unlock(file, openers).await,
            Origin::File(file) => {
                let (bytes, limits) = (file.read()?, file.limits);
                self.checked(blocking(move || key::open(&limits, &bytes, None)).await??)
            }
            Origin::Database(key) => {
                let databases = openers.unlocker.databases();
                let opened = databases
                    .open_key(&key.path, &key.entry, &self.public.blob)
                    .await?;
                self.checked(opened)
            }
            Origin::Token(_) => Err(OpenError::InToken),
            Origin::Added(fields) => {
                let fields = fields.open(&openers.shield).ok_or(OpenError::Locked)?;
                self.checked(blocking(move || key::reopen(&fields)).await??)
            }
        }
    }

    async fn unlock(&self, file: &KeyFile, openers: &Openers) -> Result<Arc<OpenKey>, OpenError> {
        let (bytes, limits) = (file.read()?, file.limits);
        let attempt = move |passphrase: &[u8]| key::open(&limits, &bytes, Some(passphrase));
        let wanted = Wanted {
            fingerprint: self.public.fingerprint.clone(),
            path: file.path.clone(),
            comment: String::from_utf8_lossy(&self.comment).into_owned(),
        };
        let (key, source) = openers.unlocker.unlock(&wanted, attempt).await?;
        tracing::info!(key = %self.public.fingerprint, path = %file.path.display(), source, "opened");
        self.checked(key)
    }

    /// A file may have been replaced since it was listed; another key must not sign under this one's name.
    fn checked(&self, key: OpenKey) -> Result<Arc<OpenKey>, OpenError> {
        if key.public().blob != self.public.blob {
            return Err(OpenError::Changed(PathBuf::from(self.name())));
        }
        Ok(Arc::new(key))
    }
}

impl KeyFile {
    fn read(&self) -> Result<key::FileBytes, OpenError> {
        Ok(files::read_private(&self.path, MAX_KEY_FILE)?)
    }
}

/// Runs what handles a private key on a blocking thread, and wipes what it left on that thread's stack.
async fn blocking<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> Result<T, OpenError> {
    let work = tokio::task::spawn_blocking(move || harden::scrubbed(job));
    work.await.map_err(|_| OpenError::Died)
}
