//! Key files that real tools write: listed without a passphrase, opened with it, and their signatures verified by
//! OpenSSH.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use claviger::key::{self, Inspected, KeyError};

const PASSPHRASE: &str = "grüße, horse battery staple";

/// Runs a tool that must succeed; answers its standard output.
fn run(program: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program} {arguments:?}: {complaint}");
    output.stdout
}

/// Makes a key with ssh-keygen; `more` are its further arguments.
fn generate(directory: &Path, name: &str, more: &[&str], passphrase: &str) -> PathBuf {
    let path = directory.join(name);
    let file = path.to_str().unwrap();
    let comment = format!("{name} of tests");
    let mut arguments = vec!["-q", "-f", file, "-N", passphrase, "-C", &comment];
    arguments.extend_from_slice(more);
    run("ssh-keygen", &arguments, b"");
    path
}

/// The path with something behind the file's name.
fn beside(path: &Path, ending: &str) -> PathBuf {
    PathBuf::from(format!("{}{ending}", path.to_str().unwrap()))
}

fn inspect(path: &Path) -> Inspected {
    key::inspect(
        &fs::read(path).unwrap(),
        Some(&fs::read(beside(path, ".pub")).unwrap()),
    )
    .unwrap()
}

fn open(path: &Path, passphrase: Option<&str>) -> Result<key::OpenKey, KeyError> {
    key::open(&fs::read(path).unwrap(), passphrase.map(str::as_bytes))
}

/// Signs as ssh-keygen -Y does (PROTOCOL.sshsig) and has ssh-keygen check it.
fn assert_verifies(key: &key::OpenKey, flags: u32) {
    const MESSAGE: &[u8] = b"a message of any bytes \0\xff";
    let string = |content: &[u8]| {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&length[..], content].concat()
    };
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA512, MESSAGE);
    let middle = [string(b"tests"), string(b""), string(b"sha512")].concat();
    let to_sign = [b"SSHSIG", &middle[..], &string(digest.as_ref())].concat();
    let signature = key.sign(&to_sign, flags).unwrap();
    let blob = [
        b"SSHSIG\0\0\0\x01",
        &string(&key.public().blob)[..],
        &middle,
        &string(&signature),
    ]
    .concat();
    let configuration = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    let armoured = pem::encode_config(&pem::Pem::new("SSH SIGNATURE", blob), configuration);
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), armoured).unwrap();
    let path = file.path().to_str().unwrap();
    run(
        "ssh-keygen",
        &["-Y", "check-novalidate", "-n", "tests", "-s", path],
        MESSAGE,
    );
}

/// All that is asked of a key file: it lists as ssh-keygen lists it, only the right passphrase opens it, what it opens
/// to is what was listed, and it signs.
fn assert_works(path: &Path, passphrase: Option<&str>) {
    let listed = inspect(path);
    let line = run(
        "ssh-keygen",
        &["-l", "-f", beside(path, ".pub").to_str().unwrap()],
        b"",
    );
    let line = String::from_utf8(line).unwrap();
    let expected = format!("{} {} ", listed.public.bits, listed.public.fingerprint);
    assert!(line.starts_with(&expected), "{line} is not {expected}");
    assert_eq!(listed.encrypted, passphrase.is_some());
    let name = path.file_name().unwrap().to_str().unwrap();
    assert_eq!(listed.comment, format!("{name} of tests").as_bytes());
    if passphrase.is_some() {
        for wrong in [None, Some(""), Some("wrong")] {
            assert!(
                matches!(open(path, wrong), Err(KeyError::WrongPassphrase)),
                "{name} {wrong:?}"
            );
        }
    }
    let opened = open(path, passphrase).unwrap();
    assert_eq!(*opened.public(), listed.public);
    for flags in if listed.public.algorithm == "ssh-rsa" {
        [2, 4]
    } else {
        [0, 7]
    } {
        assert_verifies(&opened, flags);
    }
}

const TYPES: [(&str, &[&str]); 5] = [
    ("ed25519", &["-t", "ed25519"]),
    ("p256", &["-t", "ecdsa", "-b", "256"]),
    ("p384", &["-t", "ecdsa", "-b", "384"]),
    ("p521", &["-t", "ecdsa", "-b", "521"]),
    ("rsa", &["-t", "rsa", "-b", "2048"]),
];

#[test]
fn every_type_with_and_without_passphrase() {
    let directory = tempfile::tempdir().unwrap();
    for (name, arguments) in TYPES {
        assert_works(&generate(directory.path(), name, arguments, ""), None);
        let sealed = generate(directory.path(), &format!("{name}-sealed"), arguments, PASSPHRASE);
        assert_works(&sealed, Some(PASSPHRASE));
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
    let key = generate(
        directory.path(),
        "rounds",
        &["-t", "ed25519", "-a", "100"],
        PASSPHRASE,
    );
    assert_works(&key, Some(PASSPHRASE));
}
