//! Signatures as they go on the wire, whoever made them: a key that is open here, or a token.

use aws_lc_rs::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA512};
pub use claviger_platform::rsa::RsaHash;
use ssh_encoding::{Encode as _, Mpint};

use super::KeyError;

/// Signature flags of RFC 9987: RSA with SHA-256, and with SHA-512.
const SHA2_256: u32 = 2;
const SHA2_512: u32 = 4;

/// The hash that the flags of a request ask for with an RSA key.
///
/// 2 wins over 4; other bits mean nothing. Without either, RSA signs with SHA-1 (`ssh-rsa`), as whoever asks so expects;
/// what such a signature is worth is for its reader to judge, and today's OpenSSH takes none for a login.
pub fn rsa_hash(flags: u32) -> RsaHash {
    if flags & SHA2_256 != 0 {
        RsaHash::Sha256
    } else if flags & SHA2_512 != 0 {
        RsaHash::Sha512
    } else {
        RsaHash::Sha1
    }
}

/// The name of the signature algorithm (RFC 8332; RFC 4253 for SHA-1), and its digest.
pub fn rsa_algorithm(hash: RsaHash) -> (&'static str, &'static Algorithm) {
    match hash {
        RsaHash::Sha1 => ("ssh-rsa", &SHA1_FOR_LEGACY_USE_ONLY),
        RsaHash::Sha256 => ("rsa-sha2-256", &SHA256),
        RsaHash::Sha512 => ("rsa-sha2-512", &SHA512),
    }
}

/// string algorithm, string signature (RFC 4253, 6.6).
///
/// # Errors
/// Only for lengths beyond 32 bits.
pub fn encoded(algorithm: &str, signature: &[u8]) -> Result<Vec<u8>, KeyError> {
    let mut blob = Vec::with_capacity(8 + algorithm.len() + signature.len());
    algorithm.encode(&mut blob).map_err(|_| failed())?;
    signature.encode(&mut blob).map_err(|_| failed())?;
    Ok(blob)
}

/// As [`encoded`], of an ECDSA signature whose two numbers have half of `fixed` each (RFC 5656, 3.1.2).
///
/// # Errors
/// As [`encoded`].
pub fn ecdsa(algorithm: &str, fixed: &[u8]) -> Result<Vec<u8>, KeyError> {
    let (r, s) = fixed.split_at(fixed.len() / 2);
    let mut numbers = Vec::with_capacity(fixed.len() + 10);
    for number in [r, s] {
        let number = Mpint::from_positive_bytes(number);
        number.encode(&mut numbers).map_err(|_| failed())?;
    }
    encoded(algorithm, &numbers)
}

fn failed() -> KeyError {
    KeyError::Backend("the signature could not be made".into())
}
