//! How a token is made to sign what SSH wants: which mechanism, over what, and its answer as it goes on the wire.

use crate::key::signature::{self, RsaHash, rsa_algorithm, rsa_hash};
use crate::key::{KeyError, PublicHalf};
use aws_lc_rs::digest::{self, digest};
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::mechanism::{Mechanism, MechanismType};
use std::borrow::Cow;

/// DigestInfo without its digest (RFC 8017, 9.2, note 1).
const SHA1_INFO: [u8; 15] = [
    0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14,
];
const SHA256_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x20,
];
const SHA512_INFO: [u8; 19] = [
    0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00,
    0x04, 0x40,
];

/// One way to a signature.
pub(super) struct Way<'a> {
    pub(super) mechanism: Mechanism<'a>,
    pub(super) input: Cow<'a, [u8]>,
    form: Form,
}

/// What the token's answer is.
enum Form {
    Rsa(RsaHash),
    /// Two numbers of this many bytes in all.
    Ecdsa(usize),
    Ed25519,
}

impl<'a> Way<'a> {
    /// Hashes here where the token signs a hash: that is what the most tokens can, and the least for them to carry.
    /// Where it only signs what it hashes itself, it gets the data.
    pub(super) fn choose(
        key: &PublicHalf,
        offered: &[MechanismType],
        data: &'a [u8],
        flags: u32,
    ) -> Result<Self, String> {
        let offers = |mechanism| offered.is_empty() || offered.contains(&mechanism);
        let (form, mechanism, input) = match key.algorithm.as_str() {
            "ssh-rsa" => {
                let hash = rsa_hash(flags);
                let (info, whole) = match hash {
                    RsaHash::Sha1 => (&SHA1_INFO[..], Mechanism::Sha1RsaPkcs),
                    RsaHash::Sha256 => (&SHA256_INFO[..], Mechanism::Sha256RsaPkcs),
                    RsaHash::Sha512 => (&SHA512_INFO[..], Mechanism::Sha512RsaPkcs),
                };
                let (mechanism, input) = if offers(MechanismType::RSA_PKCS) {
                    let info = [info, digest(rsa_algorithm(hash).1, data).as_ref()].concat();
                    (Mechanism::RsaPkcs, Cow::Owned(info))
                } else {
                    (whole, Cow::Borrowed(data))
                };
                (Form::Rsa(hash), mechanism, input)
            }
            "ssh-ed25519" => {
                let pure = Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Ed25519));
                (Form::Ed25519, pure, Cow::Borrowed(data))
            }
            ecdsa => {
                let (length, algorithm, whole) = match ecdsa {
                    "ecdsa-sha2-nistp256" => (64, &digest::SHA256, Mechanism::EcdsaSha256),
                    "ecdsa-sha2-nistp384" => (96, &digest::SHA384, Mechanism::EcdsaSha384),
                    "ecdsa-sha2-nistp521" => (132, &digest::SHA512, Mechanism::EcdsaSha512),
                    other => return Err(format!("keys of type {other} are not signed with here")),
                };
                let (mechanism, input) = if offers(MechanismType::ECDSA) {
                    let hash = digest(algorithm, data).as_ref().to_vec();
                    (Mechanism::Ecdsa, Cow::Owned(hash))
                } else {
                    (whole, Cow::Borrowed(data))
                };
                (Form::Ecdsa(length), mechanism, input)
            }
        };
        Ok(Self {
            mechanism,
            input,
            form,
        })
    }
}

/// The token's answer as it goes on the wire.
pub(super) fn encode(key: &PublicHalf, way: &Way<'_>, made: Vec<u8>) -> Result<Vec<u8>, String> {
    let encoded = match way.form {
        Form::Rsa(hash) => {
            // Some tokens leave leading zeros away.
            let length = usize::try_from(key.bits.div_ceil(8)).map_err(|_| wrong())?;
            let zeros = length.checked_sub(made.len()).ok_or_else(wrong)?;
            signature::encoded(rsa_algorithm(hash).0, &[vec![0; zeros], made].concat())
        }
        Form::Ecdsa(length) if made.len() == length => signature::ecdsa(&key.algorithm, &made),
        Form::Ed25519 if made.len() == 64 => signature::encoded(&key.algorithm, &made),
        Form::Ecdsa(_) | Form::Ed25519 => return Err(wrong()),
    };
    encoded.map_err(|error: KeyError| error.to_string())
}

fn wrong() -> String {
    String::from("the token made a signature of a wrong length")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn half(algorithm: &str, bits: u32) -> PublicHalf {
        PublicHalf {
            blob: Vec::new(),
            algorithm: algorithm.into(),
            fingerprint: String::new(),
            bits,
        }
    }

    #[test]
    fn tokens_that_hash_themselves_get_the_data_and_others_the_hash() {
        let data = b"data";
        for (algorithm, bits, offered, length) in [
            ("ssh-rsa", 2048, &[][..], 19 + 32),
            ("ssh-rsa", 2048, &[MechanismType::RSA_PKCS], 19 + 32),
            ("ssh-rsa", 2048, &[MechanismType::SHA256_RSA_PKCS], data.len()),
            ("ecdsa-sha2-nistp384", 384, &[MechanismType::ECDSA], 48),
            (
                "ecdsa-sha2-nistp384",
                384,
                &[MechanismType::ECDSA_SHA384],
                data.len(),
            ),
            ("ssh-ed25519", 256, &[], data.len()),
        ] {
            let way = Way::choose(&half(algorithm, bits), offered, data, 2).unwrap();
            assert_eq!(way.input.len(), length, "{algorithm} {offered:?}");
        }
        assert!(Way::choose(&half("sk-ssh-ed25519@openssh.com", 256), &[], data, 0).is_err());
    }

    #[test]
    fn answers_of_a_wrong_length_are_no_signatures_and_lost_zeros_come_back() {
        let rsa = half("ssh-rsa", 2048);
        let way = Way::choose(&rsa, &[], b"data", 4).unwrap();
        assert!(encode(&rsa, &way, vec![7; 257]).is_err());
        let short = encode(&rsa, &way, vec![7; 255]).unwrap();
        assert_eq!(short[short.len() - 256..][..2], [0, 7]);
        for (algorithm, bits, length) in [("ecdsa-sha2-nistp256", 256, 64), ("ssh-ed25519", 256, 64)] {
            let key = half(algorithm, bits);
            let way = Way::choose(&key, &[], b"data", 0).unwrap();
            assert!(encode(&key, &way, vec![7; length]).is_ok());
            for wrong in [0, length - 1, length + 1] {
                assert!(encode(&key, &way, vec![7; wrong]).is_err());
            }
        }
    }
}
