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
    let prime = number(prime)?;
    let below = Zeroizing::new(prime.wrapping_sub(BoxedUint::one()));
    let modulus = Zeroizing::new(
        Option::<NonZero<BoxedUint>>::from(NonZero::new((*below).clone())).ok_or_else(inconsistent)?,
    );
    let (_quotient, remainder) = number(d)?.div_rem(&*modulus);
    let (_quotient, remainder) = (Zeroizing::new(_quotient), Zeroizing::new(remainder));
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
