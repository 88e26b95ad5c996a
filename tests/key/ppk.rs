//! PuTTY's files, made by puttygen in both versions, read as they are in the field.

use std::fs;
use std::path::{Path, PathBuf};

use claviger::key::{self, KeyError};

use crate::tools::{assert_verifies, beside, generate, inspect, open, run, text};

const PASSPHRASE: &str = "grüße, horse battery staple";

/// Converts a key that ssh-keygen made.
fn puttygen(from: &Path, to: &Path, passphrase: &str, parameters: &[&str]) {
    let secret = beside(to, ".passphrase");
    fs::write(&secret, passphrase).unwrap();
    let mut arguments = vec![
        text(from),
        "-O",
        "private",
        "-o",
        text(to),
        "--new-passphrase",
        text(&secret),
    ];
    arguments.extend(parameters);
    run("puttygen", &arguments, b"");
}

const TYPES: [(&str, &[&str]); 5] = [
    ("ed25519", &["-t", "ed25519"]),
    ("p256", &["-t", "ecdsa", "-b", "256"]),
    ("p384", &["-t", "ecdsa", "-b", "384"]),
    ("p521", &["-t", "ecdsa", "-b", "521"]),
    ("rsa", &["-t", "rsa", "-b", "2048"]),
];

/// Version 3 with each of its derivations, made cheap, and version 2.
const FORMS: [(&str, &[&str]); 4] = [
    ("PPK 3", &["--ppk-param", "kdf=argon2id,memory=64,passes=1"]),
    (
        "PPK 3",
        &["--ppk-param", "kdf=argon2i,memory=100,passes=2,parallelism=2"],
    ),
    ("PPK 3", &["--ppk-param", "kdf=argon2d,memory=64,passes=1"]),
    ("PPK 2", &["--ppk-param", "version=2"]),
];

#[test]
fn every_type_in_every_form_is_listed_in_clear_and_opens() {
    let directory = tempfile::tempdir().unwrap();
    for (name, arguments) in TYPES {
        let source = generate(directory.path(), name, arguments, "");
        let expected = inspect(&source);
        for (at, (form, parameters)) in FORMS.iter().enumerate() {
            for passphrase in ["", PASSPHRASE] {
                let path = directory
                    .path()
                    .join(format!("{name}{at}{}.ppk", passphrase.len()));
                puttygen(&source, &path, passphrase, parameters);
                let listed = inspect(&path);
                assert_eq!((listed.format, listed.encrypted), (*form, !passphrase.is_empty()));
                assert_eq!(listed.public, expected.public);
                assert_eq!(listed.comment, expected.comment);
                let opened = open(&path, Some(passphrase)).unwrap();
                assert_eq!(*opened.public(), expected.public);
                assert_verifies(&opened, 2);
                for wrong in [None, Some("wrong"), Some("")]
                    .into_iter()
                    .filter(|_| listed.encrypted)
                {
                    assert!(matches!(open(&path, wrong), Err(KeyError::WrongPassphrase)));
                }
            }
        }
    }
}

/// puttygen's own default parameters.
fn usual(directory: &Path) -> PathBuf {
    let source = generate(directory, "usual", &["-t", "ed25519"], "");
    let path = directory.join("usual.ppk");
    puttygen(&source, &path, PASSPHRASE, &[]);
    path
}

#[test]
fn lines_may_end_as_on_any_system() {
    let directory = tempfile::tempdir().unwrap();
    let path = usual(directory.path());
    let file = fs::read_to_string(&path).unwrap().replace("\r\n", "\n");
    let expected = inspect(&path).public;
    for ending in ["\n", "\r\n", "\r"] {
        let file = file.replace('\n', ending);
        assert_eq!(
            key::inspect(&key::KdfLimits::DEFAULT, file.as_bytes(), None)
                .unwrap()
                .public,
            expected
        );
        let opened = key::open(
            &key::KdfLimits::DEFAULT,
            file.as_bytes(),
            Some(PASSPHRASE.as_bytes()),
        )
        .unwrap();
        assert_eq!(*opened.public(), expected);
    }
}

#[test]
fn cut_or_changed_files_are_refused_and_never_panic() {
    let directory = tempfile::tempdir().unwrap();
    let source = generate(directory.path(), "source", &["-t", "ed25519"], "");
    let path = directory.path().join("damaged.ppk");
    puttygen(&source, &path, PASSPHRASE, &["--ppk-param", "memory=64,passes=1"]);
    let file = fs::read(&path).unwrap();
    let tries = |file: &[u8]| key::open(&key::KdfLimits::DEFAULT, file, Some(PASSPHRASE.as_bytes()));
    tries(&file).unwrap();
    // Without its last character the MAC is short; only the line end may be missing.
    for end in 0..file.trim_ascii_end().len() {
        assert!(tries(&file[..end]).is_err(), "cut at {end}");
    }
    for at in 0..file.trim_ascii_end().len() {
        let mut flipped = file.clone();
        flipped[at] ^= 1 << (at % 5);
        if let Ok(opened) = tries(&flipped) {
            // The case of a letter in a hexadecimal number.
            assert_eq!(*opened.public(), inspect(&path).public, "flipped at {at}");
        }
    }
}

