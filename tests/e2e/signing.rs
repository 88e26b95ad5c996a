//! Signatures that other programs check: ssh-add's self test, `ssh-keygen -Y`, and git.

use crate::support::{Agent, Home, Key, KeyKind, Person, succeed, text};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// One key of each kind, all opened by the same person.
fn signers() -> (Home, Vec<Key>, Agent) {
    let home = Home::new();
    let kinds = [
        ("id_ed", KeyKind::Quick),
        ("id_rsa", KeyKind::Rsa4096),
        ("id_ec", KeyKind::Ecdsa384),
    ];
    let keys: Vec<Key> = kinds
        .iter()
        .map(|(name, kind)| Key::make_with(&home, name, *kind, "one for all"))
        .collect();
    let person = Person::new(&home).knows("passphrase for key", "one for all");
    let agent = Agent::start_with(&home, &person);
    (home, keys, agent)
}

/// A file for `-f` of verifications: who may sign.
fn allowed_signers(home: &Home, keys: &[Key]) -> PathBuf {
    let lines: String = keys
        .iter()
        .map(|key| format!("me@test {}", key.public_line()))
        .collect();
    home.write("allowed_signers", lines.as_bytes(), 0o600)
}

#[test]
fn ssh_add_finds_every_signature_good() {
    let (home, keys, _agent) = signers();
    for key in &keys {
        succeed(home.command("ssh-add").arg("-T").arg(key.beside(".pub")));
    }
}

#[test]
fn a_file_signed_with_ssh_keygen_verifies() {
    let (home, keys, _agent) = signers();
    let allowed = allowed_signers(&home, &keys);
    let message = home.write("message", b"a message", 0o600);
    for key in &keys {
        let mut sign = home.command("ssh-keygen");
        sign.args(["-Y", "sign", "-n", "file", "-f"])
            .arg(key.beside(".pub"))
            .arg(&message);
        // ssh-keygen could open the file only with a passphrase, for which it has nobody to ask.
        succeed(&mut sign);
        let signature = home.path("message.sig");
        let mut verify = home.command("ssh-keygen");
        verify
            .args(["-Y", "verify", "-n", "file", "-I", "me@test", "-f"])
            .arg(&allowed)
            .arg("-s")
            .arg(&signature);
        succeed(verify.stdin(fs::File::open(&message).expect("the message")));
        fs::remove_file(signature).expect("removed");
    }
}

#[test]
fn a_commit_signed_by_git_verifies() {
    let (home, keys, _agent) = signers();
    let allowed = allowed_signers(&home, &keys);
    let repository = home.path("repository");
    succeed(home.command("git").args(["init", "-q"]).arg(&repository));
    let git = |args: &[&str]| -> Command {
        let mut command = home.command("git");
        command
            .arg("-C")
            .arg(&repository)
            .args(["-c", "user.name=Me", "-c", "user.email=me@test"]);
        command.args(["-c", "gpg.format=ssh", "-c"]);
        command.arg(format!("gpg.ssh.allowedSignersFile={}", allowed.display()));
        command.args(args).stdout(Stdio::piped());
        command
    };
    for key in &keys {
        let signing_key = format!("user.signingKey={}", key.beside(".pub").display());
        succeed(&mut git(&[
            "-c",
            &signing_key,
            "commit",
            "-q",
            "--allow-empty",
            "-S",
            "-m",
            "signed",
        ]));
        let shown = git(&["verify-commit", "-v", "HEAD"]).output().expect("git");
        assert!(
            shown.status.success() && text(&shown).contains("Good \"git\" signature"),
            "{}",
            text(&shown)
        );
    }
}
