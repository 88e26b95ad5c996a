//! One key: what is known of it in clear, and the cell that says whether it is open.

use super::discover::Found;
use crate::key::{self, CertificateFile, KeyError, OpenKey, PublicHalf};
use crate::unlock::{UnlockError, Unlocker, Wanted};
use crate::wire::report::KeyReport;
use claviger_platform::{files, harden};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::watch;

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
    /// The opening task died.
    #[error("opening the key failed unexpectedly")]
    Died,
}

/// One key's facts; replaced at a re-scan, while the cell stays.
pub struct Held {
    /// The public half.
    pub public: PublicHalf,
    /// The certificate beside it.
    pub certificate: Option<CertificateFile>,
    /// Its file.
    pub path: PathBuf,
    /// Comment as listed; any bytes but NUL.
    pub comment: Vec<u8>,
    /// Whether a passphrase protects the file.
    pub protected: bool,
    /// Name of the file's format.
    pub format: &'static str,
    pub(super) cell: Arc<Cell>,
}

/// What all who wait for an opening get.
type Outcome = Result<Arc<OpenKey>, Arc<OpenError>>;

/// Whether a key is open. The lock is held for moments only, never across a wait.
#[derive(Default)]
pub(super) struct Cell {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    phase: Phase,
    last_used: Option<SystemTime>,
}

#[derive(Default)]
enum Phase {
    #[default]
    Sealed,
    /// One task opens it; everybody else subscribes. The task ends early when nobody waits any more.
    Opening(Arc<watch::Sender<Option<Outcome>>>),
    Open {
        key: Arc<OpenKey>,
        used: Instant,
    },
}

impl Held {
    pub(super) fn new(found: Found, known: Option<&Self>) -> Self {
        let Found {
            path,
            inspected,
            certificate,
        } = found;
        let comment = match inspected.comment {
            empty if empty.is_empty() => path.as_os_str().as_encoded_bytes().to_vec(),
            comment => comment,
        };
        Self {
            public: inspected.public,
            certificate,
            path,
            comment,
            protected: inspected.encrypted,
            format: inspected.format,
            cell: known.map(|held| held.cell.clone()).unwrap_or_default(),
        }
    }

    /// The (blob, comment) pairs that a list shows: the key, then its certificate, as `ssh-add` adds them.
    pub fn identities(&self) -> impl Iterator<Item = (&[u8], &[u8])> + Clone {
        let plain = std::iter::once((self.public.blob.as_slice(), self.comment.as_slice()));
        let certified = self.certificate.iter().map(|certificate| {
            let comment = if certificate.comment.is_empty() {
                &self.comment
            } else {
                &certificate.comment
            };
            (certificate.blob.as_slice(), comment.as_slice())
        });
        plain.chain(certified)
    }

    /// How stores and questions name it.
    pub fn wanted(&self) -> Wanted {
        Wanted {
            fingerprint: self.public.fingerprint.clone(),
            path: self.path.clone(),
            comment: String::from_utf8_lossy(&self.comment).into_owned(),
        }
    }

    /// Whether it is open now.
    pub fn is_open(&self) -> bool {
        matches!(self.cell.lock().phase, Phase::Open { .. })
    }

    /// Whether `name` is its fingerprint, comment, path or file name.
    pub fn is_called(&self, name: &str) -> bool {
        self.public.fingerprint == name
            || self.comment == name.as_bytes()
            || self.path.as_os_str() == name
            || self.path.file_name().is_some_and(|file| file == name)
    }

    /// Whether `name` is the beginning of its fingerprint, with or without "SHA256:".
    pub fn has_prefix(&self, name: &str) -> bool {
        let hash = self.public.fingerprint.trim_start_matches("SHA256:");
        let wanted = name.trim_start_matches("SHA256:");
        !wanted.is_empty() && hash.starts_with(wanted)
    }

    /// Seals this one key; false when it was not open.
    pub fn seal(&self) -> bool {
        self.cell.seal()
    }

    /// Opens it with `passphrase` (from a client of ours), or keeps it open if it is.
    ///
    /// # Errors
    /// [`KeyError::WrongPassphrase`] inside [`OpenError::Key`], or what is wrong with the file.
    pub async fn open_with(&self, passphrase: crate::secret::Secret, now: Instant) -> Result<(), OpenError> {
        let file = self.read()?;
        let opened = tokio::task::spawn_blocking(move || {
            let opened = key::open(&file, Some(&passphrase));
            harden::scrub_stack();
            opened
        });
        let key = self.check(opened.await.map_err(|_| OpenError::Died)??)?;
        self.cell.lock().phase = Phase::Open { key, used: now };
        Ok(())
    }