#[test]
fn a_changed_unprotected_key_is_not_listed() {
    let directory = tempfile::tempdir().unwrap();
    let source = generate(directory.path(), "source", &["-t", "ed25519"], "");
    let path = directory.path().join("plain.ppk");
    puttygen(&source, &path, "", &[]);
    let file = fs::read_to_string(&path).unwrap();
    let renamed = file.replace("Comment: source", "Comment: sauce");
    let error = key::inspect(&key::KdfLimits::DEFAULT, renamed.as_bytes(), None)
        .unwrap_err()
        .to_string();
    assert!(error.contains("MAC"), "{error}");
}

#[test]
fn derivations_meant_to_exhaust_are_refused_with_their_numbers() {
    let directory = tempfile::tempdir().unwrap();
    let file = fs::read_to_string(usual(directory.path())).unwrap();
    let replace = |name: &str, value: &str| -> String {
        let lines = file.lines().map(|line| match line.starts_with(name) {
            true => format!("{name}: {value}"),
            false => line.to_owned(),
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    for (name, value, shown) in [
        ("Argon2-Memory", "4194304", "4096 MiB of memory, and kdf_memory"),
        ("Argon2-Passes", "4294967295", "times passes, and kdf_time"),
        ("Argon2-Parallelism", "65", "65 threads, and kdf_threads"),
    ] {
        let changed = replace(name, value);
        let error = key::inspect(&key::KdfLimits::DEFAULT, changed.as_bytes(), None)
            .unwrap_err()
            .to_string();
        assert!(error.contains(shown), "{error}");
    }
    for (name, value) in [
        ("Argon2-Memory", "0"),
        ("Argon2-Passes", "0"),
        ("Argon2-Parallelism", "0"),
        ("Argon2-Memory", "99999999999"),
        ("Argon2-Salt", "zz"),
        ("Argon2-Salt", ""),
        ("Public-Lines", "4000000000"),
    ] {
        let changed = replace(name, value);
        assert!(
            key::open(
                &key::KdfLimits::DEFAULT,
                changed.as_bytes(),
                Some(PASSPHRASE.as_bytes())
            )
            .is_err(),
            "{name} {value}"
        );
    }
}

#[test]
fn what_is_not_read_is_named() {
    for (file, word) in [
        (
            "PuTTY-User-Key-File-1: ssh-rsa\nEncryption: none\n",
            "PuTTY 1 key",
        ),
        ("PuTTY-User-Key-File-4: ssh-rsa\nEncryption: none\n", "came after"),
    ] {
        let Err(KeyError::Unsupported(reason)) =
            key::inspect(&key::KdfLimits::DEFAULT, file.as_bytes(), None)
        else {
            panic!("{word}")
        };
        assert!(reason.contains(word) && reason.contains("puttygen"), "{reason}");
    }
}

#[test]
fn an_unknown_encryption_or_derivation_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let whole = fs::read_to_string(usual(directory.path())).unwrap();
    for (known, unknown) in [
        ("Encryption: aes256-cbc", "Encryption: aes512-gcm"),
        ("Key-Derivation: Argon2id", "Key-Derivation: Balloon"),
    ] {
        assert!(whole.contains(known), "{whole}");
        let file = whole.replace(known, unknown);
        let (_, name) = unknown.split_once(": ").unwrap();
        let limits = key::KdfLimits::DEFAULT;
        let inspected = key::inspect(&limits, file.as_bytes(), None).err().unwrap();
        let opened = key::open(&limits, file.as_bytes(), Some(b"passphrase"))
            .err()
            .unwrap();
        for error in [inspected, opened] {
            assert!(matches!(error, KeyError::Unsupported(_)), "{error}");
            let said = error.to_string();
            assert!(said.contains(name) && said.contains("puttygen"), "{said}");
        }
    }
}

#[test]
fn public_halves_in_puttys_form_stand_beside_keys() {
    let directory = tempfile::tempdir().unwrap();
    let path = generate(
        directory.path(),
        "pem",
        &["-t", "ecdsa", "-m", "PKCS8"],
        PASSPHRASE,
    );
    let public = directory.path().join("rfc4716");
    let with = beside(&path, ".pub");
    let expected = inspect(&path);
    run(
        "puttygen",
        &[text(&with), "-O", "public", "-o", text(&public)],
        b"",
    );
    let listed = key::inspect(
        &key::KdfLimits::DEFAULT,
        &fs::read(&path).unwrap(),
        Some(&fs::read(&public).unwrap()),
    )
    .unwrap();
    assert_eq!(listed.public, expected.public);
    assert_eq!(listed.comment, expected.comment);
}

#[test]
fn an_ed25519_seed_that_ends_in_zeros_is_whole_again() {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
    use ssh_key::private::{Ed25519Keypair, Ed25519PrivateKey};
    let directory = tempfile::tempdir().unwrap();
    let mut seed = [7; 32];
    seed[30..].fill(0);
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    let public = pair.public_key().as_ref().try_into().unwrap();
    let private = Ed25519PrivateKey::from_bytes(&seed);
    let key = Ed25519Keypair {
        public: ssh_key::public::Ed25519PublicKey(public),
        private,
    };
    let key = ssh_key::PrivateKey::new(key.into(), "zeros").unwrap();
    let source = directory.path().join("zeros");
    fs::write(&source, key.to_openssh(ssh_key::LineEnding::LF).unwrap()).unwrap();
    let path = directory.path().join("zeros.ppk");
    puttygen(&source, &path, "", &[]);
    let opened = open(&path, None).unwrap();
    assert_eq!(opened.public().blob, key.public_key().to_bytes().unwrap());
}
