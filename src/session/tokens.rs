//! PKCS#11 tokens: their libraries loaded and let go, and signatures by their keys.

use super::Session;
use super::permission::names_hosts;
use super::provider::{ProviderRefused, real_path};
use crate::key::{self, KeyError, PublicHalf};
use crate::keyset::{Held, NewTokenKey, OpenError, Terms};
use crate::secret::Secret;
use crate::token::pkcs11::{Loaded, Provider, ProviderError, TokenKey};
use crate::wire::{self, Certificates, Constraints, Subject};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Why a token's keys were not added or not removed.
#[derive(Debug, thiserror::Error)]
enum NotDone {
    #[error("a constraint that is unknown, doubled or out of place")]
    Constraints,
    #[error("a destination names a host by what is no key")]
    Destinations,
    #[error(transparent)]
    Provider(#[from] ProviderRefused),
    #[error("{}: {reason}", library.display())]
    Library { library: PathBuf, reason: ProviderError },
    #[error("{}: no key to add; those that it has are held already, or their certificates were not given", .0.display())]
    Nothing(PathBuf),
    #[error("{}: no key of this library is held", .0.display())]
    Unknown(PathBuf),
    #[error("{}: one of its keys may not be seen from where this client is", .0.display())]
    Hidden(PathBuf),
    #[error(transparent)]
    Keyset(#[from] OpenError),
}

impl Session {
    /// ADD_SMARTCARD_KEY and ADD_SMARTCARD_KEY_CONSTRAINED: true if there is a new identity.
    pub(super) async fn add_token(&self, provider: &[u8], pin: &[u8], constraints: &[u8]) -> bool {
        let pid = self.peer.pid;
        match self.load(provider, pin, constraints).await {
            Ok(added) => {
                tracing::info!(pid, library = %String::from_utf8_lossy(provider), added, "token's keys added");
                true
            }
            Err(reason) => {
                tracing::warn!(pid, "token's keys not added: {reason}");
                false
            }
        }
    }

    async fn load(&self, provider: &[u8], pin: &[u8], constraints: &[u8]) -> Result<usize, NotDone> {
        let constraints = wire::constraints(constraints, Subject::Token).ok_or(NotDone::Constraints)?;
        if !names_hosts(&constraints.destinations) {
            return Err(NotDone::Destinations);
        }
        let library = self.provider(provider).await?;
        let loaded = Provider::load(library.clone(), Secret::copy_of(pin)).await;
        let loaded = loaded.map_err(|reason| NotDone::Library {
            library: library.clone(),
            reason,
        })?;
        for note in &loaded.notes {
            tracing::warn!(library = %library.display(), "{note}");
        }
        match self.hold(loaded, constraints)? {
            0 => Err(NotDone::Nothing(library)),
            added => Ok(added),
        }
    }

    /// Adds what the constraints want of a token's keys: certificates before the key that they are for.
    fn hold(&self, loaded: Loaded, constraints: Constraints) -> Result<usize, NotDone> {
        let now = Instant::now();
        let lifetime = constraints
            .lifetime
            .map(|seconds| Duration::from_secs(seconds.into()));
        let terms = Terms {
            lifetime: lifetime.or(self.agent.options().lifetime),
            confirm: constraints.confirm,
            destinations: constraints.destinations,
        };
        let Wanted { plain, certificates } = wanted(constraints.certificates);
        let mut added = 0;
        for TokenKey { blob, label } in loaded.keys {
            let public = match PublicHalf::parse(&blob) {
                Ok(public) => public,
                Err(error) => {
                    not_listed(&loaded.provider, &error);
                    continue;
                }
            };
            let comment = match label {
                empty if empty.is_empty() => {
                    loaded.provider.library().as_os_str().as_encoded_bytes().to_vec()
                }
                label => label,
            };
            let fitting = certificates.get(&blob).into_iter().flatten();
            let identities = fitting
                .map(|blob| Some(blob.clone()))
                .chain(plain.then_some(None));
            for certificate in identities {
                let new = NewTokenKey {
                    public: public.clone(),
                    certificate,
                    comment: comment.clone(),
                    terms: terms.clone(),
                    provider: loaded.provider.clone(),
                };
                added += usize::from(self.agent.keyset.add_token_key(new, now)?);
            }
        }
        Ok(added)
    }

    /// REMOVE_SMARTCARD_KEY: lets a library go, with all its identities. True if there was one.
    pub(super) async fn remove_token(&self, provider: &[u8]) -> bool {
        let pid = self.peer.pid;
        match self.unload(provider).await {
            Ok(removed) => {
                tracing::info!(pid, library = %String::from_utf8_lossy(provider), removed, "token's keys removed");
                true
            }
            Err(reason) => {
                tracing::info!(pid, "token's keys not removed: {reason}");
                false
            }
        }
    }

    async fn unload(&self, provider: &[u8]) -> Result<usize, NotDone> {
        let library = real_path(provider).await?;
        let keys = self.agent.keyset.keys();
        let mut its = keys.iter().filter(|held| held.is_from(&library));
        if its.any(|held| !self.sees(held)) {
            return Err(NotDone::Hidden(library));
        }
        let removed = self
            .agent
            .keyset
            .remove_token_keys(|provider| provider.library() == library);
        if removed == 0 {
            return Err(NotDone::Unknown(library));
        }
        Ok(removed)
    }

    /// Has a token sign; the framed answer. A library that crashed or hung takes its keys out of the list: they could
    /// only fail, and each client would try them first.
    pub(super) async fn sign_in_token(
        &self,
        provider: &Arc<Provider>,
        held: &Held,
        data: &[u8],
        flags: u32,
    ) -> Option<Vec<u8>> {
        let (fingerprint, pid) = (&held.public.fingerprint, self.peer.pid);
        if let Err(error) = self.agent.keyset.use_token(held) {
            tracing::warn!(key = %fingerprint, pid, "not signed: {error}");
            return None;
        }
        match provider.sign(&held.public.blob, data, flags).await {
            Ok(signature) => {
                tracing::debug!(key = %fingerprint, pid, "signed by its token");
                return Some(wire::signature(&signature));
            }
            Err(error) if error.is_final() => self.lose(provider, &error),
            Err(error) => tracing::warn!(key = %fingerprint, pid, "not signed: {error}"),
        }
        None
    }

    fn lose(&self, provider: &Arc<Provider>, error: &ProviderError) {
        let lost: *const Provider = Arc::as_ptr(provider);
        let removed = self
            .agent
            .keyset
            .remove_token_keys(|other| std::ptr::eq(other, lost));
        if removed > 0 {
            let library = provider.library().display();
            tracing::warn!(
                "{library}: {error}; its {removed} keys are no longer listed, add them again: ssh-add -s {library}"
            );
        }
    }
}

/// Which identities of a token's keys are wanted.
struct Wanted {
    /// The keys themselves.
    plain: bool,
    /// Certificates, by the plain blob that they certify.
    certificates: HashMap<Vec<u8>, Vec<Vec<u8>>>,
}

/// What is no certificate is passed over in silence: ssh-add sends whatever files it was given.
fn wanted(given: Option<Certificates>) -> Wanted {
    let Some(Certificates { only, blobs }) = given else {
        return Wanted {
            plain: true,
            certificates: HashMap::new(),
        };
    };
    let mut certificates: HashMap<_, Vec<_>> = HashMap::new();
    for blob in blobs {
        if let Some(plain) = key::plain_of(&blob) {
            certificates.entry(plain).or_default().push(blob);
        }
    }
    Wanted {
        plain: !only,
        certificates,
    }
}

fn not_listed(provider: &Provider, error: &KeyError) {
    tracing::warn!(library = %provider.library().display(), "a key is not listed: {error}");
}
