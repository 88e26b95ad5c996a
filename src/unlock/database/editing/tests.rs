//! The moments of a change that no command can be made to stop at.

use super::book::Book;
use crate::config::Kdbx;
use crate::key::KdfLimits;
use crate::unlock::database::file::Database;
use crate::unlock::database::source::Surroundings;
use crate::unlock::vault::{KdfCost, VaultError, new_content};
use keepass::db::{Value, fields};
use std::fs;
use std::path::Path;
use std::time::Duration;

const MASTER: &[u8] = b"master";

fn book(dir: &Path) -> Book {
    let book = Book {
        database: Database {
            table: Kdbx {
                path: dir.join("a.kdbx"),
                key_file: None,
                attachments: false,
                remember_public: false,
            },
            surroundings: Surroundings {
                home: dir.to_owned(),
                variable: |_| None,
            },
            limits: KdfLimits::DEFAULT,
        },
        is_vault: false,
        lock: dir.join("state/lock"),
    };
    let mut content = new_content(KdfCost::CHEAP).unwrap();
    for name in ["one", "two"] {
        let mut root = content.root_mut();
        let mut entry = root.add_entry();
        entry.set_unprotected(fields::TITLE, name);
        entry.add_attachment("note", Value::unprotected(name.as_bytes().to_vec()));
    }
    book.create(&mut content, MASTER).unwrap();
    book
}

fn titled(content: &mut keepass::Database, title: &str) -> Result<(), VaultError> {
    content
        .root_mut()
        .add_entry()
        .set_unprotected(fields::TITLE, title);
    Ok(())
}

#[test]
fn a_file_that_changed_between_reading_and_writing_is_not_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let book = book(dir.path());
    let path = dir.path().join("a.kdbx");
    let refused = book.change(MASTER, None, |content| {
        // Another program saves meanwhile.
        let text = fs::read(&path).unwrap();
        fs::write(&path, [&text[..], b"x"].concat()).unwrap();
        titled(content, "three")
    });
    let reason = refused.err().unwrap().to_string();
    assert!(reason.contains("changed the file meanwhile"), "{reason}");
    assert!(fs::read(&path).unwrap().ends_with(b"x"));
}

#[test]
fn what_xml_cannot_hold_is_noticed_before_the_file_is_touched() {
    let dir = tempfile::tempdir().unwrap();
    let book = book(dir.path());
    let old = fs::read(dir.path().join("a.kdbx")).unwrap();
    for title in ["a\u{1}", "\u{fffe}", "\0"] {
        let refused = book.change(MASTER, None, |content| titled(content, title));
        assert!(matches!(refused, Err(VaultError::Save(_))), "{title:?}");
    }
    assert_eq!(fs::read(dir.path().join("a.kdbx")).unwrap(), old);
}

#[test]
fn a_file_that_vanished_meanwhile_is_not_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let book = book(dir.path());
    let path = dir.path().join("a.kdbx");
    let old = fs::read(&path).unwrap();
    let refused = book.change(MASTER, None, |content| {
        fs::rename(&path, dir.path().join("kept")).unwrap();
        titled(content, "three")
    });
    let reason = refused.err().unwrap().to_string();
    assert!(reason.contains("is not there"), "{reason}");
    assert_eq!(fs::read(dir.path().join("kept")).unwrap(), old);
    assert!(!path.exists());
}

#[test]
fn removing_an_entry_for_good_leaves_the_attachments_of_others() {
    let dir = tempfile::tempdir().unwrap();
    let book = book(dir.path());
    let removed = book.change(MASTER, None, |content| {
        content.meta.recyclebin_enabled = Some(false);
        super::remove::remove(content, &book.database, "one")
    });
    assert!(!removed.unwrap().done.in_bin);
    let left = book.open(MASTER).unwrap().content;
    let notes: Vec<Vec<u8>> = left
        .iter_all_attachments()
        .map(|note| note.data.to_vec())
        .collect();
    assert_eq!(notes, [b"two"]);
    assert_eq!(left.deleted_objects.len(), 1);
}

#[test]
fn a_file_cut_or_flipped_anywhere_opens_to_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut book = book(dir.path());
    // So low that damaged parameters of the derivation cost nothing.
    book.database.limits = KdfLimits {
        memory: 1,
        time: Duration::from_millis(1),
        threads: 2,
    };
    let whole = fs::read(&book.database.table.path).unwrap();
    book.database.decrypted(&whole, MASTER).unwrap();
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (at % 8);
        for damaged in [&whole[..at], &flipped] {
            assert!(book.database.decrypted(damaged, MASTER).is_err(), "at {at}");
        }
    }
}
