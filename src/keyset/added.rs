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
}

/// Constraints on an identity; the default is none.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// How long it stays.
    pub lifetime: Option<Duration>,
    /// Whether the person is asked at each use.
    pub confirm: bool,
    /// Where it may be used; empty: anywhere.
    pub destinations: Vec<Destination>,
}
