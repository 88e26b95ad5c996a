//! The private fields of a key as OpenSSH writes them: in its file format and, the same, in requests to add a key.
//!
//! With a certificate the public fields that it carries are left out, so they are taken from there. Numbers are
//! borrowed: the caller's zeroizing buffer stays the only copy until the back end has them.

use super::kind::Kind;
use super::rsa::{self, RsaSigner};
use super::sign::Signer;
use super::{KeyError, cut, damaged, string};

/// A private key, by what signs for it.
pub(super) enum Private<'a> {
    Soft(Signer),
    Token(TokenFields<'a>),
}

/// What tells a token which of its keys is meant.
pub(super) struct TokenFields<'a> {
    /// curve and point, or the Ed25519 key.
    pub(super) public: Vec<&'a [u8]>,
    pub(super) application: &'a [u8],
    pub(super) flags: u8,
    pub(super) handle: &'a [u8],
}

/// Reads the fields behind the type, and behind the certificate where there is one; `certified` are its public fields.
pub(super) fn read<'a>(
    kind: Kind,
    certified: Option<&'a [u8]>,
    rest: &mut &'a [u8],
) -> Result<Private<'a>, KeyError> {
    let signer = match kind {
        Kind::Ed25519 => {
            let public = string(rest).map_err(cut)?;
            let (seed, again) = string(rest)
                .map_err(cut)?
                .split_first_chunk::<32>()
                .ok_or_else(|| damaged("its seed is too short"))?;
            if again != public {
                return Err(damaged("it holds two public halves that differ"));
            }
            Signer::ed25519(seed, public)?
        }
        Kind::Composite => {
            let public = certified_or(certified, rest, |fields| string(fields).map_err(cut))?;
            Signer::composite(string(rest).map_err(cut)?, public)?
        }
        Kind::Rsa => {
            let [n, e] = match certified {
                Some(mut fields) => {
                    let [e, n] = numbers(&mut fields)?;
                    [n, e]
                }
                None => numbers(rest)?,
            };
            let [d, q_inverse, p, q] = numbers(rest)?;
            Signer::Rsa(RsaSigner::from_numbers(&rsa::Numbers {
                n,
                e,
                d,
                p,
                q,
                q_inverse,
            })?)
        }
        Kind::Ecdsa(own) => {
            let [curve, point] = certified_or(certified, rest, strings)?;
            if curve != own.as_str().as_bytes() {
                return Err(damaged("it names two curves"));
            }
            let [scalar] = numbers(rest)?;
            Signer::ecdsa(curve, scalar, point)?
        }
        Kind::SkEd25519 => return token(strings::<1>(rest)?.to_vec(), rest),
        Kind::SkEcdsa => {
            let public = certified_or(certified, rest, strings::<2>)?;
            return token(public.to_vec(), rest);
        }
    };
    Ok(Private::Soft(signer))
}

fn token<'a>(public: Vec<&'a [u8]>, rest: &mut &'a [u8]) -> Result<Private<'a>, KeyError> {
    let application = string(rest).map_err(cut)?;
    let (&flags, behind) = rest.split_first().ok_or_else(|| damaged("it ends too early"))?;
    *rest = behind;
    let [handle, _reserved] = strings(rest)?;
    Ok(Private::Token(TokenFields {
        public,
        application,
        flags,
        handle,
    }))
}

fn certified_or<'a, T>(
    certified: Option<&'a [u8]>,
    rest: &mut &'a [u8],
    read: impl FnOnce(&mut &'a [u8]) -> Result<T, KeyError>,
) -> Result<T, KeyError> {
    match certified {
        Some(mut fields) => read(&mut fields),
        None => read(rest),
    }
}

fn strings<'a, const N: usize>(rest: &mut &'a [u8]) -> Result<[&'a [u8]; N], KeyError> {
    let mut strings = [&[][..]; N];
    for content in &mut strings {
        *content = string(rest).map_err(cut)?;
    }
    Ok(strings)
}

/// Reads positive `mpint`s (RFC 4251, 5), without their leading zeros.
pub(super) fn numbers<'a, const N: usize>(rest: &mut &'a [u8]) -> Result<[&'a [u8]; N], KeyError> {
    let mut numbers = strings(rest)?;
    for number in &mut numbers {
        if number.first().is_some_and(|first| *first >= 0x80) {
            return Err(damaged("one of its numbers is negative"));
        }
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        *number = &number[zeros..];
    }
    Ok(numbers)
}
