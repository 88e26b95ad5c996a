//! An opened key: the back end's key objects, built once, and signatures as they go on the wire.
//!
//! The back end is AWS-LC: it blinds RSA, wipes keys when it frees them, and is the fastest by far. RustCrypto's `rsa`
//! is never used for a private operation (RUSTSEC-2023-0071); what aws-lc-rs lacks is in `rsa`.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _};
use ssh_encoding::Encode as _;
use ssh_key::EcdsaCurve;
use ssh_key::public::{EcdsaPublicKey, Ed25519PublicKey, KeyData, RsaPublicKey};
use zeroize::Zeroizing;

use super::composite::Composite;
use super::kind::Kind;
use super::rsa::RsaSigner;
use super::signature::{self as encoding, encoded};
use super::sk::SkKey;
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
    Rsa(RsaSigner),
    Composite(Composite),
    /// A token, which signs by itself.
    Token(SkKey),
}

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

    /// What the token knows the key by, where one signs instead of [`sign`](Self::sign).
    pub fn token(&self) -> Option<&SkKey> {
        match &self.signer {
            Signer::Token(key) => Some(key),
            _ => None,
        }
    }

    pub(super) fn signer(&self) -> &Signer {
        &self.signer
    }

    pub(super) fn into_public(self) -> PublicHalf {
        self.public
    }

    /// The signature as it goes on the wire: string algorithm, string blob (RFC 9987). The flags choose the hash of RSA
    /// ([`encoding::rsa_hash`]) and mean nothing for other types.
    pub fn sign(&self, data: &[u8], flags: u32) -> Result<Vec<u8>, KeyError> {
        match &self.signer {
            Signer::Ed25519(pair) => {
                let signature = pair.try_sign(data).map_err(|_| failed())?;
                encoded(&self.public.algorithm, signature.as_ref())
            }
            Signer::Ecdsa(_, pair) => {
                let signature = pair.sign(&SystemRandom::new(), data).map_err(|_| failed())?;
                encoding::ecdsa(&self.public.algorithm, signature.as_ref())
            }
            Signer::Rsa(key) => {
                let (name, signature) = key.sign(data, flags)?;
                encoded(name, &signature)
            }
            Signer::Composite(pair) => encoded(&self.public.algorithm, &pair.sign(data)?),
            Signer::Token(_) => Err(KeyError::Unsupported(
                "a security key signs on its token; there is no private key to sign with".into(),
            )),
        }
    }

    /// True when a signature takes so long (over about 100 us) that it should not run on a runtime thread.
    pub fn is_slow(&self) -> bool {
        match &self.signer {
            Signer::Ed25519(_) | Signer::Ecdsa(EcdsaCurve::NistP256, _) | Signer::Token(_) => false,
            Signer::Ecdsa(..) | Signer::Rsa(_) | Signer::Composite(_) => true,
        }
    }
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

    pub(super) fn composite(seeds: &[u8], public: &[u8]) -> Result<Self, KeyError> {
        Composite::new(seeds, public).map(Self::Composite)
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
            Self::Composite(pair) => {
                let mut blob = Vec::new();
                Kind::Composite.name().encode(&mut blob).map_err(|_| failed())?;
                pair.public().encode(&mut blob).map_err(|_| failed())?;
                return Ok(blob);
            }
            Self::Token(key) => return Ok(key.blob.clone()),
            Self::Ed25519(pair) => {
                let bytes = pair.public_key().as_ref().try_into().map_err(|_| failed())?;
                KeyData::Ed25519(Ed25519PublicKey(bytes))
            }
            Self::Ecdsa(_, pair) => KeyData::Ecdsa(
                EcdsaPublicKey::from_sec1_bytes(pair.public_key().as_ref()).map_err(|_| failed())?,
            ),
            Self::Rsa(key) => {
                let (n, e) = key.public()?;
                KeyData::Rsa(RsaPublicKey::new(e, n).map_err(|_| failed())?)
            }
        };
        ssh_key::PublicKey::from(key).to_bytes().map_err(|_| failed())
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::UnparsedPublicKey;

    use super::*;

    const DATA: &[u8] = b"any bytes";

    fn strings(mut blob: &[u8]) -> Vec<&[u8]> {
        let mut found = Vec::new();
        while let Ok(content) = crate::key::string(&mut blob) {
            found.push(content);
        }
        assert!(blob.is_empty());
        found
    }

    fn ecdsa(curve: usize) -> OpenKey {
        let (curve, back_end, _) = CURVES[curve];
        OpenKey::new(Signer::Ecdsa(curve, EcdsaKeyPair::generate(back_end).unwrap())).unwrap()
    }

    #[test]
    fn keys_go_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<OpenKey>();
    }

    #[test]
    fn rsa_flags_choose_the_hash() {
        let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
        let public = pair.public_key().as_ref().to_vec();
        let key = OpenKey::new(Signer::Rsa(RsaSigner::Usual(pair))).unwrap();
        for (flags, name, algorithm) in [
            (2, "rsa-sha2-256", &signature::RSA_PKCS1_2048_8192_SHA256),
            (4, "rsa-sha2-512", &signature::RSA_PKCS1_2048_8192_SHA512),
            (6, "rsa-sha2-256", &signature::RSA_PKCS1_2048_8192_SHA256),
            (!2, "rsa-sha2-512", &signature::RSA_PKCS1_2048_8192_SHA512),
            (
                0,
                "ssh-rsa",
                &signature::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            ),
            (
                !6,
                "ssh-rsa",
                &signature::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            ),
        ] {
            let blob = key.sign(DATA, flags).unwrap();
            let parts = strings(&blob);
            assert_eq!((parts.len(), parts[0], parts[1].len()), (2, name.as_bytes(), 256));
            UnparsedPublicKey::new(algorithm, &public)
                .verify(DATA, parts[1])
                .unwrap();
        }
        assert!(key.is_slow());
    }

    #[test]
    fn other_keys_ignore_flags_and_only_the_quick_ones_stay_on_the_runtime() {
        let seed = [7; 32];
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        let public = pair.public_key().as_ref().to_vec();
        let key = OpenKey::new(Signer::ed25519(&seed, &public).unwrap()).unwrap();
        assert_eq!(key.sign(DATA, 0).unwrap(), key.sign(DATA, u32::MAX).unwrap());
        let blob = key.sign(DATA, 2).unwrap();
        assert_eq!(strings(&blob), [b"ssh-ed25519", pair.sign(DATA).as_ref()]);
        let slow = [ecdsa(0), ecdsa(1), ecdsa(2), key].map(|key| key.is_slow());
        assert_eq!(slow, [false, true, true, false]);
    }

    #[test]
    fn ecdsa_numbers_are_mpints() {
        // Half of all numbers have their top bit set and a few begin with zeros: many signatures meet both.
        let key = ecdsa(0);
        for _ in 0..300 {
            let blob = key.sign(DATA, 0).unwrap();
            let parts = strings(&blob);
            assert_eq!((parts.len(), parts[0]), (2, &b"ecdsa-sha2-nistp256"[..]));
            for number in strings(parts[1]) {
                assert!(ssh_encoding::Mpint::from_bytes(number).unwrap().is_positive());
            }
        }
    }

    #[test]
    fn halves_that_do_not_belong_together_are_refused() {
        assert!(matches!(
            Signer::ed25519(&[7; 32], &[8; 32]),
            Err(KeyError::Damaged(_))
        ));
        let key = ecdsa(0);
        let point = &key.public.blob[key.public.blob.len() - 65..];
        for (curve, scalar) in [
            (&b"nistp256"[..], &[1][..]),
            (b"nistp256", &[1; 33]),
            (b"nistp256", &[]),
            (b"nistp384", &[1]),
            (b"?", &[1]),
        ] {
            assert!(matches!(
                Signer::ecdsa(curve, scalar, point),
                Err(KeyError::Damaged(_))
            ));
        }
    }
}
