//! Requests that change what the agent holds: add, remove, lock, unlock.

use super::permission::names_hosts;
use super::provider::ProviderRefused;
use super::{Answer, Session};
use crate::key::{self, AddedKey, KeyError, sk};
use crate::keyset::{Authenticator, NewKey, OpenError, Terms};
use crate::secret::Secret;
use crate::wire::{self, Subject};
use claviger_platform::harden;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// The middleware of security keys that ssh-sk-helper has built in.
const INTERNAL: &str = "internal";

/// Why a key was not added.
#[derive(Debug, thiserror::Error)]
enum NotAdded {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("a constraint that is unknown, doubled or out of place")]
    Constraints,
    #[error("a destination names a host by what is no key")]
    Destinations,
    #[error(transparent)]
    Provider(#[from] ProviderRefused),
    #[error("{}: not UTF-8, which ssh-sk-helper cannot be told", .0.display())]
    NotUtf8(PathBuf),
    #[error("there is such a key, which may not be seen from where this client is")]
    Hidden,
    #[error(transparent)]
    Keyset(#[from] OpenError),
}

/// Success or failure, as the protocol has them.
pub(super) fn done(done: bool) -> Answer {
    Answer::Fixed(if done { &wire::SUCCESS } else { &wire::FAILURE })
}

impl Session {
    /// ADD_IDENTITY and ADD_ID_CONSTRAINED. What cannot be held as asked is refused whole.
    pub(super) async fn add(&self, body: &[u8]) -> bool {
        // The key is rebuilt from its fields to see that it is one.
        let read = harden::scrubbed(|| self.read(body));
        let added = match read {
            Ok((new, provider)) => self.keep(new, provider).await,
            Err(refused) => Err(refused),
        };
        if let Err(reason) = &added {
            tracing::warn!(pid = self.peer.pid, "key not added: {reason}");
        }
        added.is_ok()
    }

    /// The key as it would be kept, and the middleware that its constraints name.
    fn read(&self, body: &[u8]) -> Result<(NewKey, Option<Vec<u8>>), NotAdded> {
        let key::AddedBody { added, fields, rest } = key::added(body)?;
        let (subject, touch) = match &added.key {
            AddedKey::Soft(_) => (Subject::Key, None),
            AddedKey::Token(token) => (Subject::SkKey, Some(token.flags() & sk::USER_PRESENCE != 0)),
        };
        let (comment, constraints) =
            wire::comment_and_constraints(rest, subject).ok_or(NotAdded::Constraints)?;
        if !names_hosts(&constraints.destinations) {
            return Err(NotAdded::Destinations);
        }
        let new = NewKey {
            comment: comment.to_vec(),
            fields: Zeroizing::new(fields.to_vec()),
            terms: Terms {
                lifetime: constraints
                    .lifetime
                    .map(|seconds| Duration::from_secs(seconds.into()))
                    .or(self.agent.options().lifetime),
                confirm: constraints.confirm,
                destinations: constraints.destinations,
            },
            authenticator: touch.map(|touch| Authenticator {
                provider: String::from(INTERNAL),
                touch,
            }),
            public: added.public,
            certificate: added.certificate,
        };
        Ok((new, constraints.sk_provider))
    }

    async fn keep(&self, mut new: NewKey, provider: Option<Vec<u8>>) -> Result<(), NotAdded> {
        if let (Some(named), Some(token)) = (provider, &mut new.authenticator)
            && !named.eq_ignore_ascii_case(INTERNAL.as_bytes())
        {
            let path = self.provider(&named).await?;
            token.provider = path.to_str().map(str::to_owned).ok_or(NotAdded::NotUtf8(path))?;
        }
        let fingerprint = new.public.fingerprint.clone();
        let identity = new.certificate.as_deref().unwrap_or(&new.public.blob);
        if !self.may_change(identity) {
            return Err(NotAdded::Hidden);
        }
        self.agent.keyset.add(new, Instant::now())?;
        tracing::info!(key = %fingerprint, pid = self.peer.pid, "added");
        Ok(())
    }

    /// REMOVE_IDENTITY. An identity that this connection may not see is not there for it.
    pub(super) fn remove(&self, blob: &[u8]) -> bool {
        self.may_change(blob) && self.agent.keyset.remove(blob)
    }

    /// REMOVE_ALL_IDENTITIES, which always succeeds.
    pub(super) fn remove_all(&self) -> bool {
        self.agent.keyset.remove_all();
        tracing::info!(pid = self.peer.pid, "all keys removed by request");
        true
    }

    pub(super) async fn lock(&self, passphrase: &[u8]) -> bool {
        self.agent.keyset.lock(Secret::copy_of(passphrase)).await
    }

    pub(super) async fn unlock(&self, passphrase: &[u8]) -> bool {
        self.agent.keyset.unlock(Secret::copy_of(passphrase)).await
    }

    /// Whether an identity of this blob may be replaced or removed from here: if there is one, it must be visible.
    fn may_change(&self, blob: &[u8]) -> bool {
        self.agent.keyset.find(blob).is_none_or(|held| self.sees(&held))
    }
}
