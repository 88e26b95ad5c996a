//! A KDBX 3.1 file that keepassxc-cli made, cut and flipped: never a panic, and never a content that is not the whole one.

use super::file::Database;
use super::source::Surroundings;
use crate::config::Kdbx;
use crate::key::KdfLimits;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

const MASTER: &str = "master";

fn keepassxc(dir: &Path, args: &[&str]) {
    let mut child = Command::new("keepassxc-cli")
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    write!(input, "{MASTER}\n{MASTER}\n").unwrap();
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_kdbx_3_file_cut_or_flipped_anywhere_is_refused_or_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.kdbx");
    keepassxc(dir.path(), &["db-create", "-q", "-t", "100", "-p", "a.kdbx"]);
    keepassxc(dir.path(), &["add", "-q", "-u", "somebody", "a.kdbx", "entry"]);
    let whole = fs::read(&path).unwrap();
    // Version 3.1, little endian.
    assert_eq!(&whole[8..12], [1, 0, 3, 0]);
    let database = Database {
        table: Kdbx {
            path: path.clone(),
            key_file: None,
            attachments: false,
            remember_public: false,
        },
        surroundings: Surroundings {
            home: dir.path().to_owned(),
            variable: |_| None,
        },
        // A flipped number of rounds costs a moment at most.
        limits: KdfLimits {
            time: std::time::Duration::from_secs(5),
            ..KdfLimits::DEFAULT
        },
    };
    let user = |bytes: &[u8]| {
        let (content, _) = database.decrypted(bytes, MASTER.as_bytes()).ok()?;
        let entries = super::entries::in_order(&content);
        let users = entries
            .iter()
            .filter_map(|entry| entry.get_username().map(str::to_owned));
        Some(users.collect::<Vec<_>>())
    };
    let right = vec!["somebody".to_owned()];
    assert_eq!(user(&whole), Some(right.clone()));
    // The header, and behind it every stretch of the content.
    let places: Vec<usize> = (0..250)
        .step_by(3)
        .chain((250..whole.len()).step_by(29))
        .collect();
    for &at in &places {
        assert_eq!(user(&whole[..at]), None, "cut at {at}");
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (at % 8);
        // A comment in the header means nothing, and is not protected either.
        assert!(
            user(&flipped).is_none_or(|users| users == right),
            "flipped at {at}"
        );
    }
}
