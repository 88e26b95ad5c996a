//! `convert`: what it writes is what the format's own tool reads, and nothing that was there is touched.
use crate::home::{Home, text};
use crate::ran::Ran;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

mod refusals;
mod results;

const FORMATS: [&str; 3] = ["openssh", "pkcs8", "ppk"];

fn convert(home: &Home, file: &Path, to: &str, out: &str, more: &[&str]) -> Ran {
    let words = ["convert", text(file), "--to", to, "-o", out];
    home.run(&[&words[..], more].concat())
}

fn tool(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {args:?}: {complaint}");
    String::from_utf8(output.stdout).unwrap()
}

/// `TYPE BASE64` of a public line.
fn key_of(line: &str) -> String {
    line.split(' ')
        .take(2)
        .collect::<Vec<_>>()
        .join(" ")
        .trim()
        .to_owned()
}

/// What the format's tool makes of the file with this passphrase; it refuses a wrong one.
fn public_by_tool(home: &Home, file: &Path, format: &str, passphrase: &str) -> String {
    if format != "ppk" {
        return key_of(&tool("ssh-keygen", &["-y", "-P", passphrase, "-f", text(file)]));
    }
    let (secret, out) = (home.path("puttygen-secret"), home.path("puttygen-out"));
    fs::write(&secret, passphrase).unwrap();
    let args = [
        text(file),
        "--old-passphrase",
        text(&secret),
        "--new-passphrase",
        "/dev/null",
    ];
    tool(
        "puttygen",
        &[&args[..], &["-O", "private-openssh-new", "-o", text(&out)]].concat(),
    );
    key_of(&tool("ssh-keygen", &["-y", "-f", text(&out)]))
}

fn pub_of(path: &Path) -> PathBuf {
    PathBuf::from(format!("{}.pub", text(path)))
}

/// A key whose PKCS#8 form ssh-keygen reads too.
fn ecdsa(home: &Home, name: &str, passphrase: &str) -> PathBuf {
    let path = home.path(name);
    let args = [
        "-q",
        "-t",
        "ecdsa",
        "-a",
        "1",
        "-C",
        "me at home",
        "-N",
        passphrase,
        "-f",
        text(&path),
    ];
    tool("ssh-keygen", &args);
    path
}
