//! Private keys that clients added, sealed in memory: AES-256-GCM under a key that lives in secret pages, or, while
//! the agent is locked, under one that only the lock's passphrase gives back.
//!
//! A key from a file need not be kept: the file is read anew. An added key has no file, so its fields are kept
//! sealed, and opened into a signing key when it is used. What a core image shows is the ciphertext.

use crate::secret::Secret;
use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand;
use zeroize::Zeroizing;

/// Length of a key in bytes.
pub(super) const KEY: usize = 32;
const NONCE: usize = 12;

/// One sealing key.
pub(super) struct Shield(Secret);

/// Sealed bytes: nonce, ciphertext, tag. No secret by themselves.
#[derive(Clone)]
pub(super) struct Sealed(Box<[u8]>);

impl Shield {
    /// A new random one.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub(super) fn random() -> Result<Self, Unspecified> {
        let mut key = Secret::zeroed(KEY);
        rand::fill(key.as_mut_slice())?;
        Ok(Self(key))
    }

    /// One whose key was derived; `key` has [`KEY`] bytes.
    pub(super) fn from_key(key: Secret) -> Self {
        Self(key)
    }

    /// Seals `plain`.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub(super) fn seal(&self, plain: &[u8]) -> Result<Sealed, Unspecified> {
        let mut bytes = Zeroizing::new(plain.to_vec());
        let nonce = self
            .cipher()?
            .seal_in_place_append_tag(Aad::empty(), &mut *bytes)?;
        Ok(Sealed(
            [nonce.as_ref().as_slice(), bytes.as_slice()]
                .concat()
                .into_boxed_slice(),
        ))
    }

    /// Opens what [`seal`](Self::seal) made under the same key.
    ///
    /// # Errors
    /// Under another key, or changed bytes.
    pub(super) fn open(&self, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        let (nonce, ciphertext) = sealed.0.split_at_checked(NONCE).ok_or(Unspecified)?;
        let mut bytes = Zeroizing::new(ciphertext.to_vec());
        let nonce = Nonce::try_assume_unique_for_key(nonce)?;
        let length = self
            .cipher()?
            .open_in_place(nonce, Aad::empty(), &mut bytes)?
            .len();
        bytes.truncate(length);
        Ok(bytes)
    }

    fn cipher(&self) -> Result<RandomizedNonceKey, Unspecified> {
        RandomizedNonceKey::new(&AES_256_GCM, &self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_opens_and_only_unchanged_bytes() {
        let shield = Shield::random().unwrap();
        let sealed = shield.seal(b"private fields").unwrap();
        assert_eq!(&shield.open(&sealed).unwrap()[..], b"private fields");
        assert!(Shield::random().unwrap().open(&sealed).is_err());
        for at in 0..sealed.0.len() {
            let mut changed = sealed.clone();
            changed.0[at] ^= 1;
            assert!(shield.open(&changed).is_err());
        }
        assert!(shield.open(&Sealed(Box::new([0; 5]))).is_err());
    }
}
