//! What a client asks to hold of a key that it adds: how long, with whose consent, and for which hosts.
//!
//! Constraints are limits that the key's owner relies on, so one that is unknown, doubled, or out of place refuses
//! the key as a whole. None can be skipped either: how long an unknown one is, only it would know.

use super::read::{blob, boolean, byte, cstring, reserved, string, uint32};

const LIFETIME: u8 = 1;
const CONFIRM: u8 = 2;
const EXTENSION: u8 = 255;
const RESTRICT_DESTINATION: &[u8] = b"restrict-destination-v00@openssh.com";
const SK_PROVIDER: &[u8] = b"sk-provider@openssh.com";
const ASSOCIATED_CERTS: &[u8] = b"associated-certs-v00@openssh.com";

/// Most destinations of one key (AGENT_MAX_DEST_CONSTRAINTS).
const MAX_DESTINATIONS: usize = 1024;
/// Most certificates of one token (AGENT_MAX_EXT_CERTS).
const MAX_CERTIFICATES: usize = 1024;
/// Longest pattern of user names, in bytes: more can only make matching slow.
const MAX_USER_PATTERN: usize = 256;

/// What the constraints are for: some fit only one kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A key that the message carries whole.
    Key,
    /// A security key (`sk-*`).
    SkKey,
    /// The keys of a PKCS#11 token.
    Token,
}

/// The constraints of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Constraints {
    /// Seconds until the key is dropped; 0 is at once.
    pub lifetime: Option<u32>,
    /// Ask at each signature.
    pub confirm: bool,
    /// Where the key may be used; empty: everywhere.
    pub destinations: Vec<Destination>,
    /// Middleware of a security key: a path, or "internal".
    pub sk_provider: Option<Vec<u8>>,
    /// Certificates of a token's keys.
    pub certificates: Option<Certificates>,
}

/// associated-certs-v00@openssh.com.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificates {
    /// Add no plain keys.
    pub only: bool,
    /// As on the wire. That they are certificates is not checked.
    pub blobs: Vec<Vec<u8>>,
}

/// One step that a key may take (PROTOCOL.agent, 2): from a host, or from the agent's own, to a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Where the request comes from. Without keys: the agent's own host. Its user is always empty.
    pub from: Hop,
    /// Where the key is to be used. Always with a name and keys.
    pub to: Hop,
}

/// A host of a [`Destination`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hop {
    /// Pattern of the user there (`*`, `?`); empty: any.
    pub user: Vec<u8>,
    /// Its name, to be matched by the principals of host certificates.
    pub host: Vec<u8>,
    /// Public key blobs, each with whether it is a certificate authority's.
    pub keys: Vec<(Vec<u8>, bool)>,
}

/// What stands behind the key in an add request: its comment (any bytes but NUL), then constraints to the end.
pub fn comment_and_constraints(mut rest: &[u8], subject: Subject) -> Option<(&[u8], Constraints)> {
    let comment = cstring(&mut rest)?;
    Some((comment, constraints(rest, subject)?))
}

/// Parses constraints to the end of `bytes`; none if the key must be refused.
pub fn constraints(mut bytes: &[u8], subject: Subject) -> Option<Constraints> {
    let bytes = &mut bytes;
    let mut found = Constraints::default();
    let mut destinations = None;
    while let Some(kind) = byte(bytes) {
        match kind {
            LIFETIME => set(&mut found.lifetime, uint32(bytes)?)?,
            CONFIRM if !found.confirm => found.confirm = true,
            EXTENSION => match (cstring(bytes)?, subject) {
                (RESTRICT_DESTINATION, _) => set(&mut destinations, list(string(bytes)?)?)?,
                (SK_PROVIDER, Subject::SkKey) => set(&mut found.sk_provider, cstring(bytes)?.to_vec())?,
                (ASSOCIATED_CERTS, Subject::Token) => set(&mut found.certificates, certificates(bytes)?)?,
                _ => return None,
            },
            _ => return None,
        }
    }
    found.destinations = destinations.unwrap_or_default();
    Some(found)
}

/// Sets what was not set before.
fn set<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

fn list(mut bytes: &[u8]) -> Option<Vec<Destination>> {
    let mut destinations = Vec::new();
    while !bytes.is_empty() {
        if destinations.len() == MAX_DESTINATIONS {
            return None;
        }
        destinations.push(destination(string(&mut bytes)?)?);
    }
    Some(destinations)
}

/// Bytes behind the reserved field are refused, like content in it: either may narrow what this version would allow.
fn destination(mut bytes: &[u8]) -> Option<Destination> {
    let from = hop(string(&mut bytes)?)?;
    let to = hop(string(&mut bytes)?)?;
    reserved(&mut bytes)?;
    let valid = bytes.is_empty()
        && from.user.is_empty()
        && from.host.is_empty() == from.keys.is_empty()
        && !to.host.is_empty()
        && !to.keys.is_empty()
        && to.user.len() <= MAX_USER_PATTERN;
    valid.then_some(Destination { from, to })
}

fn hop(mut bytes: &[u8]) -> Option<Hop> {
    let user = cstring(&mut bytes)?.to_vec();
    let host = cstring(&mut bytes)?.to_vec();
    reserved(&mut bytes)?;
    let mut keys = Vec::new();
    while !bytes.is_empty() {
        keys.push((blob(&mut bytes)?.to_vec(), boolean(&mut bytes)?));
    }
    Some(Hop { user, host, keys })
}

fn certificates(bytes: &mut &[u8]) -> Option<Certificates> {
    let only = boolean(bytes)?;
    let mut list = string(bytes)?;
    let mut blobs = Vec::new();
    while !list.is_empty() {
        if blobs.len() == MAX_CERTIFICATES {
            return None;
        }
        blobs.push(blob(&mut list)?.to_vec());
    }
    Some(Certificates { only, blobs })
}
