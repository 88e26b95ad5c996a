//! Constraints: as another implementation writes them, at and above each limit, doubled, unknown and out of place.

use super::{KEY, cut_and_lied, strings};
use crate::wire::{
    Certificates, Constraints, Destination, Hop, Subject, comment_and_constraints, constraints,
};
use proptest::prelude::*;
use ssh_agent_lib::proto::extension::{DestinationConstraint, HostTuple, KeySpec, RestrictDestination};
use ssh_agent_lib::proto::{self, AddIdentity, AddIdentityConstrained, KeyConstraint};
use ssh_agent_lib::ssh_encoding::Encode as _;
use ssh_agent_lib::ssh_key::PublicKey;
use ssh_agent_lib::ssh_key::private::{Ed25519Keypair, KeypairData};

const RESTRICT: &[u8] = b"restrict-destination-v00@openssh.com";
const PROVIDER: &[u8] = b"sk-provider@openssh.com";
const CERTIFICATES: &[u8] = b"associated-certs-v00@openssh.com";

fn extension(name: &[u8], body: &[u8]) -> Vec<u8> {
    [&[255], &strings(&[name])[..], body].concat()
}

/// A hop as on the wire: user, host, reserved, keys.
fn hop(user: &[u8], host: &[u8], reserved: &[u8], keys: &[(&[u8], u8)]) -> Vec<u8> {
    let mut hop = strings(&[user, host, reserved]);
    for (blob, is_ca) in keys {
        hop.extend(strings(&[blob]));
        hop.push(*is_ca);
    }
    hop
}

fn origin() -> Vec<u8> {
    hop(b"", b"", b"", &[])
}

fn host() -> Vec<u8> {
    hop(b"", b"host", b"", &[(KEY, 0)])
}

/// The extension with one destination of these hops.
fn restrict(from: &[u8], to: &[u8]) -> Vec<u8> {
    restrict_all(&[strings(&[from, to, b""])])
}

fn restrict_all(destinations: &[Vec<u8>]) -> Vec<u8> {
    let list: Vec<&[u8]> = destinations.iter().map(Vec::as_slice).collect();
    extension(RESTRICT, &strings(&[&strings(&list)]))
}

fn associated(only: u8, blobs: &[&[u8]]) -> Vec<u8> {
    extension(
        CERTIFICATES,
        &[&[only], &strings(&[&strings(blobs)])[..]].concat(),
    )
}

#[test]
fn reads_what_another_implementation_writes() {
    let keys = |is_ca| {
        let keyblob = PublicKey::from_bytes(KEY).unwrap().key_data().clone();
        vec![KeySpec { keyblob, is_ca }]
    };
    let host = |user: &str, host: &str, keys| HostTuple {
        username: user.into(),
        hostname: host.into(),
        keys,
    };
    let restriction = RestrictDestination {
        constraints: vec![
            DestinationConstraint {
                from: host("", "", vec![]),
                to: host("al*", "first.example", keys(false)),
            },
            DestinationConstraint {
                from: host("", "first.example", keys(false)),
                to: host("", "second.example", keys(true)),
            },
        ],
    };
    let written = AddIdentityConstrained {
        identity: AddIdentity {
            credential: proto::PrivateCredential::Key {
                privkey: KeypairData::Ed25519(Ed25519Keypair::from_seed(&[1; 32])),
                comment: "alice@home".into(),
            },
        },
        constraints: vec![
            KeyConstraint::Lifetime(3600),
            KeyConstraint::Confirm,
            KeyConstraint::Extension(proto::Extension::new_key_constraint(restriction).unwrap()),
        ],
    };
    let mut body = Vec::new();
    written.encode(&mut body).unwrap();
    let private = strings(&[b"ssh-ed25519", &[0; 32], &[0; 64]]).len();

    let hop = |user: &[u8], host: &[u8], is_ca| Hop {
        user: user.into(),
        host: host.into(),
        keys: vec![(KEY.to_vec(), is_ca)],
    };
    let read = Constraints {
        lifetime: Some(3600),
        confirm: true,
        destinations: vec![
            Destination {
                from: Hop::default(),
                to: hop(b"al*", b"first.example", false),
            },
            Destination {
                from: hop(b"", b"first.example", false),
                to: hop(b"", b"second.example", true),
            },
        ],
        ..Constraints::default()
    };
    let found = comment_and_constraints(&body[private..], Subject::Key);
    assert_eq!(found, Some((&b"alice@home"[..], read)));
}

#[test]
fn comments_are_any_bytes_but_nul() {
    for (comment, read) in [
        (&b""[..], Some(&b""[..])),
        (b"\xff\xfe", Some(b"\xff\xfe")),
        (b"c\0", Some(b"c")),
        (b"c\0c", None),
    ] {
        let rest = strings(&[comment]);
        let found = comment_and_constraints(&rest, Subject::Key).map(|(comment, _)| comment);
        assert_eq!(found, read, "{comment:?}");
    }
}

#[test]
fn each_constraint_fits_some_subjects_once() {
    use Subject::{Key, SkKey, Token};
    let everyone = &[Key, SkKey, Token][..];
    let cases = [
        ("lifetime", vec![1, 0, 0, 0, 0], everyone),
        ("confirm", vec![2], everyone),
        ("restrict", restrict(&origin(), &host()), everyone),
        ("empty restriction", restrict_all(&[]), everyone),
        (
            "provider",
            extension(PROVIDER, &strings(&[b"internal"])),
            &[SkKey][..],
        ),
        ("certificates", associated(1, &[KEY, KEY]), &[Token][..]),
        ("no certificates", associated(0, &[]), &[Token][..]),
        ("unknown byte", vec![3], &[][..]),
        (
            "unknown extension",
            extension(b"new@example.com", &strings(&[b"body"])),
            &[][..],
        ),
        ("extension without a name", vec![255], &[][..]),
    ];
    for (name, bytes, fitting) in cases {
        for subject in [Key, SkKey, Token] {
            let fits = fitting.contains(&subject);
            assert_eq!(
                constraints(&bytes, subject).is_some(),
                fits,
                "{name} of {subject:?}"
            );
            let twice = [&bytes[..], &bytes].concat();
            assert_eq!(constraints(&twice, subject), None, "{name} of {subject:?}, twice");
        }
    }
}

