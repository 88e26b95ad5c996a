//! Keys that a security key (FIDO token) holds: what there is of them outside the token, in a request to add one and,
//! the same, in OpenSSH's file.

use ssh_encoding::Encode as _;
use zeroize::Zeroizing;

use super::kind::Kind;
use super::private::TokenFields;
use super::{KeyError, cut, string};

/// A token's key. Useless without the token, but whoever has the token and the handle can sign: wiped on drop.
pub struct SkKey {
    /// Its public half.
    pub(super) blob: Vec<u8>,
    pub(super) application: Vec<u8>,
    pub(super) flags: u8,
    pub(super) handle: Zeroizing<Vec<u8>>,
    pub(super) fields: Zeroizing<Vec<u8>>,
}

/// The token must be touched for each signature.
pub const USER_PRESENCE: u8 = 0x01;
/// The token must verify its user, by PIN or biometrics.
pub const USER_VERIFICATION: u8 = 0x04;
/// The key is stored on the token.
pub const RESIDENT: u8 = 0x20;

impl SkKey {
    /// The application that the key was made for, usually "ssh:".
    pub fn application(&self) -> &[u8] {
        &self.application
    }

    /// [`USER_PRESENCE`], [`USER_VERIFICATION`], [`RESIDENT`].
    pub fn flags(&self) -> u8 {
        self.flags
    }

    /// By what the token knows its key.
    pub fn handle(&self) -> &[u8] {
        &self.handle
    }

    /// The private key as ssh-sk-helper takes it: string type, then the fields of a request to add the key, byte for
    /// byte as they came.
    pub fn private_fields(&self) -> &[u8] {
        &self.fields
    }
}

impl TokenFields<'_> {
    /// What is kept of a key that was read from `fields`.
    pub(super) fn kept(&self, kind: Kind, fields: &[u8]) -> Result<SkKey, KeyError> {
        let mut blob = Vec::new();
        let mut put = |content: &[u8]| content.encode(&mut blob).map_err(cut);
        put(kind.name().as_bytes())?;
        for part in &self.public {
            put(part)?;
        }
        put(self.application)?;
        Ok(SkKey {
            blob,
            application: self.application.to_vec(),
            flags: self.flags,
            handle: Zeroizing::new(self.handle.to_vec()),
            fields: Zeroizing::new(fields.to_vec()),
        })
    }
}

/// The application of a security key's public blob or certificate; `None` for every other blob.
pub fn application(blob: &[u8]) -> Option<&[u8]> {
    let mut rest = blob;
    let (kind, is_certificate) = Kind::named(string(&mut rest).ok()?)?;
    if !kind.is_token() {
        return None;
    }
    if is_certificate {
        string(&mut rest).ok()?;
    }
    let mut fields = kind.public_fields(&mut rest).ok()?;
    let mut last = None;
    while !fields.is_empty() {
        last = Some(string(&mut fields).ok()?);
    }
    last
}