    pub(super) async fn open(self: &Arc<Self>, unlocker: &Arc<Unlocker>, now: Instant) -> Outcome {
        let mut outcome = {
            let mut state = self.cell.lock();
            match &mut state.phase {
                Phase::Open { key, used } => {
                    *used = now;
                    return Ok(key.clone());
                }
                Phase::Opening(sender) => sender.subscribe(),
                Phase::Sealed => {
                    let sender = Arc::new(watch::Sender::new(None));
                    let receiver = sender.subscribe();
                    state.phase = Phase::Opening(sender.clone());
                    tokio::spawn(self.clone().run_opening(sender, unlocker.clone(), now));
                    receiver
                }
            }
        };
        let result = match outcome.wait_for(Option::is_some).await {
            Ok(result) => result.clone(),
            Err(_) => None,
        };
        result.unwrap_or_else(|| Err(Arc::new(OpenError::Died)))
    }

    /// Opens once for all who wait, and gives up (prompt and all) when the last of them has gone.
    async fn run_opening(
        self: Arc<Self>,
        sender: Arc<watch::Sender<Option<Outcome>>>,
        unlocker: Arc<Unlocker>,
        started: Instant,
    ) {
        let opened = tokio::select! {
            opened = self.unlock(&unlocker) => opened.map_err(Arc::new),
            () = sender.closed() => Err(Arc::new(OpenError::Sealed)),
        };
        if let Err(error) = &opened {
            tracing::warn!(key = %self.public.fingerprint, path = %self.path.display(), "not opened: {error}");
        }
        let outcome = self.cell.finish(&sender, opened, started);
        sender.send_replace(Some(outcome));
    }

    async fn unlock(&self, unlocker: &Unlocker) -> Result<Arc<OpenKey>, OpenError> {
        let file = self.read()?;
        if !self.protected {
            let opened = tokio::task::spawn_blocking(move || {
                let opened = key::open(&file, None);
                harden::scrub_stack();
                opened
            });
            return self.check(opened.await.map_err(|_| OpenError::Died)??);
        }
        let attempt = move |passphrase: &[u8]| key::open(&file, Some(passphrase));
        let (key, source) = unlocker.unlock(&self.wanted(), attempt).await?;
        tracing::info!(key = %self.public.fingerprint, path = %self.path.display(), source, "opened");
        self.check(key)
    }

    fn read(&self) -> Result<key::FileBytes, OpenError> {
        Ok(files::read_private(&self.path, super::discover::MAX_KEY_FILE)?)
    }

    /// A file may have been replaced since it was listed; another key must not sign under this one's name.
    fn check(&self, key: OpenKey) -> Result<Arc<OpenKey>, OpenError> {
        if key.public().blob != self.public.blob {
            return Err(OpenError::Changed(self.path.clone()));
        }
        Ok(Arc::new(key))
    }

    /// For `claviger list`.
    pub fn report(&self) -> KeyReport {
        let (open, last_used) = {
            let state = self.cell.lock();
            (matches!(state.phase, Phase::Open { .. }), state.last_used)
        };
        KeyReport {
            fingerprint: self.public.fingerprint.clone(),
            kind: self.public.algorithm.clone(),
            bits: self.public.bits,
            comment: String::from_utf8_lossy(&self.comment).into_owned(),
            state: String::from(if open { "open" } else { "sealed" }),
            source: String::from("file"),
            path: self.path.display().to_string(),
            format: self.format.to_owned(),
            protected: self.protected,
            certificate: self.certificate.is_some(),
            last_used: last_used.map(|time| humantime::format_rfc3339_seconds(time).to_string()),
        }
    }
}

impl Cell {
    /// The key if it is open, noting the use.
    pub(super) fn used(&self, now: Instant) -> Option<Arc<OpenKey>> {
        let mut state = self.lock();
        let State {
            phase: Phase::Open { key, used },
            last_used,
        } = &mut *state
        else {
            return None;
        };
        *used = now;
        *last_used = Some(SystemTime::now());
        Some(key.clone())
    }

    /// True when it was open. An opening under way goes on for nobody: its result is not kept.
    pub(super) fn seal(&self) -> bool {
        let sealed = std::mem::take(&mut self.lock().phase);
        matches!(sealed, Phase::Open { .. })
    }

    /// Seals when due; else tells when it will be.
    pub(super) fn seal_if_idle(&self, now: Instant, idle: Duration) -> Option<Instant> {
        let mut state = self.lock();
        let Phase::Open { used, .. } = &state.phase else {
            return None;
        };
        let due = *used + idle;
        if due > now {
            return Some(due);
        }
        state.phase = Phase::Sealed;
        None
    }

    /// Keeps the opened key, unless everything was sealed since this opening began.
    fn finish(
        &self,
        sender: &Arc<watch::Sender<Option<Outcome>>>,
        opened: Outcome,
        started: Instant,
    ) -> Outcome {
        let mut state = self.lock();
        let current = matches!(&state.phase, Phase::Opening(mine) if Arc::ptr_eq(mine, sender));
        if !current {
            return Err(Arc::new(OpenError::Sealed));
        }
        state.phase = match &opened {
            Ok(key) => {
                state.last_used = Some(SystemTime::now());
                Phase::Open {
                    key: key.clone(),
                    used: started.max(Instant::now()),
                }
            }
            Err(_) => Phase::Sealed,
        };
        opened
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
