//! The main job: a login to a real sshd with a protected key that nobody opens by hand.

use crate::support::person::MASTER;
use crate::support::secret_service::SecretService;
use crate::support::{Home, Key, KeyKind, Person, Sshd, Terminal, succeed, text};
use std::io::Write;
use std::process::{Command, Stdio};

/// `claviger agent [options] ssh … true`
fn login(home: &Home, options: &[&str], sshd: &Sshd) -> Command {
    let mut command = home.claviger(&["agent"]);
    command.args(options).args(sshd.ssh()).arg("true");
    command
}

/// A key whose passphrase is in the embedded vault, and an sshd that knows the key.
fn prepared(kind: KeyKind) -> (Home, Key, Sshd) {
    let home = Home::new();
    let key = Key::make(&home, "id_test", kind);
    let person = Person::new(&home)
        .knows("passphrase for key", &key.passphrase)
        .knows_master();
    succeed(person.sits_at(&mut home.claviger(&["add", key.arg()])));
    assert!(
        person.asked().iter().any(|question| question.contains(key.arg())),
        "{:?}",
        person.asked()
    );
    assert!(home.vault().is_file());
    let sshd = Sshd::start(&home, &[&key]);
    (home, key, sshd)
}

fn with_the_master_through_askpass(kind: KeyKind) {
    let (home, _key, sshd) = prepared(kind);
    let person = Person::new(&home).knows_master();
    succeed(person.sits_at(&mut login(&home, &[], &sshd)));
    let asked = person.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(asked[0].contains("master passphrase of the vault"), "{asked:?}");
    assert!(sshd.log().contains("Accepted publickey"), "{}", sshd.log());
}

#[test]
fn ed25519_with_the_vault_opened_through_askpass() {
    with_the_master_through_askpass(KeyKind::Ed25519);
}

#[test]
fn rsa_with_the_vault_opened_through_askpass() {
    with_the_master_through_askpass(KeyKind::Rsa4096);
}

#[test]
fn ecdsa_with_the_vault_opened_through_askpass() {
    with_the_master_through_askpass(KeyKind::Ecdsa384);
}

#[test]
fn with_the_vault_opened_through_a_descriptor() {
    let (home, _key, sshd) = prepared(KeyKind::Ed25519);
    let mut command = home.command("sh");
    // ssh gets no input; descriptor 3 has the passphrase.
    command.args(["-c", r#"exec 3<&0 </dev/null; exec "$@""#, "sh"]);
    command
        .arg(crate::support::home::claviger())
        .args(["agent", "--vault-passphrase-fd", "3"]);
    command
        .args(sshd.ssh())
        .arg("true")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("sh");
    let mut input = child.stdin.take().expect("its input");
    input
        .write_all(format!("{MASTER}\n").as_bytes())
        .expect("the passphrase");
    drop(input);
    let output = child.wait_with_output().expect("its end");
    assert!(output.status.success(), "{}", text(&output));
}

#[test]
fn with_the_vault_opened_on_a_terminal() {
    let (home, _key, sshd) = prepared(KeyKind::Ed25519);
    let mut terminal = Terminal::run(&home, &login(&home, &[], &sshd));
    terminal
        .wait_for("master passphrase of the vault")
        .wait_for(":")
        .type_line(MASTER);
    let (status, shown) = terminal.end();
    assert!(status.success(), "{shown}");
    assert!(!shown.contains(MASTER), "what is typed is not shown: {shown}");
}

#[test]
fn with_the_os_keyring_and_nobody_to_ask() {
    let home = Home::new();
    let service = SecretService::start(&home.path(""));
    let key = Key::make(&home, "id_test", KeyKind::Ed25519);
    let person = Person::new(&home).knows("passphrase for key", &key.passphrase);
    let mut add = home.claviger(&["add", key.arg()]);
    succeed(person.sits_at(&mut add).envs(service.env()));
    assert_eq!(
        service.lookup(&key.fingerprint(&home)).as_deref(),
        Some(key.passphrase.as_bytes())
    );
    assert!(
        !home.vault().exists(),
        "the keyring took it, so no vault was made"
    );

    let sshd = Sshd::start(&home, &[&key]);
    succeed(login(&home, &[], &sshd).envs(service.env()));
}

#[test]
fn the_first_time_asks_and_offers_to_remember_and_the_next_time_does_not_ask() {
    let home = Home::new();
    let service = SecretService::start(&home.path(""));
    let key = Key::make(&home, "id_test", KeyKind::Ed25519);
    let sshd = Sshd::start(&home, &[&key]);
    let mut command = login(&home, &[], &sshd);
    let mut terminal = Terminal::run(&home, command.envs(service.env()));
    terminal
        .wait_for("passphrase for key")
        .wait_for(":")
        .type_line(&key.passphrase);
    terminal
        .wait_for("Remember this passphrase")
        .wait_for(":")
        .type_line("k");
    let (status, shown) = terminal.end();
    assert!(status.success(), "{shown}");
    assert_eq!(
        service.lookup(&key.fingerprint(&home)).as_deref(),
        Some(key.passphrase.as_bytes()),
        "{shown}"
    );

    succeed(login(&home, &[], &sshd).envs(service.env()));
}
