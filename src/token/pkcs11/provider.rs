//! The agent's end: one loaded library, whose helper is asked one thing at a time and never for longer than its limit.

use super::message::{Answer, Request, TokenKey};
use crate::key::{self, KeyError};
use crate::secret::Secret;
use claviger_platform::process::{Companion, CompanionError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// How long a library may take to start, log in and list its keys. Cards are slow, networks slower.
const LOADING: Duration = Duration::from_secs(30);
/// How long a signature may take. It may wait for a touch.
const SIGNING: Duration = Duration::from_secs(60);

/// One loaded library. Its helper ends with it.
pub struct Provider {
    library: PathBuf,
    /// None once the helper crashed, hung or answered nonsense.
    helper: Arc<Mutex<Option<Companion>>>,
}

/// What came of loading a library.
pub struct Loaded {
    /// The library.
    pub provider: Arc<Provider>,
    /// Its keys, in the order of its slots.
    pub keys: Vec<TokenKey>,
    /// Why other keys are missing, for the log.
    pub notes: Vec<String>,
}

/// Why a library did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderError {
    /// The path is not UTF-8.
    #[error("its path is not UTF-8; load it by a link whose name is")]
    Path,
    /// The helper crashed or hung and is gone.
    #[error(transparent)]
    Lost(#[from] CompanionError),
    /// The helper was gone before.
    #[error("its helper has ended; load it again: ssh-add -s")]
    Gone,
    /// The helper answered something else.
    #[error("its helper answered what makes no sense")]
    Astray,
    /// The library said no, for this reason.
    #[error("{0}")]
    Refused(String),
    /// The token signed something else, or with another key.
    #[error("the token's signature is wrong: {0}")]
    Wrong(#[source] KeyError),
}

impl ProviderError {
    /// Whether the library's keys can never sign again.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Gone | Self::Astray)
    }
}

impl Provider {
    /// Loads the library at `library` (absolute, and allowed) in a helper of its own, and logs in to its tokens.
    ///
    /// # Errors
    /// Also when it takes longer than 30 s. A library without any key that can be listed is none: `keys` is empty.
    pub async fn load(library: PathBuf, pin: Secret) -> Result<Loaded, ProviderError> {
        let name = library.to_str().ok_or(ProviderError::Path)?.to_owned();
        let companion = Companion::start(&["helper", "pkcs11"], name.clone())?;
        tracing::debug!(library = name, pid = companion.pid(), "its helper runs");
        let provider = Self {
            library,
            helper: Arc::new(Mutex::new(Some(companion))),
        };
        let request = Request::Load {
            library: &name,
            pin: &pin,
        };
        match provider.ask(request.encode(), LOADING).await? {
            Answer::Loaded { keys, notes } => Ok(Loaded {
                provider: Arc::new(provider),
                keys,
                notes,
            }),
            Answer::Failed(reason) => Err(ProviderError::Refused(reason)),
            Answer::Signature(_) => Err(ProviderError::Astray),
        }
    }

    /// The library's path.
    pub fn library(&self) -> &Path {
        &self.library
    }

    /// A signature over `data` by the key `blob`, as it goes on the wire; the flags are those of a sign request.
    /// It is verified before it is given out: a token that went wrong could else give its private key away.
    ///
    /// # Errors
    /// Also when it takes longer than 60 s from its turn on; see [`ProviderError::is_final`].
    pub async fn sign(&self, blob: &[u8], data: &[u8], flags: u32) -> Result<Vec<u8>, ProviderError> {
        let request = Request::Sign { blob, data, flags };
        match self.ask(request.encode(), SIGNING).await? {
            Answer::Signature(signature) => {
                key::verify(blob, data, &signature).map_err(ProviderError::Wrong)?;
                Ok(signature)
            }
            Answer::Failed(reason) => Err(ProviderError::Refused(reason)),
            Answer::Loaded { .. } => Err(ProviderError::Astray),
        }
    }

    /// Asks when it is this question's turn. Who has gone before that leaves no trace; afterwards the exchange goes on
    /// without its asker, so that its answer is not taken for the next one's.
    async fn ask(&self, request: Secret, limit: Duration) -> Result<Answer, ProviderError> {
        let mut helper = self.helper.clone().lock_owned().await;
        let exchange = tokio::spawn(async move {
            let companion = helper.as_mut().ok_or(ProviderError::Gone)?;
            let answer = match companion.ask(&request, limit).await {
                Ok(answer) => Answer::decode(&answer).ok_or(ProviderError::Astray),
                Err(error) => Err(ProviderError::Lost(error)),
            };
            if answer.is_err() {
                *helper = None;
            }
            answer
        });
        exchange.await.unwrap_or(Err(ProviderError::Gone))
    }
}
