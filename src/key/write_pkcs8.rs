//! Writes PKCS#8 (RFC 5958), version 1: the one that every reader has, without a place for a public key of its own.
//!
//! An elliptic curve's key carries its public half inside (RFC 5915), because AWS-LC and some more refuse it otherwise.
//! The passphrase goes through PBKDF2 with SHA-256, not scrypt: ssh-keygen with LibreSSL, and Java, read only that.

use aws_lc_rs::encoding::{AsDer as _, EcPrivateKeyRfc5915Der, Pkcs8V1Der};
use pkcs8::der::asn1::{AnyRef, OctetStringRef};
use pkcs8::der::{self, Encode as _};
use pkcs8::pkcs5::pbes2;
use pkcs8::spki::AlgorithmIdentifierRef;
use pkcs8::{ObjectIdentifier, PrivateKeyInfoRef};
use zeroize::Zeroizing;

use super::der::{CURVE_OIDS, EC, RSA};
use super::sign::{CURVES, Signer};
use super::write::{Protection, armoured, no_place, random};
use super::{KeyError, OpenKey};

/// OWASP's number for PBKDF2 with SHA-256.
const ITERATIONS: u32 = 600_000;
/// PEM's line length (RFC 7468, 2).
const WIDTH: usize = 64;

pub(super) fn write(
    key: &OpenKey,
    protection: Option<&Protection<'_>>,
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let plain = plain(key)?;
    let Some(protection) = protection else {
        return armoured("PRIVATE KEY", WIDTH, plain);
    };
    let encrypted =
        pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(ITERATIONS, &random::<16>()?, random()?)
            .map_err(|_| unwritable())
            .and_then(|parameters| {
                PrivateKeyInfoRef::try_from(&plain[..])
                    .and_then(|info| info.encrypt_with_params(parameters, protection.passphrase))
                    .map_err(|_| unwritable())
            })?;
    armoured(
        "ENCRYPTED PRIVATE KEY",
        WIDTH,
        Zeroizing::new(encrypted.as_bytes().to_vec()),
    )
}

/// The PrivateKeyInfo.
fn plain(key: &OpenKey) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    match key.signer() {
        Signer::Ed25519(pair) => {
            let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| unwritable())?;
            Ok(Zeroizing::new(der.as_ref().to_vec()))
        }
        Signer::Ecdsa(curve, pair) => {
            let der: EcPrivateKeyRfc5915Der<'_> = pair.private_key().as_der().map_err(|_| unwritable())?;
            let at = CURVES.iter().position(|(known, ..)| known == curve);
            let oid = at.map(|at| CURVE_OIDS[at]).ok_or_else(unwritable)?;
            info(EC, AnyRef::from(&oid), der.as_ref()).map_err(|_| unwritable())
        }
        Signer::Rsa(rsa) => info(RSA, AnyRef::NULL, &rsa.to_pkcs1()?).map_err(|_| unwritable()),
        Signer::Composite(_) | Signer::Token(_) => Err(no_place(key, "PKCS#8")),
    }
}

fn info(
    algorithm: ObjectIdentifier,
    parameters: AnyRef<'_>,
    key: &[u8],
) -> Result<Zeroizing<Vec<u8>>, der::Error> {
    let algorithm = AlgorithmIdentifierRef {
        oid: algorithm,
        parameters: Some(parameters),
    };
    PrivateKeyInfoRef::new(algorithm, OctetStringRef::new(key)?)
        .to_der()
        .map(Zeroizing::new)
}

fn unwritable() -> KeyError {
    KeyError::Backend("the key could not be encoded as PKCS#8".into())
}
