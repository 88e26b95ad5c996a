//! Formats other than OpenSSH's: what ssh-keygen's -m and OpenSSL write.

use std::fs;
use std::path::{Path, PathBuf};

use claviger::key::{self, KeyError};

use crate::tools::{assert_verifies, assert_works, beside, blob_of, generate, inspect, open, run, text};

const PASSPHRASE: &str = "pässphrase";
const RSA: &[&str] = &["-t", "rsa", "-b", "2048"];

#[test]
fn what_ssh_keygen_writes() {
    let directory = tempfile::tempdir().unwrap();
    for (name, arguments, pem) in [
        ("rsa", RSA, "PKCS#1"),
        ("p256", &["-t", "ecdsa"], "SEC1"),
        ("p521", &["-t", "ecdsa", "-b", "521"], "SEC1"),
    ] {
        for (flag, format) in [("PEM", pem), ("PKCS8", "PKCS#8")] {
            let arguments = [arguments, &["-m", flag]].concat();
            let path = generate(directory.path(), &format!("{name}-{flag}"), &arguments, "");
            assert_works(&path, None);
            assert_eq!(inspect(&path).format, format);
            let path = generate(
                directory.path(),
                &format!("{name}-{flag}-sealed"),
                &arguments,
                PASSPHRASE,
            );
            assert_works(&path, Some(PASSPHRASE));
            assert_eq!(inspect(&path).format, format);
        }
    }
}

/// Rewrites a key with OpenSSL; `.pub` and comment stay.
fn converted(path: &Path, name: &str, arguments: &[&str]) -> PathBuf {
    let target = path.with_file_name(name);
    let arguments = [arguments, &["-in", text(path), "-out", text(&target)]].concat();
    run("openssl", &arguments, b"");
    let public = fs::read_to_string(beside(path, ".pub")).unwrap();
    let old = path.file_name().unwrap().to_str().unwrap();
    fs::write(
        beside(&target, ".pub"),
        public.replace(&format!("{old} of"), &format!("{name} of")),
    )
    .unwrap();
    target
}

#[test]
fn encryption_that_openssl_writes() {
    let directory = tempfile::tempdir().unwrap();
    let path = generate(directory.path(), "plain", &[RSA, &["-m", "PEM"]].concat(), "");
    let secret = format!("pass:{PASSPHRASE}");
    let secret = secret.as_str();
    let legacy = ["-aes128", "-aes192", "-aes256", "-des3"];
    for cipher in legacy {
        let arguments = ["rsa", "-traditional", cipher, "-passout", secret];
        assert_works(
            &converted(&path, &format!("legacy{cipher}"), &arguments),
            Some(PASSPHRASE),
        );
    }
    for (name, arguments) in [
        ("aes128", &["-v2", "aes-128-cbc"][..]),
        ("aes256", &["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA512"]),
        ("des3", &["-v2", "des3", "-v2prf", "hmacWithSHA1"]),
        ("scrypt", &["-scrypt"]),
    ] {
        let arguments = [&["pkcs8", "-topk8", "-passout", secret][..], arguments].concat();
        assert_works(
            &converted(&path, &format!("pkcs8-{name}"), &arguments),
            Some(PASSPHRASE),
        );
    }
}

