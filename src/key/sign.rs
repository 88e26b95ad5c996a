//! An opened key: the back end's key objects, built once, and signatures as they go on the wire.
//!
//! The back end is AWS-LC: it blinds RSA, wipes keys when it frees them, and is the fastest by far. RustCrypto's `rsa`
//! is never used for a private operation (RUSTSEC-2023-0071).

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _};
use pkcs8::der::{Decode as _, Reader as _, SliceReader, asn1::UintRef};
use ssh_encoding::{Encode as _, Mpint};
use ssh_key::EcdsaCurve;
use ssh_key::public::{EcdsaPublicKey, Ed25519PublicKey, KeyData, RsaPublicKey};
use zeroize::Zeroizing;

use super::{KeyError, PublicHalf};

/// An opened private key, ready to sign; wiped on drop.
pub struct OpenKey {
    public: PublicHalf,
    signer: Signer,
}

/// The back end's key objects.
pub(super) enum Signer {
    Ed25519(Ed25519KeyPair),
    Ecdsa(EcdsaCurve, EcdsaKeyPair),
    Rsa(rsa::KeyPair),
}

/// Signature flags of RFC 9987: RSA with SHA-256, RSA with SHA-512.
const RSA_SHA2_256: u32 = 2;
const RSA_SHA2_512: u32 = 4;

impl OpenKey {
    /// Takes the public half from the private one.
    pub(super) fn new(signer: Signer) -> Result<Self, KeyError> {
        let public = PublicHalf::parse(&signer.blob()?)?;
        Ok(Self { public, signer })
    }

    /// Its public half.
    pub fn public(&self) -> &PublicHalf {
        &self.public
    }

    pub(super) fn into_public(self) -> PublicHalf {
        self.public
    }

    /// The signature as it goes on the wire: string algorithm, string blob (RFC 9987; RSA flags 2 and 4).
    ///
    /// Of the flags, 2 wins over 4; other bits, and all flags for other key types, mean nothing. Without either an RSA
    /// key would sign with SHA-1, which is refused: forgeable in practice, and OpenSSH has not asked for it since 8.8.
    pub fn sign(&self, data: &[u8], flags: u32) -> Result<Vec<u8>, KeyError> {
        match &self.signer {
            Signer::Ed25519(pair) => {
                let signature = pair.try_sign(data).map_err(|_| failed())?;
                encoded(&self.public.algorithm, signature.as_ref())
            }
            Signer::Ecdsa(_, pair) => {
                let signature = pair.sign(&SystemRandom::new(), data).map_err(|_| failed())?;
                let (r, s) = signature.as_ref().split_at(signature.as_ref().len() / 2);
                let mut numbers = Vec::with_capacity(signature.as_ref().len() + 10);
                Mpint::from_positive_bytes(r)
                    .encode(&mut numbers)
                    .map_err(|_| failed())?;
                Mpint::from_positive_bytes(s)
                    .encode(&mut numbers)
                    .map_err(|_| failed())?;
                encoded(&self.public.algorithm, &numbers)
            }
            Signer::Rsa(pair) => {
                let (name, padding) = if flags & RSA_SHA2_256 != 0 {
                    ("rsa-sha2-256", &signature::RSA_PKCS1_SHA256)
                } else if flags & RSA_SHA2_512 != 0 {
                    ("rsa-sha2-512", &signature::RSA_PKCS1_SHA512)
                } else {
                    return Err(KeyError::Unsupported(
                        "RSA signatures with SHA-1 (ssh-rsa) are refused; use a client and a server that know \
                         rsa-sha2-256 or rsa-sha2-512"
                            .into(),
                    ));
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &SystemRandom::new(), data, &mut signature)
                    .map_err(|_| failed())?;
                encoded(name, &signature)
            }
        }
    }

