//! The vault with real files, KeePassXC's own command line tool, damaged content, and writers killed at any moment.

use super::*;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Output, Stdio};

const MASTER: &[u8] = "master pässphrase".as_bytes();
const KEY: &str = "SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM";

fn vault(home: &tempfile::TempDir) -> Vault {
    Vault::new(home.path().join("data/vault.kdbx"), KdfCost::CHEAP)
}

fn made(home: &tempfile::TempDir) -> Vault {
    let vault = vault(home);
    vault.make(MASTER).unwrap();
    vault
}

fn read(vault: &Vault, fingerprint: &str) -> Option<Vec<u8>> {
    vault
        .read(MASTER, fingerprint)
        .unwrap()
        .map(|secret| secret.to_vec())
}

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
fn what_is_put_is_read_replaced_and_removed() {
    let home = tempfile::tempdir().unwrap();
    let vault = made(&home);
    assert_eq!(read(&vault, KEY), None);
    vault.put(MASTER, KEY, "first", b"one").unwrap();
    vault.put(MASTER, "SHA256:other", "second", b"two").unwrap();
    vault.put(MASTER, KEY, "first", b"three").unwrap();
    assert_eq!(read(&vault, KEY).unwrap(), b"three");
    assert!(
        !vault.remove(MASTER, KEY, Some(b"one")).unwrap(),
        "only the value that did not fit may go"
    );
    assert!(vault.remove(MASTER, KEY, Some(b"three")).unwrap());
    assert_eq!(read(&vault, KEY), None);
    assert!(!vault.remove(MASTER, KEY, None).unwrap());
    assert_eq!(read(&vault, "SHA256:other").unwrap(), b"two");
}

#[test]
fn storing_the_same_again_does_not_touch_the_file() {
    let home = tempfile::tempdir().unwrap();
    let vault = made(&home);
    vault.put(MASTER, KEY, "first", b"one").unwrap();
    let before = std::fs::read(vault.path()).unwrap();
    vault.put(MASTER, KEY, "first", b"one").unwrap();
    assert_eq!(std::fs::read(vault.path()).unwrap(), before);
}

#[test]
fn a_vault_is_made_only_where_nothing_is() {
    let home = tempfile::tempdir().unwrap();
    let vault = made(&home);
    vault.put(MASTER, KEY, "first", b"one").unwrap();
    assert!(matches!(vault.make(b"another"), Err(VaultError::Exists)));
    assert_eq!(read(&vault, KEY).unwrap(), b"one");
    let missing = Vault::new(home.path().join("none.kdbx"), KdfCost::CHEAP);
    assert!(matches!(
        missing.put(MASTER, KEY, "first", b"one"),
        Err(VaultError::Missing)
    ));
    assert!(!missing.exists(), "storing must not make a vault by the way");
}

#[test]
fn a_master_that_does_not_fit_is_told_apart_from_damage() {
    let home = tempfile::tempdir().unwrap();
    let vault = made(&home);
    assert!(matches!(vault.check(b"wrong"), Err(VaultError::WrongMaster)));
    assert!(matches!(
        vault.put(b"wrong", KEY, "first", b"one"),
        Err(VaultError::WrongMaster)
    ));
    assert!(matches!(vault.check(b"\xff"), Err(VaultError::NotText(_))));
    vault.check(MASTER).unwrap();
}

#[test]
fn a_passphrase_that_is_not_text_is_refused_and_nothing_changes() {
    let home = tempfile::tempdir().unwrap();
    let vault = made(&home);
    let refused = vault.put(MASTER, KEY, "first", b"\xff\xfe").unwrap_err();
    assert!(refused.to_string().contains("not UTF-8"), "{refused}");
    let odd = " \u{1}\r\n\t<&>]]>ü ";
    vault
        .put(MASTER, KEY, "bell \u{7} in a name", odd.as_bytes())
        .unwrap();
    assert_eq!(read(&vault, KEY).unwrap(), odd.as_bytes());
}

