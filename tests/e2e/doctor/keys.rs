//! Faults of key files, of their public halves and certificates.

use super::Found;
use crate::support::secret_service::SecretService;
use crate::support::{Home, Key, KeyKind, succeed};
use std::fs;
use std::path::Path;

/// `ssh-keygen` with these arguments in the home's `.ssh`.
fn keygen(home: &Home, args: &[&str]) {
    let mut command = home.command("ssh-keygen");
    succeed(command.arg("-q").args(args).current_dir(home.path(".ssh")));
}

/// `openssl` likewise.
fn openssl(home: &Home, args: &[&str]) {
    succeed(home.command("openssl").args(args).current_dir(home.path(".ssh")));
}

fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("its mode");
}

#[test]
fn weak_keys_are_told_with_who_refuses_them() {
    let home = Home::new();
    keygen(&home, &["-t", "rsa", "-b", "1024", "-N", "", "-f", "id_short"]);
    let found = Found::of(&home, &[]);
    found.says(
        "key-weak",
        ".ssh/id_short",
        &["1024 bits", "2048"],
        "claviger rotate",
    );
    fs::remove_file(home.path(".ssh/id_short")).expect("removed");
    keygen(&home, &["-t", "rsa", "-b", "2048", "-N", "", "-f", "id_enough"]);
    Found::of(&home, &[]).lacks("key-weak");
    // What OpenSSH wrote until version 9.
    let dsa = include_str!("../../data/keys/dsa");
    home.write(".ssh/id_dsa", dsa.as_bytes(), 0o600);
    let found = Found::of(&home, &[]);
    found.says("key-weak", ".ssh/id_dsa", &["DSA", "10.0"], "claviger keygen");
    found.lacks("key-unsupported");
}

#[test]
fn damaged_unsupported_and_unreadable_files_have_their_reasons() {
    let home = Home::new();
    let key = Key::make(&home, "id_cut", KeyKind::Quick);
    let text = fs::read_to_string(&key.path).expect("the key");
    let cut: Vec<&str> = text
        .lines()
        .take(3)
        .chain(["-----END OPENSSH PRIVATE KEY-----", ""])
        .collect();
    fs::write(&key.path, cut.join("\n")).expect("written");
    openssl(&home, &["genpkey", "-algorithm", "ed448", "-out", "id_448"]);
    private(&home.path(".ssh/id_448"));
    succeed(home.command("mkfifo").args(["-m", "600", ".ssh/id_fifo"]));
    home.configure("keys.files = [\"~/nowhere/id\"]\n");
    let found = Found::of(&home, &[]);
    found.says("key-damaged", ".ssh/id_cut", &["damaged key"], "backup");
    found.says(
        "key-unsupported",
        ".ssh/id_448",
        &["not supported"],
        "as the message says",
    );
    let unreadable: Vec<_> = found
        .all()
        .iter()
        .filter(|one| one["code"] == "key-unreadable")
        .collect();
    let has = |name: &str, why: &str| {
        let text = |one: &serde_json::Value, field: &str| one[field].as_str().unwrap_or_default().to_owned();
        unreadable
            .iter()
            .any(|one| text(one, "subject").ends_with(name) && text(one, "message").contains(why))
    };
    assert!(
        has("id_fifo", "FIFO") && has("nowhere/id", "no such file"),
        "{unreadable:#?}"
    );
}

#[test]
fn what_has_a_key_s_name_and_is_none_is_told() {
    let home = Home::new();
    home.write(".ssh/id_note", b"my keys are elsewhere\n", 0o600);
    home.write(".ssh/plain", b"nobody expects a key here\n", 0o644);
    let found = Found::of(&home, &[]);
    found.says("key-not-a-key", ".ssh/id_note", &["no key"], "another name");
}

#[test]
fn a_key_that_costs_more_than_the_limits_is_told() {
    let home = Home::new();
    keygen(
        &home,
        &["-t", "ed25519", "-a", "400", "-N", "passphrase", "-f", "id_slow"],
    );
    home.configure("[limits]\nkdf_time = \"1s\"\n");
    Found::of(&home, &[]).says("key-costly", ".ssh/id_slow", &["kdf_time"], "[limits]");
}

