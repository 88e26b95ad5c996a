//! How a key works: file formats, algorithms, signing back ends, fingerprints, certificates. Pure: no I/O, no clock.
//!
//! A file is first *inspected*, which needs no passphrase and yields what a list shows; much later it is *opened*,
//! which yields an [`OpenKey`] that signs. Both walk the same path: `format` takes the armour off and says which of
//! `openssh`, `der` and `ppk` reads the rest; these hand the private numbers to `sign`, which builds the back end's key
//! once (parsing costs more than an RSA-2048 signature) and derives the public half from it. So an [`OpenKey`] never
//! claims a public half that its private half does not have.
//!
//! A new key (`generate`) is made by the same back end.
//!
//! A key that a client adds (`added`) comes as the same private fields that OpenSSH's file holds, so both meet in
//! `private`. Writing goes the other way (`write`): `parts` asks the back end for its numbers, and one file for each
//! format puts them down. What other keys signed, hosts and certificate authorities, `verify` judges.
//!
//! Secrets stay in zeroizing buffers. What libraries leave behind is freed heap (`pem`'s line joining, the quotient
//! of `crypto-bigint`'s division), which the binary's allocator wipes, and stack (key derivation), which the caller
//! of [`open`] scrubs.

use zeroize::Zeroizing;

mod added;
mod certificate;
mod composite;
mod der;
mod described;
mod fingerprint;
mod format;
mod generate;
mod kind;
mod legacy;
mod limits;
mod neighbours;
mod openssh;
mod parts;
mod ppk;
mod private;
mod public;
mod public_file;
mod rfc4716;
mod rsa;
mod schemes;
mod sign;
pub mod signature;
pub mod sk;
mod text;
mod verify;
mod whole;
mod write;
mod write_openssh;
mod write_pkcs8;
mod write_ppk;

pub use added::{Added, AddedBody, AddedKey, added, reopen};
pub use certificate::{CertificateFile, HostCertificate, certificate, host_certificate, plain_of};
pub use described::{Described, described};
pub use fingerprint::{Hash, fingerprint};
pub use format::{HEAD, looks_like_private_key};
pub use generate::{NewKind, RSA_SIZES, generate, random_passphrase};
pub use limits::{Derivation, KdfLimits, TooCostly};
pub use public::PublicHalf;
pub use public_file::{PublicFile, public_file, shown_blob};
pub use rfc4716::write as rfc4716;
pub use sign::OpenKey;
pub use text::{authorized_line, base64, randomart, short_name};
pub use verify::verify;
pub use whole::is_whole;
pub use write::{Format, Protection, write};

use format::Container;

/// Why a key file, a passphrase or a signature did not work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The passphrase does not fit, or there is none and one is needed.
    #[error("the passphrase does not fit")]
    WrongPassphrase,
    /// Not a private key that is read here; `what` says what it is ("a public key", "a certificate", "no key").
    #[error("not a private key but {what}; {remedy}")]
    NotAPrivateKey {
        /// What it is.
        what: &'static str,
        /// The way out.
        remedy: &'static str,
    },
    /// Damaged: the text says where.
    #[error("damaged key: {0}")]
    Damaged(String),
    /// A format, cipher, size or algorithm that is not supported; the text names it and the remedy.
    #[error("{0}")]
    Unsupported(String),
    /// Its key derivation would take more than the limits allow.
    #[error(transparent)]
    TooCostly(#[from] TooCostly),
    /// A key that does not carry its public half in clear, and no `.pub` beside it.
    #[error(
        "its public half is not in clear; `claviger add FILE` reads it once, or put FILE.pub beside it: claviger pubkey FILE > FILE.pub"
    )]
    NoPublicHalf,
    /// The signature does not fit the key and the data.
    #[error("the signature does not fit the key and the data")]
    BadSignature,
    /// The back end refused the key or the signature.
    #[error("{0}")]
    Backend(String),
}

/// What a private key file tells without a passphrase.
#[derive(Clone, Debug)]
pub struct Inspected {
    /// The public half.
    pub public: PublicHalf,
    /// Whether a passphrase protects the private half.
    pub encrypted: bool,
    /// "OpenSSH", "PKCS#8", "PKCS#1", "SEC1", "PPK 2", "PPK 3".
    pub format: &'static str,
    /// Comment, when the file (or its .pub) has one in clear. Any bytes but NUL.
    pub comment: Vec<u8>,
}

