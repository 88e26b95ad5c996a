//! Keys that clients add: the bodies that real `ssh-add`s send, opened, signed with, and damaged.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use claviger::key::{self, Added, AddedKey, KeyError, OpenKey};
use claviger::wire::string;

use crate::certificates::certify;
use crate::recorder::ssh_add;
use crate::tools::{assert_verifies, beside, blob_of, generate, inspect, open, run};

/// ssh-add's arguments, and what they put behind the comment.
const CONSTRAINED: (&[&str], &[u8]) = (&["-t", "60", "-c"], &[1, 0, 0, 0, 60, 2]);

pub(crate) fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

fn soft(added: Added) -> OpenKey {
    match added.key {
        AddedKey::Soft(key) => key,
        AddedKey::Token(_) => panic!("a token's key"),
    }
}

pub(crate) fn refusal(body: &[u8]) -> KeyError {
    key::added(body).err().unwrap()
}

#[test]
fn every_type_is_read_with_and_without_a_certificate() {
    let directory = tempfile::tempdir().unwrap();
    let authority = generate(directory.path(), "authority", &["-t", "ed25519"], "");
    for (name, arguments) in [
        ("ed25519", &["-t", "ed25519"][..]),
        ("p256", &["-t", "ecdsa", "-b", "256"]),
        ("p384", &["-t", "ecdsa", "-b", "384"]),
        ("p521", &["-t", "ecdsa", "-b", "521"]),
        ("rsa", &["-t", "rsa", "-b", "2048"]),
        ("rsa1024", &["-t", "rsa", "-b", "1024"]),
        ("rsa2047", &["-t", "rsa", "-b", "2047"]),
    ] {
        let path = generate(directory.path(), name, arguments, "");
        let listed = inspect(&path).public;
        let certificate = blob_of(&certify(&authority, &path, &[]));
        for (request, (arguments, behind)) in [(17, (&[][..], &[][..])), (25, CONSTRAINED)] {
            let requests = ssh_add(arguments, &path);
            let kinds: Vec<u8> = requests.iter().map(|sent| sent.0).collect();
            assert_eq!(kinds, [request; 2]);
            for ((_, body), certificate) in requests.iter().zip([None, Some(&certificate)]) {
                let read = key::added(body).unwrap();
                let comment = string(format!("{name} of tests").as_bytes());
                assert_eq!(read.rest, [&comment[..], behind].concat());
                assert_eq!(read.fields.len() + read.rest.len(), body.len());
                assert_eq!(read.added.public, listed);
                assert_eq!(read.added.certificate.as_ref(), certificate);
                assert_eq!(read.added.blob(), certificate.unwrap_or(&listed.blob));
                let flags = if name.starts_with("rsa") { 4 } else { 0 };
                assert_verifies(&key::reopen(read.fields).unwrap(), flags);
                assert_verifies(&soft(read.added), flags);
            }
        }
    }
}

#[test]
fn a_tokens_key_keeps_what_its_helper_needs() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["sk-ed25519", "sk-ecdsa"] {
        let path = directory.path().join(name);
        for ending in ["", "-cert.pub"] {
            fs::copy(data(&format!("sk/{name}{ending}")), beside(&path, ending)).unwrap();
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let plain = blob_of(&data(&format!("sk/{name}.pub")));
        let certificate = blob_of(&data(&format!("sk/{name}-cert.pub")));
        let provider = [
            &[255][..],
            &string(b"sk-provider@openssh.com"),
            &string(b"internal"),
        ]
        .concat();
        let requests = ssh_add(&[], &path);
        assert_eq!(requests.len(), 2);
        for ((_, body), certificate) in requests.iter().zip([None, Some(&certificate)]) {
            let read = key::added(body).unwrap();
            assert_eq!(read.rest, [&string(name.as_bytes())[..], &provider].concat());
            assert_eq!((&read.added.public.blob, read.added.public.bits), (&plain, 256));
            assert_eq!(read.added.certificate.as_ref(), certificate);
            assert_eq!(key::sk::application(read.added.blob()), Some(&b"ssh:"[..]));
            let AddedKey::Token(token) = &read.added.key else {
                panic!("not a token's key")
            };
            assert_eq!(token.private_fields(), read.fields);
            assert_eq!(
                (token.application(), token.flags()),
                (&b"ssh:"[..], key::sk::USER_PRESENCE)
            );
            assert!(!token.handle().is_empty());
            assert!(
                read.fields
                    .windows(token.handle().len())
                    .any(|part| part == token.handle())
            );
            assert!(matches!(key::reopen(read.fields), Err(KeyError::Unsupported(_))));
        }
    }
}

#[test]
fn only_security_keys_have_an_application() {
    for blob in [
        &b""[..],
        b"\0\0\0\x01x",
        &string(b"sk-ssh-ed25519@openssh.com"),
        &blob_of(&data("mldsa/mldsa.pub")),
        &blob_of(&data("mldsa/mldsa-cert.pub")),
        &blob_of(&data("mldsa/ca.pub")),
    ] {
        assert_eq!(key::sk::application(blob), None);
    }
}

