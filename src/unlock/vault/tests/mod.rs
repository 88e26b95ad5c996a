//! The vault with real files: what it keeps, what it refuses, and what it leaves alone.

mod keepassxc;
mod writers;

use super::*;

const MASTER: &[u8] = "master pässphrase".as_bytes();
const KEY: &str = "SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM";

fn vault(home: &tempfile::TempDir) -> Vault {
    Vault::new(
        home.path().join("data/vault.kdbx"),
        KdfCost::CHEAP,
        crate::key::KdfLimits::DEFAULT,
    )
}

fn made(home: &tempfile::TempDir) -> Vault {
    let vault = vault(home);
    vault.make(MASTER).unwrap();
    vault
}

fn read(vault: &Vault, fingerprint: &str) -> Option<Vec<u8>> {
    let opened = vault.open(MASTER).unwrap();
    opened.passphrase(fingerprint).map(|secret| secret.to_vec())
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
    let missing = Vault::new(
        home.path().join("none.kdbx"),
        KdfCost::CHEAP,
        crate::key::KdfLimits::DEFAULT,
    );
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
    assert!(matches!(vault.open(b"wrong"), Err(VaultError::WrongMaster)));
    assert!(matches!(
        vault.put(b"wrong", KEY, "first", b"one"),
        Err(VaultError::WrongMaster)
    ));
    assert!(matches!(vault.open(b"\xff"), Err(VaultError::NotText(_))));
    vault.open(MASTER).unwrap();
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
    let reason = vault.open(MASTER).err().unwrap().to_string();
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
    assert!(matches!(vault.open(MASTER), Err(VaultError::File(_))));
    assert!(matches!(vault.make(MASTER), Err(VaultError::Exists)));
}
