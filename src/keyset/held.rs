//! One key: what is known of it in clear, where its private half is, and the cell that says whether it is open.

use super::added::{Authenticator, NewKey, Terms};
use super::cell::Cell;
use super::database::InDatabase;
use super::discover::Found;
use super::shield::{Sealed, Shield};
use crate::key::{CertificateFile, KdfLimits, PublicHalf, sk};
use crate::token::pkcs11::Provider;
use crate::unlock::Unlocker;
use crate::wire::report::KeyReport;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use zeroize::Zeroizing;

/// One key's facts; replaced at a new look, while the cell stays.
pub struct Held {
    /// The public half.
    pub public: PublicHalf,
    /// Its certificate: beside a file, or the very identity that a client added.
    pub certificate: Option<CertificateFile>,
    /// Comment as listed; any bytes but NUL.
    pub comment: Vec<u8>,
    /// The terms under which it may be used.
    pub terms: Terms,
    /// When its lifetime is over.
    pub expires: Option<Instant>,
    pub(super) origin: Origin,
    pub(super) cell: Arc<Cell>,
}

/// Where the private half is while the key is sealed.
pub(super) enum Origin {
    File(KeyFile),
    Database(InDatabase),
    Added(SealedFields),
    /// In a token, and it stays there.
    Token(Arc<Provider>),
}

/// The fields with which a client added a key, sealed in memory; see [`Shield`].
pub(super) struct SealedFields {
    pub(super) sealed: Mutex<Sealed>,
    authenticator: Option<Authenticator>,
}

impl SealedFields {
    pub(super) fn open(&self, shield: &Shield) -> Option<Zeroizing<Vec<u8>>> {
        let sealed = self.sealed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        shield.open(&sealed).ok()
    }
}

/// A private key file, as far as it is known without opening it.
pub(super) struct KeyFile {
    pub(super) path: PathBuf,
    /// Whether a passphrase protects it.
    pub(super) protected: bool,
    /// Name of its format.
    pub(super) format: &'static str,
    /// The hosts that a person said it is for.
    pub(super) meant: Vec<String>,
    /// What opening it may cost.
    pub(super) limits: KdfLimits,
}

/// What sealed keys are opened with.
pub(super) struct Openers {
    pub(super) unlocker: Arc<Unlocker>,
    pub(super) shield: Arc<Shield>,
}

impl Held {
    /// A key file; `known` is the same key as it was found before.
    pub(super) fn found(found: Found, known: Option<&Self>) -> Self {
        let Found {
            path,
            inspected,
            certificate,
            meant,
            limits,
        } = found;
        let comment = match inspected.comment {
            empty if empty.is_empty() => path.as_os_str().as_encoded_bytes().to_vec(),
            comment => comment,
        };
        Self {
            public: inspected.public,
            certificate,
            comment,
            terms: Terms::default(),
            expires: None,
            origin: Origin::File(KeyFile {
                path,
                protected: inspected.encrypted,
                format: inspected.format,
                meant,
                limits,
            }),
            cell: known.map(|held| held.cell.clone()).unwrap_or_default(),
        }
    }

    /// A key that a client added; its private half is in `sealed`.
    pub(super) fn added(new: NewKey, sealed: Sealed, now: Instant) -> Self {
        Self {
            public: new.public,
            certificate: new.certificate.map(|blob| CertificateFile {
                blob,
                comment: Vec::new(),
            }),
            comment: new.comment,
            expires: new.terms.lifetime.and_then(|lifetime| now.checked_add(lifetime)),
            terms: new.terms,
            origin: Origin::Added(SealedFields {
                sealed: Mutex::new(sealed),
                authenticator: new.authenticator,
            }),
            cell: Arc::default(),
        }
    }

    /// The (blob, comment) pairs that a list shows. A file and the certificate beside it are two identities; what a
    /// client added is one, the key or the certificate.
    pub fn identities(&self) -> impl Iterator<Item = (&[u8], &[u8])> + Clone {
        let is_file = matches!(self.origin, Origin::File(_) | Origin::Database(_));
        let plain = (is_file || self.certificate.is_none())
            .then_some((self.public.blob.as_slice(), self.comment.as_slice()));
        let certified = self.certificate.iter().map(|certificate| {
            let comment = if certificate.comment.is_empty() {
                &self.comment
            } else {
                &certificate.comment
            };
            (certificate.blob.as_slice(), comment.as_slice())
        });
        plain.into_iter().chain(certified)
    }

    /// The one blob that an added key is.
    pub(super) fn identity(&self) -> &[u8] {
        self.certificate
            .as_ref()
            .map_or(&self.public.blob, |certificate| &certificate.blob)
    }

