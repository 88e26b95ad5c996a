//! A key that a client adds: read from the request's body, checked to be whole, and built once.
//!
//! A key from a file is opened anew from its file; an added one has no file. Whoever has to put it away (while the
//! agent is locked) keeps [`AddedBody::fields`] encrypted and calls [`reopen`].

use super::certificate::Certificate;
use super::kind::Kind;
use super::private::{self, Private};
use super::sk::SkKey;
use super::{KeyError, OpenKey, PublicHalf, cut, damaged, public, string};

/// The body of a request to add a key, read up to the comment.
pub struct AddedBody<'a> {
    /// The key.
    pub added: Added,
    /// The bytes that hold the key, certificate included: enough for [`reopen`]. Secret.
    pub fields: &'a [u8],
    /// The bytes behind them: comment and constraints.
    pub rest: &'a [u8],
}

/// A key that a client added.
pub struct Added {
    /// The plain public half, of a certificate's key too.
    pub public: PublicHalf,
    /// The certificate's blob, when one was added: then this is the identity's blob, and not `public.blob`.
    pub certificate: Option<Vec<u8>>,
    /// What signs.
    pub key: AddedKey,
}

/// What signs for an added key.
pub enum AddedKey {
    /// The private key itself.
    Soft(OpenKey),
    /// A token, named by what is kept here.
    Token(SkKey),
}

impl Added {
    /// The blob that a list shows: the certificate, else the public half.
    pub fn blob(&self) -> &[u8] {
        self.certificate.as_deref().unwrap_or(&self.public.blob)
    }
}

/// Reads the key from the body of a request to add one (RFC 9987).
///
/// Public and private half must belong together, and the certificate must be for this key and bear its authority's
/// signature; validity and principals are for the server to judge. RSA below 2048 bits, which OpenSSH takes down to
/// 1024, is refused because the back end signs with 2048 to 8192.
pub fn added(body: &[u8]) -> Result<AddedBody<'_>, KeyError> {
    let mut rest = body;
    let name = string(&mut rest).map_err(cut)?;
    let (kind, is_certificate) = Kind::named(name).ok_or_else(|| public::unsupported_type(name))?;
    let blob = is_certificate
        .then(|| string(&mut rest).map_err(cut))
        .transpose()?;
    let certificate = blob.map(Certificate::parse).transpose()?;
    if let Some(certificate) = &certificate {
        if certificate.kind != kind {
            return Err(damaged("its certificate is of another type"));
        }
        check_authority(certificate)?;
    }
    let private = private::read(kind, certificate.as_ref().map(|read| read.public), &mut rest)?;
    let fields = &body[..body.len() - rest.len()];
    let (public, key) = match private {
        Private::Soft(signer) => {
            let key = OpenKey::new(signer)?;
            (key.public().clone(), AddedKey::Soft(key))
        }
        Private::Token(token) => {
            let key = token.kept(kind, fields)?;
            (PublicHalf::parse(&key.blob)?, AddedKey::Token(key))
        }
    };
    if let Some(certificate) = &certificate
        && certificate.plain_blob()? != public.blob
    {
        return Err(damaged("its certificate is for another key"));
    }
    let added = Added {
        public,
        certificate: blob.map(<[u8]>::to_vec),
        key,
    };
    Ok(AddedBody { added, fields, rest })
}

/// Builds the private key again from the [`AddedBody::fields`] that it was read from.
pub fn reopen(fields: &[u8]) -> Result<OpenKey, KeyError> {
    match added(fields)?.added.key {
        AddedKey::Soft(key) => Ok(key),
        AddedKey::Token(_) => Err(KeyError::Unsupported(
            "a security key signs on its token; there is no private key to open".into(),
        )),
    }
}

/// As OpenSSH: an authority of an unknown type certifies nothing.
fn check_authority(certificate: &Certificate<'_>) -> Result<(), KeyError> {
    match certificate.verify() {
        Err(KeyError::BadSignature | KeyError::Unsupported(_)) => {
            Err(damaged("its certificate does not bear its authority's signature"))
        }
        checked => checked,
    }
}
