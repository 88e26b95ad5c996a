//! RSA keys of the back end: from SSH's numbers (the two exponents that SSH leaves out are computed in constant time)
//! or ASN.1, and their signatures.

use aws_lc_rs::digest::digest;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeyPairComponents, PublicKeyComponents};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaSignatureEncoding};
use claviger_platform::rsa::{RsaHash, RsaKey, RsaNumbers};
use crypto_bigint::{BoxedUint, NonZero};
use pkcs8::PrivateKeyInfoRef;
use pkcs8::der::asn1::UintRef;
use pkcs8::der::{Decode as _, Reader as _, SliceReader};
use ssh_encoding::Mpint;
use zeroize::Zeroizing;

use super::{KeyError, public, signature};

/// Sizes that aws-lc-rs takes.
const USUAL_BITS: std::ops::RangeInclusive<u32> = 2048..=8192;

/// An RSA key as SSH stores it; big-endian, without leading zeros.
pub(super) struct Numbers<'a> {
    pub(super) n: &'a [u8],
    pub(super) e: &'a [u8],
    pub(super) d: &'a [u8],
    pub(super) p: &'a [u8],
    pub(super) q: &'a [u8],
    /// q⁻¹ mod p.
    pub(super) q_inverse: &'a [u8],
}

/// An RSA key of the back end.
///
/// aws-lc-rs has keys of 2048 to 8192 bits and no SHA-1. OpenSSH's agent has both more: hosts of old sign with SHA-1
/// still (a request without flags asks for it), so what is missing comes from AWS-LC itself.
pub(super) enum RsaSigner {
    Usual(KeyPair),
    Unusual(RsaKey),
}

impl RsaSigner {
    /// The back end checks that all numbers belong together.
    pub(super) fn from_numbers(numbers: &Numbers<'_>) -> Result<Self, KeyError> {
        let &Numbers {
            n,
            e,
            d,
            p,
            q,
            q_inverse,
        } = numbers;
        if [d, p, q, q_inverse].iter().any(|number| number.len() > n.len()) {
            return Err(inconsistent());
        }
        let d_mod_p = reduced(d, p)?;
        let d_mod_q = reduced(d, q)?;
        if USUAL_BITS.contains(&public::rsa_bits(n)?) {
            return KeyPair::from_components(&KeyPairComponents {
                public_key: PublicKeyComponents { n, e },
                d,
                p,
                q,
                dP: &d_mod_p,
                dQ: &d_mod_q,
                qInv: q_inverse,
            })
            .map(Self::Usual)
            .map_err(|_| inconsistent());
        }
        RsaKey::from_numbers(&RsaNumbers {
            n,
            e,
            d,
            p,
            q,
            d_mod_p: &d_mod_p,
            d_mod_q: &d_mod_q,
            q_inverse,
        })
        .map(Self::Unusual)
        .ok_or_else(inconsistent)
    }

