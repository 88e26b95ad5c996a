//! Writes OpenSSH's private key format (PROTOCOL.key), as ssh-keygen does: aes256-ctr under a key of bcrypt_pbkdf.
//!
//! `ssh-key` supplies cipher and key derivation. The fields are framed here, as its counterpart reads them: its own
//! writer pads each scalar to the curve's length (its reader, and ssh-keygen, have numbers there), and knows neither
//! ssh-mldsa44-ed25519 nor comments that are not text.

use ssh_encoding::Encode as _;
use ssh_key::{Cipher, Kdf};
use zeroize::Zeroizing;

use super::openssh::MAGIC;
use super::parts::{Fields, Parts};
use super::write::{Protection, armoured, random};
use super::{KeyError, OpenKey};

/// ssh-keygen's line length.
const WIDTH: usize = 70;

pub(super) fn write(
    key: &OpenKey,
    comment: &[u8],
    protection: Option<&Protection<'_>>,
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let (cipher, kdf) = match protection {
        None => (Cipher::None, Kdf::None),
        Some(protection) => {
            let kdf = Kdf::Bcrypt {
                salt: random::<16>()?.to_vec(),
                rounds: protection.rounds,
            };
            (Cipher::Aes256Ctr, kdf)
        }
    };
    let mut section = section(key, comment, cipher.block_size())?;
    if let Some(protection) = protection {
        let (cipher_key, iv) = kdf
            .derive_key_and_iv(cipher, protection.passphrase)
            .map_err(|_| unwritable())?;
        cipher
            .encrypt(&cipher_key, &iv, &mut section)
            .map_err(|_| unwritable())?;
    }
    let mut file = Fields::with_room(section.len());
    file.bytes(MAGIC);
    file.string(cipher.as_str().as_bytes())?;
    let mut derivation = Vec::new();
    kdf.encode(&mut derivation).map_err(|_| unwritable())?;
    file.bytes(&derivation);
    file.bytes(&1_u32.to_be_bytes());
    file.string(&key.public().blob)?;
    file.string(&section)?;
    armoured("OPENSSH PRIVATE KEY", WIDTH, file.into_bytes())
}

/// The private half: two equal numbers that tell the right passphrase, type, fields, comment, padding.
fn section(key: &OpenKey, comment: &[u8], block: usize) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let mut section = Fields::with_room(comment.len());
    let check = random::<4>()?;
    section.bytes(&check);
    section.bytes(&check);
    match key.token() {
        Some(token) => section.bytes(token.private_fields()),
        None => numbers(key, &mut section)?,
    }
    section.string(comment)?;
    let missing = section.len().next_multiple_of(block) - section.len();
    for byte in (1..=u8::MAX).take(missing) {
        section.bytes(&[byte]);
    }
    Ok(section.into_bytes())
}

/// Type and private fields.
fn numbers(key: &OpenKey, section: &mut Fields) -> Result<(), KeyError> {
    section.string(key.public().algorithm.as_bytes())?;
    match Parts::of(key)? {
        Parts::Ed25519 { seed, public } => {
            section.string(&public)?;
            section.string(&Zeroizing::new([&seed[..], &public].concat()))?;
        }
        Parts::Ecdsa { curve, scalar, point } => {
            section.string(curve.as_str().as_bytes())?;
            section.string(&point)?;
            section.number(&scalar)?;
        }
        Parts::Rsa(rsa) => {
            for number in [&rsa.n, &rsa.e, &rsa.d, &rsa.q_inverse, &rsa.p, &rsa.q] {
                section.number(number)?;
            }
        }
        Parts::Composite { seeds, public } => {
            section.string(&public)?;
            section.string(&seeds)?;
        }
    }
    Ok(())
}

fn unwritable() -> KeyError {
    KeyError::Backend("the key could not be encrypted".into())
}
