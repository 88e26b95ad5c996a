//! The private numbers of an opened key, for those who write it down again.
//!
//! The back end keeps them; they are asked for here at the moment of writing only, in buffers that are wiped. [`Fields`]
//! frames them as SSH does, for OpenSSH's files and PuTTY's alike.

use aws_lc_rs::encoding::AsBigEndian as _;
use aws_lc_rs::signature::KeyPair as _;
use pkcs8::der::asn1::UintRef;
use pkcs8::der::{self, Decode as _, Reader as _, SliceReader};
use ssh_encoding::Encode as _;
use ssh_key::EcdsaCurve;
use zeroize::Zeroizing;

use super::sign::Signer;
use super::{KeyError, OpenKey};

/// Bytes of a number or a seed that nobody else may see.
type Private = Zeroizing<Vec<u8>>;

/// The numbers of a key, big-endian where they are numbers.
pub(super) enum Parts {
    /// Seed and public half.
    Ed25519 { seed: Private, public: Vec<u8> },
    /// Scalar, and the point in SEC 1's uncompressed form.
    Ecdsa {
        curve: EcdsaCurve,
        scalar: Private,
        point: Vec<u8>,
    },
    /// As SSH stores it.
    Rsa(RsaParts),
    /// ML-DSA's seed and Ed25519's, and their public halves.
    Composite { seeds: Private, public: Vec<u8> },
}

/// An RSA key as SSH stores it.
pub(super) struct RsaParts {
    pub(super) n: Vec<u8>,
    pub(super) e: Vec<u8>,
    pub(super) d: Private,
    pub(super) p: Private,
    pub(super) q: Private,
    /// q⁻¹ mod p.
    pub(super) q_inverse: Private,
}

impl Parts {
    /// Asks the back end for them.
    pub(super) fn of(key: &OpenKey) -> Result<Self, KeyError> {
        let withheld = |_| KeyError::Backend("the back end does not give the private numbers out".into());
        Ok(match key.signer() {
            Signer::Ed25519(pair) => {
                let seed = pair.seed().map_err(withheld)?;
                Self::Ed25519 {
                    seed: Zeroizing::new(seed.as_be_bytes().map_err(withheld)?.as_ref().to_vec()),
                    public: pair.public_key().as_ref().to_vec(),
                }
            }
            Signer::Ecdsa(curve, pair) => {
                let scalar = pair.private_key().as_be_bytes().map_err(withheld)?;
                Self::Ecdsa {
                    curve: *curve,
                    scalar: Zeroizing::new(scalar.as_ref().to_vec()),
                    point: pair.public_key().as_ref().to_vec(),
                }
            }
            Signer::Rsa(key) => Self::Rsa(RsaParts::parse(&key.to_pkcs1()?)?),
            Signer::Token(_) => {
                return Err(KeyError::Backend(
                    "its private half is in a security key, which does not give it out".into(),
                ));
            }
            Signer::Composite(pair) => Self::Composite {
                seeds: pair.seeds()?,
                public: pair.public(),
            },
        })
    }
}

impl RsaParts {
    /// Reads an RSAPrivateKey (RFC 8017, A.1.2).
    fn parse(pkcs1: &[u8]) -> Result<Self, KeyError> {
        let public = |number: UintRef<'_>| number.as_bytes().to_vec();
        let private = |number: UintRef<'_>| Zeroizing::new(number.as_bytes().to_vec());
        let read = |reader: &mut SliceReader<'_>| {
            u8::decode(reader)?;
            let [n, e] = [UintRef::decode(reader)?, UintRef::decode(reader)?];
            let [d, p, q] = [
                UintRef::decode(reader)?,
                UintRef::decode(reader)?,
                UintRef::decode(reader)?,
            ];
            let [_, _] = [UintRef::decode(reader)?, UintRef::decode(reader)?];
            Ok::<_, der::Error>(Self {
                n: public(n),
                e: public(e),
                d: private(d),
                p: private(p),
                q: private(q),
                q_inverse: private(UintRef::decode(reader)?),
            })
        };
        SliceReader::new(pkcs1)
            .and_then(|mut reader| reader.sequence(read))
            .map_err(|_| KeyError::Backend("the back end's RSA numbers do not parse".into()))
    }
}

/// Private fields in SSH's framing, in one buffer that never moves: a move would leave a copy behind.
pub(super) struct Fields(Private);

/// More than the largest key has (RSA with 16384 bits: 8 kB).
const ROOM: usize = 16 * 1024;

impl Fields {
    /// With room for a key and `more` bytes.
    pub(super) fn with_room(more: usize) -> Self {
        Self(Zeroizing::new(Vec::with_capacity(ROOM + more)))
    }

    /// A `string` (RFC 4251, 5).
    pub(super) fn string(&mut self, content: &[u8]) -> Result<(), KeyError> {
        content.encode(&mut *self.0).map_err(too_long)
    }

    /// A positive number as `mpint` (RFC 4251, 5).
    pub(super) fn number(&mut self, number: &[u8]) -> Result<(), KeyError> {
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        let number = &number[zeros..];
        // Without it the number would be negative.
        let sign: &[u8] = match number.first() {
            Some(0x80..) => &[0],
            _ => &[],
        };
        (sign.len() + number.len())
            .encode(&mut *self.0)
            .map_err(too_long)?;
        self.bytes(sign);
        self.bytes(number);
        Ok(())
    }

    /// Bytes without a frame.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn into_bytes(self) -> Private {
        self.0
    }
}

impl std::ops::Deref for Fields {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

fn too_long(_: ssh_encoding::Error) -> KeyError {
    KeyError::Unsupported(
        "a field of more than a megabyte is not written; shorten the comment: --comment TEXT".into(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_shortest_positive_ones() {
        for (number, encoded) in [
            (&[][..], &[0, 0, 0, 0][..]),
            (&[0, 0], &[0, 0, 0, 0]),
            (&[0, 0, 1], &[0, 0, 0, 1, 1]),
            (&[0x7f, 0], &[0, 0, 0, 2, 0x7f, 0]),
            (&[0x80], &[0, 0, 0, 2, 0, 0x80]),
            (&[0, 0xff], &[0, 0, 0, 2, 0, 0xff]),
        ] {
            let mut fields = Fields::with_room(0);
            fields.number(number).unwrap();
            assert_eq!(&*fields, encoded);
            let mpint = ssh_encoding::Mpint::from_positive_bytes(number);
            let mut expected = Vec::new();
            mpint.encode(&mut expected).unwrap();
            assert_eq!(&*fields, expected);
        }
    }

    #[test]
    fn the_buffer_never_moves() {
        let mut fields = Fields::with_room(3);
        let before = fields.as_ptr();
        fields.bytes(&[1; ROOM + 3]);
        assert_eq!(fields.as_ptr(), before);
    }
}
