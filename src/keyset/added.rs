//! Keys that clients add over the protocol, and the terms under which they may be used.

use crate::key::PublicHalf;
use crate::wire::Destination;
use std::time::Duration;
use zeroize::Zeroizing;

/// What a client adds.
pub struct NewKey {
    /// Its public half.
    pub public: PublicHalf,
    /// The certificate blob, if the identity is a certificate.
    pub certificate: Option<Vec<u8>>,
    /// Any bytes but NUL.
    pub comment: Vec<u8>,
    /// The private key's fields as they came, for [`crate::key::reopen`].
    pub fields: Zeroizing<Vec<u8>>,
    /// The terms.
    pub terms: Terms,
    /// What signs, when it is not the agent: then `fields` hold no private key, only what the token knows it by.
    pub authenticator: Option<Authenticator>,
}

/// A security key (FIDO token) that signs for an added key.
#[derive(Clone, Debug)]
pub struct Authenticator {
    /// Its middleware: a path, or "internal".
    pub provider: String,
    /// Whether it signs only when it is touched.
    pub touch: bool,
}

/// Constraints on an identity; the default is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// How long it stays.
    pub lifetime: Option<Duration>,
    /// Whether the person is asked at each use.
    pub confirm: bool,
    /// Where it may be used; empty: anywhere.
    pub destinations: Vec<Destination>,
}
