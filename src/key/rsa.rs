//! RSA private numbers to the back end's key: the two exponents that SSH leaves out, computed in constant time.

use aws_lc_rs::rsa::{KeyPair, KeyPairComponents, PublicKeyComponents};
use crypto_bigint::{BoxedUint, NonZero};
use zeroize::Zeroizing;

use super::KeyError;

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

/// Builds the back end's key, which checks that all numbers belong together.
pub(super) fn key_pair(numbers: &Numbers<'_>) -> Result<KeyPair, KeyError> {
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
    KeyPair::from_components(&KeyPairComponents {
        public_key: PublicKeyComponents { n, e },
        d,
        p,
        q,
        dP: &d_mod_p,
        dQ: &d_mod_q,
        qInv: q_inverse,
    })
    .map_err(|_| inconsistent())
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
            assert!(matches!(key_pair(&numbers), Err(KeyError::Damaged(_))));
        }
    }
}
