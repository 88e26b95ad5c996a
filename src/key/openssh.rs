//! OpenSSH's private key format (PROTOCOL.key): public half in clear, private half under a cipher and bcrypt.
//!
//! `ssh-key` supplies the ciphers, the key derivation and the public key, but not the walk through the file: it refuses
//! every P-256 scalar shorter than 32 bytes, which is one ssh-keygen key in 512, it answers a wrong passphrase and a
//! damaged file alike, and it copies each private number. Here they are borrowed from one zeroizing buffer and
//! handed to the back end.

use ssh_encoding::Decode;
use ssh_key::cipher::Tag;
use ssh_key::{Cipher, Kdf};
use zeroize::Zeroizing;

use super::kind::Kind;
use super::limits::Derivation;
use super::private::{self, Private};
use super::sign::{OpenKey, Signer};
use super::{KeyError, cut, damaged, public, string};

/// A file of one key, borrowed.
pub(super) struct File<'a> {
    /// The public half, in clear.
    pub(super) blob: &'a [u8],
    cipher: Cipher,
    kdf: Kdf,
    /// The private half, under the cipher.
    section: &'a [u8],
    /// What authenticates it, for ciphers that do.
    tag: Option<Tag>,
}

pub(super) const MAGIC: &[u8] = b"openssh-key-v1\0";

impl<'a> File<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, KeyError> {
        let mut rest = bytes
            .strip_prefix(MAGIC)
            .ok_or_else(|| damaged("it does not begin as OpenSSH's format does"))?;
        let rest = &mut rest;
        let cipher = cipher(string(rest).map_err(cut)?)?;
        let kdf = kdf(rest)?;
        match u32::decode(rest).map_err(cut)? {
            1 => {}
            count => return Err(damaged(&format!("it holds {count} keys instead of one"))),
        }
        let blob = string(rest).map_err(cut)?;
        let section = string(rest).map_err(cut)?;
        let tag = if cipher.has_tag() {
            let (tag, behind) = rest
                .split_at_checked(16)
                .ok_or_else(|| damaged("it ends too early"))?;
            *rest = behind;
            Some(Tag::try_from(tag).map_err(|_| damaged("it ends too early"))?)
        } else {
            None
        };
        if !rest.is_empty() {
            return Err(damaged("there are bytes behind the key"));
        }
        if section.is_empty() || section.len() % cipher.block_size() != 0 {
            return Err(damaged("its private half is not whole blocks"));
        }
        if cipher.is_none() != kdf.is_none() {
            return Err(damaged("it has a cipher or a key derivation, but not both"));
        }
        Ok(Self {
            blob,
            cipher,
            kdf,
            section,
            tag,
        })
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.cipher.is_some()
    }

    /// What opening it takes.
    pub(super) fn derivation(&self) -> Option<Derivation> {
        match self.kdf {
            Kdf::Bcrypt { rounds, .. } => Some(Derivation::Bcrypt { rounds }),
            _ => None,
        }
    }

    /// Opens the private half; also yields the comment, which is in there.
    pub(super) fn open(&self, passphrase: Option<&[u8]>) -> Result<(OpenKey, Vec<u8>), KeyError> {
        // The type is judged first: no one is asked for the passphrase of a key that cannot sign.
        let public = public::PublicHalf::parse(self.blob)?;
        let (signer, comment) = if self.is_encrypted() {
            let section = self.decrypt(passphrase.ok_or(KeyError::WrongPassphrase)?)?;
            read_section(&section, KeyError::WrongPassphrase)?
        } else {
            read_section(self.section, damaged("its check numbers differ"))?
        };
        let key = OpenKey::new(signer)?;
        if *key.public() != public {
            return Err(damaged("its private half belongs to another public half"));
        }
        Ok((key, comment))
    }

    fn decrypt(&self, passphrase: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        if let Kdf::Bcrypt { salt, rounds } = &self.kdf
            && (salt.is_empty() || *rounds == 0)
        {
            return Err(damaged("its key derivation has no salt or no rounds"));
        }
        // Of what is left, the derivation refuses only the empty passphrase, which never protects a key.
        let (key, iv) = self
            .kdf
            .derive_key_and_iv(self.cipher, passphrase)
            .map_err(|_| KeyError::WrongPassphrase)?;
        let mut section = Zeroizing::new(self.section.to_vec());
        self.cipher
            .decrypt(&key, &iv, &mut section, self.tag)
            .map_err(|_| KeyError::WrongPassphrase)?;
        Ok(section)
    }
}

fn cipher(name: &[u8]) -> Result<Cipher, KeyError> {
    std::str::from_utf8(name)
        .ok()
        .and_then(|name| Cipher::new(name).ok())
        .ok_or_else(|| {
            KeyError::Unsupported(format!(
                "its cipher {} is not supported; choose another: ssh-keygen -p -Z aes256-ctr -f FILE",
                public::shown(name)
            ))
        })
}

fn kdf(rest: &mut &[u8]) -> Result<Kdf, KeyError> {
    let name = string(&mut &**rest).map_err(cut)?;
    if ![&b"none"[..], b"bcrypt"].contains(&name) {
        return Err(KeyError::Unsupported(format!(
            "its key derivation {} is not supported; choose OpenSSH's: ssh-keygen -p -f FILE",
            public::shown(name)
        )));
    }
    Kdf::decode(rest).map_err(|_| damaged("its key derivation does not parse"))
}