#[test]
fn damaged_files_are_reported_and_left_as_they_are() {
    let home = tempfile::tempdir().unwrap();
    let vault = made(&home);
    vault.put(MASTER, KEY, "first", b"one").unwrap();
    let whole = std::fs::read(vault.path()).unwrap();
    let mut cases = vec![Vec::new(), b"SQLite format 3\0".repeat(64), vec![0x5a; 4096]];
    for len in (0..whole.len())
        .step_by(7)
        .chain([whole.len() / 2, whole.len() - 1])
    {
        cases.push(whole[..len].to_vec());
    }
    for at in (0..whole.len()).step_by(3) {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x41;
        cases.push(flipped);
    }
    for case in cases {
        std::fs::write(vault.path(), &case).unwrap();
        let reason = vault.put(MASTER, KEY, "first", b"two").unwrap_err();
        assert!(
            matches!(reason, VaultError::Damaged(_) | VaultError::WrongMaster),
            "{reason}"
        );
        assert!(vault.make(MASTER).is_err());
        assert_eq!(
            std::fs::read(vault.path()).unwrap(),
            case,
            "a damaged vault must be left as it is"
        );
    }
    std::fs::write(vault.path(), &whole[..whole.len() / 2]).unwrap();
    let reason = vault.check(MASTER).unwrap_err().to_string();
    assert!(
        reason.starts_with("damaged: ") && reason.contains("Put a copy of it back"),
        "{reason}"
    );
}

#[test]
fn a_directory_in_its_place_is_an_error() {
    let home = tempfile::tempdir().unwrap();
    let vault = vault(&home);
    std::fs::create_dir_all(vault.path()).unwrap();
    assert!(matches!(vault.check(MASTER), Err(VaultError::File(_))));
    assert!(matches!(vault.make(MASTER), Err(VaultError::Exists)));
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
            &Vault::new(vault.path().into(), KdfCost::CHEAP),
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
    let vault = Vault::new(home.path().join("vault.kdbx"), KdfCost::STANDARD);
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

#[test]
fn concurrent_writers_lose_nothing() {
    let home = tempfile::tempdir().unwrap();
    let vault = made(&home);
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let vault = &vault;
            scope.spawn(move || {
                for n in 0..5 {
                    vault
                        .put(MASTER, &format!("SHA256:{writer}-{n}"), "title", b"value")
                        .unwrap();
                }
            });
        }
    });
    for writer in 0..4 {
        for n in 0..5 {
            assert!(
                read(&vault, &format!("SHA256:{writer}-{n}")).is_some(),
                "{writer}-{n} is lost"
            );
        }
    }
}

/// Where [`killed_writers_leave_a_whole_vault`] tells its writer to write; alone, the writer writes a few and ends.
const WRITER_HOME: &str = "CLAVIGER_TEST_WRITER_HOME";

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "how the parent names the place to this process"
)]
fn writer() {
    let own = tempfile::tempdir().unwrap();
    let (path, rounds) = match std::env::var_os(WRITER_HOME) {
        Some(path) => (PathBuf::from(path), usize::MAX),
        None => (made(&own).path().to_owned(), 3),
    };
    let vault = Vault::new(path, KdfCost::CHEAP);
    let first = (0..)
        .find(|n| read(&vault, &format!("SHA256:{n}")).is_none())
        .unwrap();
    for n in first..rounds {
        vault
            .put(
                MASTER,
                &format!("SHA256:{n}"),
                "title",
                format!("value {n}").as_bytes(),
            )
            .unwrap();
        println!("stored {n}");
    }
    assert!(read(&vault, "SHA256:0").is_some());
}

#[test]
fn killed_writers_leave_a_whole_vault() {
    let home = tempfile::tempdir().unwrap();
    let vault = made(&home);
    let mut stored = 0;
    for round in 0..30u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["unlock::vault::tests::writer", "--exact", "--nocapture"])
            .env(WRITER_HOME, vault.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok);
        let mut acknowledged = || lines.find_map(|line| line.rsplit_once("stored ")?.1.parse::<usize>().ok());
        stored = stored.max(acknowledged().unwrap() + 1);
        // Anywhere between two acknowledgements: the delays sweep over the few milliseconds of one write.
        std::thread::sleep(Duration::from_micros(round * 397 % 6000));
        child.kill().unwrap();
        child.wait().unwrap();
        while let Some(n) = acknowledged() {
            stored = stored.max(n + 1);
        }
        for n in 0..stored {
            assert_eq!(
                read(&vault, &format!("SHA256:{n}")).unwrap(),
                format!("value {n}").as_bytes()
            );
        }
    }
    assert!(stored >= 30);
}
