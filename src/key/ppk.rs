//! PuTTY's private key files, versions 2 and 3 (PuTTY's manual, appendix C): public half and comment in clear, private
//! half under AES-256 and a key of SHA-1 (2) or Argon2 (3), everything under a MAC.
//!
//! `ssh-key` reads them too, but only with RustCrypto's RSA and curves, takes the passphrase and the comment as text,
//! derives keys without a limit, and loses the end of every 256th Ed25519 key. So the text is taken apart here, and
//! each primitive is a library's.

use argon2::{Config, ThreadMode, Variant, Version};
use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use aws_lc_rs::hmac;
use ssh_encoding::{Base64Reader, Encode as _, Reader as _};
use ssh_key::Cipher;
use zeroize::Zeroizing;

use super::kind::Kind;
use super::legacy::from_hex;
use super::limits::Derivation;
use super::private::numbers;
use super::rsa::{self, RsaSigner};
use super::sign::{OpenKey, Signer};
use super::{KeyError, PublicHalf, cut, damaged, public, string};

/// What every file begins with; the version follows.
pub(super) const MARK: &[u8] = b"PuTTY-User-Key-File-";

/// A file, taken apart.
pub(super) struct Ppk {
    pub(super) version: Version2Or3,
    pub(super) algorithm: Vec<u8>,
    pub(super) encryption: Vec<u8>,
    /// Any bytes.
    pub(super) comment: Vec<u8>,
    pub(super) blob: Vec<u8>,
    pub(super) private: Zeroizing<Vec<u8>>,
    pub(super) derivation: Option<Argon2>,
    pub(super) mac: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Version2Or3 {
    Two,
    Three,
}

/// Argon2's parameters.
pub(super) struct Argon2 {
    pub(super) variant: Variant,
    /// In KiB.
    pub(super) memory: u32,
    pub(super) passes: u32,
    pub(super) lanes: u32,
    pub(super) salt: Vec<u8>,
}

/// Cipher key, IV and MAC key.
pub(super) struct Keys {
    pub(super) cipher: Zeroizing<Vec<u8>>,
    pub(super) mac: Zeroizing<Vec<u8>>,
}

pub(super) const KEY: usize = 32;
const IV: usize = 16;

impl Ppk {
    pub(super) fn parse(text: &[u8]) -> Result<Self, KeyError> {
        let mut lines = Lines(text);
        let (name, algorithm) = lines.field()?;
        let version = match name.strip_prefix(MARK) {
            Some(b"2") => Version2Or3::Two,
            Some(b"3") => Version2Or3::Three,
            Some(b"1") => return Err(unsupported("a PuTTY 1 key, a format of the year 2001,")),
            _ => return Err(unsupported("of a version that came after PuTTY 0.84")),
        };
        let encryption = lines.value("Encryption")?.to_vec();
        let comment = lines.value("Comment")?.to_vec();
        let blob = lines.block("Public-Lines")?.to_vec();
        let sealed = encryption != b"none";
        let derivation = (sealed && version == Version2Or3::Three)
            .then(|| Argon2::parse(&mut lines))
            .transpose()?;
        let private = lines.block("Private-Lines")?;
        let mac = lines.hex("Private-MAC")?;
        if sealed && encryption != b"aes256-cbc" {
            let cipher = public::shown(&encryption);
            return Err(unsupported(&format!("under the cipher {cipher}")));
        }
        if sealed && (private.is_empty() || private.len() % Cipher::Aes256Cbc.block_size() != 0) {
            return Err(damaged("its private half is not whole blocks"));
        }
        Ok(Self {
            version,
            algorithm: algorithm.to_vec(),
            encryption,
            comment,
            blob,
            private,
            derivation,
            mac,
        })
    }

    pub(super) fn name(&self) -> &'static str {
        match self.version {
            Version2Or3::Two => "PPK 2",
            Version2Or3::Three => "PPK 3",
        }
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.encryption != b"none"
    }

    /// What opening it takes.
    pub(super) fn derivation(&self) -> Option<Derivation> {
        self.derivation.as_ref().map(|argon2| Derivation::Argon2 {
            memory: u64::from(argon2.memory) << 10,
            passes: argon2.passes.into(),
            lanes: argon2.lanes.into(),
        })
    }

    /// The public half, in clear.
    pub(super) fn public(&self) -> Result<PublicHalf, KeyError> {
        if string(&mut &*self.blob).map_err(cut)? != self.algorithm {
            return Err(damaged("its first line and its public half name two types"));
        }
        PublicHalf::parse(&self.blob)
    }

