//! What claviger writes, read by the tools whose formats they are: ssh-keygen, OpenSSL, PuTTYgen.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use claviger::key::{self, Format, KeyError, OpenKey, Protection};

use crate::tools::{assert_verifies, beside, blob_of, generate, open, run, text};

const PASSPHRASE: &str = "pässphrase with spaces";
const COMMENT: &[u8] = b"me at home";
const FORMATS: [Format; 3] = [Format::OpenSsh, Format::Pkcs8, Format::Ppk];

/// Types with the arguments that make them.
const TYPES: [(&str, &[&str]); 7] = [
    ("ed25519", &["-t", "ed25519"]),
    ("p256", &["-t", "ecdsa", "-b", "256"]),
    ("p384", &["-t", "ecdsa", "-b", "384"]),
    ("p521", &["-t", "ecdsa", "-b", "521"]),
    ("rsa1024", &["-t", "rsa", "-b", "1024"]),
    ("rsa2048", &["-t", "rsa", "-b", "2048"]),
    ("rsa3072", &["-t", "rsa", "-b", "3072"]),
];

fn written(key: &OpenKey, format: Format, passphrase: Option<&str>) -> Vec<u8> {
    let protection = passphrase.map(|passphrase| Protection {
        passphrase: passphrase.as_bytes(),
        rounds: 3,
    });
    key::write(key, format, COMMENT, protection.as_ref())
        .unwrap()
        .to_vec()
}

fn put(path: &Path, bytes: &[u8]) -> PathBuf {
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    path.to_owned()
}

/// The numbers in a form that is the same each time.
fn numbers(key: &OpenKey) -> Vec<u8> {
    written(key, Format::Pkcs8, None)
}

/// The blob of a public line that a tool printed.
fn blob(line: &[u8]) -> Vec<u8> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), line.trim_ascii_end()).unwrap();
    blob_of(file.path())
}

/// ssh-keygen of 9.2 knows Ed25519 in its own format only.
fn assert_ssh_keygen_reads(path: &Path, key: &OpenKey, passphrase: &str) {
    let line = run("ssh-keygen", &["-y", "-P", passphrase, "-f", text(path)], b"");
    assert_eq!(blob(&line), key.public().blob, "{}", path.display());
}

fn assert_openssl_reads(path: &Path, key: &OpenKey, passphrase: &str) {
    let secret = format!("pass:{passphrase}");
    let pkey = ["pkey", "-in", text(path), "-passin", &secret];
    run("openssl", &[&pkey[..], &["-check", "-noout"]].concat(), b"");
    let public = run("openssl", &[&pkey[..], &["-pubout"]].concat(), b"");
    if key.public().algorithm == "ssh-ed25519" {
        let der = pem::parse(public).unwrap().into_contents();
        assert!(der.ends_with(&key.public().blob[19..]));
        return;
    }
    let file = put(&beside(path, ".spki"), &public);
    let line = run("ssh-keygen", &["-i", "-m", "PKCS8", "-f", text(&file)], b"");
    assert_eq!(blob(&line), key.public().blob, "{}", path.display());
}

fn assert_puttygen_reads(path: &Path, key: &OpenKey, passphrase: &str) {
    let secret = put(&beside(path, ".secret"), passphrase.as_bytes());
    let export = |form: &str, target: &Path| {
        let arguments = [text(path), "--old-passphrase", text(&secret), "-O", form, "-o"];
        // Exporting a private key needs the right passphrase and the right MAC; exporting a public one does not.
        let new = ["--new-passphrase", "/dev/null"];
        run("puttygen", &[&arguments[..], &[text(target)], &new].concat(), b"");
    };
    let exported = beside(path, ".exported");
    export("private-openssh-new", &exported);
    assert_eq!(numbers(&open(&exported, None).unwrap()), numbers(key));
    let line = run("puttygen", &[text(path), "-O", "public-openssh"], b"");
    assert_eq!(blob(&line), key.public().blob);
    assert!(
        line.trim_ascii_end().ends_with(COMMENT),
        "the comment is in clear"
    );
}

fn assert_read_by_its_tool(path: &Path, format: Format, key: &OpenKey, passphrase: Option<&str>) {
    let passphrase = passphrase.unwrap_or_default();
    match format {
        Format::OpenSsh => assert_ssh_keygen_reads(path, key, passphrase),
        Format::Pkcs8 => {
            assert_openssl_reads(path, key, passphrase);
            if key.public().algorithm != "ssh-ed25519" {
                assert_ssh_keygen_reads(path, key, passphrase);
            }
        }
        Format::Ppk => assert_puttygen_reads(path, key, passphrase),
    }
}

