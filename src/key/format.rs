//! Which format a file is in, and its bytes without the armour.

use zeroize::Zeroizing;

use super::der::{DerKey, Syntax};
use super::legacy::DekInfo;
use super::limits::KdfLimits;
use super::ppk::{self, Ppk};
use super::{KeyError, neighbours, openssh};

/// A private key file, its armour taken off.
pub(super) enum Container {
    /// OpenSSH's own format (PROTOCOL.key).
    OpenSsh(Zeroizing<Vec<u8>>),
    /// ASN.1: PKCS#8, PKCS#1 or SEC1.
    Der(DerKey),
    /// PuTTY's.
    Ppk(Ppk),
}

impl Container {
    /// The format's name for people.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::OpenSsh(_) => "OpenSSH",
            Self::Der(key) => key.syntax.name(),
            Self::Ppk(key) => key.name(),
        }
    }

    /// Whether its key derivation stays within the limits.
    pub(super) fn check(&self, limits: &KdfLimits) -> Result<(), KeyError> {
        let derivation = match self {
            Self::OpenSsh(bytes) => openssh::File::parse(bytes)?.derivation(),
            Self::Der(key) => key.derivation()?,
            Self::Ppk(key) => key.derivation(),
        };
        Ok(derivation.map_or(Ok(()), |derivation| limits.check(derivation))?)
    }
}

const OPENSSH: &str = "OPENSSH PRIVATE KEY";
const BEGIN: &[u8] = b"-----BEGIN ";
/// OpenSSL writes a curve's parameters as a block of their own in front of the key.
const EC_PARAMETERS: &str = "EC PARAMETERS";
/// Labels of the PEM blocks that hold a private key.
const PRIVATE: [&str; 6] = [
    OPENSSH,
    "PRIVATE KEY",
    "ENCRYPTED PRIVATE KEY",
    "RSA PRIVATE KEY",
    "EC PRIVATE KEY",
    "DSA PRIVATE KEY",
];

/// How much of a file tells whether it is a private key: room for what OpenSSL writes in front of one (the attributes of a
/// PKCS#12 store, a certificate or two, the key's numbers in clear).
pub const HEAD: usize = 16 << 10;

/// Whether the first [`HEAD`] bytes of a file look like a private key in any format (so that others are passed over in
/// silence). As for OpenSSL, and so for ssh, other text may stand before a PEM block; OpenSSH's own format and PuTTY's
/// begin the file.
pub fn looks_like_private_key(head: &[u8]) -> bool {
    let head = without_mark(head).trim_ascii_start();
    let [_, pem @ ..] = PRIVATE;
    head.starts_with(ppk::MARK)
        || begins(head, &PRIVATE)
        || begins(head, &[EC_PARAMETERS])
        || head.split(|byte| *byte == b'\n').any(|line| begins(line, &pem))
}

/// Whether an OpenSSH key stands in it behind other text, which neither ssh nor claviger reads.
pub(super) fn holds_openssh(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'\n')
        .any(|line| begins(line, &[OPENSSH]))
}

fn begins(text: &[u8], labels: &[&str]) -> bool {
    let label = text.strip_prefix(BEGIN);
    label.is_some_and(|label| {
        labels.iter().any(|known| {
            label
                .strip_prefix(known.as_bytes())
                .is_some_and(|rest| rest.starts_with(b"-----"))
        })
    })
}

/// Editors put a byte order mark in front; OpenSSH refuses such a file, but nothing is lost by reading it.
fn without_mark(file: &[u8]) -> &[u8] {
    file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file)
}