#[test]
fn encryption_that_cannot_be_opened_is_refused_when_inspected() {
    let directory = tempfile::tempdir().unwrap();
    let path = generate(directory.path(), "plain", &[RSA, &["-m", "PEM"]].concat(), "");
    let secret = ["-passout", "pass:secret"];
    let old = ["pkcs8", "-topk8", "-provider", "legacy", "-provider", "default"];
    let new = ["pkcs8", "-topk8"];
    for (name, word, arguments) in [
        (
            "camellia",
            "CAMELLIA-128-CBC",
            &["rsa", "-traditional", "-camellia128"][..],
        ),
        ("aria-pem", "ARIA-256-CBC", &["rsa", "-traditional", "-aria256"]),
        (
            "pbes1",
            "PBE-SHA1-3DES",
            &[&new[..], &["-v1", "PBE-SHA1-3DES"]].concat(),
        ),
        (
            "pbes1-des",
            "PBE-MD5-DES",
            &[&old[..], &["-v1", "PBE-MD5-DES"]].concat(),
        ),
        (
            "rc4",
            "PBE-SHA1-RC4-128",
            &[&old[..], &["-v1", "PBE-SHA1-RC4-128"]].concat(),
        ),
        (
            "aria",
            "cipher ARIA-128-CBC",
            &[&new[..], &["-v2", "aria-128-cbc"]].concat(),
        ),
        (
            "camellia8",
            "cipher CAMELLIA-256-CBC",
            &[&new[..], &["-v2", "camellia-256-cbc"]].concat(),
        ),
        ("sm4", "cipher SM4-CBC", &[&new[..], &["-v2", "sm4-cbc"]].concat()),
        ("des", "cipher DES-CBC", &[&old[..], &["-v2", "des-cbc"]].concat()),
        (
            "blowfish",
            "cipher BF-CBC",
            &[&old[..], &["-v2", "bf-cbc"]].concat(),
        ),
        (
            "cfb",
            "cipher AES-256-CFB",
            &[&new[..], &["-v2", "aes-256-cfb"]].concat(),
        ),
        (
            "md5",
            "PBKDF2 with hmacWithMD5",
            &[&new[..], &["-v2", "aes256", "-v2prf", "hmacWithMD5"]].concat(),
        ),
        (
            "sha512",
            "hmacWithSHA512-256",
            &[&new[..], &["-v2", "aes256", "-v2prf", "hmacWithSHA512-256"]].concat(),
        ),
    ] {
        let path = converted(&path, name, &[arguments, &secret].concat());
        let (file, public) = (fs::read(&path).unwrap(), fs::read(beside(&path, ".pub")).unwrap());
        for error in [
            key::inspect(&key::KdfLimits::DEFAULT, &file, Some(&public)).err(),
            key::open(&key::KdfLimits::DEFAULT, &file, Some(b"secret")).err(),
        ] {
            let Some(KeyError::Unsupported(reason)) = error else {
                panic!("{name}: {error:?}")
            };
            assert!(reason.contains(word), "{word}: {reason}");
            let remedy = if arguments[0] == "rsa" {
                "ssh-keygen -p -f FILE"
            } else {
                "openssl pkcs8 -topk8"
            };
            assert!(reason.contains(remedy), "{reason}");
        }
    }
}

#[test]
fn a_derivation_that_would_eat_the_memory_is_refused_when_inspected() {
    let directory = tempfile::tempdir().unwrap();
    let path = generate(directory.path(), "plain", &[RSA, &["-m", "PEM"]].concat(), "");
    let path = converted(
        &path,
        "scrypt",
        &["pkcs8", "-topk8", "-scrypt", "-passout", "pass:secret"],
    );
    let parsed = pem::parse(fs::read(&path).unwrap()).unwrap();
    let mut bytes = parsed.contents().to_vec();
    // N = 16384 and r = 8, as ASN.1 integers; then as large as fits in their place.
    let cost = [2, 2, 0x40, 0, 2, 1, 8];
    let at = bytes
        .windows(cost.len())
        .position(|window| window == cost)
        .unwrap();
    bytes[at + 2] = 0x7f;
    bytes[at + 6] = 0x7f;
    let file = pem::encode(&pem::Pem::new(parsed.tag(), bytes));
    let public = fs::read(beside(&path, ".pub")).unwrap();
    let limits = key::KdfLimits {
        memory: 256,
        ..key::KdfLimits::DEFAULT
    };
    assert!(key::inspect(&key::KdfLimits::DEFAULT, file.as_bytes(), Some(&public)).is_ok());
    let error = key::inspect(&limits, file.as_bytes(), Some(&public)).err();
    assert!(matches!(error, Some(KeyError::TooCostly(refused)) if refused.setting == "kdf_memory"));
}

#[test]
fn plain_keys_need_no_public_file() {
    let directory = tempfile::tempdir().unwrap();
    for (name, arguments, algorithm) in [
        (
            "ed25519",
            &["genpkey", "-algorithm", "ed25519"][..],
            "ssh-ed25519",
        ),
        (
            "pkcs8",
            &[
                "genpkey",
                "-algorithm",
                "EC",
                "-pkeyopt",
                "ec_paramgen_curve:P-384",
            ],
            "ecdsa-sha2-nistp384",
        ),
        // Two blocks in one file: the curve's parameters, then the key.
        (
            "sec1",
            &["ecparam", "-genkey", "-name", "prime256v1"],
            "ecdsa-sha2-nistp256",
        ),
        ("pkcs1", &["genrsa", "-traditional", "2048"], "ssh-rsa"),
        ("pkcs1small", &["genrsa", "-traditional", "1024"], "ssh-rsa"),
    ] {
        let path = directory.path().join(name);
        fs::write(&path, run("openssl", arguments, b"")).unwrap();
        assert!(key::looks_like_private_key(&fs::read(&path).unwrap()));
        let listed = inspect(&path);
        assert_eq!(
            (listed.public.algorithm.as_str(), listed.encrypted),
            (algorithm, false)
        );
        let opened = open(&path, None).unwrap();
        assert_eq!(*opened.public(), listed.public);
        assert_verifies(&opened, 2);
    }
}

