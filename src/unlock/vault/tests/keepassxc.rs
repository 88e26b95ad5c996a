//! KeePassXC's own command line tool reads what claviger wrote, and the other way round.

use super::*;
use std::io::Write;
use std::process::{Command, Output, Stdio};

/// Runs keepassxc-cli on the vault; `answers` are what it asks for, the master passphrase first.
fn keepassxc(vault: &Vault, verb: &str, args: &[&str], answers: &[&str]) -> Output {
    let mut child = Command::new("keepassxc-cli")
        .args([verb, "-q"])
        .arg(vault.path())
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(MASTER).unwrap();
    for answer in answers {
        write!(input, "\n{answer}").unwrap();
    }
    input.write_all(b"\n").unwrap();
    drop(input);
    child.wait_with_output().unwrap()
}

fn keepassxc_ok(vault: &Vault, verb: &str, args: &[&str], answers: &[&str]) -> String {
    let output = keepassxc(vault, verb, args, answers);
    assert!(
        output.status.success(),
        "{verb}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn keepassxc_opens_it_and_shows_each_entry() {
    let home = tempfile::tempdir().unwrap();
    let vault = made(&home);
    let title = "Passphrase of /home/u/.ssh/id_ed25519";
    vault
        .put(MASTER, KEY, title, "correct hörse <&> \"".as_bytes())
        .unwrap();
    let listed = keepassxc_ok(&vault, "ls", &["-R", "-f"], &[]);
    assert!(listed.contains("SSH passphrases/"), "{listed}");
    let found = keepassxc_ok(&vault, "search", &["ed25519"], &[]);
    let shown = keepassxc_ok(&vault, "show", &["-s", found.trim()], &[]);
    for line in [
        format!("UserName: {KEY}"),
        "Password: correct hörse <&> \"".into(),
        format!("URL: ssh-key:{KEY}"),
    ] {
        assert!(
            shown.lines().any(|shown| shown == line),
            "no {line:?} in {shown:?}"
        );
    }
    assert!(
        !keepassxc(
            &Vault::new(
                vault.path().into(),
                KdfCost::CHEAP,
                crate::key::KdfLimits::DEFAULT
            ),
            "show",
            &["-s", "none"],
            &[]
        )
        .status
        .success()
    );
}

#[test]
fn a_new_vault_is_slow_to_guess() {
    let home = tempfile::tempdir().unwrap();
    let vault = Vault::new(
        home.path().join("vault.kdbx"),
        KdfCost::STANDARD,
        crate::key::KdfLimits::DEFAULT,
    );
    vault.make(MASTER).unwrap();
    let facts = keepassxc_ok(&vault, "db-info", &[], &[]);
    assert!(facts.contains("KDF: Argon2id (10 rounds, 65536 KB)"), "{facts}");
    assert!(facts.contains("Cipher: AES 256-bit"), "{facts}");
}

#[test]
fn what_keepassxc_changed_survives_and_is_seen() {
    let home = tempfile::tempdir().unwrap();
    let vault = made(&home);
    vault.put(MASTER, KEY, "Passphrase of id", b"one").unwrap();
    keepassxc_ok(
        &vault,
        "add",
        &[
            "-u",
            "me",
            "--url",
            "https://example.org",
            "--notes",
            " two\nlines ",
            "-p",
            "mail",
        ],
        &["hunter2"],
    );
    keepassxc_ok(
        &vault,
        "add",
        &["-u", "SHA256:byhand", "-p", "by hand"],
        &["typed"],
    );
    keepassxc_ok(&vault, "mkdir", &["Mine"], &[]);
    keepassxc_ok(&vault, "mv", &["SSH passphrases/Passphrase of id", "Mine"], &[]);
    keepassxc_ok(&vault, "edit", &["-p", "Mine/Passphrase of id"], &["changed"]);
    let note = home.path().join("note.txt");
    std::fs::write(&note, "attached").unwrap();
    keepassxc_ok(
        &vault,
        "attachment-import",
        &["mail", "note", note.to_str().unwrap()],
        &[],
    );

    assert_eq!(read(&vault, KEY).unwrap(), b"changed");
    assert_eq!(read(&vault, "SHA256:byhand").unwrap(), b"typed");
    vault.put(MASTER, KEY, "Passphrase of id", b"ours").unwrap();
    vault
        .put(MASTER, "SHA256:new", "Passphrase of new", b"new")
        .unwrap();

    let mail = keepassxc_ok(&vault, "show", &["-s", "mail"], &[]);
    for part in [
        "UserName: me",
        "Password: hunter2",
        "URL: https://example.org",
        "Notes:  two\nlines ",
    ] {
        assert!(mail.contains(part), "no {part:?} in {mail:?}");
    }
    let moved = keepassxc_ok(&vault, "show", &["-s", "Mine/Passphrase of id"], &[]);
    assert!(moved.contains("Password: ours"), "{moved}");
    let attached = keepassxc_ok(&vault, "attachment-export", &["--stdout", "mail", "note"], &[]);
    assert_eq!(attached.trim(), "attached");
    assert_eq!(read(&vault, "SHA256:new").unwrap(), b"new");
}

#[test]
fn an_entry_in_the_recycle_bin_counts_as_removed() {
    let home = tempfile::tempdir().unwrap();
    let vault = made(&home);
    vault.put(MASTER, KEY, "Passphrase of id", b"one").unwrap();
    keepassxc_ok(&vault, "rm", &["SSH passphrases/Passphrase of id"], &[]);
    assert_eq!(read(&vault, KEY), None);
    vault.put(MASTER, KEY, "Passphrase of id", b"two").unwrap();
    assert_eq!(read(&vault, KEY).unwrap(), b"two");
}
