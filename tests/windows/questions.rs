//! A question of the agent's on Windows: an askpass program gives the passphrase, as OpenSSH's would.

use super::support::{Agent, claviger, signs};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program that gives one passphrase to whoever asks, and notes that it was asked.
fn askpass(home: &Path) -> PathBuf {
    let program = home.join("ask.bat");
    fs::write(
        &program,
        "@echo off\r\necho asked>>\"%~dp0asked.log\"\r\necho a secret phrase\r\n",
    )
    .unwrap();
    program
}

fn asks(command: &mut Command, home: &Path) {
    command
        .env("SSH_ASKPASS", askpass(home))
        .env("SSH_ASKPASS_REQUIRE", "force");
}

#[test]
fn a_passphrase_is_had_from_an_askpass_program() {
    let agent = Agent::told(asks);
    let home = agent.home.path();
    fs::create_dir_all(home.join(".ssh")).unwrap();
    let mut keygen = claviger(home, &agent.pipe);
    asks(&mut keygen, home);
    let made = keygen
        .args(["keygen", "-C", "asked", "-f"])
        .arg(home.join(r".ssh\id_ed25519"))
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let asked = || {
        fs::read_to_string(home.join("asked.log"))
            .unwrap_or_default()
            .lines()
            .count()
    };
    let before = asked();
    assert_eq!(before, 2, "a new passphrase is given twice");
    agent.said(&["lock"]);
    signs(&agent.pipe, "asked");
    assert_eq!(asked(), before + 1);
}
