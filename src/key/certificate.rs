//! Certificates (PROTOCOL.certkeys): read, matched with their key, kept as the bytes that the authority signed.
//!
//! Read here and not by `ssh-key`, which knows neither ML-DSA keys nor ML-DSA authorities and verifies no RSA
//! signature without RustCrypto's `rsa`. One reader for all keeps the answers alike.

use ssh_encoding::{Decode as _, Encode as _};

use super::kind::Kind;
use super::public::{Line, PublicHalf, split_line};
use super::{KeyError, cut, string, verify};

/// A certificate beside a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFile {
    /// Wire blob.
    pub blob: Vec<u8>,
    /// Comment of the line.
    pub comment: Vec<u8>,
}

/// Reads a `-cert.pub` file; it must certify `public`.
///
/// Neither its validity nor its signature is judged: that is the server's part, and its clock's.
pub fn certificate(file: &[u8], public: &PublicHalf) -> Result<CertificateFile, KeyError> {
    let Line { name, blob, comment } = split_line(file)?;
    let certified = Certificate::parse(&blob)?.plain_blob()?;
    if string(&mut &*blob).map_err(cut)? != name {
        return Err(damaged());
    }
    if certified != public.blob {
        return Err(KeyError::Damaged(
            "the certificate is for another key; sign this one anew: ssh-keygen -s CA -I ID FILE.pub".into(),
        ));
    }
    Ok(CertificateFile { blob, comment })
}

/// The plain public blob inside a certificate's; `None` for everything else. Signed data may name one where the
/// agent holds the other.
pub fn plain_of(blob: &[u8]) -> Option<Vec<u8>> {
    Certificate::parse(blob).ok()?.plain_blob().ok()
}

/// What a host key that is a certificate says. Nothing of it is judged yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostCertificate {
    /// Whether it is a host's certificate; a user's says nothing about a host.
    pub is_host: bool,
    /// Public blob of the authority that signed it.
    pub authority: Vec<u8>,
    /// Host names that it is for; patterns are the reader's matter. None at all: good for no name.
    pub principals: Vec<Vec<u8>>,
    /// In force from then, in seconds since 1970, inclusive.
    pub valid_after: u64,
    /// In force until then, in seconds since 1970, exclusive; `u64::MAX` is for ever.
    pub valid_before: u64,
    /// Whether it has critical options, of which none is known for hosts.
    pub has_critical_options: bool,
    /// Name of the algorithm that the authority signed with; "ssh-rsa" means SHA-1.
    pub signature_algorithm: String,
    /// Whether the authority's signature verifies; false too where its algorithm is unknown here.
    pub verifies: bool,
}

/// Reads a host key that is a certificate; `None` when it is not one, or is damaged.
pub fn host_certificate(blob: &[u8]) -> Option<HostCertificate> {
    let read = Certificate::parse(blob).ok()?;
    let algorithm = string(&mut &*read.signature).ok()?;
    Some(HostCertificate {
        is_host: read.role == HOST,
        authority: read.authority.to_vec(),
        principals: read.principals.iter().map(|name| name.to_vec()).collect(),
        valid_after: read.valid_after,
        valid_before: read.valid_before,
        has_critical_options: !read.critical_options.is_empty(),
        signature_algorithm: String::from_utf8(algorithm.to_vec()).ok()?,
        verifies: read.verify().is_ok(),
    })
}

/// A certificate, borrowed.
pub(super) struct Certificate<'a> {
    /// Type of the key that is certified.
    pub(super) kind: Kind,
    /// The certified key's public fields, as behind the type in a plain blob.
    pub(super) public: &'a [u8],
    role: u32,
    principals: Vec<&'a [u8]>,
    valid_after: u64,
    valid_before: u64,
    critical_options: &'a [u8],
    authority: &'a [u8],
    /// What the authority signed: everything before its signature.
    signed: &'a [u8],
    signature: &'a [u8],
}

/// Roles of certificates.
const USER: u32 = 1;
const HOST: u32 = 2;
/// OpenSSH's limit.
const MOST_PRINCIPALS: usize = 256;

impl<'a> Certificate<'a> {
    pub(super) fn parse(blob: &'a [u8]) -> Result<Self, KeyError> {
        Self::read(blob).map_err(|_| damaged())?.ok_or_else(damaged)
    }

    fn read(blob: &'a [u8]) -> Result<Option<Self>, ssh_encoding::Error> {
        let rest = &mut &*blob;
        let Some((kind, true)) = Kind::named(string(rest)?) else {
            return Ok(None);
        };
        let _nonce = string(rest)?;
        let public = kind.public_fields(rest)?;
        let _serial = u64::decode(rest)?;
        let role = u32::decode(rest)?;
        let _id = string(rest)?;
        let mut names = string(rest)?;
        let mut principals = Vec::new();
        while !names.is_empty() && principals.len() <= MOST_PRINCIPALS {
            principals.push(string(&mut names)?);
        }
        let valid_after = u64::decode(rest)?;
        let valid_before = u64::decode(rest)?;
        let critical_options = string(rest)?;
        let extensions = string(rest)?;
        let _reserved = string(rest)?;
        let authority = string(rest)?;
        let signed = &blob[..blob.len() - rest.len()];
        let signature = string(rest)?;
        pairs(critical_options)?;
        pairs(extensions)?;
        // An authority is a plain key: chains of certificates do not exist.
        let by_key = Kind::named(string(&mut &*authority)?).is_none_or(|(_, is_certificate)| !is_certificate);
        let sound =
            rest.is_empty() && by_key && [USER, HOST].contains(&role) && principals.len() <= MOST_PRINCIPALS;
        Ok(sound.then_some(Self {
            kind,
            public,
            role,
            principals,
            valid_after,
            valid_before,
            critical_options,
            authority,
            signed,
            signature,
        }))
    }

    /// The certified key as its plain public blob.
    pub(super) fn plain_blob(&self) -> Result<Vec<u8>, KeyError> {
        let mut blob = Vec::with_capacity(64 + self.public.len());
        self.kind.name().encode(&mut blob).map_err(cut)?;
        blob.extend_from_slice(self.public);
        Ok(blob)
    }

    /// Verifies the authority's signature.
    pub(super) fn verify(&self) -> Result<(), KeyError> {
        verify(self.authority, self.signed, self.signature)
    }
}

/// Options are pairs of strings.
fn pairs(mut options: &[u8]) -> Result<(), ssh_encoding::Error> {
    while !options.is_empty() {
        string(&mut options)?;
        string(&mut options)?;
    }
    Ok(())
}

fn damaged() -> KeyError {
    KeyError::Damaged("the certificate does not parse".into())
}