/// Reads the decrypted private half. Two equal numbers at its start tell that it was the right passphrase;
/// `mismatch` is the answer when they differ.
fn read_section(section: &[u8], mismatch: KeyError) -> Result<(Signer, Vec<u8>), KeyError> {
    let rest = &mut &*section;
    if u32::decode(rest).map_err(cut)? != u32::decode(rest).map_err(cut)? {
        return Err(mismatch);
    }
    let fields = *rest;
    let name = string(rest).map_err(cut)?;
    let (kind, false) = Kind::named(name).ok_or_else(|| public::unsupported_type(name))? else {
        return Err(damaged("its private half is a certificate's"));
    };
    let signer = match private::read(kind, None, rest)? {
        Private::Soft(signer) => signer,
        Private::Token(token) => Signer::Token(token.kept(kind, &fields[..fields.len() - rest.len()])?),
    };
    let comment = public::without_nul(string(rest).map_err(cut)?);
    let padded = rest
        .iter()
        .zip((0..=u8::MAX).cycle().skip(1))
        .all(|(byte, expected)| *byte == expected);
    if !padded {
        return Err(damaged("its padding is not 1, 2, 3, …"));
    }
    Ok((signer, comment))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};

    use super::*;

    fn put(content: &[u8]) -> Vec<u8> {
        [&u32::try_from(content.len()).unwrap().to_be_bytes()[..], content].concat()
    }

    /// An unencrypted file, part by part, so that a test can spoil one.
    struct Parts {
        cipher: &'static [u8],
        kdf: &'static [u8],
        count: u32,
        public: [u8; 32],
        checks: [u8; 8],
        seed: [u8; 32],
        padding: &'static [u8],
        behind: &'static [u8],
    }

    fn sound() -> Parts {
        let seed = [7; 32];
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        let public = pair.public_key().as_ref().try_into().unwrap();
        let (cipher, kdf, padding) = (&b"none"[..], &b"none"[..], &[1, 2, 3, 4, 5, 6, 7][..]);
        Parts {
            cipher,
            kdf,
            count: 1,
            public,
            checks: [9; 8],
            seed,
            padding,
            behind: b"",
        }
    }

    impl Parts {
        fn opened(&self) -> Result<Vec<u8>, KeyError> {
            let own = Ed25519KeyPair::from_seed_unchecked(&self.seed).unwrap();
            let own = own.public_key().as_ref();
            let section = [
                &self.checks[..],
                &put(b"ssh-ed25519"),
                &put(own),
                &put(&[&self.seed, own].concat()),
                &put(b"comment\0hidden"),
                self.padding,
            ]
            .concat();
            let file = [
                MAGIC,
                &put(self.cipher),
                &put(self.kdf),
                &put(b""),
                &self.count.to_be_bytes(),
                &put(&[put(b"ssh-ed25519"), put(&self.public)].concat()),
                &put(&section),
                self.behind,
            ]
            .concat();
            let (key, comment) = File::parse(&file)?.open(None)?;
            assert_eq!(key.public().blob[19..], self.public);
            Ok(comment)
        }
    }

    #[test]
    fn a_sound_file_opens_with_either_padding() {
        assert_eq!(sound().opened().unwrap(), b"comment");
        // PuTTY fills up to 16 bytes, even when none are missing.
        let padding = &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
        assert_eq!(Parts { padding, ..sound() }.opened().unwrap(), b"comment");
    }

    #[test]
    fn each_part_that_does_not_fit_is_damage() {
        let other = Ed25519KeyPair::from_seed_unchecked(&[8; 32]).unwrap();
        for (parts, word) in [
            (
                Parts {
                    checks: [0, 0, 0, 1, 0, 0, 0, 2],
                    ..sound()
                },
                "check numbers",
            ),
            (
                Parts {
                    seed: [8; 32],
                    ..sound()
                },
                "another public half",
            ),
            (
                Parts {
                    public: other.public_key().as_ref().try_into().unwrap(),
                    ..sound()
                },
                "another public half",
            ),
            (
                Parts {
                    padding: &[1, 2, 3, 4, 5, 6, 8],
                    ..sound()
                },
                "padding",
            ),
            (
                Parts {
                    padding: &[1, 2, 3],
                    ..sound()
                },
                "whole blocks",
            ),
            (Parts { count: 2, ..sound() }, "2 keys"),
            (Parts { count: 0, ..sound() }, "0 keys"),
            (
                Parts {
                    behind: b"more",
                    ..sound()
                },
                "behind the key",
            ),
            (
                Parts {
                    cipher: b"aes256-ctr",
                    padding: &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
                    ..sound()
                },
                "not both",
            ),
        ] {
            let Err(KeyError::Damaged(reason)) = parts.opened() else {
                panic!("{word}")
            };
            assert!(reason.contains(word), "{reason}");
        }
    }

    #[test]
    fn unknown_ciphers_and_derivations_are_named_with_a_remedy() {
        for (parts, word) in [
            (
                Parts {
                    cipher: b"rot13@example.com",
                    ..sound()
                },
                "rot13@example.com",
            ),
            (
                Parts {
                    cipher: b"\xff\n",
                    ..sound()
                },
                "\\xff\\n",
            ),
            (
                Parts {
                    kdf: b"argon9",
                    ..sound()
                },
                "argon9",
            ),
        ] {
            let Err(KeyError::Unsupported(reason)) = parts.opened() else {
                panic!("{word}")
            };
            assert!(
                reason.contains(word) && reason.contains("ssh-keygen -p"),
                "{reason}"
            );
        }
    }
}
