//! An opened key's private half is in memory once or twice while it is open and nowhere once it is dropped, under the
//! program's allocator and with the stack scrubbed as the program does. A test binary of its own, for the allocator.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails by panicking")]

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;

use claviger::key::{self, Format, Protection};
use claviger_platform::harden;
use zeroize::Zeroizing;

#[global_allocator]
static ALLOCATOR: harden::WipingAllocator = harden::wiping_allocator();

const PASSPHRASE: &str = "a passphrase for memory";
/// Bytes of a secret that are looked for: enough to be no coincidence.
const LENGTH: usize = 16;
/// What is looked for is kept under this mask, or the search would find itself.
const MASK: u8 = 0x5a;

fn ssh_keygen(arguments: &[&str]) {
    assert!(
        Command::new("ssh-keygen")
            .arg("-q")
            .args(arguments)
            .status()
            .unwrap()
            .success()
    );
}

fn masked<'a>(bytes: impl Iterator<Item = &'a u8>) -> Vec<u8> {
    let masked: Vec<u8> = bytes.map(|byte| byte ^ MASK).take(LENGTH).collect();
    assert_eq!(masked.len(), LENGTH);
    masked
}

/// The secrets of an unencrypted key as they may lie in memory, masked: big-endian, and as the back end's limbs.
fn secrets(path: &Path) -> Vec<Vec<u8>> {
    let file = Zeroizing::new(fs::read(path).unwrap());
    let parsed = ssh_key::PrivateKey::from_openssh(&*file).unwrap();
    let numbers = if let Some(pair) = parsed.key_data().ed25519() {
        vec![pair.private.as_ref().as_slice()]
    } else {
        let private = parsed.key_data().rsa().unwrap().private();
        [private.p(), private.q(), private.d()]
            .map(|number| number.as_positive_bytes().unwrap())
            .into()
    };
    numbers
        .iter()
        .flat_map(|number| [masked(number.iter()), masked(number.iter().rev())])
        .collect()
}

/// How many copies of any of the masked secrets this process's writable memory holds.
fn copies(secrets: &[Vec<u8>]) -> usize {
    const PAGE: usize = 4096;
    const ZEROS: [u8; PAGE + LENGTH - 1] = [0; PAGE + LENGTH - 1];
    let memory = fs::File::open("/proc/self/mem").unwrap();
    // A secret that begins in one page may end in the next.
    let mut buffer = ZEROS.to_vec();
    let mut found = 0;
    for line in fs::read_to_string("/proc/self/maps")
        .unwrap()
        .lines()
        .filter(|line| line.contains(" rw-p "))
    {
        let (start, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let pages = u64::from_str_radix(start, 16).unwrap()..u64::from_str_radix(end, 16).unwrap();
        for page in pages.step_by(PAGE) {
            let read = memory.read_at(&mut buffer, page).unwrap_or(0);
            if buffer[..read] == ZEROS[..read] {
                continue;
            }
            let own = buffer.as_ptr() as u64;
            for (window, at) in buffer[..read].windows(LENGTH).zip(page..) {
                let hit = |secret: &Vec<u8>| {
                    window
                        .iter()
                        .zip(secret)
                        .all(|(byte, masked)| byte ^ masked == MASK)
                };
                let in_buffer = (own..own + buffer.len() as u64).contains(&at);
                found += usize::from(!in_buffer && secrets.iter().any(hit));
            }
        }
    }
    found
}

#[test]
fn nothing_of_a_dropped_key_remains() {
    let directory = tempfile::tempdir().unwrap();
    for (name, arguments) in [
        ("ed25519", &["-t", "ed25519"][..]),
        ("rsa", &["-t", "rsa", "-b", "2048"]),
    ] {
        let path = directory.path().join(name);
        let file = path.to_str().unwrap();
        ssh_keygen(&[arguments, &["-N", "", "-f", file]].concat());
        let secrets = secrets(&path);
        ssh_keygen(&["-p", "-a", "2", "-N", PASSPHRASE, "-f", file]);
        harden::scrub_stack();
        assert_eq!(copies(&secrets), 0, "{name} before it is opened");

        let opened = key::open(
            &key::KdfLimits::DEFAULT,
            &fs::read(&path).unwrap(),
            Some(PASSPHRASE.as_bytes()),
        )
        .unwrap();
        opened.sign(b"data", 2).unwrap();
        harden::scrub_stack();
        let open = copies(&secrets);
        assert!(
            (1..=2 * secrets.len()).contains(&open),
            "{name} open: {open} copies"
        );

        drop(opened);
        harden::scrub_stack();
        assert_eq!(copies(&secrets), 0, "{name} after it was dropped");
    }
}

#[test]
fn nothing_of_a_key_that_was_written_remains() {
    let directory = tempfile::tempdir().unwrap();
    for (name, arguments) in [
        ("ed25519", &["-t", "ed25519"][..]),
        ("rsa", &["-t", "rsa", "-b", "2048"]),
    ] {
        let path = directory.path().join(name);
        ssh_keygen(&[arguments, &["-N", "", "-f", path.to_str().unwrap()]].concat());
        let secrets = secrets(&path);
        let opened = key::open(
            &key::KdfLimits::DEFAULT,
            &Zeroizing::new(fs::read(&path).unwrap()),
            None,
        )
        .unwrap();
        harden::scrub_stack();
        let open = copies(&secrets);
        for format in [Format::OpenSsh, Format::Pkcs8, Format::Ppk] {
            let sealed = Protection {
                passphrase: PASSPHRASE.as_bytes(),
                rounds: 1,
            };
            key::write(&opened, format, b"comment", Some(&sealed)).unwrap();
            drop(key::write(&opened, format, b"comment", None).unwrap());
            harden::scrub_stack();
            // The back end's own copies are all that is left: it may keep one more of what it was asked for.
            assert!(copies(&secrets) <= open + secrets.len(), "{name} {format:?}");
        }
        drop(opened);
        harden::scrub_stack();
        assert_eq!(copies(&secrets), 0, "{name} after it was dropped");
    }
}

#[test]
fn nothing_of_a_dropped_key_that_a_client_added_remains() {
    let read = || Zeroizing::new(fs::read("tests/data/mldsa/add.bin").unwrap());
    let body = read();
    // Behind the two seeds stand the comment and its length.
    let seeds = &body[body.len() - 64 - "....mldsa".len()..];
    let secrets = [masked(seeds.iter()), masked(seeds[32..].iter())];
    drop(body);
    harden::scrub_stack();
    assert_eq!(copies(&secrets), 0, "before it is read");

    let body = read();
    let fields = Zeroizing::new(key::added(&body).unwrap().fields.to_vec());
    drop(body);
    let opened = key::reopen(&fields).unwrap();
    drop(fields);
    opened.sign(b"data", 0).unwrap();
    harden::scrub_stack();
    let open = copies(&secrets);
    assert!((1..=2 * secrets.len()).contains(&open), "open: {open} copies");

    drop(opened);
    harden::scrub_stack();
    assert_eq!(copies(&secrets), 0, "after it was dropped");
}