    /// Whether `blob` is one of its identities.
    pub(super) fn has_identity(&self, blob: &[u8]) -> bool {
        self.identities().any(|(own, _)| own == blob)
    }

    /// Seals an added key's private half anew; false if `from` does not open it.
    pub(super) fn reseal(&self, from: &Shield, to: &Shield) -> bool {
        let Origin::Added(fields) = &self.origin else {
            return true;
        };
        let mut sealed = fields.sealed.lock().unwrap_or_else(PoisonError::into_inner);
        match from.open(&sealed).and_then(|fields| to.seal(&fields)) {
            Ok(resealed) => {
                *sealed = resealed;
                true
            }
            Err(_) => false,
        }
    }

    /// The token that signs for it, if one does.
    pub fn authenticator(&self) -> Option<&Authenticator> {
        match &self.origin {
            Origin::Added(fields) => fields.authenticator.as_ref(),
            Origin::File(_) | Origin::Database(_) | Origin::Token(_) => None,
        }
    }

    /// How messages name it: its file, or its comment.
    pub fn name(&self) -> String {
        match &self.origin {
            Origin::File(file) => file.path.display().to_string(),
            Origin::Database(key) => key.name(),
            Origin::Added(_) | Origin::Token(_) => String::from_utf8_lossy(&self.comment).into_owned(),
        }
    }

    /// The private key file, if it is one.
    pub fn file(&self) -> Option<&Path> {
        match &self.origin {
            Origin::File(file) => Some(&file.path),
            Origin::Database(_) | Origin::Added(_) | Origin::Token(_) => None,
        }
    }

    /// Whether it is a security key's file, which a client can read as well.
    pub fn is_token_file(&self) -> bool {
        self.file().is_some() && sk::application(&self.public.blob).is_some()
    }

    /// What a KeePass entry, or the person, says of where the key is for.
    pub fn purposes(&self) -> impl Iterator<Item = &str> {
        let (entry, meant) = match &self.origin {
            Origin::Database(key) => (Some(key), &[][..]),
            Origin::File(file) => (None, &*file.meant),
            Origin::Added(_) | Origin::Token(_) => (None, &[][..]),
        };
        let entry = entry.into_iter().flat_map(|key| [&key.title, &key.host]);
        entry.chain(meant).map(String::as_str)
    }

    /// Whether it is open now.
    pub fn is_open(&self) -> bool {
        self.cell.is_open()
    }

    /// Whether `name` is its fingerprint, comment, path or file name.
    pub fn is_called(&self, name: &str) -> bool {
        let named_by_file = match &self.origin {
            Origin::File(KeyFile { path, .. }) => {
                path.as_os_str() == name || path.file_name().is_some_and(|file| file == name)
            }
            Origin::Database(key) => key.title == name,
            Origin::Added(_) | Origin::Token(_) => false,
        };
        named_by_file || self.public.fingerprint == name || self.comment == name.as_bytes()
    }

    /// Whether `name` is the beginning of its fingerprint, with or without "SHA256:".
    pub fn has_prefix(&self, name: &str) -> bool {
        let hash = self.public.fingerprint.trim_start_matches("SHA256:");
        let wanted = name.trim_start_matches("SHA256:");
        !wanted.is_empty() && hash.starts_with(wanted)
    }

    /// Seals this one key; false when it was not open.
    pub fn seal(&self) -> bool {
        self.cell.seal()
    }

    /// For `claviger list`.
    pub fn report(&self) -> KeyReport {
        let (path, format, protected, source) = match &self.origin {
            Origin::File(file) => (
                file.path.display().to_string(),
                file.format,
                file.protected,
                "file",
            ),
            Origin::Database(key) => (
                key.path.display().to_string(),
                key.format.as_str(),
                key.protected,
                "kdbx",
            ),
            Origin::Added(_) if self.authenticator().is_some() => {
                (String::new(), "security key", false, "security key")
            }
            Origin::Added(_) => (String::new(), "agent", false, "added"),
            Origin::Token(provider) => (
                provider.library().display().to_string(),
                "PKCS#11",
                false,
                "pkcs11",
            ),
        };
        KeyReport {
            fingerprint: self.public.fingerprint.clone(),
            kind: self.public.algorithm.clone(),
            bits: self.public.bits,
            comment: String::from_utf8_lossy(&self.comment).into_owned(),
            state: String::from(match &self.origin {
                Origin::Token(_) => "token",
                _ if sk::application(&self.public.blob).is_some() => "token",
                _ if self.is_open() => "open",
                _ => "sealed",
            }),
            source: source.to_owned(),
            path,
            format: format.to_owned(),
            protected,
            certificate: self.certificate.is_some(),
            last_used: self
                .cell
                .last_used()
                .map(|time| humantime::format_rfc3339_seconds(time).to_string()),
            upstream: None,
        }
    }
}