/// Where a file's bytes come from when it is opened (read anew each time, never kept).
pub type FileBytes = Zeroizing<Vec<u8>>;

/// Reads what a private key file tells in clear; `public` is the content of the `.pub` beside it.
///
/// A key that could not be opened later (unknown cipher, unsupported type or size, a key derivation beyond `limits`) is an error now, so that no key is
/// listed that cannot sign. Where the file carries its public half, a `.pub` that differs is ignored as a stray.
pub fn inspect(limits: &KdfLimits, file: &[u8], public: Option<&[u8]>) -> Result<Inspected, KeyError> {
    let beside = public.map(public::read_line).transpose();
    let container = format::recognise(file)?;
    container.check(limits)?;
    let format = container.name();
    let (own, encrypted, own_comment) = match &container {
        Container::OpenSsh(bytes) => {
            let key = openssh::File::parse(bytes)?;
            if key.is_encrypted() {
                (Some(PublicHalf::parse(key.blob)?), true, Vec::new())
            } else {
                let (opened, comment) = key.open(None)?;
                (Some(opened.into_public()), false, comment)
            }
        }
        Container::Ppk(key) => {
            if !key.is_encrypted() {
                key.open(None)?;
            }
            (
                Some(key.public()?),
                key.is_encrypted(),
                public::without_nul(&key.comment),
            )
        }
        Container::Der(key) if key.is_encrypted()? => (None, true, Vec::new()),
        Container::Der(key) => (Some(key.open(None)?.into_public()), false, Vec::new()),
    };
    let (public, beside_comment) = match (own, beside) {
        (Some(own), Ok(Some((beside, comment)))) if beside == own => (own, comment),
        (Some(own), _) => (own, Vec::new()),
        (None, Ok(Some(beside))) => beside,
        (None, Ok(None)) => return Err(KeyError::NoPublicHalf),
        (None, Err(reason)) => return Err(reason),
    };
    let comment = if own_comment.is_empty() {
        beside_comment
    } else {
        own_comment
    };
    Ok(Inspected {
        public,
        encrypted,
        format,
        comment,
    })
}

/// Opens a private key. Slow when encrypted (key derivation): never on a runtime thread.
///
/// A passphrase for a file that needs none is ignored. For formats that do not carry the public half the caller
/// compares [`OpenKey::public`] with the half that it listed.
pub fn open(limits: &KdfLimits, file: &[u8], passphrase: Option<&[u8]>) -> Result<OpenKey, KeyError> {
    open_with_comment(limits, file, passphrase).map(|(key, _)| key)
}

/// As [`open`]; also yields the comment, empty where the file has none (OpenSSH keeps it behind the passphrase).
pub fn open_with_comment(
    limits: &KdfLimits,
    file: &[u8],
    passphrase: Option<&[u8]>,
) -> Result<(OpenKey, Vec<u8>), KeyError> {
    let container = format::recognise(file)?;
    container.check(limits)?;
    match container {
        Container::OpenSsh(bytes) => openssh::File::parse(&bytes)?.open(passphrase),
        Container::Der(key) => Ok((key.open(passphrase)?, Vec::new())),
        Container::Ppk(key) => Ok((key.open(passphrase)?, public::without_nul(&key.comment))),
    }
}

/// The blob in a line "TYPE BASE64 COMMENT", of whatever type: a host's key may be one that cannot sign here.
pub fn blob_of_line(line: &[u8]) -> Option<Vec<u8>> {
    Some(public::split_line(line).ok()?.blob)
}

/// Reads a `string` (RFC 4251, 5) in place.
fn string<'a>(reader: &mut &'a [u8]) -> Result<&'a [u8], ssh_encoding::Error> {
    use ssh_encoding::Reader;
    reader.read_prefixed(|content| Ok(*content))
}

fn cut(_: ssh_encoding::Error) -> KeyError {
    damaged("it ends too early")
}

fn damaged(reason: &str) -> KeyError {
    KeyError::Damaged(reason.into())
}