#[test]
fn sealed_keys_need_their_public_file() {
    let directory = tempfile::tempdir().unwrap();
    for flag in ["PEM", "PKCS8"] {
        let path = generate(directory.path(), flag, &["-t", "ecdsa", "-m", flag], PASSPHRASE);
        let file = fs::read(&path).unwrap();
        assert!(matches!(
            key::inspect(&key::KdfLimits::DEFAULT, &file, None),
            Err(KeyError::NoPublicHalf)
        ));
        assert!(matches!(
            key::inspect(&key::KdfLimits::DEFAULT, &file, Some(b"no key")),
            Err(KeyError::Damaged(_))
        ));
        // A stray .pub is listed as it stands; that the opened key is another is for the caller to see.
        let other = generate(directory.path(), &format!("{flag}-other"), &["-t", "ecdsa"], "");
        let listed = key::inspect(
            &key::KdfLimits::DEFAULT,
            &file,
            Some(&fs::read(beside(&other, ".pub")).unwrap()),
        )
        .unwrap();
        assert_ne!(*open(&path, Some(PASSPHRASE)).unwrap().public(), listed.public);
    }
}

#[test]
fn types_that_cannot_sign_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    for (name, arguments) in [
        ("small", &["genrsa", "-traditional", "768"][..]),
        (
            "small8",
            &["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:768"],
        ),
        ("x25519", &["genpkey", "-algorithm", "x25519"]),
        (
            "koblitz",
            &[
                "genpkey",
                "-algorithm",
                "EC",
                "-pkeyopt",
                "ec_paramgen_curve:secp256k1",
            ],
        ),
    ] {
        let path = directory.path().join(name);
        fs::write(&path, run("openssl", arguments, b"")).unwrap();
        let error = key::inspect(&key::KdfLimits::DEFAULT, &fs::read(&path).unwrap(), None).err();
        assert!(
            matches!(error, Some(KeyError::Unsupported(_))),
            "{name}: {error:?}"
        );
    }
}

#[test]
fn a_key_behind_other_text_is_read_as_openssl_reads_it() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let plain = generate(directory.path(), "plain", &[RSA, &["-m", "PEM"]].concat(), "");
    let secret = format!("pass:{PASSPHRASE}");
    let subject = ["-subj", "/CN=test", "-out", text(&at("certificate"))].map(str::to_owned);
    let subject: Vec<&str> = subject.iter().map(String::as_str).collect();
    run(
        "openssl",
        &[&["req", "-x509", "-new", "-key", text(&plain)], &subject[..]].concat(),
        b"",
    );
    let (certificate, store) = (at("certificate"), at("store"));
    let files = [
        "-in",
        text(&certificate),
        "-inkey",
        text(&plain),
        "-out",
        text(&store),
    ];
    run(
        "openssl",
        &[&["pkcs12", "-export", "-passout", &secret], &files[..]].concat(),
        b"",
    );
    let take = ["pkcs12", "-in", text(&store), "-passin", &secret, "-nocerts"];
    let sealed = run("openssl", &[&take[..], &["-passout", &secret]].concat(), b"");
    assert!(sealed.starts_with(b"Bag Attributes"));
    let numbers = run("openssl", &["rsa", "-in", text(&plain), "-text"], b"");
    let chain = [fs::read(&certificate).unwrap(), fs::read(&plain).unwrap()].concat();
    let blob = blob_of(&beside(&plain, ".pub"));
    for (file, passphrase) in [(sealed, Some(PASSPHRASE)), (numbers, None), (chain, None)] {
        assert!(key::looks_like_private_key(&file[..file.len().min(key::HEAD)]));
        let opened = key::open(&key::KdfLimits::DEFAULT, &file, passphrase.map(str::as_bytes));
        assert_eq!(opened.unwrap().public().blob, blob);
    }
}
