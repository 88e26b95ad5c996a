//! Keys in ASN.1: PKCS#8 (plain and encrypted), PKCS#1, SEC1. The back end parses the key; here is only what it lacks,
//! decryption and clear answers.

use aws_lc_rs::signature::{EcdsaKeyPair, Ed25519KeyPair};
use pkcs8::pkcs5::{self, EncryptionScheme, pbes2};
use pkcs8::{EncryptedPrivateKeyInfoRef, ObjectIdentifier, PrivateKeyInfoRef};
use zeroize::Zeroizing;

use super::legacy::DekInfo;
use super::limits::Derivation;
use super::rsa::RsaSigner;
use super::sign::{CURVES, OpenKey, Signer};
use super::{KeyError, schemes};

/// Which ASN.1 structure a PEM block holds, by its label.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Syntax {
    Pkcs8,
    EncryptedPkcs8,
    Pkcs1,
    Sec1,
}

impl Syntax {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pkcs8 | Self::EncryptedPkcs8 => "PKCS#8",
            Self::Pkcs1 => "PKCS#1",
            Self::Sec1 => "SEC1",
        }
    }
}

/// A PEM block with a private key.
pub(super) struct DerKey {
    pub(super) syntax: Syntax,
    /// OpenSSL's old encryption around the whole block.
    pub(super) encryption: Option<DekInfo>,
    pub(super) bytes: Zeroizing<Vec<u8>>,
}

impl DerKey {
    /// Whether a passphrase protects it; an error if by a scheme that could not be opened.
    pub(super) fn is_encrypted(&self) -> Result<bool, KeyError> {
        if self.syntax == Syntax::EncryptedPkcs8 {
            scheme(&self.bytes)?;
            return Ok(true);
        }
        Ok(self.encryption.is_some())
    }

    /// What opening it takes.
    pub(super) fn derivation(&self) -> Result<Option<Derivation>, KeyError> {
        if self.syntax != Syntax::EncryptedPkcs8 {
            return Ok(None);
        }
        let EncryptionScheme::Pbes2(parameters) = scheme(&self.bytes)?.encryption_algorithm else {
            return Ok(None);
        };
        Ok(match &parameters.kdf {
            pbes2::Kdf::Pbkdf2(pbkdf2) => Some(Derivation::Pbkdf2 {
                iterations: pbkdf2.iteration_count,
            }),
            pbes2::Kdf::Scrypt(scrypt) => Some(Derivation::Scrypt {
                cost: scrypt.cost_parameter,
                block: scrypt.block_size.into(),
                lanes: scrypt.parallelization.into(),
            }),
            _ => None,
        })
    }

    pub(super) fn open(&self, passphrase: Option<&[u8]>) -> Result<OpenKey, KeyError> {
        let plain = if self.syntax == Syntax::EncryptedPkcs8 {
            let passphrase = passphrase.ok_or(KeyError::WrongPassphrase)?;
            Some(decrypt(&self.bytes, passphrase)?)
        } else if let Some(encryption) = &self.encryption {
            let passphrase = passphrase.ok_or(KeyError::WrongPassphrase)?;
            Some(encryption.decrypt(passphrase, &self.bytes)?)
        } else {
            None
        };
        let opened = self
            .signer(plain.as_ref().unwrap_or(&self.bytes))
            .and_then(OpenKey::new);
        match opened {
            // The padding of a wrong passphrase's output is right by chance now and then; what lies behind is noise.
            Err(KeyError::Damaged(_)) if plain.is_some() => Err(KeyError::WrongPassphrase),
            opened => opened,
        }
    }

    fn signer(&self, plain: &[u8]) -> Result<Signer, KeyError> {
        match self.syntax {
            Syntax::Pkcs8 | Syntax::EncryptedPkcs8 => pkcs8_signer(plain),
            Syntax::Pkcs1 => RsaSigner::from_der(plain).map(Signer::Rsa),
            Syntax::Sec1 => ec_signer(plain),
        }
    }
}

pub(super) const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
pub(super) const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// In the order of [`CURVES`].
pub(super) const CURVE_OIDS: [ObjectIdentifier; 3] = [
    ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"),
    ObjectIdentifier::new_unwrap("1.3.132.0.34"),
    ObjectIdentifier::new_unwrap("1.3.132.0.35"),
];

fn pkcs8_signer(plain: &[u8]) -> Result<Signer, KeyError> {
    let info =
        PrivateKeyInfoRef::try_from(plain).map_err(|_| damaged("its PKCS#8 structure does not parse"))?;
    match info.algorithm.oid {
        RSA => RsaSigner::from_der(plain).map(Signer::Rsa),
        EC => match info.algorithm.parameters_oid() {
            Ok(curve) if !CURVE_OIDS.contains(&curve) => Err(KeyError::Unsupported(format!(
                "keys on the curve {curve} are not supported; make one that is: ssh-keygen -t ed25519"
            ))),
            _ => ec_signer(plain),
        },
        ED25519 => Ed25519KeyPair::from_pkcs8_maybe_unchecked(plain)
            .map(Signer::Ed25519)
            .map_err(|_| damaged("its Ed25519 key does not parse")),
        other => Err(KeyError::Unsupported(format!(
            "keys of the algorithm {other} are not supported; make one that is: ssh-keygen -t ed25519"
        ))),
    }
}

/// The back end takes a key for one named curve only, so each is tried.
fn ec_signer(plain: &[u8]) -> Result<Signer, KeyError> {
    CURVES
        .into_iter()
        .find_map(|(curve, back_end, _)| {
            let pair = EcdsaKeyPair::from_private_key_der(back_end, plain).ok()?;
            Some(Signer::Ecdsa(curve, pair))
        })
        .ok_or_else(|| {
            damaged("its elliptic curve key does not parse, or its curve is none of nistp256, 384, 521")
        })
}

fn scheme(bytes: &[u8]) -> Result<EncryptedPrivateKeyInfoRef<'_>, KeyError> {
    let info = EncryptedPrivateKeyInfoRef::try_from(bytes).map_err(|_| unread(bytes))?;
    match &info.encryption_algorithm {
        EncryptionScheme::Pbes2(_) => Ok(info),
        _ => Err(unread(bytes)),
    }
}

fn unread(bytes: &[u8]) -> KeyError {
    match schemes::unread(bytes) {
        Some(what) => KeyError::Unsupported(format!(
            "{what} is not supported; encrypt the key anew: openssl pkcs8 -topk8 -v2 aes-256-cbc -in FILE -out NEW \
             (behind an old cipher with -provider legacy -provider default)"
        )),
        None => damaged("its encryption does not parse"),
    }
}

fn decrypt(bytes: &[u8], passphrase: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let info = scheme(bytes)?;
    let mut buffer = Zeroizing::new(info.encrypted_data.as_bytes().to_vec());
    let length = match info
        .encryption_algorithm
        .decrypt_in_place(passphrase, &mut buffer)
    {
        Ok(plain) => plain.len(),
        Err(pkcs5::Error::DecryptFailed) => return Err(KeyError::WrongPassphrase),
        Err(_) => return Err(unread(bytes)),
    };
    buffer.truncate(length);
    Ok(buffer)
}

fn damaged(reason: &str) -> KeyError {
    KeyError::Damaged(reason.into())
}