    pub(super) fn open(&self, passphrase: Option<&[u8]>) -> Result<OpenKey, KeyError> {
        // The type is judged first: no one is asked for the passphrase of a key that cannot sign.
        let public = self.public()?;
        let passphrase = match (self.is_encrypted(), passphrase) {
            (false, _) => b"",
            (true, Some(passphrase)) => passphrase,
            (true, None) => return Err(KeyError::WrongPassphrase),
        };
        let keys = self.keys(passphrase)?;
        let mut plain = self.private.clone();
        if self.is_encrypted() {
            let (key, iv) = keys.cipher.split_at(KEY);
            Cipher::Aes256Cbc
                .decrypt(key, iv, &mut plain, None)
                .map_err(|_| damaged("its private half is not whole blocks"))?;
        }
        if !self.is_sealed_by(&keys.mac, &plain) {
            return Err(match self.is_encrypted() {
                true => KeyError::WrongPassphrase,
                false => damaged("its MAC does not fit: it was changed after PuTTYgen wrote it"),
            });
        }
        let key = OpenKey::new(signer(&self.blob, &plain)?)?;
        if *key.public() != public {
            return Err(damaged("its private half belongs to another public half"));
        }
        Ok(key)
    }

    pub(super) fn keys(&self, passphrase: &[u8]) -> Result<Keys, KeyError> {
        if let Some(derivation) = &self.derivation {
            let mut derived = derivation.run(passphrase)?;
            let mac = Zeroizing::new(derived.split_off(KEY + IV));
            return Ok(Keys { cipher: derived, mac });
        }
        let mut cipher = sha1(&[&[0, 0, 0, 0], passphrase]);
        cipher.extend_from_slice(&sha1(&[&[0, 0, 0, 1], passphrase]));
        cipher.truncate(KEY);
        cipher.extend([0; IV]);
        Ok(Keys {
            cipher,
            mac: match self.version {
                Version2Or3::Two => sha1(&[b"putty-private-key-file-mac-key", passphrase]),
                Version2Or3::Three => Zeroizing::default(),
            },
        })
    }

    /// Whether the MAC is right; in constant time.
    fn is_sealed_by(&self, key: &[u8], plain: &[u8]) -> bool {
        let sealed = self.sealed(plain);
        sealed.is_some_and(|sealed| hmac::verify(&self.mac_key(key), &sealed, &self.mac).is_ok())
    }

    /// The MAC over everything, the private half in clear.
    pub(super) fn mac_of(&self, key: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
        let mac = hmac::sign(&self.mac_key(key), &self.sealed(plain)?);
        Some(mac.as_ref().to_vec())
    }

    fn mac_key(&self, key: &[u8]) -> hmac::Key {
        let algorithm = match self.version {
            Version2Or3::Two => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Version2Or3::Three => hmac::HMAC_SHA256,
        };
        hmac::Key::new(algorithm, key)
    }

    /// What the MAC is over; none if a field were longer than any file.
    fn sealed(&self, plain: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let parts = [
            &self.algorithm[..],
            &self.encryption,
            &self.comment,
            &self.blob,
            plain,
        ];
        let length = parts.iter().map(|part| 4 + part.len()).sum();
        let mut sealed = Zeroizing::new(Vec::with_capacity(length));
        parts.iter().try_for_each(|part| part.encode(&mut *sealed)).ok()?;
        Some(sealed)
    }
}

fn sha1(parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let mut hash = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    for part in parts {
        hash.update(part);
    }
    Zeroizing::new(hash.finish().as_ref().to_vec())
}

/// The private fields, which differ from OpenSSH's in their order. Padding may stand behind them.
fn signer(blob: &[u8], plain: &[u8]) -> Result<Signer, KeyError> {
    let (mut public, mut private) = (blob, plain);
    let name = string(&mut public).map_err(cut)?;
    let (kind, _) = Kind::named(name).ok_or_else(|| public::unsupported_type(name))?;
    match kind {
        Kind::Rsa => {
            let [e, n] = numbers(&mut public)?;
            let [d, p, q, q_inverse] = numbers(&mut private)?;
            RsaSigner::from_numbers(&rsa::Numbers {
                n,
                e,
                d,
                p,
                q,
                q_inverse,
            })
            .map(Signer::Rsa)
        }
        Kind::Ecdsa(_) => {
            let curve = string(&mut public).map_err(cut)?;
            let point = string(&mut public).map_err(cut)?;
            let [scalar] = numbers(&mut private)?;
            Signer::ecdsa(curve, scalar, point)
        }
        Kind::Ed25519 => {
            // A number with its least byte first; PuTTY leaves zeros at its end out.
            let bytes = string(&mut private).map_err(cut)?;
            let mut seed = Zeroizing::new([0; 32]);
            seed.get_mut(..bytes.len())
                .ok_or_else(|| damaged("its private half is too long"))?
                .copy_from_slice(bytes);
            Signer::ed25519(&seed, string(&mut public).map_err(cut)?)
        }
        _ => Err(public::unsupported_type(name)),
    }
}