/// Takes the armour off.
///
/// `pem` is used rather than the stricter reader inside `ssh-key`, because it keeps the headers of legacy encryption
/// and takes any line length, CRLF, and text around the block, all of which are found in the field.
pub(super) fn recognise(file: &[u8]) -> Result<Container, KeyError> {
    let text = without_mark(file);
    if text.trim_ascii_start().starts_with(ppk::MARK) {
        return Ppk::parse(text.trim_ascii_start()).map(Container::Ppk);
    }
    if !looks_like_private_key(text) {
        return Err(neighbours::not_a_private_key(text));
    }
    let mut blocks = pem::parse_many(text).map_err(|error| damaged(&error))?;
    let position = blocks.iter().position(|block| PRIVATE.contains(&block.tag()));
    let Some(position) = position else {
        return Err(KeyError::Damaged(
            "its armour is incomplete: no whole block from BEGIN to END".into(),
        ));
    };
    let block = blocks.swap_remove(position);
    let encryption = DekInfo::from_headers(block.headers())?;
    let syntax = match block.tag() {
        OPENSSH => return Ok(Container::OpenSsh(Zeroizing::new(block.into_contents()))),
        "PRIVATE KEY" => Syntax::Pkcs8,
        "ENCRYPTED PRIVATE KEY" => Syntax::EncryptedPkcs8,
        "RSA PRIVATE KEY" => Syntax::Pkcs1,
        "EC PRIVATE KEY" => Syntax::Sec1,
        _ => {
            return Err(KeyError::Unsupported(
                "DSA keys are not supported, nor do servers accept them; make a new key: ssh-keygen -t ed25519".into(),
            ));
        }
    };
    Ok(Container::Der(DerKey {
        syntax,
        encryption,
        bytes: Zeroizing::new(block.into_contents()),
    }))
}

/// Why the armour does not come off. The library's own words may quote lines of the key, so they are not passed on.
fn damaged(error: &pem::PemError) -> KeyError {
    let reason = match error {
        pem::PemError::MalformedFraming | pem::PemError::MissingBeginTag | pem::PemError::MissingEndTag => {
            "its armour is incomplete: no whole block from BEGIN to END"
        }
        pem::PemError::MismatchedTags(..) => "its BEGIN and END lines differ",
        pem::PemError::InvalidHeader(_) => "a header line is not \"NAME: VALUE\"",
        _ => "its base64 text does not decode",
    };
    KeyError::Damaged(reason.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_keys_are_told_from_their_neighbours() {
        for label in PRIVATE {
            for before in ["", "\u{feff}", "\n  "] {
                let head = format!("{before}-----BEGIN {label}-----\nAAAA");
                assert!(looks_like_private_key(head.as_bytes()), "{head}");
            }
        }
        assert!(looks_like_private_key(b"PuTTY-User-Key-File-3: ssh-ed25519"));
        assert!(looks_like_private_key(b"-----BEGIN EC PARAMETERS-----"));
        let behind = |label: &str| format!("Bag Attributes\r\n    x: y\r\n-----BEGIN {label}-----\r\nAAAA");
        assert!(!looks_like_private_key(behind(OPENSSH).as_bytes()));
        for label in &PRIVATE[1..] {
            assert!(looks_like_private_key(behind(label).as_bytes()), "{label}");
        }
        for other in [
            "",
            "-----BEGIN ",
            "Host *\n  IdentityFile ~/.ssh/id",
            "ssh-ed25519 AAAA",
            "|1|abc|def= ssh-rsa AAAA",
            "-----BEGIN CERTIFICATE-----",
            "-----BEGIN PUBLIC KEY-----",
            "-----BEGIN OPENSSH PRIVATE KEYS-----",
            "echo -----BEGIN PRIVATE KEY-----",
            "\u{0}\u{1}",
        ] {
            assert!(!looks_like_private_key(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn names_the_remedy_for_what_it_cannot_open() {
        for (text, remedy) in [
            ("PuTTY-User-Key-File-1: ssh-rsa\n", "puttygen"),
            (
                "-----BEGIN DSA PRIVATE KEY-----\nAAAA\n-----END DSA PRIVATE KEY-----",
                "ssh-keygen",
            ),
        ] {
            let Err(KeyError::Unsupported(reason)) = recognise(text.as_bytes()) else {
                panic!("{text}")
            };
            assert!(reason.contains(remedy), "{reason}");
        }
    }

    #[test]
    fn broken_armour_is_damage_and_is_not_quoted() {
        for text in [
            "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0",
            "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n\n-----END OPENSSH PRIVATE KEY-----",
            "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0!\n-----END OPENSSH PRIVATE KEY-----",
        ] {
            let Err(KeyError::Damaged(reason)) = recognise(text.as_bytes()) else {
                panic!("{text}")
            };
            assert!(!reason.contains("c2Vj"), "{reason}");
        }
    }
}
