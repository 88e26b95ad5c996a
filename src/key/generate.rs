//! New keys and new passphrases, by AWS-LC's source of chance.
//!
//! RSA keys come from AWS-LC too and not from RustCrypto's `rsa`, which is never used for a private operation here.

use aws_lc_rs::rand;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{EcdsaKeyPair, Ed25519KeyPair};
use ssh_key::EcdsaCurve;

use super::rsa::RsaSigner;
use super::sign::{CURVES, Signer};
use super::{KeyError, OpenKey};
use crate::secret::Secret;

/// Which key to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewKind {
    /// Ed25519.
    Ed25519,
    /// ECDSA on a NIST curve.
    Ecdsa(EcdsaCurve),
    /// RSA of one of [`RSA_SIZES`].
    Rsa(u32),
}

impl NewKind {
    /// ECDSA of 256, 384 or 521 bits.
    pub fn ecdsa(bits: u32) -> Option<Self> {
        let curve = match bits {
            256 => EcdsaCurve::NistP256,
            384 => EcdsaCurve::NistP384,
            521 => EcdsaCurve::NistP521,
            _ => return None,
        };
        Some(Self::Ecdsa(curve))
    }
}

/// Bits of RSA keys that are made.
pub const RSA_SIZES: [u32; 4] = [2048, 3072, 4096, 8192];
/// Letters of a generated passphrase: 64, so that each is six bits of chance.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// 192 bits of chance.
const LENGTH: usize = 32;

/// Makes a key. RSA takes seconds, at 8192 bits minutes: never on a runtime thread.
///
/// # Errors
/// The size is none of [`RSA_SIZES`], or the back end failed.
pub fn generate(kind: NewKind) -> Result<OpenKey, KeyError> {
    OpenKey::new(match kind {
        NewKind::Ed25519 => Signer::Ed25519(Ed25519KeyPair::generate().map_err(|_| failed())?),
        NewKind::Ecdsa(wanted) => {
            let known = CURVES.into_iter().find(|(curve, ..)| *curve == wanted);
            let (curve, back_end, _) = known.ok_or_else(failed)?;
            Signer::Ecdsa(curve, EcdsaKeyPair::generate(back_end).map_err(|_| failed())?)
        }
        NewKind::Rsa(bits) => Signer::Rsa(RsaSigner::Usual(rsa(bits)?)),
    })
}

fn rsa(bits: u32) -> Result<KeyPair, KeyError> {
    let size = match bits {
        2048 => KeySize::Rsa2048,
        3072 => KeySize::Rsa3072,
        4096 => KeySize::Rsa4096,
        8192 => KeySize::Rsa8192,
        _ => {
            return Err(KeyError::Unsupported(format!(
                "RSA keys of {bits} bits are not made; choose 2048, 3072, 4096 or 8192"
            )));
        }
    };
    KeyPair::generate(size).map_err(|_| failed())
}

/// A passphrase that no one has to remember: letters, digits, `-` and `_`, 192 bits of chance.
///
/// # Errors
/// The source of chance failed.
pub fn random_passphrase() -> Result<Secret, KeyError> {
    let mut secret = Secret::zeroed(LENGTH);
    rand::fill(secret.as_mut_slice()).map_err(|_| failed())?;
    for byte in secret.as_mut_slice() {
        *byte = LETTERS[usize::from(*byte) % LETTERS.len()];
    }
    Ok(secret)
}

fn failed() -> KeyError {
    KeyError::Backend("the key could not be made".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn passphrases_are_printable_and_never_the_same() {
        let made: HashSet<Vec<u8>> = (0..50).map(|_| random_passphrase().unwrap().to_vec()).collect();
        assert_eq!(made.len(), 50);
        assert!(made.iter().flatten().all(|letter| LETTERS.contains(letter)));
        assert!(made.iter().all(|passphrase| passphrase.len() == LENGTH));
        let letters: HashSet<&u8> = made.iter().flatten().collect();
        assert!(letters.len() > 60, "all letters occur");
    }

    #[test]
    fn sizes_that_are_not_made_are_refused() {
        for bits in [0, 1024, 2047, 16384] {
            assert!(matches!(
                generate(NewKind::Rsa(bits)),
                Err(KeyError::Unsupported(_))
            ));
        }
        assert_eq!(NewKind::ecdsa(255), None);
    }
}