    /// True when a signature takes so long (over about 100 us) that it should not run on a runtime thread.
    pub fn is_slow(&self) -> bool {
        match &self.signer {
            Signer::Ed25519(_) | Signer::Ecdsa(EcdsaCurve::NistP256, _) => false,
            Signer::Ecdsa(..) | Signer::Rsa(_) => true,
        }
    }
}

/// string algorithm, string signature.
fn encoded(algorithm: &str, signature: &[u8]) -> Result<Vec<u8>, KeyError> {
    let mut blob = Vec::with_capacity(8 + algorithm.len() + signature.len());
    algorithm.encode(&mut blob).map_err(|_| failed())?;
    signature.encode(&mut blob).map_err(|_| failed())?;
    Ok(blob)
}

fn failed() -> KeyError {
    KeyError::Backend("the signature could not be made".into())
}

/// A curve's back end and the length of its scalars.
pub(super) const CURVES: [(EcdsaCurve, &EcdsaSigningAlgorithm, usize); 3] = [
    (
        EcdsaCurve::NistP256,
        &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
        32,
    ),
    (
        EcdsaCurve::NistP384,
        &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
        48,
    ),
    (
        EcdsaCurve::NistP521,
        &signature::ECDSA_P521_SHA512_FIXED_SIGNING,
        66,
    ),
];

impl Signer {
    pub(super) fn ed25519(seed: &[u8; 32], public: &[u8]) -> Result<Self, KeyError> {
        Ed25519KeyPair::from_seed_and_public_key(seed, public)
            .map(Self::Ed25519)
            .map_err(|_| KeyError::Damaged("its seed belongs to another public half".into()))
    }

    /// `scalar` is big-endian without leading zeros, `point` as in SEC 1.
    pub(super) fn ecdsa(curve: &[u8], scalar: &[u8], point: &[u8]) -> Result<Self, KeyError> {
        let wrong = || KeyError::Damaged("its scalar belongs to another public half".into());
        let (curve, back_end, length) = CURVES
            .into_iter()
            .find(|(known, ..)| known.as_str().as_bytes() == curve)
            .ok_or_else(wrong)?;
        let mut padded = Zeroizing::new([0; 66]);
        let start = length.checked_sub(scalar.len()).ok_or_else(wrong)?;
        padded[start..length].copy_from_slice(scalar);
        EcdsaKeyPair::from_private_key_and_public_key(back_end, &padded[..length], point)
            .map(|pair| Self::Ecdsa(curve, pair))
            .map_err(|_| wrong())
    }

    /// The public half's wire blob, from the back end's own numbers.
    fn blob(&self) -> Result<Vec<u8>, KeyError> {
        let failed = || KeyError::Backend("the key's public half could not be derived".into());
        let key = match self {
            Self::Ed25519(pair) => {
                let bytes = pair.public_key().as_ref().try_into().map_err(|_| failed())?;
                KeyData::Ed25519(Ed25519PublicKey(bytes))
            }
            Self::Ecdsa(_, pair) => KeyData::Ecdsa(
                EcdsaPublicKey::from_sec1_bytes(pair.public_key().as_ref()).map_err(|_| failed())?,
            ),
            Self::Rsa(pair) => {
                let (n, e) = rsa_public(pair.public_key().as_ref()).map_err(|_| failed())?;
                KeyData::Rsa(RsaPublicKey::new(e, n).map_err(|_| failed())?)
            }
        };
        ssh_key::PublicKey::from(key).to_bytes().map_err(|_| failed())
    }
}

/// Reads an RSAPublicKey (RFC 8017, A.1.1).
fn rsa_public(der: &[u8]) -> Result<(Mpint, Mpint), pkcs8::der::Error> {
    SliceReader::new(der)?.sequence(|reader| {
        let n = UintRef::decode(reader)?;
        let e = UintRef::decode(reader)?;
        Ok((
            Mpint::from_positive_bytes(n.as_bytes()),
            Mpint::from_positive_bytes(e.as_bytes()),
        ))
    })
}
