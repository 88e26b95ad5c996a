//! How a key works: file formats, algorithms, signing back ends, fingerprints, certificates. Pure: no I/O, no clock.
use zeroize::Zeroizing;

/// Why a key file, a passphrase or a signature did not work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The passphrase does not fit.
    #[error("the passphrase does not fit")]
    WrongPassphrase,
    /// Not a private key at all; `what` says what it is ("a public key", "a certificate", "no key").
    #[error("not a private key but {what}")]
    NotAPrivateKey {
        /// What it is.
        what: &'static str,
    },
    /// Damaged: the text says where.
    #[error("damaged key file: {0}")]
    Damaged(String),
    /// A format, cipher, size or algorithm that is not supported; the text names it and the remedy.
    #[error("{0}")]
    Unsupported(String),
    /// A key that does not carry its public half in clear, and no `.pub` beside it.
    #[error("its public half is not in clear; put FILE.pub beside it: ssh-keygen -y -f FILE > FILE.pub")]
    NoPublicHalf,
    /// The back end refused the key or the signature.
    #[error("{0}")]
    Backend(String),
}

/// The public half of a key: what a list shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicHalf {
    /// Wire blob (RFC 4253, 6.6).
    pub blob: Vec<u8>,
    /// Algorithm name, such as "ssh-ed25519".
    pub algorithm: String,
    /// "SHA256:..." without padding.
    pub fingerprint: String,
    /// Size in bits.
    pub bits: u32,
}

/// What a private key file tells without a passphrase.
#[derive(Clone, Debug)]
pub struct Inspected {
    /// The public half.
    pub public: PublicHalf,
    /// Whether a passphrase protects the private half.
    pub encrypted: bool,
    /// "OpenSSH", "PKCS#8", "PKCS#1", "SEC1", "PuTTY 3".
    pub format: &'static str,
    /// Comment, when the file (or its .pub) has one in clear. Any bytes but NUL.
    pub comment: Vec<u8>,
}

/// A certificate beside a key.
#[derive(Clone, Debug)]
pub struct CertificateFile {
    /// Wire blob.
    pub blob: Vec<u8>,
    /// Comment of the line.
    pub comment: Vec<u8>,
}

/// Whether the first bytes of a file look like a private key in any format (so that others are passed over in silence).
pub fn looks_like_private_key(head: &[u8]) -> bool {
    let _ = head;
    todo!()
}

/// Reads what a private key file tells in clear; `public` is the content of the `.pub` beside it.
pub fn inspect(file: &[u8], public: Option<&[u8]>) -> Result<Inspected, KeyError> {
    let _ = (file, public);
    todo!()
}

/// Reads a `-cert.pub` file; it must certify `public`.
pub fn certificate(file: &[u8], public: &PublicHalf) -> Result<CertificateFile, KeyError> {
    let _ = (file, public);
    todo!()
}

/// Opens a private key. Slow when encrypted (key derivation): never on a runtime thread.
pub fn open(file: &[u8], passphrase: Option<&[u8]>) -> Result<OpenKey, KeyError> {
    let _ = (file, passphrase);
    todo!()
}

/// An opened private key, ready to sign; wiped on drop.
pub struct OpenKey {}

impl OpenKey {
    /// Its public half.
    pub fn public(&self) -> &PublicHalf {
        todo!()
    }
    /// The signature as it goes on the wire: string algorithm, string blob (RFC 9987; RSA flags 2 and 4).
    pub fn sign(&self, data: &[u8], flags: u32) -> Result<Vec<u8>, KeyError> {
        let _ = (data, flags);
        todo!()
    }
    /// True when a signature takes so long (over about 100 us) that it should not run on a runtime thread.
    pub fn is_slow(&self) -> bool {
        todo!()
    }
}

/// Where a file's bytes come from when it is opened (read anew each time, never kept).
pub type FileBytes = Zeroizing<Vec<u8>>;
