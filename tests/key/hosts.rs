//! Host keys that are certificates, by every type of authority.

use std::path::{Path, PathBuf};

use claviger::key::{self, HostCertificate};

use crate::added::data;
use crate::certificates::certify;
use crate::tools::{beside, blob_of, generate, lies};

fn host(authority: &Path, key: &Path, more: &[&str]) -> (Vec<u8>, HostCertificate) {
    let blob = blob_of(&certify(authority, key, &[&["-h"], more].concat()));
    let read = key::host_certificate(&blob).unwrap();
    (blob, read)
}

#[test]
fn every_authority_and_algorithm_is_checked() {
    let directory = tempfile::tempdir().unwrap();
    let key = generate(directory.path(), "host", &["-t", "ed25519"], "");
    for (name, arguments, algorithms) in [
        ("ed25519", &["-t", "ed25519"][..], &["ssh-ed25519"][..]),
        ("p256", &["-t", "ecdsa"], &["ecdsa-sha2-nistp256"]),
        ("p384", &["-t", "ecdsa", "-b", "384"], &["ecdsa-sha2-nistp384"]),
        ("p521", &["-t", "ecdsa", "-b", "521"], &["ecdsa-sha2-nistp521"]),
        (
            "rsa",
            &["-t", "rsa", "-b", "1024"],
            &["ssh-rsa", "rsa-sha2-256", "rsa-sha2-512"],
        ),
    ] {
        let authority = generate(directory.path(), name, arguments, "");
        for algorithm in algorithms {
            let more: &[&str] = if name == "rsa" { &["-t", algorithm] } else { &[] };
            let (blob, read) = host(&authority, &key, more);
            assert!(read.verifies && read.is_host, "{algorithm}");
            assert_eq!(read.signature_algorithm, *algorithm);
            assert_eq!(read.authority, blob_of(&beside(&authority, ".pub")));
            assert_eq!(key::plain_of(&blob), Some(blob_of(&beside(&key, ".pub"))));
        }
    }
}

#[test]
fn an_authority_may_have_an_ml_dsa_key() {
    let read = key::host_certificate(&blob_of(&data("mldsa/by-mldsa-cert.pub"))).unwrap();
    assert!(read.verifies && read.is_host);
    assert_eq!(read.signature_algorithm, "ssh-mldsa44-ed25519");
    assert_eq!(read.principals, [b"host.example"]);
    assert_eq!(read.authority, blob_of(&data("mldsa/mldsa.pub")));
}

#[test]
fn what_policy_asks_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let [authority, key]: [PathBuf; 2] =
        ["authority", "key"].map(|name| generate(directory.path(), name, &["-t", "ed25519"], ""));
    let (_, read) = host(&authority, &key, &["-n", "one.example,*.two.example"]);
    assert_eq!(read.principals, [&b"one.example"[..], b"*.two.example"]);
    assert_eq!((read.valid_after, read.valid_before), (0, u64::MAX));
    assert!(!read.has_critical_options);
    let (_, read) = host(&authority, &key, &["-V", "20200102:20200103"]);
    assert_eq!(read.valid_before - read.valid_after, 24 * 60 * 60);
    let (_, read) = host(&authority, &key, &["-O", "critical:some@example.com=x"]);
    assert!(read.has_critical_options && read.verifies);
    let user = key::host_certificate(&blob_of(&certify(&authority, &key, &[]))).unwrap();
    assert!(!user.is_host && user.verifies);
    assert_eq!(user.principals, [b"user"]);
}

#[test]
fn any_damage_is_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let [authority, key]: [PathBuf; 2] =
        ["authority", "key"].map(|name| generate(directory.path(), name, &["-t", "ed25519"], ""));
    let (ours, _) = host(&authority, &key, &["-O", "critical:some@example.com=x"]);
    for blob in [ours, blob_of(&data("mldsa/mldsa-cert.pub"))] {
        for place in 0..blob.len() {
            let mut flipped = blob.clone();
            flipped[place] ^= 1 << (place % 8);
            let read = key::host_certificate(&flipped);
            assert!(read.is_none_or(|read| !read.verifies), "flipped at {place}");
            assert_eq!(key::host_certificate(&blob[..place]), None, "cut at {place}");
            assert_eq!(key::plain_of(&blob[..place]), None);
        }
        for lying in lies(&blob).filter(|lying| *lying != blob) {
            let read = key::host_certificate(&lying);
            assert!(read.is_none_or(|read| !read.verifies));
        }
        let longer = [&blob[..], b"\0"].concat();
        assert_eq!(key::host_certificate(&longer), None);
    }
    for plain in [&b""[..], b"\0\0", &blob_of(&beside(&key, ".pub"))] {
        assert_eq!(key::host_certificate(plain), None);
        assert_eq!(key::plain_of(plain), None);
    }
}