#[test]
fn ml_dsa_is_read_as_openssh_writes_it() {
    let plain = blob_of(&data("mldsa/mldsa.pub"));
    let certificate = blob_of(&data("mldsa/mldsa-cert.pub"));
    for (name, certificate, behind) in [
        ("add", None, &[][..]),
        ("add-cert", Some(&certificate), &[]),
        ("add-constrained-cert", Some(&certificate), CONSTRAINED.1),
    ] {
        let body = fs::read(data(&format!("mldsa/{name}.bin"))).unwrap();
        let read = key::added(&body).unwrap();
        assert_eq!(read.rest, [&string(b"mldsa")[..], behind].concat());
        assert_eq!(read.added.public.blob, plain);
        assert_eq!(read.added.certificate.as_ref(), certificate);
        // As `ssh-keygen -l` of OpenSSH 10.6 shows it.
        assert_eq!(
            (read.added.public.bits, &read.added.public.fingerprint[..]),
            (512, "SHA256:MM9GLAqI8n/nhUfzZVGPsZlrw8rY50FkX3tzDx+87uc")
        );
        let key = key::reopen(read.fields).unwrap();
        let signature = key.sign(b"data", 7).unwrap();
        key::verify(&plain, b"data", &signature).unwrap();
        assert_eq!(signature.len(), 4 + 19 + 4 + 2484);
        let known = String::from_utf8(run("ssh", &["-Q", "key"], b"")).unwrap();
        if known.lines().any(|line| line == "ssh-mldsa44-ed25519") {
            assert_verifies(&key, 0);
        }
    }
}

#[test]
fn ml_dsa_files_and_certificates_are_read_as_all_others() {
    let plain = blob_of(&data("mldsa/mldsa.pub"));
    for (name, passphrase) in [("mldsa", None), ("sealed", Some("passphrase"))] {
        let path = data(&format!("mldsa/{name}"));
        let listed = key::inspect(&key::KdfLimits::DEFAULT, &fs::read(&path).unwrap(), None).unwrap();
        assert_eq!(listed.encrypted, passphrase.is_some());
        assert!(open(&path, Some("wrong")).is_ok() == passphrase.is_none());
        let opened = open(&path, passphrase).unwrap();
        assert_eq!(*opened.public(), listed.public);
        assert_eq!(listed.public.blob, plain);
        let signature = opened.sign(b"data", 0).unwrap();
        key::verify(&plain, b"data", &signature).unwrap();
        let certificate = fs::read(data("mldsa/mldsa-cert.pub")).unwrap();
        let certificate = key::certificate(&certificate, &listed.public).unwrap();
        assert_eq!(certificate.blob, blob_of(&data("mldsa/mldsa-cert.pub")));
    }
}

#[test]
fn what_cannot_sign_is_refused_with_its_reason() {
    for (name, word) in [
        (&b"ssh-dss"[..], "DSA"),
        (b"ssh-mldsa44-ed25519@openssh.com", "10.6"),
        (b"ssh-xmss@openssh.com", "ssh-xmss"),
        (b"", "\"\""),
    ] {
        let KeyError::Unsupported(reason) = refusal(&[&string(name)[..], &string(b"more")].concat()) else {
            panic!("{word}")
        };
        assert!(reason.contains(word), "{reason}");
    }
}

#[test]
fn halves_and_certificates_must_belong_together() {
    let directory = tempfile::tempdir().unwrap();
    let authority = generate(directory.path(), "authority", &["-t", "ed25519"], "");
    for arguments in [
        &["-t", "ed25519"][..],
        &["-t", "ecdsa"],
        &["-t", "rsa", "-b", "2048"],
    ] {
        let [mine, other] = ["mine", "other"].map(|name| {
            let path = generate(
                directory.path(),
                &format!("{name}{}", arguments[1]),
                arguments,
                "",
            );
            let certificate = certify(&authority, &path, &[]);
            (ssh_add(&[], &path), blob_of(&certificate))
        });
        let (bodies, certificate) = mine;
        let body = &bodies[1].1;
        let start = body
            .windows(certificate.len())
            .position(|part| part == certificate)
            .unwrap();
        let with = |blob: &[u8]| {
            let (before, behind) = (&body[..start - 4], &body[start + certificate.len()..]);
            [before, &string(blob), behind].concat()
        };
        assert!(key::added(&with(&certificate)).is_ok());
        assert!(matches!(refusal(&with(&other.1)), KeyError::Damaged(_)));
        let mut forged = certificate.clone();
        *forged.last_mut().unwrap() ^= 1;
        assert!(
            refusal(&with(&forged))
                .to_string()
                .contains("authority's signature")
        );
        let plain = key::plain_of(&certificate).unwrap();
        assert!(matches!(refusal(&with(&plain)), KeyError::Damaged(_)));
    }
}
