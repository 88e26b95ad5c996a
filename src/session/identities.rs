//! Requests that change what the agent holds: add, remove, lock, unlock.

use super::{Answer, Session};
use crate::key::{self, AddedKey};
use crate::keyset::{NewKey, Terms};
use crate::secret::Secret;
use crate::wire::{self, Subject};
use claviger_platform::harden;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Success or failure, as the protocol has them.
pub(super) fn done(done: bool) -> Answer {
    Answer::Fixed(if done { &wire::SUCCESS } else { &wire::FAILURE })
}

impl Session {
    /// ADD_IDENTITY and ADD_ID_CONSTRAINED. What cannot be held as asked is refused whole.
    pub(super) fn add(&self, body: &[u8]) -> bool {
        // The key is rebuilt from its fields to see that it is one.
        harden::scrubbed(|| self.add_checked(body))
    }

    fn add_checked(&self, body: &[u8]) -> bool {
        let added = match key::added(body) {
            Ok(added) => added,
            Err(error) => {
                tracing::info!(pid = self.peer.pid, "key not added: {error}");
                return false;
            }
        };
        let subject = match added.added.key {
            AddedKey::Soft(_) => Subject::Key,
            AddedKey::Token(_) => Subject::SkKey,
        };
        let Some((comment, constraints)) = wire::comment_and_constraints(added.rest, subject) else {
            tracing::info!(
                pid = self.peer.pid,
                "key not added: a constraint that is unknown, doubled or out of place"
            );
            return false;
        };
        if subject == Subject::SkKey {
            tracing::info!(
                pid = self.peer.pid,
                "key not added: security keys are not served yet"
            );
            return false;
        }
        if !self.may_change(added.added.blob()) {
            return false;
        }
        let new = NewKey {
            comment: comment.to_vec(),
            terms: Terms {
                lifetime: constraints
                    .lifetime
                    .map(|seconds| Duration::from_secs(seconds.into()))
                    .or(self.agent.options().lifetime),
                confirm: constraints.confirm,
                destinations: constraints.destinations,
            },
            fields: Zeroizing::new(added.fields.to_vec()),
            public: added.added.public,
            certificate: added.added.certificate,
        };
        let fingerprint = new.public.fingerprint.clone();
        let kept = self.agent.keyset.add(new, Instant::now());
        match &kept {
            Ok(()) => tracing::info!(key = %fingerprint, pid = self.peer.pid, "added"),
            Err(error) => tracing::warn!(key = %fingerprint, "not added: {error}"),
        }
        kept.is_ok()
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
