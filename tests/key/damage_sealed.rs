//! Damaged files of the formats that hide their public half, of PPK 2 and of RFC 4716, as tools wrote them: never a panic, and
//! what opens is a whole key. That another key than the listed one signs nothing is the key set's part.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use claviger::key::{self, KdfLimits, KeyError};

use crate::tools::{beside, generate, run, text};

const PASSPHRASE: &str = "passphrase";
/// So low that damaged parameters of a derivation cost a moment at most.
const LIMITS: KdfLimits = KdfLimits {
    memory: 16,
    time: Duration::from_millis(20),
    threads: 4,
};

/// Opens a damaged file; true if it opened to the key that it was.
fn opens(file: &[u8], public: &[u8], blob: &[u8]) -> bool {
    let _ = key::inspect(&LIMITS, file, Some(public));
    let _ = key::public_file(file, None);
    match key::open(&LIMITS, file, Some(PASSPHRASE.as_bytes())) {
        Ok(opened) => {
            let signature = opened.sign(b"data", 2).unwrap();
            key::verify(&opened.public().blob, b"data", &signature).unwrap();
            opened.public().blob == blob
        }
        Err(_) => false,
    }
}

fn samples(directory: &Path) -> Vec<PathBuf> {
    let generated = [("pkcs1", "rsa"), ("sec1", "ecdsa")]
        .map(|(name, kind)| generate(directory, name, &["-t", kind, "-m", "PEM"], PASSPHRASE));
    let source = generate(directory, "source", &["-t", "ecdsa", "-m", "PEM"], "");
    let secret = format!("pass:{PASSPHRASE}");
    let written = [
        ("pbkdf2", &["-v2", "aes-256-cbc", "-iter", "1"][..]),
        ("scrypt", &["-scrypt", "-scrypt_N", "2", "-scrypt_r", "1"]),
    ]
    .map(|(name, arguments)| {
        let path = directory.join(name);
        let files = ["-in", text(&source), "-out", text(&path), "-passout", &secret];
        run(
            "openssl",
            &[&["pkcs8", "-topk8"], arguments, &files].concat(),
            b"",
        );
        fs::copy(beside(&source, ".pub"), beside(&path, ".pub")).unwrap();
        path
    });
    [generated, written].concat()
}

#[test]
fn sealed_asn_1_cut_or_flipped_anywhere() {
    let directory = tempfile::tempdir().unwrap();
    for path in samples(directory.path()) {
        let (file, public) = (fs::read(&path).unwrap(), fs::read(beside(&path, ".pub")).unwrap());
        let blob = key::inspect(&LIMITS, &file, Some(&public)).unwrap().public.blob;
        let name = path.display();
        assert!(opens(&file, &public, &blob), "{name}");
        for end in 0..file.trim_ascii_end().len() {
            let error = key::inspect(&LIMITS, &file[..end], Some(&public)).err();
            assert!(
                matches!(
                    error,
                    Some(KeyError::Damaged(_) | KeyError::NotAPrivateKey { .. })
                ),
                "{name} {end}"
            );
            assert!(!opens(&file[..end], &public, &blob), "{name} cut at {end}");
        }
        for at in 0..file.len() {
            let mut flipped = file.clone();
            flipped[at] ^= 1 << (at % 7);
            opens(&flipped, &public, &blob);
        }
        // The same behind the armour, where cutting and flipping reach the structure.
        let parsed = pem::parse(&file).unwrap();
        let armoured = |bytes: &[u8]| {
            let mut block = pem::Pem::new(parsed.tag(), bytes);
            for (name, value) in parsed.headers().iter() {
                block.headers_mut().add(name, value).unwrap();
            }
            pem::encode(&block).into_bytes()
        };
        let bytes = parsed.contents();
        assert!(opens(&armoured(bytes), &public, &blob), "{name}");
        for at in 0..bytes.len() {
            assert!(
                !opens(&armoured(&bytes[..at]), &public, &blob),
                "{name} cut at {at}"
            );
            let mut flipped = bytes.to_vec();
            flipped[at] ^= 1 << (at % 8);
            opens(&armoured(&flipped), &public, &blob);
        }
    }
}

#[test]
fn a_ppk_2_cut_or_flipped_anywhere() {
    let directory = tempfile::tempdir().unwrap();
    let source = generate(directory.path(), "source", &["-t", "ecdsa"], "");
    let (path, secret) = (directory.path().join("two.ppk"), directory.path().join("secret"));
    fs::write(&secret, PASSPHRASE).unwrap();
    let options = [
        "--ppk-param",
        "version=2",
        "-O",
        "private",
        "--new-passphrase",
        text(&secret),
    ];
    run(
        "puttygen",
        &[&[text(&source), "-o", text(&path)][..], &options].concat(),
        b"",
    );
    let file = fs::read(&path).unwrap();
    assert!(file.starts_with(b"PuTTY-User-Key-File-2"));
    let blob = key::inspect(&LIMITS, &file, None).unwrap().public.blob;
    assert!(opens(&file, b"", &blob));
    for at in 0..file.trim_ascii_end().len() {
        assert!(!opens(&file[..at], b"", &blob), "cut at {at}");
        let mut flipped = file.clone();
        flipped[at] ^= 1 << (at % 5);
        if let Ok(opened) = key::open(&LIMITS, &flipped, Some(PASSPHRASE.as_bytes())) {
            // The case of a letter in the MAC.
            assert_eq!(opened.public().blob, blob, "flipped at {at}");
        }
    }
}

#[test]
fn a_public_key_of_rfc_4716_cut_or_flipped_anywhere() {
    let directory = tempfile::tempdir().unwrap();
    let path = generate(directory.path(), "key", &["-t", "ecdsa"], "");
    let file = run(
        "ssh-keygen",
        &["-e", "-m", "RFC4716", "-f", text(&beside(&path, ".pub"))],
        b"",
    );
    key::public_file(&file, None).unwrap();
    let sealed = generate(
        directory.path(),
        "sealed",
        &["-t", "ecdsa", "-m", "PEM"],
        PASSPHRASE,
    );
    let sealed = fs::read(sealed).unwrap();
    for at in 0..file.trim_ascii_end().len() {
        assert!(key::public_file(&file[..at], None).is_err(), "cut at {at}");
        let mut flipped = file.clone();
        flipped[at] ^= 1 << (at % 7);
        if let Ok(public) = key::public_file(&flipped, None) {
            assert!(key::is_whole(&public.blob), "flipped at {at}");
        }
        let _ = key::inspect(&LIMITS, &sealed, Some(&flipped));
    }
}
