//! Keys of PKCS#11 tokens: identities like those that clients add, but nothing of them can be opened or sealed here.

use super::added::Terms;
use super::held::{Held, Origin};
use super::{Keyset, OpenError};
use crate::key::{CertificateFile, PublicHalf};
use crate::token::pkcs11::Provider;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// An identity of a token.
pub struct NewTokenKey {
    /// Its public half.
    pub public: PublicHalf,
    /// The certificate blob, if the identity is a certificate.
    pub certificate: Option<Vec<u8>>,
    /// Any bytes but NUL.
    pub comment: Vec<u8>,
    /// The terms.
    pub terms: Terms,
    /// The library that signs. Its helper ends with the last key that names it.
    pub provider: Arc<Provider>,
}

impl Held {
    /// An identity whose private half is in a token.
    pub(super) fn in_token(new: NewTokenKey, now: Instant) -> Self {
        Self {
            public: new.public,
            certificate: new.certificate.map(|blob| CertificateFile {
                blob,
                comment: Vec::new(),
            }),
            comment: new.comment,
            expires: new.terms.lifetime.and_then(|lifetime| now.checked_add(lifetime)),
            terms: new.terms,
            origin: Origin::Token(new.provider),
            cell: Arc::default(),
        }
    }

    /// The PKCS#11 library that signs for it, if one does.
    pub fn provider(&self) -> Option<&Arc<Provider>> {
        match &self.origin {
            Origin::Token(provider) => Some(provider),
            Origin::File(_) | Origin::Database(_) | Origin::Added(_) => None,
        }
    }

    /// Whether it is a key of the library at `path`.
    pub fn is_from(&self, path: &Path) -> bool {
        self.provider().is_some_and(|provider| provider.library() == path)
    }
}

impl Keyset {
    /// Adds a token's identity. One that is held already stays as it is, whatever its terms: then false.
    ///
    /// # Errors
    /// While the agent is locked.
    pub fn add_token_key(&self, new: NewTokenKey, now: Instant) -> Result<bool, OpenError> {
        if self.is_locked() {
            return Err(OpenError::Locked);
        }
        let added = self.change(|members| {
            let added = members.add_absent(Held::in_token(new, now));
            members.expire(now);
            added
        });
        self.aged.notify_one();
        Ok(added)
    }

    /// Removes the identities that `goes` picks among the tokens'; returns how many there were.
    pub fn remove_token_keys(&self, goes: impl Fn(&Provider) -> bool) -> usize {
        self.change(|members| {
            members.remove_added(|held| held.provider().is_some_and(|provider| goes(provider)))
        })
    }

    /// Notes that a token's key signs now.
    ///
    /// # Errors
    /// While the agent is locked.
    pub fn use_token(&self, held: &Held) -> Result<(), OpenError> {
        if self.is_locked() {
            return Err(OpenError::Locked);
        }
        held.cell.note_use();
        Ok(())
    }
}