impl Argon2 {
    fn parse(lines: &mut Lines<'_>) -> Result<Self, KeyError> {
        let variant = match lines.value("Key-Derivation")? {
            b"Argon2id" => Variant::Argon2id,
            b"Argon2i" => Variant::Argon2i,
            b"Argon2d" => Variant::Argon2d,
            other => {
                return Err(unsupported(&format!(
                    "with the key derivation {}",
                    public::shown(other)
                )));
            }
        };
        Ok(Self {
            variant,
            memory: lines.number("Argon2-Memory")?,
            passes: lines.number("Argon2-Passes")?,
            lanes: lines.number("Argon2-Parallelism")?,
            salt: lines.hex("Argon2-Salt")?,
        })
    }

    fn run(&self, passphrase: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let config = Config {
            variant: self.variant,
            version: Version::Version13,
            mem_cost: self.memory,
            time_cost: self.passes,
            lanes: self.lanes,
            thread_mode: ThreadMode::Parallel,
            hash_length: (KEY + IV + KEY) as u32,
            ..Config::original()
        };
        argon2::hash_raw(passphrase, &self.salt, &config)
            .map(Zeroizing::new)
            .map_err(|_| damaged("its Argon2 parameters are none"))
    }
}

/// The lines that are left. They end as on any system: LF, CR LF, or CR.
struct Lines<'a>(&'a [u8]);

impl<'a> Lines<'a> {
    fn next(&mut self) -> Result<&'a [u8], KeyError> {
        if self.0.is_empty() {
            return Err(damaged("it ends too early"));
        }
        let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let end = self.0.iter().position(is_end).unwrap_or(self.0.len());
        let (line, rest) = self.0.split_at(end);
        self.0 = rest
            .strip_prefix(b"\r\n")
            .unwrap_or(rest.get(1..).unwrap_or_default());
        Ok(line)
    }

    fn field(&mut self) -> Result<(&'a [u8], &'a [u8]), KeyError> {
        let line = self.next()?;
        let colon = line.iter().position(|byte| *byte == b':');
        let (name, rest) = line.split_at(colon.ok_or_else(|| damaged("a line is not \"NAME: VALUE\""))?);
        Ok((name, rest[1..].strip_prefix(b" ").unwrap_or(&rest[1..])))
    }

    fn value(&mut self, wanted: &str) -> Result<&'a [u8], KeyError> {
        match self.field()? {
            (name, value) if name == wanted.as_bytes() => Ok(value),
            _ => Err(damaged(&format!("its line {wanted} is missing"))),
        }
    }

    fn number(&mut self, name: &str) -> Result<u32, KeyError> {
        let text = std::str::from_utf8(self.value(name)?).ok();
        text.and_then(|text| text.parse().ok())
            .ok_or_else(|| damaged(&format!("its {name} is no number")))
    }

    fn hex(&mut self, name: &str) -> Result<Vec<u8>, KeyError> {
        let text = std::str::from_utf8(self.value(name)?).ok();
        text.and_then(from_hex)
            .ok_or_else(|| damaged(&format!("its {name} is not hexadecimal")))
    }

    /// Base64 over as many lines as the field says.
    fn block(&mut self, name: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let count = self.number(name)?;
        let mut text = Zeroizing::new(Vec::new());
        for _ in 0..count {
            text.extend_from_slice(self.next()?);
        }
        let wrong = |_| damaged(&format!("its {name} are not base64"));
        if text.is_empty() {
            return Ok(text);
        }
        let mut reader = Base64Reader::new(&text).map_err(wrong)?;
        let mut bytes = Zeroizing::new(vec![0; reader.remaining_len()]);
        reader
            .read(&mut bytes)
            .map_err(|_| damaged(&format!("its {name} are not base64")))?;
        Ok(bytes)
    }
}

fn unsupported(what: &str) -> KeyError {
    KeyError::Unsupported(format!(
        "{what} is not read; load it in PuTTYgen and save it as a private key of version 3, or convert it: puttygen FILE \
         -O private-openssh-new -o NEW"
    ))
}
