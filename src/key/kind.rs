//! Key types by name: the plain name, the certificate's, and where the public half ends in either blob.

use ssh_key::EcdsaCurve;

use super::string;

/// A key type that is known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Rsa,
    Ecdsa(EcdsaCurve),
    Ed25519,
    SkEcdsa,
    SkEd25519,
    /// ML-DSA-44 and Ed25519 together.
    Composite,
}

/// Type, plain name, certificate's name, strings in the public half (an `mpint` is framed as a string is).
const KINDS: [(Kind, &str, &str, usize); 8] = [
    (
        Kind::Ed25519,
        "ssh-ed25519",
        "ssh-ed25519-cert-v01@openssh.com",
        1,
    ),
    (
        Kind::Ecdsa(EcdsaCurve::NistP256),
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp256-cert-v01@openssh.com",
        2,
    ),
    (
        Kind::Ecdsa(EcdsaCurve::NistP384),
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp384-cert-v01@openssh.com",
        2,
    ),
    (
        Kind::Ecdsa(EcdsaCurve::NistP521),
        "ecdsa-sha2-nistp521",
        "ecdsa-sha2-nistp521-cert-v01@openssh.com",
        2,
    ),
    (Kind::Rsa, "ssh-rsa", "ssh-rsa-cert-v01@openssh.com", 2),
    (
        Kind::SkEd25519,
        "sk-ssh-ed25519@openssh.com",
        "sk-ssh-ed25519-cert-v01@openssh.com",
        2,
    ),
    (
        Kind::SkEcdsa,
        "sk-ecdsa-sha2-nistp256@openssh.com",
        "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
        3,
    ),
    (
        Kind::Composite,
        "ssh-mldsa44-ed25519",
        "ssh-mldsa44-ed25519-cert",
        1,
    ),
];

impl Kind {
    /// The type of that name, and whether the name is a certificate's.
    pub(super) fn named(name: &[u8]) -> Option<(Self, bool)> {
        KINDS.iter().find_map(|&(kind, plain, certificate, _)| {
            let is_certificate = certificate.as_bytes() == name;
            (is_certificate || plain.as_bytes() == name).then_some((kind, is_certificate))
        })
    }

    /// The name of plain keys of this type.
    pub(super) fn name(self) -> &'static str {
        self.row().0
    }

    /// Whether a token signs for it.
    pub(super) fn is_token(self) -> bool {
        matches!(self, Self::SkEcdsa | Self::SkEd25519)
    }

    /// Takes the public half's fields from behind the name.
    pub(super) fn public_fields<'a>(self, rest: &mut &'a [u8]) -> Result<&'a [u8], ssh_encoding::Error> {
        let start = *rest;
        for _ in 0..self.row().1 {
            string(rest)?;
        }
        Ok(&start[..start.len() - rest.len()])
    }

    /// Every type has a row; the first would answer for one that had none, and the test below would tell.
    fn row(self) -> (&'static str, usize) {
        let [first, ..] = &KINDS;
        let row = KINDS.iter().find(|row| row.0 == self).unwrap_or(first);
        (row.1, row.3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways() {
        for (kind, plain, certificate, fields) in KINDS {
            assert_eq!(Kind::named(plain.as_bytes()), Some((kind, false)));
            assert_eq!(Kind::named(certificate.as_bytes()), Some((kind, true)));
            assert_eq!(kind.row(), (plain, fields));
            assert_eq!(kind.is_token(), plain.starts_with("sk-"));
        }
        for other in [&b"ssh-dss"[..], b"", b"ssh-mldsa44-ed25519@openssh.com", b"\xff"] {
            assert_eq!(Kind::named(other), None);
        }
    }
}
