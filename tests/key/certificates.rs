//! Certificates beside keys.

use std::fs;
use std::path::{Path, PathBuf};

use claviger::key::{self, KeyError};

use crate::recorder::ssh_add;
use crate::tools::{beside, blob_of, generate, inspect, run, text};

/// Has `authority` certify `key`; answers the certificate's file.
pub(crate) fn certify(authority: &Path, key: &Path, more: &[&str]) -> PathBuf {
    let mut arguments = vec!["-q", "-s", text(authority), "-I", "id", "-n", "user"];
    arguments.extend_from_slice(more);
    let public = beside(key, ".pub");
    arguments.push(text(&public));
    run("ssh-keygen", &arguments, b"");
    beside(key, "-cert.pub")
}

#[test]
fn with_and_without_expiry_for_every_type() {
    let directory = tempfile::tempdir().unwrap();
    let authority = generate(directory.path(), "authority", &["-t", "ecdsa"], "");
    for (name, arguments) in [
        ("ed25519", &["-t", "ed25519"][..]),
        ("ecdsa", &["-t", "ecdsa", "-b", "384"]),
        ("rsa", &["-t", "rsa", "-b", "2048"]),
    ] {
        let path = generate(directory.path(), name, arguments, "");
        let public = inspect(&path).public;
        for more in [
            &[][..],
            &["-V", "-1d:+1d"],
            &["-O", "clear", "-O", "force-command=true"],
        ] {
            let file = fs::read(certify(&authority, &path, more)).unwrap();
            let read = key::certificate(&file, &public).unwrap();
            assert_eq!(read.comment, format!("{name} of tests").as_bytes());
            let signed = blob_of(&beside(&path, "-cert.pub"));
            assert_eq!(read.blob, signed, "the bytes that were signed");
            assert_eq!(key::plain_of(&signed).as_ref(), Some(&public.blob));
        }
    }
}

#[test]
fn for_another_key_or_damaged() {
    let directory = tempfile::tempdir().unwrap();
    let authority = generate(directory.path(), "authority", &["-t", "ed25519"], "");
    let first = generate(directory.path(), "first", &["-t", "ed25519"], "");
    let second = generate(directory.path(), "second", &["-t", "ed25519"], "");
    let file = fs::read(certify(&authority, &first, &[])).unwrap();
    let refused = |file: &[u8], path: &Path| match key::certificate(file, &inspect(path).public) {
        Err(KeyError::Damaged(reason)) => reason,
        other => panic!("{other:?}"),
    };
    assert!(refused(&file, &second).contains("another key"));
    for end in 0..file.len() - b" first of tests\n".len() {
        refused(&file[..end], &first);
    }
    refused(&fs::read(beside(&first, ".pub")).unwrap(), &first);
    refused(b"\xff\0", &first);
}

#[test]
fn an_authority_that_is_no_key_certifies_no_added_key() {
    let directory = tempfile::tempdir().unwrap();
    let authority = generate(directory.path(), "authority", &["-t", "ed25519"], "");
    let path = generate(directory.path(), "key", &["-t", "ed25519"], "");
    certify(&authority, &path, &[]);
    let [_, (_, body)] = ssh_add(&[], &path).try_into().unwrap();
    assert!(key::added(&body).is_ok());
    // The type's name stands in the key, in the certificate's authority and in the authority's signature.
    let name = b"ssh-ed25519\0";
    let at: Vec<usize> = (0..body.len())
        .filter(|&at| body[at..].starts_with(name))
        .collect();
    let [authority, signature] = at[..] else {
        panic!("{at:?}")
    };
    for place in [authority, signature] {
        let mut unknown = body.clone();
        unknown[place] = b'z';
        assert!(
            matches!(key::added(&unknown), Err(KeyError::Damaged(_))),
            "{place}"
        );
    }
}