    /// From PKCS#8 or PKCS#1.
    pub(super) fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        let usual = KeyPair::from_pkcs8(der).or_else(|_| KeyPair::from_der(der));
        if let Ok(pair) = usual {
            return Ok(Self::Usual(pair));
        }
        let key = RsaKey::from_der(der).ok_or_else(|| {
            KeyError::Damaged("its RSA numbers do not parse or do not belong together".into())
        })?;
        public::rsa_bits(&key.public_numbers().0)?;
        Ok(Self::Unusual(key))
    }

    /// Modulus and public exponent.
    pub(super) fn public(&self) -> Result<(Mpint, Mpint), KeyError> {
        let numbers = match self {
            Self::Usual(pair) => rsa_public(pair.public_key().as_ref()).map_err(|_| failed())?,
            Self::Unusual(key) => {
                let (n, e) = key.public_numbers();
                (Mpint::from_positive_bytes(&n), Mpint::from_positive_bytes(&e))
            }
        };
        Ok(numbers)
    }

    /// The private key as RSAPrivateKey (RFC 8017, A.1.2).
    pub(super) fn to_pkcs1(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let withheld = || KeyError::Backend("the back end does not give the private numbers out".into());
        match self {
            Self::Usual(pair) => {
                let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| withheld())?;
                let info = PrivateKeyInfoRef::try_from(der.as_ref()).map_err(|_| withheld())?;
                Ok(Zeroizing::new(info.private_key.as_bytes().to_vec()))
            }
            Self::Unusual(key) => key.to_pkcs1().map(Zeroizing::new).ok_or_else(withheld),
        }
    }

    /// The algorithm that the flags ask for, and its signature.
    pub(super) fn sign(&self, data: &[u8], flags: u32) -> Result<(&'static str, Vec<u8>), KeyError> {
        let hash = signature::rsa_hash(flags);
        let (name, algorithm) = signature::rsa_algorithm(hash);
        let padding: Option<&RsaSignatureEncoding> = match hash {
            RsaHash::Sha1 => None,
            RsaHash::Sha256 => Some(&RSA_PKCS1_SHA256),
            RsaHash::Sha512 => Some(&RSA_PKCS1_SHA512),
        };
        let digest = || digest(algorithm, data);
        let signature = match (self, padding) {
            (Self::Usual(pair), Some(padding)) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &SystemRandom::new(), data, &mut signature)
                    .ok()
                    .map(|()| signature)
            }
            (Self::Usual(pair), None) => {
                let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| failed())?;
                RsaKey::from_der(der.as_ref()).and_then(|key| key.sign(hash, digest().as_ref()))
            }
            (Self::Unusual(key), _) => key.sign(hash, digest().as_ref()),
        };
        Ok((name, signature.ok_or_else(failed)?))
    }
}

fn failed() -> KeyError {
    KeyError::Backend("the signature could not be made".into())
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

/// d mod (prime - 1), in time that depends on the numbers' lengths only.
fn reduced(d: &[u8], prime: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let below = number(prime)?.wrapping_sub(BoxedUint::one());
    let modulus = Option::from(NonZero::new(below)).map(Zeroizing::<NonZero<BoxedUint>>::new);
    let (quotient, remainder) = number(d)?.div_rem(&*modulus.ok_or_else(inconsistent)?);
    drop(Zeroizing::new(quotient));
    let remainder = Zeroizing::new(remainder);
    Ok(Zeroizing::new(remainder.to_be_bytes().into_vec()))
}

fn number(bytes: &[u8]) -> Result<Zeroizing<BoxedUint>, KeyError> {
    let bits = u32::try_from(bytes.len() * 8).map_err(|_| inconsistent())?;
    BoxedUint::from_be_slice(bytes, bits.max(1))
        .map(Zeroizing::new)
        .map_err(|_| inconsistent())
}

fn inconsistent() -> KeyError {
    KeyError::Damaged("its RSA numbers do not belong together".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_are_reduced() {
        let long = [0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0, 0x12, 0x34];
        for (d, prime) in [
            (&[1, 0][..], 11),
            (&[9], 11),
            (&[10], 11),
            (&long, 251),
            (&long, 3),
        ] {
            let reduced = reduced(d, &[prime]).unwrap();
            let value = |bytes: &[u8]| {
                bytes.iter().fold(0, |sum, byte| {
                    (sum * 256 + u32::from(*byte)) % (u32::from(prime) - 1)
                })
            };
            assert!(reduced[..reduced.len() - 1].iter().all(|byte| *byte == 0));
            assert_eq!(u32::from(reduced[reduced.len() - 1]), value(d));
        }
    }

    #[test]
    fn numbers_that_do_not_belong_together_are_refused() {
        let big = [0xff; 256];
        for (d, p) in [
            (&big[..], &[1][..]),
            (&big, &[]),
            (&[], &[11]),
            (&[0xff; 257], &[11]),
            (&big, &[11]),
        ] {
            let numbers = Numbers {
                n: &big,
                e: &[1, 0, 1],
                d,
                p,
                q: &[13],
                q_inverse: &[6],
            };
            assert!(matches!(
                RsaSigner::from_numbers(&numbers),
                Err(KeyError::Damaged(_))
            ));
        }
    }
}
