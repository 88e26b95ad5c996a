//! OpenSSH's own format, as ssh-keygen writes it and as people leave it lying about.

use std::fs;
use std::path::{Path, PathBuf};

use claviger::key::{self, KeyError};

use crate::tools::{assert_works, beside, generate, inspect, open, run, text};

const PASSPHRASE: &str = "grüße, horse battery staple";

const TYPES: [(&str, &[&str]); 6] = [
    ("ed25519", &["-t", "ed25519"]),
    ("p256", &["-t", "ecdsa", "-b", "256"]),
    ("p384", &["-t", "ecdsa", "-b", "384"]),
    ("p521", &["-t", "ecdsa", "-b", "521"]),
    ("rsa", &["-t", "rsa", "-b", "2048"]),
    ("rsa1024", &["-t", "rsa", "-b", "1024"]),
];

#[test]
fn every_type_with_and_without_passphrase() {
    let directory = tempfile::tempdir().unwrap();
    for (name, arguments) in TYPES {
        assert_works(&generate(directory.path(), name, arguments, ""), None);
        let arguments = [arguments, &["-a", "2"]].concat();
        let sealed = generate(
            directory.path(),
            &format!("{name}-sealed"),
            &arguments,
            PASSPHRASE,
        );
        assert_works(&sealed, Some(PASSPHRASE));
        assert_eq!(inspect(&sealed).format, "OpenSSH");
    }
}

#[test]
fn every_cipher_of_ssh_keygen_and_other_rounds() {
    let directory = tempfile::tempdir().unwrap();
    for cipher in [
        "aes128-cbc",
        "aes192-cbc",
        "aes256-cbc",
        "3des-cbc",
        "aes128-ctr",
        "aes192-ctr",
        "aes256-ctr",
        "aes128-gcm@openssh.com",
        "aes256-gcm@openssh.com",
        "chacha20-poly1305@openssh.com",
    ] {
        let key = generate(
            directory.path(),
            cipher,
            &["-t", "ed25519", "-a", "1", "-Z", cipher],
            PASSPHRASE,
        );
        assert_works(&key, Some(PASSPHRASE));
    }
    let key = generate(directory.path(), "rounds", &["-t", "ed25519", "-a", "100"], " ");
    assert_works(&key, Some(" "));
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/keys")
        .join(name)
}

#[test]
fn large_rsa_keys() {
    assert_works(&fixture("rsa4096"), Some("correct horse"));
    assert_works(&fixture("rsa8192"), None);
}

#[test]
fn a_scalar_with_leading_zeros() {
    assert_works(&fixture("p256-short"), None);
    let directory = tempfile::tempdir().unwrap();
    for name in ["p256-short", "p256-short.pub"] {
        fs::copy(fixture(name), directory.path().join(name)).unwrap();
    }
    let sealed = directory.path().join("p256-short");
    run("chmod", &["600", text(&sealed)], b"");
    run(
        "ssh-keygen",
        &["-q", "-p", "-a", "1", "-N", PASSPHRASE, "-f", text(&sealed)],
        b"",
    );
    assert_works(&sealed, Some(PASSPHRASE));
}

#[test]
fn a_sealed_key_needs_no_public_file_but_for_its_comment() {
    let directory = tempfile::tempdir().unwrap();
    let arguments = ["-t", "ed25519", "-a", "1"];
    let path = generate(directory.path(), "alone", &arguments, PASSPHRASE);
    let other = generate(directory.path(), "other", &arguments, PASSPHRASE);
    let (file, own, stray) = (
        fs::read(&path).unwrap(),
        fs::read(beside(&path, ".pub")).unwrap(),
        fs::read(beside(&other, ".pub")).unwrap(),
    );
    let expected = inspect(&path).public;
    for (public, comment) in [
        (None, &b""[..]),
        (Some(&own[..]), b"alone of tests"),
        (Some(&stray), b""),
        (Some(b"\xff\0 no key"), b""),
    ] {
        let listed = key::inspect(&key::KdfLimits::DEFAULT, &file, public).unwrap();
        assert_eq!((&listed.public, &listed.comment[..]), (&expected, comment));
    }
}

#[test]
fn an_open_key_carries_its_comment_in_any_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let path = generate(directory.path(), "bytes", &["-t", "ed25519"], "");
    let file = fs::read(&path).unwrap();
    let parsed = pem::parse(&file).unwrap();
    let mut bytes = parsed.contents().to_vec();
    let at = bytes
        .windows(14)
        .position(|window| window == b"bytes of tests")
        .unwrap();
    bytes[at + 1] = 0xfc;
    let file = pem::encode(&pem::Pem::new(parsed.tag(), &bytes[..]));
    let public = fs::read(beside(&path, ".pub")).unwrap();
    assert_eq!(
        key::inspect(&key::KdfLimits::DEFAULT, &file.into_bytes(), Some(&public))
            .unwrap()
            .comment,
        b"b\xfctes of tests"
    );
}

#[test]
fn files_as_editors_and_mailers_leave_them() {
    let directory = tempfile::tempdir().unwrap();
    let path = generate(
        directory.path(),
        "edited",
        &["-t", "ed25519", "-a", "1"],
        PASSPHRASE,
    );
    let expected = inspect(&path).public;
    let original = fs::read_to_string(&path).unwrap();
    let parsed = pem::parse(&original).unwrap();
    let narrow = pem::EncodeConfig::new().set_line_wrap(64);
    for variant in [
        original.replace('\n', "\r\n"),
        original.trim_end().to_owned(),
        format!("{original}\n\n\n"),
        format!("\u{feff}{original}"),
        format!("\n  {original}"),
        format!("{original}written down by me\n"),
        pem::encode_config(&parsed, narrow),
    ] {
        assert!(key::looks_like_private_key(variant.as_bytes()));
        assert_eq!(
            key::inspect(&key::KdfLimits::DEFAULT, variant.as_bytes(), None)
                .unwrap()
                .public,
            expected,
            "{variant}"
        );
        let opened = key::open(
            &key::KdfLimits::DEFAULT,
            variant.as_bytes(),
            Some(PASSPHRASE.as_bytes()),
        )
        .unwrap();
        assert_eq!(*opened.public(), expected);
    }
}

#[test]
fn types_that_cannot_sign_are_refused_when_inspected_with_a_remedy() {
    let directory = tempfile::tempdir().unwrap();
    for (name, arguments, word) in [("dsa", ["-t", "dsa", "-b", "1024"], "DSA")] {
        for passphrase in ["", PASSPHRASE] {
            let path = generate(
                directory.path(),
                &format!("{name}{}", passphrase.len()),
                &arguments,
                passphrase,
            );
            let file = fs::read(&path).unwrap();
            for error in [
                key::inspect(&key::KdfLimits::DEFAULT, &file, None).err(),
                open(&path, Some(passphrase)).err(),
            ] {
                let Some(KeyError::Unsupported(reason)) = error else {
                    panic!("{name}: {error:?}")
                };
                assert!(
                    reason.contains(word) && reason.contains("ssh-keygen -t ed25519"),
                    "{reason}"
                );
            }
        }
    }
}
