//! ML-DSA-44 and Ed25519 as one key (`ssh-mldsa44-ed25519`): forging it takes breaking both.
//!
//! The construction is the composite one of draft-ietf-lamps-pq-composite-sigs, as OpenSSH uses it since 10.6: both
//! parts sign the same prefixed SHA-512 hash, and ML-DSA's context string is the label. The context string is why
//! the lattice part is not AWS-LC's, whose Rust interface cannot set one; RustCrypto's `ml-dsa` is maintained but has
//! not been audited, and what it may lack is covered by the Ed25519 part, which is AWS-LC's.

use aws_lc_rs::digest;
use aws_lc_rs::encoding::AsBigEndian as _;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use ml_dsa::signature::rand_core::{TryCryptoRng, TryRng, utils};
use ml_dsa::{Keypair as _, MlDsa44, Seed, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use super::KeyError;

const PREFIX: &[u8] = b"CompositeAlgorithmSignatures2025";
const LABEL: &[u8] = b"COMPSIG-MLDSA44-Ed25519-SHA512";
/// Length of the lattice part of a public key, in bytes (FIPS 204, table 2).
const LATTICE_PUBLIC: usize = 1312;
/// Length of the lattice part of a signature, in bytes.
const LATTICE_SIGNATURE: usize = 2420;
/// Length of the public half, in bytes.
pub(super) const PUBLIC: usize = LATTICE_PUBLIC + 32;
/// Size that OpenSSH gives for these keys in a list.
pub(super) const BITS: u32 = 512;

/// Both private parts, ready to sign; wiped on drop.
pub(super) struct Composite {
    lattice: Box<SigningKey<MlDsa44>>,
    curve: Ed25519KeyPair,
}

impl Composite {
    /// `seeds` are ML-DSA's and Ed25519's, which must belong to `public`.
    pub(super) fn new(seeds: &[u8], public: &[u8]) -> Result<Self, KeyError> {
        let wrong = || KeyError::Damaged("its seeds belong to another public half".into());
        let (lattice, curve) = seeds.split_at_checked(32).ok_or_else(wrong)?;
        let (lattice_public, curve_public) = public.split_at_checked(LATTICE_PUBLIC).ok_or_else(wrong)?;
        let seed = Seed::try_from(lattice).map(Zeroizing::new).map_err(|_| wrong())?;
        let lattice = Box::new(SigningKey::<MlDsa44>::from_seed(&seed));
        if lattice.verifying_key().encode().as_slice() != lattice_public {
            return Err(wrong());
        }
        let curve = Ed25519KeyPair::from_seed_and_public_key(curve, curve_public).map_err(|_| wrong())?;
        Ok(Self { lattice, curve })
    }

    /// The public half: ML-DSA's, then Ed25519's.
    pub(super) fn public(&self) -> Vec<u8> {
        [
            self.lattice.verifying_key().encode().as_slice(),
            self.curve.public_key().as_ref(),
        ]
        .concat()
    }

    /// The seeds: ML-DSA's, then Ed25519's.
    pub(super) fn seeds(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let withheld = |_| KeyError::Backend("the back end does not give the private numbers out".into());
        let seed = self.curve.seed().map_err(withheld)?;
        let curve = seed.as_be_bytes().map_err(withheld)?;
        Ok(Zeroizing::new(
            [self.lattice.as_seed().as_slice(), curve.as_ref()].concat(),
        ))
    }

    /// ML-DSA's signature, then Ed25519's. Hedged: fresh randomness guards ML-DSA against injected faults.
    pub(super) fn sign(&self, data: &[u8]) -> Result<Vec<u8>, KeyError> {
        let failed = || KeyError::Backend("the signature could not be made".into());
        let message = message(data);
        let lattice = self
            .lattice
            .expanded_key()
            .sign_randomized(&message, LABEL, &mut Randomness)
            .map_err(|_| failed())?;
        let curve = self.curve.try_sign(&message).map_err(|_| failed())?;
        Ok([lattice.encode().as_slice(), curve.as_ref()].concat())
    }
}

/// Verifies both parts.
pub(super) fn verify(public: &[u8], data: &[u8], signature: &[u8]) -> Result<(), KeyError> {
    let (lattice_public, curve_public) = public
        .split_at_checked(LATTICE_PUBLIC)
        .ok_or(KeyError::BadSignature)?;
    let (lattice, curve) = signature
        .split_at_checked(LATTICE_SIGNATURE)
        .ok_or(KeyError::BadSignature)?;
    let message = message(data);
    UnparsedPublicKey::new(&ED25519, curve_public)
        .verify(&message, curve)
        .map_err(|_| KeyError::BadSignature)?;
    let public = lattice_public.try_into().map_err(|_| KeyError::BadSignature)?;
    let signature = ml_dsa::Signature::<MlDsa44>::try_from(lattice).map_err(|_| KeyError::BadSignature)?;
    if VerifyingKey::<MlDsa44>::decode(&public).verify_with_context(&message, LABEL, &signature) {
        Ok(())
    } else {
        Err(KeyError::BadSignature)
    }
}

/// What both parts sign; the zero is the length of the application's context, of which SSH has none.
fn message(data: &[u8]) -> Vec<u8> {
    [
        PREFIX,
        LABEL,
        &[0],
        digest::digest(&digest::SHA512, data).as_ref(),
    ]
    .concat()
}

/// AWS-LC's random numbers for ML-DSA, so that one generator serves every signature.
struct Randomness;

impl TryRng for Randomness {
    type Error = NoRandomness;

    fn try_next_u32(&mut self) -> Result<u32, NoRandomness> {
        utils::next_word_via_fill(self)
    }

    fn try_next_u64(&mut self) -> Result<u64, NoRandomness> {
        utils::next_word_via_fill(self)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        SystemRandom::new().fill(bytes).map_err(|_| NoRandomness)
    }
}

impl TryCryptoRng for Randomness {}

/// The back end has no random numbers.
#[derive(Debug, thiserror::Error)]
#[error("no random numbers")]
struct NoRandomness;

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Composite {
        let seeds = [7; 64];
        let lattice = SigningKey::<MlDsa44>::from_seed(&Seed::try_from(&seeds[..32]).unwrap());
        let curve = Ed25519KeyPair::from_seed_unchecked(&seeds[32..]).unwrap();
        let public = [
            lattice.verifying_key().encode().as_slice(),
            curve.public_key().as_ref(),
        ]
        .concat();
        Composite::new(&seeds, &public).unwrap()
    }

    #[test]
    fn both_parts_must_fit() {
        let key = key();
        let public = key.public();
        assert_eq!(public.len(), PUBLIC);
        let signature = key.sign(b"data").unwrap();
        assert_eq!(signature.len(), 2484);
        verify(&public, b"data", &signature).unwrap();
        assert!(verify(&public, b"other", &signature).is_err());
        for place in [0, LATTICE_SIGNATURE - 1, LATTICE_SIGNATURE, 2483] {
            let mut damaged = signature.clone();
            damaged[place] ^= 1;
            assert!(verify(&public, b"data", &damaged).is_err(), "{place}");
        }
        for end in [0, 1, LATTICE_SIGNATURE, 2483] {
            assert!(verify(&public, b"data", &signature[..end]).is_err());
        }
        for end in [0, LATTICE_PUBLIC - 1, LATTICE_PUBLIC, PUBLIC - 1] {
            assert!(verify(&public[..end], b"data", &signature).is_err());
        }
    }

    #[test]
    fn signatures_are_hedged() {
        let key = key();
        let [first, second] = [(); 2].map(|()| key.sign(b"data").unwrap());
        assert_ne!(first[..LATTICE_SIGNATURE], second[..LATTICE_SIGNATURE]);
        assert_eq!(first[LATTICE_SIGNATURE..], second[LATTICE_SIGNATURE..]);
    }

    #[test]
    fn halves_that_do_not_belong_together_are_refused() {
        let public = key().public();
        for (place, length) in [(0, 64), (31, 64), (32, 64), (63, 64), (0, 63), (0, 31)] {
            let mut seeds = [7; 64];
            seeds[place] ^= 1;
            assert!(Composite::new(&seeds[..length], &public).is_err());
        }
        assert!(Composite::new(&[7; 64], &public[..PUBLIC - 1]).is_err());
        assert!(Composite::new(&[7; 65], &public).is_err());
    }
}