/// Writes the key in each format, has the format's tool read it, and reads it back to the same numbers.
fn assert_goes_round(directory: &Path, name: &str, key: &OpenKey) {
    let original = numbers(key);
    for format in FORMATS {
        for passphrase in [None, Some(PASSPHRASE)] {
            let bytes = written(key, format, passphrase);
            let sealed = passphrase.is_some();
            let path = put(&directory.join(format!("{name}-{format:?}-{sealed}")), &bytes);
            assert_read_by_its_tool(&path, format, key, passphrase);
            let (again, comment) =
                key::open_with_comment(&key::KdfLimits::DEFAULT, &bytes, passphrase.map(str::as_bytes))
                    .unwrap();
            assert_eq!(numbers(&again), original, "{}", path.display());
            match format {
                Format::Pkcs8 => assert_eq!(comment, b""),
                _ => assert_eq!(comment, COMMENT),
            }
            if sealed {
                let wrong = key::open(&key::KdfLimits::DEFAULT, &bytes, Some(b"wrong"));
                assert!(matches!(wrong, Err(KeyError::WrongPassphrase)));
                // From the sealed file on to every other format.
                for next in FORMATS {
                    let onward = written(&again, next, None);
                    assert_eq!(
                        numbers(&key::open(&key::KdfLimits::DEFAULT, &onward, None).unwrap()),
                        original
                    );
                }
            }
        }
    }
}

#[test]
fn every_type_goes_through_every_format_and_back() {
    let directory = tempfile::tempdir().unwrap();
    for (name, arguments) in TYPES {
        let path = generate(directory.path(), name, arguments, "");
        let key = open(&path, None).unwrap();
        assert_goes_round(directory.path(), name, &key);
        assert_verifies(&key, 2);
    }
}

#[test]
fn a_short_scalar_and_a_seed_that_ends_in_zeros_stay_whole() {
    let directory = tempfile::tempdir().unwrap();
    let short = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/keys/p256-short");
    assert_goes_round(directory.path(), "short", &open(&short, None).unwrap());
    // PKCS#8 of a seed: what OpenSSL writes, its last 32 bytes the seed.
    let made = run("openssl", &["genpkey", "-algorithm", "ed25519"], b"");
    let mut der = pem::parse(made).unwrap().into_contents();
    let end = der.len();
    der[end - 3..].fill(0);
    let file = pem::encode(&pem::Pem::new("PRIVATE KEY", der));
    let key = key::open(&key::KdfLimits::DEFAULT, file.as_bytes(), None).unwrap();
    assert_goes_round(directory.path(), "zeros", &key);
}

#[test]
fn what_openssh_writes_is_written_byte_for_byte() {
    let directory = tempfile::tempdir().unwrap();
    for (name, arguments) in TYPES {
        let path = generate(
            directory.path(),
            name,
            &[arguments, &["-C", "me at home"]].concat(),
            "",
        );
        let (key, _) =
            key::open_with_comment(&key::KdfLimits::DEFAULT, &fs::read(&path).unwrap(), None).unwrap();
        let theirs = pem::parse(fs::read(&path).unwrap()).unwrap().into_contents();
        let ours = written(&key, Format::OpenSsh, None);
        assert!(ours.split(|byte| *byte == b'\n').all(|line| line.len() <= 70));
        let mut ours = pem::parse(ours).unwrap().into_contents();
        // The two check numbers are random: behind the head, the public half and the section's length.
        let at = 15 + 8 + 8 + 4 + 4 + 4 + key.public().blob.len() + 4;
        ours[at..at + 8].copy_from_slice(&theirs[at..at + 8]);
        assert_eq!(ours, theirs, "{name}");
    }
}

#[test]
fn keys_of_two_algorithms_are_openssh_s_alone() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/mldsa/mldsa");
    let key = open(&data, None).unwrap();
    for passphrase in [None, Some(PASSPHRASE)] {
        let bytes = written(&key, Format::OpenSsh, passphrase);
        let (again, comment) =
            key::open_with_comment(&key::KdfLimits::DEFAULT, &bytes, passphrase.map(str::as_bytes)).unwrap();
        assert_eq!((again.public(), &comment[..]), (key.public(), COMMENT));
    }
    for (format, name) in [(Format::Pkcs8, "PKCS#8"), (Format::Ppk, "PuTTY")] {
        let Err(KeyError::Unsupported(reason)) = key::write(&key, format, b"", None) else {
            panic!("{name}")
        };
        assert!(
            reason.contains(name) && reason.contains("--to openssh"),
            "{reason}"
        );
    }
}

#[test]
fn comments_of_any_bytes_stay_on_their_line() {
    let directory = tempfile::tempdir().unwrap();
    let key = open(&generate(directory.path(), "key", &["-t", "ed25519"], ""), None).unwrap();
    let comment = b"M\xfcller\nPrivate-MAC: 00\r";
    let bytes = key::write(&key, Format::Ppk, comment, None).unwrap();
    let (_, read) = key::open_with_comment(&key::KdfLimits::DEFAULT, &bytes, None).unwrap();
    assert_eq!(read, b"M\xfcller Private-MAC: 00 ");
    let bytes = key::write(&key, Format::OpenSsh, comment, None).unwrap();
    assert_eq!(
        key::open_with_comment(&key::KdfLimits::DEFAULT, &bytes, None)
            .unwrap()
            .1,
        comment
    );
}

#[test]
fn nothing_is_protected_by_an_empty_passphrase() {
    let directory = tempfile::tempdir().unwrap();
    let key = open(&generate(directory.path(), "key", &["-t", "ed25519"], ""), None).unwrap();
    for format in FORMATS {
        let empty = Protection {
            passphrase: b"",
            rounds: 1,
        };
        assert!(key::write(&key, format, b"", Some(&empty)).is_err());
    }
}