#[test]
fn carries_what_it_reads() {
    let provider = [vec![2], extension(PROVIDER, &strings(&[b"/lib/sk.so"]))].concat();
    let read = Constraints {
        confirm: true,
        sk_provider: Some(b"/lib/sk.so".to_vec()),
        ..Constraints::default()
    };
    assert_eq!(constraints(&provider, Subject::SkKey), Some(read));
    let read = Constraints {
        lifetime: Some(0),
        certificates: Some(Certificates {
            only: true,
            blobs: vec![KEY.to_vec()],
        }),
        ..Constraints::default()
    };
    let bytes = [associated(1, &[KEY]), vec![1, 0, 0, 0, 0]].concat();
    assert_eq!(constraints(&bytes, Subject::Token), Some(read));
    assert_eq!(constraints(&[], Subject::Key), Some(Constraints::default()));
}

#[test]
fn a_destination_must_be_consistent() {
    let named = hop(b"", b"gate", b"", &[(KEY, 0)]);
    let cases: [(&str, Vec<u8>, Vec<u8>, bool); 14] = [
        ("from the origin", origin(), host(), true),
        ("from a host", named.clone(), host(), true),
        (
            "with a user",
            origin(),
            hop(b"a?*", b"host", b"", &[(KEY, 1)]),
            true,
        ),
        (
            "longest user",
            origin(),
            hop(&[b'u'; 256], b"host", b"", &[(KEY, 0)]),
            true,
        ),
        (
            "user too long",
            origin(),
            hop(&[b'u'; 257], b"host", b"", &[(KEY, 0)]),
            false,
        ),
        (
            "a user of from",
            hop(b"u", b"gate", b"", &[(KEY, 0)]),
            host(),
            false,
        ),
        ("from with no keys", hop(b"", b"gate", b"", &[]), host(), false),
        (
            "from with no name",
            hop(b"", b"", b"", &[(KEY, 0)]),
            host(),
            false,
        ),
        ("to with no keys", origin(), hop(b"", b"host", b"", &[]), false),
        (
            "to with no name",
            origin(),
            hop(b"", b"", b"", &[(KEY, 0)]),
            false,
        ),
        ("to the origin", origin(), origin(), false),
        ("reserved in from", hop(b"", b"", b"x", &[]), host(), false),
        (
            "reserved in to",
            origin(),
            hop(b"", b"host", b"x", &[(KEY, 0)]),
            false,
        ),
        ("no key", origin(), hop(b"", b"host", b"", &[(b"", 0)]), false),
    ];
    for (name, from, to, valid) in cases {
        assert_eq!(
            constraints(&restrict(&from, &to), Subject::Key).is_some(),
            valid,
            "{name}"
        );
    }
    for (name, destination) in [
        ("reserved", strings(&[&origin(), &host(), b"x"])),
        (
            "bytes behind",
            [strings(&[&origin(), &host(), b""]), vec![0]].concat(),
        ),
        ("no reserved field", strings(&[&origin(), &host()])),
    ] {
        assert_eq!(
            constraints(&restrict_all(&[destination]), Subject::Key),
            None,
            "{name}"
        );
    }
}

#[test]
fn limits_the_number_of_destinations_and_certificates() {
    let destination = strings(&[&origin(), &host(), b""]);
    let certificates = |count| associated(0, &vec![KEY; count]);
    for (count, allowed) in [(1024, true), (1025, false)] {
        let restricted = restrict_all(&vec![destination.clone(); count]);
        assert_eq!(
            constraints(&restricted, Subject::Key).is_some(),
            allowed,
            "{count}"
        );
        assert_eq!(
            constraints(&certificates(count), Subject::Token).is_some(),
            allowed,
            "{count}"
        );
    }
}

#[test]
fn damage_never_panics_and_a_cut_constraint_is_refused() {
    for (bytes, subject) in [
        (restrict(&host(), &host()), Subject::Key),
        (extension(PROVIDER, &strings(&[b"internal"])), Subject::SkKey),
        (associated(1, &[KEY]), Subject::Token),
    ] {
        assert!(constraints(&bytes, subject).is_some());
        for end in 1..bytes.len() {
            assert_eq!(constraints(&bytes[..end], subject), None, "cut at {end}");
        }
        for damaged in cut_and_lied(&bytes) {
            let _ = constraints(&damaged, subject);
        }
    }
}

proptest! {
    #[test]
    fn never_panics(
        bytes in prop::collection::vec(prop_oneof![Just(0_u8), Just(255), 1_u8..4, any::<u8>()], 0..200),
        body in prop::collection::vec(prop_oneof![Just(0_u8), 0_u8..16, any::<u8>()], 0..200),
    ) {
        for subject in [Subject::Key, Subject::SkKey, Subject::Token] {
            let _ = constraints(&bytes, subject);
            let _ = comment_and_constraints(&bytes, subject);
            for name in [RESTRICT, PROVIDER, CERTIFICATES] {
                let _ = constraints(&extension(name, &body), subject);
                let _ = constraints(&extension(name, &strings(&[&strings(&[&body])])), subject);
            }
        }
    }
}
