//! Requests to add a key, damaged: an error or the same whole key, never a panic.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::LazyLock;

use claviger::key;
use claviger::wire::string;
use proptest::prelude::*;

use crate::added::data;
use crate::certificates::certify;
use crate::recorder::ssh_add;
use crate::tools::{beside, generate, lies};

/// A body of every type, plain and with a certificate.
static BODIES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let directory = tempfile::tempdir().unwrap();
    let authority = generate(directory.path(), "authority", &["-t", "ed25519"], "");
    let mut bodies = vec![
        fs::read(data("mldsa/add.bin")).unwrap(),
        fs::read(data("mldsa/add-cert.bin")).unwrap(),
    ];
    for arguments in [
        &["-t", "ed25519"][..],
        &["-t", "ecdsa"],
        &["-t", "rsa", "-b", "2048"],
    ] {
        let path = generate(directory.path(), arguments[1], arguments, "");
        certify(&authority, &path, &[]);
        bodies.extend(ssh_add(&[], &path).into_iter().map(|(_, body)| body));
    }
    for name in ["sk-ed25519", "sk-ecdsa"] {
        let path = directory.path().join(name);
        for ending in ["", "-cert.pub"] {
            fs::copy(data(&format!("sk/{name}{ending}")), beside(&path, ending)).unwrap();
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        bodies.extend(ssh_add(&[], &path).into_iter().map(|(_, body)| body));
    }
    assert_eq!(bodies.len(), 12);
    bodies
});

/// Whatever is taken must be a key whose two halves fit.
fn assert_harmless(body: &[u8]) {
    if let Ok(read) = key::added(body)
        && let key::AddedKey::Soft(key) = read.added.key
    {
        assert_eq!(*key.public(), read.added.public);
        let signature = key.sign(b"data", 2).unwrap();
        key::verify(&read.added.public.blob, b"data", &signature).unwrap();
    }
}

#[test]
fn cut_anywhere_in_the_key_it_is_an_error() {
    for body in BODIES.iter() {
        let whole = key::added(body).unwrap().fields.len();
        for end in 0..whole {
            assert!(key::added(&body[..end]).is_err(), "cut at {end}");
        }
        let fields = &body[..whole];
        assert!(key::added(fields).unwrap().rest.is_empty());
    }
}

#[test]
fn length_fields_that_lie_are_harmless() {
    for body in BODIES.iter() {
        lies(body).for_each(|lying| assert_harmless(&lying));
    }
}

proptest! {
    #[test]
    fn any_bytes_behind_any_type_are_harmless(
        name in prop::sample::select(vec![
            "ssh-rsa", "ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa-cert-v01@openssh.com", "ssh-mldsa44-ed25519",
            "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", "ssh-dss",
        ]),
        strings in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..8),
        bytes in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let strings: Vec<u8> = strings.iter().flat_map(|content| string(content)).collect();
        let body = [&string(name.as_bytes())[..], &strings, &bytes].concat();
        assert_harmless(&body);
        let _ = key::verify(&body, &bytes, &strings);
        let _ = key::host_certificate(&body);
        let _ = key::plain_of(&body);
        let _ = key::sk::application(&body);
    }

    #[test]
    fn bodies_with_bytes_exchanged_are_harmless(
        which in 0_usize..12, place in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut body = BODIES[which].clone();
        let place = place.index(body.len());
        body[place] = byte;
        assert_harmless(&body);
    }
}
