//! Clients by others, in other languages: AsyncSSH and Paramiko (Python), PuTTY, Dropbear and libssh2 (C).
//!
//! None of them was written with claviger in mind, and none binds its connection to a server.

use crate::support::{Agent, Home, Key, KeyKind, Sshd, succeed, user};
use base64ct::{Base64, Encoding as _};
use std::path::Path;
use std::process::Command;

/// A Python program beside this file, under the distribution's own interpreter: that has the libraries.
fn python(home: &Home, script: &str) -> Command {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/foreign");
    let mut command = home.command("/usr/bin/python3");
    command.args(["-I", "-W", "ignore"]).arg(folder.join(script));
    command
}

/// A home whose agent holds one key, and a server that lets it in.
fn with_a_key() -> (Home, Agent, Key, Sshd) {
    let home = Home::new();
    let key = Key::make_with(&home, "added", KeyKind::Quick, "").moved(&home, "elsewhere");
    let sshd = Sshd::start(&home, &[&key]);
    let agent = Agent::start(&home);
    succeed(home.command("ssh-add").args(["-q", key.arg()]));
    (home, agent, key, sshd)
}

#[test]
fn asyncssh_does_all_that_a_client_can() {
    let home = Home::new();
    let key = Key::make_with(&home, "first", KeyKind::Quick, "").moved(&home, ".");
    let sshd = Sshd::start(&home, &[&key]);
    let _agent = Agent::start(&home);
    let mut client = python(&home, "asyncssh_client.py");
    succeed(client.args([sshd.port().to_string(), user(), sshd.host_key()]));
}

#[test]
fn paramiko_lists_signs_and_logs_in() {
    let home = Home::new();
    let keys = [
        ("ed", KeyKind::Quick),
        ("rsa", KeyKind::Rsa4096),
        ("ec", KeyKind::Ecdsa384),
    ]
    .map(|(name, kind)| Key::make_with(&home, name, kind, "").moved(&home, "elsewhere"));
    let sshd = Sshd::start(&home, &[&keys[2]]);
    let _agent = Agent::start(&home);
    for key in &keys {
        succeed(home.command("ssh-add").args(["-q", key.arg()]));
    }
    let mut client = python(&home, "paramiko_client.py");
    client.args([sshd.port().to_string(), user(), sshd.host_key()]);
    succeed(client.args(keys.iter().map(|key| Base64::encode_string(&key.blob()))));
}

#[test]
fn putty_logs_in() {
    let (home, _agent, _, sshd) = with_a_key();
    let host_key = sshd.host_key();
    let line = home.write("known.pub", host_key.as_bytes(), 0o600);
    let shown = succeed(home.command("ssh-keygen").arg("-lf").arg(line));
    let fingerprint = shown.split(' ').nth(1).expect("a fingerprint");
    let mut plink = home.command("plink");
    plink.args(["-ssh", "-batch", "-agent", "-hostkey", fingerprint, "-P"]);
    plink.args([&sshd.port().to_string(), "-l", &user(), "127.0.0.1", "echo in"]);
    assert_eq!(succeed(&mut plink), "in\n");
}

#[test]
fn dropbear_logs_in() {
    let (home, _agent, _, sshd) = with_a_key();
    let mut client = home.command("dbclient");
    // Twice -y: the host key is not looked at, since this client knows no file but the one in the real home.
    client.args(["-y", "-y", "-p", &sshd.port().to_string(), "-l", &user()]);
    assert_eq!(succeed(client.args(["127.0.0.1", "echo in"])), "in\n");
}

#[test]
fn libssh2_fetches_a_file() {
    let (home, _agent, _, sshd) = with_a_key();
    home.write("fetched", b"content", 0o600);
    let url = format!(
        "sftp://127.0.0.1:{}{}",
        sshd.port(),
        home.path("fetched").display()
    );
    let mut curl = home.command("curl");
    curl.args(["--silent", "--show-error", "--insecure", "--user"]);
    curl.args([&format!("{}:", user()), &url]);
    assert_eq!(succeed(&mut curl), "content");
}
