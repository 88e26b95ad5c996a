//! A server that proved itself, and whether it is the host that a restriction names.

use super::pattern;
use crate::wire::Hop;

/// The key with which a server signed a bind; verified before it gets here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostKey {
    /// The public key or the whole certificate, as on the wire. Two keys are the same if these bytes are.
    pub blob: Vec<u8>,
    /// What the certificate says, if it is one.
    pub certificate: Option<HostCertificate>,
}

/// What counts of a host's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostCertificate {
    /// Public key blob of the authority that signed it; its signature is verified.
    pub ca: Vec<u8>,
    /// Host names, which may be patterns. Without any, the certificate is for no host.
    pub principals: Vec<Vec<u8>>,
    /// A host certificate, not a user's.
    pub is_host: bool,
    /// First second of validity since the epoch.
    pub valid_after: u64,
    /// First second since the epoch that is no longer valid.
    pub valid_before: u64,
    /// None are defined for hosts, so any is one that is not understood.
    pub has_critical_options: bool,
    /// Not with SHA-1 RSA.
    pub signed_with_allowed_algorithm: bool,
}

impl HostKey {
    /// Whether this is the host of `hop`. A plain key must be among its keys, a certificate must be from one of its
    /// authorities: neither counts for the other.
    pub(super) fn is_at(&self, hop: &Hop, now: u64) -> bool {
        hop.keys.iter().any(|(blob, is_ca)| match &self.certificate {
            None => !is_ca && *blob == self.blob,
            Some(certificate) => *is_ca && *blob == certificate.ca && certificate.is_for(&hop.host, now),
        })
    }
}

impl HostCertificate {
    fn is_for(&self, host: &[u8], now: u64) -> bool {
        self.is_host
            && (self.valid_after..self.valid_before).contains(&now)
            && !self.has_critical_options
            && self.signed_with_allowed_algorithm
            && self
                .principals
                .iter()
                .any(|principal| pattern::matches(principal, host))
    }
}