#[test]
fn keys_without_a_passphrase_and_twice_the_same_are_worth_knowing() {
    let home = Home::new();
    let key = Key::make_with(&home, "id_open", KeyKind::Quick, "");
    fs::copy(&key.path, home.path(".ssh/id_again")).expect("a copy");
    let found = Found::of(&home, &[]);
    let open = found.all().iter().filter(|one| one["code"] == "key-unprotected");
    assert_eq!(open.count(), 2, "{:#}", found.report);
    let fingerprint = key.fingerprint(&home);
    found.says(
        "key-twice",
        ".ssh/id_open",
        &["id_again", &fingerprint],
        "one of the files",
    );
    let text = fs::read_to_string(&key.path).expect("the key");
    let mut inner = text.lines().filter(|line| line.len() == 70);
    assert!(
        inner.all(|line| !found.report.to_string().contains(line)),
        "shown"
    );
    let sealed = Home::new();
    Key::make(&sealed, "id_a", KeyKind::Quick);
    // Of no use without the device.
    let token = include_bytes!("../../data/sk/sk-ed25519");
    sealed.write(".ssh/id_sk", token, 0o600);
    let found = Found::of(&sealed, &[]);
    found.lacks("key-unprotected");
    found.lacks("key-damaged");
    found.lacks("key-twice");
}

#[test]
fn a_public_half_that_is_not_there_or_not_its_own_is_told() {
    let home = Home::new();
    openssl(
        &home,
        &[
            "genpkey",
            "-algorithm",
            "ed25519",
            "-aes-256-cbc",
            "-pass",
            "pass:secret",
            "-out",
            "id_pem",
        ],
    );
    private(&home.path(".ssh/id_pem"));
    let [one, two] = ["id_one", "id_two"].map(|name| Key::make(&home, name, KeyKind::Quick));
    fs::copy(two.beside(".pub"), one.beside(".pub")).expect("a copy");
    fs::write(two.beside(".pub"), "ssh-ed25519 nonsense\n").expect("written");
    let found = Found::of(&home, &[]);
    found.says(
        "public-half-missing",
        ".ssh/id_pem",
        &["encrypted"],
        "claviger add",
    );
    let wrong: Vec<_> = found
        .all()
        .iter()
        .filter(|one| one["code"] == "public-half-wrong")
        .collect();
    let text: Vec<&str> = wrong.iter().filter_map(|one| one["message"].as_str()).collect();
    assert!(
        text.len() == 2 && text[0].contains("another key") && text[1].contains("no public half"),
        "{text:?}"
    );
    // The remedy that is told mends it.
    fs::remove_file(one.beside(".pub")).expect("removed");
    let line = succeed(&mut home.claviger(&["pubkey", one.arg()]));
    fs::write(one.beside(".pub"), line).expect("written");
    let found = Found::of(&home, &[]);
    assert!(
        !found.the("public-half-wrong")["subject"]
            .as_str()
            .unwrap_or_default()
            .contains("id_one")
    );
}

#[test]
fn certificates_that_help_nobody_are_told() {
    let home = Home::new();
    Key::make_with(&home, "ca", KeyKind::Quick, "");
    Key::make(&home, "id_a", KeyKind::Quick);
    let other = Key::make(&home, "id_b", KeyKind::Quick);
    let certify = |args: &[&str]| {
        keygen(&home, &[&["-s", "ca", "-I", "me"], args, &["id_a.pub"]].concat());
        Found::of(&home, &[])
    };
    let path = ".ssh/id_a-cert.pub";
    certify(&["-V", "20200101:20200102"]).says(
        "certificate-expired",
        path,
        &["2020-01-0"],
        "sign the key anew",
    );
    certify(&["-V", "20990115:20990120"]).says("certificate-early", path, &["2099-01-1", "clock"], "clock");
    certify(&["-h"]).says("certificate-wrong", path, &["host's"], "sign the key anew");
    let good = certify(&["-V", "-1d:forever"]);
    for code in ["certificate-expired", "certificate-early", "certificate-wrong"] {
        good.lacks(code);
    }
    fs::copy(home.path(path), other.beside("-cert.pub")).expect("a copy");
    Found::of(&home, &[]).says(
        "certificate-wrong",
        ".ssh/id_b-cert.pub",
        &["another key"],
        "remove",
    );
}

#[test]
fn a_passphrase_that_is_stored_nowhere_is_told_and_none_is_shown() {
    let home = Home::new();
    let key = Key::make(&home, "id_a", KeyKind::Quick);
    let keyring = SecretService::start(&home.path(""));
    let look = || Found::with(&home, &[], |command| command.envs(keyring.env()));
    let found = look();
    found.says("passphrase-not-stored", key.arg(), &["nowhere"], "claviger add");
    found.lacks("keyring-absent");
    keyring.store_duplicate(&key.fingerprint(&home), &key.passphrase);
    let found = look();
    found.lacks("passphrase-not-stored");
    assert!(!found.report.to_string().contains(&key.passphrase));
    keyring.lock();
    let found = look();
    found.lacks("passphrase-not-stored");
    found.says("keyring-unreachable", "OS keyring", &["locked"], "unlock it");
}
