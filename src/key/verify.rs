//! Verifies signatures of other keys: of hosts in session binds, of authorities in certificates.
//!
//! Verifying is wider than signing: RSA from 1024 bits, SHA-1 too, because the key is not ours and the caller knows
//! what a signature is good for. The algorithm is the one that the signature names, as OpenSSH has it.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA512, digest};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519, UnparsedPublicKey,
    VerificationAlgorithm,
};
use claviger_platform::rsa::{RsaHash, RsaKey};
use ssh_key::EcdsaCurve;

use super::certificate::Certificate;
use super::kind::Kind;
use super::private::numbers;
use super::{KeyError, composite, cut, damaged, public, string};

/// Verifies an SSH signature (string algorithm, string blob) over `data` by a public blob, or by the key inside a
/// certificate.
///
/// [`KeyError::BadSignature`] when it does not fit, [`KeyError::Unsupported`] for types, sizes (RSA above 16384 bits) and
/// algorithms unknown here.
pub fn verify(public_blob: &[u8], data: &[u8], signature: &[u8]) -> Result<(), KeyError> {
    let mut rest = public_blob;
    let name = string(&mut rest).map_err(cut)?;
    let (kind, is_certificate) = Kind::named(name).ok_or_else(|| public::unsupported_type(name))?;
    let fields = if is_certificate {
        Certificate::parse(public_blob)?.public
    } else {
        let fields = kind.public_fields(&mut rest).map_err(cut)?;
        if !rest.is_empty() {
            return Err(damaged("there are bytes behind the public half"));
        }
        fields
    };
    let mut rest = signature;
    let algorithm = string(&mut rest).map_err(cut)?;
    let blob = string(&mut rest).map_err(cut)?;
    if !kind.is_token() && !rest.is_empty() {
        return Err(damaged("there are bytes behind the signature"));
    }
    if kind != Kind::Rsa && algorithm != kind.name().as_bytes() {
        return Err(KeyError::Unsupported(format!(
            "a signature of type {} by a key of type {}",
            public::shown(algorithm),
            kind.name()
        )));
    }
    match kind {
        Kind::Rsa => rsa(fields, data, algorithm, blob),
        Kind::Ed25519 => check(&ED25519, first(fields)?, data, blob),
        Kind::Ecdsa(curve) => ecdsa(curve, fields, data, blob),
        Kind::SkEd25519 | Kind::SkEcdsa => token(kind, fields, data, blob, rest),
        Kind::Composite => composite::verify(first(fields)?, data, blob),
    }
}

fn check(
    algorithm: &'static dyn VerificationAlgorithm,
    public: &[u8],
    data: &[u8],
    signature: &[u8],
) -> Result<(), KeyError> {
    UnparsedPublicKey::new(algorithm, public)
        .verify(data, signature)
        .map_err(|_| KeyError::BadSignature)
}

fn first(mut fields: &[u8]) -> Result<&[u8], KeyError> {
    string(&mut fields).map_err(cut)
}

fn rsa(mut fields: &[u8], data: &[u8], algorithm: &[u8], signature: &[u8]) -> Result<(), KeyError> {
    let (hash, algorithm) = match algorithm {
        b"rsa-sha2-256" => (RsaHash::Sha256, &SHA256),
        b"rsa-sha2-512" => (RsaHash::Sha512, &SHA512),
        b"ssh-rsa" => (RsaHash::Sha1, &SHA1_FOR_LEGACY_USE_ONLY),
        _ => {
            return Err(KeyError::Unsupported(format!(
                "a signature of type {} by an RSA key",
                public::shown(algorithm)
            )));
        }
    };
    let [e, n] = numbers(&mut fields)?;
    public::rsa_bits(n)?;
    // Some signers leave leading zeros out, and OpenSSH takes that.
    let missing = n
        .len()
        .checked_sub(signature.len())
        .ok_or(KeyError::BadSignature)?;
    let padded = [&vec![0; missing][..], signature].concat();
    let key = RsaKey::public(n, e).ok_or_else(|| damaged("its RSA numbers make no key"))?;
    match key.verifies(hash, digest(algorithm, data).as_ref(), &padded) {
        true => Ok(()),
        false => Err(KeyError::BadSignature),
    }
}

fn ecdsa(curve: EcdsaCurve, mut fields: &[u8], data: &[u8], signature: &[u8]) -> Result<(), KeyError> {
    let (algorithm, length): (&'static dyn VerificationAlgorithm, usize) = match curve {
        EcdsaCurve::NistP256 => (&ECDSA_P256_SHA256_FIXED, 32),
        EcdsaCurve::NistP384 => (&ECDSA_P384_SHA384_FIXED, 48),
        EcdsaCurve::NistP521 => (&ECDSA_P521_SHA512_FIXED, 66),
    };
    let named = string(&mut fields).map_err(cut)?;
    let point = string(&mut fields).map_err(cut)?;
    if named != curve.as_str().as_bytes() {
        return Err(damaged("it names two curves"));
    }
    let mut rest = signature;
    let [r, s] = numbers(&mut rest)?;
    let mut fixed = Vec::with_capacity(2 * length);
    for number in [r, s] {
        let missing = length.checked_sub(number.len()).ok_or(KeyError::BadSignature)?;
        fixed.resize(fixed.len() + missing, 0);
        fixed.extend_from_slice(number);
    }
    if !rest.is_empty() {
        return Err(damaged("there are bytes behind the signature"));
    }
    check(algorithm, point, data, &fixed)
}

/// A token signs hashes of application and data, and between them what it asserts: flags and counter.
fn token(kind: Kind, fields: &[u8], data: &[u8], blob: &[u8], asserted: &[u8]) -> Result<(), KeyError> {
    const FLAGS_AND_COUNTER: usize = 5;
    if asserted.len() != FLAGS_AND_COUNTER {
        return Err(damaged("its flags and counter are not five bytes"));
    }
    let mut rest = fields;
    string(&mut rest).map_err(cut)?;
    if kind == Kind::SkEcdsa {
        string(&mut rest).map_err(cut)?;
    }
    let application = string(&mut rest).map_err(cut)?;
    let signed = [
        digest(&SHA256, application).as_ref(),
        asserted,
        digest(&SHA256, data).as_ref(),
    ]
    .concat();
    if kind == Kind::SkEcdsa {
        ecdsa(EcdsaCurve::NistP256, fields, &signed, blob)
    } else {
        check(&ED25519, first(fields)?, &signed, blob)
    }
}
