//! Makes keys with real tools and holds a key file to all that is asked of one.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use claviger::key::{self, Inspected, KeyError};

/// Runs a tool that must succeed; answers its standard output.
pub(crate) fn run(program: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
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

/// Makes a key with ssh-keygen, its comment "NAME of tests"; `more` are further arguments.
pub(crate) fn generate(directory: &Path, name: &str, more: &[&str], passphrase: &str) -> PathBuf {
    let path = directory.join(name);
    let comment = format!("{name} of tests");
    let mut arguments = vec!["-q", "-f", text(&path), "-N", passphrase, "-C", &comment];
    arguments.extend_from_slice(more);
    run("ssh-keygen", &arguments, b"");
    path
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The path with something behind the file's name.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    PathBuf::from(format!("{}{ending}", text(path)))
}

/// The blob of a `.pub` file.
pub(crate) fn blob_of(path: &Path) -> Vec<u8> {
    let line = fs::read_to_string(path).unwrap();
    let base64 = line.split(' ').nth(1).unwrap();
    let armoured = format!("-----BEGIN X-----\n{base64}\n-----END X-----");
    pem::parse(armoured).unwrap().into_contents()
}

/// The bytes with each of their length fields in turn set to a lie. Every four bytes that could be one are taken for one.
pub(crate) fn lies(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let fields = (0..bytes.len().saturating_sub(3)).filter(|&start| bytes[start..].starts_with(&[0, 0]));
    fields.flat_map(move |start| {
        [0_u32, 1, 1 << 31, u32::MAX].map(|length| {
            let mut lying = bytes.to_vec();
            lying[start..start + 4].copy_from_slice(&length.to_be_bytes());
            lying
        })
    })
}

pub(crate) fn inspect(path: &Path) -> Inspected {
    key::inspect(
        &key::KdfLimits::DEFAULT,
        &fs::read(path).unwrap(),
        fs::read(beside(path, ".pub")).ok().as_deref(),
    )
    .unwrap()
}

pub(crate) fn open(path: &Path, passphrase: Option<&str>) -> Result<key::OpenKey, KeyError> {
    key::open(
        &key::KdfLimits::DEFAULT,
        &fs::read(path).unwrap(),
        passphrase.map(str::as_bytes),
    )
}

/// Signs as ssh-keygen -Y does (PROTOCOL.sshsig) and has ssh-keygen check it.
pub(crate) fn assert_verifies(key: &key::OpenKey, flags: u32) {
    const MESSAGE: &[u8] = b"a message of any bytes \0\xff";
    let string = claviger::wire::string;
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
    run(
        "ssh-keygen",
        &["-Y", "check-novalidate", "-n", "tests", "-s", text(file.path())],
        MESSAGE,
    );
}

/// All that is asked of a key file with a `.pub` beside it: it lists as ssh-keygen lists it, only the right passphrase
/// opens it, what it opens to is what was listed, and it signs.
pub(crate) fn assert_works(path: &Path, passphrase: Option<&str>) {
    let listed = inspect(path);
    let line = run("ssh-keygen", &["-l", "-f", text(&beside(path, ".pub"))], b"");
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
