//! What root finds in the agent's memory: nothing, once the keys are sealed.
//!
//! The same search must find what is there: the public keys always, and the private halves while they are open. A core
//! image with every mapping is taken by gcore, as an investigator would.

use crate::support::person::MASTER;
use crate::support::{
    Agent, Home, Key, KeyKind, Person, as_root, can_trace, list, status, succeed, user, wait_until,
};
use aho_corasick::AhoCorasick;
use aws_lc_rs::digest::{SHA512, digest};
use base64ct::{Base64, Encoding};
use ssh_key::private::KeypairData;
use std::collections::BTreeSet;
use std::fs;

/// A secret and the name that a failure shows.
struct Wanted {
    name: String,
    bytes: Vec<u8>,
}

/// Long enough to be no accident, short enough to find what is partly overwritten.
const PIECE: usize = 16;
/// A page that holds nothing.
const ZEROS: [u8; 4096] = [0; 4096];

/// What must not be found of a key: passphrase, every private number, the file's own lines.
fn secrets_of(home: &Home, key: &Key) -> Vec<Wanted> {
    let mut found = Vec::new();
    let mut add = |name: &str, bytes: &[u8]| {
        found.push(Wanted {
            name: name.to_owned(),
            bytes: bytes.to_vec(),
        })
    };
    add("passphrase", key.passphrase.as_bytes());
    match key.private_half(home).key_data() {
        KeypairData::Ed25519(pair) => {
            let seed = pair.private.to_bytes();
            let expanded = digest(&SHA512, &seed);
            add("ed25519 seed", &seed);
            // Bits 0-2 and 255 are fixed when the hash becomes the scalar: its middle is the same in both.
            add("ed25519 scalar", &expanded.as_ref()[1..31]);
            add("ed25519 nonce prefix", &expanded.as_ref()[32..]);
        }
        KeypairData::Rsa(pair) => {
            for (name, number) in [
                ("rsa d", &pair.private().d()),
                ("rsa p", &pair.private().p()),
                ("rsa q", &pair.private().q()),
                ("rsa 1/q", &pair.private().iqmp()),
            ] {
                add(name, number.as_positive_bytes().expect("a positive number"));
            }
        }
        _ => panic!("a kind of key that this test does not know"),
    }
    let file = fs::read_to_string(&key.path).expect("the key file");
    for line in file.lines().filter(|line| line.len() == 70) {
        add("a line of the key file", line.as_bytes());
    }
    found
}

/// The forms in which numbers and texts lie in memory.
fn encodings(bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let swapped = |size: usize| {
        bytes
            .chunks(size)
            .flat_map(|word| word.iter().rev().copied())
            .collect()
    };
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![
        ("as it is", bytes.to_vec()),
        ("reversed", bytes.iter().rev().copied().collect()),
        ("in swapped 32-bit words", swapped(4)),
        ("in swapped 64-bit words", swapped(8)),
        ("in hex", hex.clone().into_bytes()),
        ("in capital hex", hex.to_uppercase().into_bytes()),
    ];
    for shift in 0..3 {
        let padded = [&vec![0; shift][..], bytes].concat();
        let text = Base64::encode_string(&padded).into_bytes();
        // The first and last characters also hold bits of the neighbours.
        forms.push(("in base64", text[4..text.len() - 4].to_vec()));
    }
    forms
}

/// Which of `wanted` are in `image`, in whole or in pieces.
fn search(image: &[u8], wanted: &[Wanted]) -> BTreeSet<String> {
    let (mut names, mut pieces) = (Vec::new(), Vec::new());
    for secret in wanted {
        for (form, bytes) in encodings(&secret.bytes) {
            let last = bytes.len().saturating_sub(PIECE);
            for start in BTreeSet::from([0, last / 2, last]) {
                names.push(format!("{} {form}, from byte {start}", secret.name));
                pieces.push(bytes[start..bytes.len().min(start + PIECE)].to_vec());
            }
        }
    }
    // Thousands of pieces, an image of hundreds of megabytes: one pass for all of them.
    let searcher = AhoCorasick::new(&pieces).expect("a search");
    searcher
        .find_overlapping_iter(image)
        .map(|hit| names[hit.pattern().as_usize()].clone())
        .collect()
}

/// A core image of everything that the process has mapped.
fn core_image(home: &Home, agent: &Agent) -> Vec<u8> {
    let prefix = home.path("core");
    let path = format!("{}.{}", prefix.display(), agent.pid());
    let said = succeed(
        as_root("gcore")
            .arg("-a")
            .arg("-o")
            .arg(&prefix)
            .arg(agent.pid().to_string()),
    );
    succeed(as_root("chown").arg(user()).arg(&path));
    let image = fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}\n{said}"));
    fs::remove_file(path).expect("removed");
    // Most of it was reserved and never touched.
    image
        .chunks(ZEROS.len())
        .filter(|page| *page != ZEROS)
        .collect::<Vec<_>>()
        .concat()
}

fn prepared() -> (Home, [Key; 2], Vec<Wanted>) {
    let home = Home::new();
    let keys = [
        Key::make(&home, "id_ed", KeyKind::Ed25519),
        Key::make(&home, "id_rsa", KeyKind::Rsa4096),
    ];
    let wanted = keys.iter().flat_map(|key| secrets_of(&home, key)).collect();
    for key in &keys {
        let person = Person::new(&home)
            .knows("passphrase for key", &key.passphrase)
            .knows_master();
        succeed(person.sits_at(&mut home.claviger(&["add", key.arg()])));
    }
    (home, keys, wanted)
}

/// An agent that has signed with both keys.
fn used(home: &Home, keys: &[Key]) -> Agent {
    let agent = Agent::start_with(home, &Person::new(home).knows_master());
    for key in keys {
        succeed(home.command("ssh-add").arg("-T").arg(key.beside(".pub")));
    }
    agent
}

fn has_public_keys(image: &[u8], keys: &[Key]) -> bool {
    let blobs: Vec<Vec<u8>> = keys.iter().map(Key::blob).collect();
    let searcher = AhoCorasick::new(&blobs).expect("a search");
    let found: BTreeSet<usize> = searcher
        .find_iter(image)
        .map(|hit| hit.pattern().as_usize())
        .collect();
    found.len() == keys.len()
}

#[test]
fn a_sealed_key_and_its_passphrase_are_not_in_a_core_image() {
    if !can_trace() {
        return;
    }
    let (home, keys, wanted) = prepared();
    home.configure("[lock]\nidle = \"1s\"\n");
    let agent = used(&home, &keys);
    wait_until("both are sealed", || {
        list(&home).iter().all(|key| key["state"] == "sealed")
    });
    let image = core_image(&home, &agent);
    assert!(
        has_public_keys(&image, &keys),
        "the search does not find what is there"
    );
    let found = search(&image, &wanted);
    assert!(found.is_empty(), "{found:#?}");
    if status(&home)["memory"]["secret_memory"] == true {
        let master = Wanted {
            name: "master passphrase".into(),
            bytes: MASTER.into(),
        };
        let found = search(&image, &[master]);
        assert!(found.is_empty(), "{found:#?}");
    }
}

#[test]
fn the_same_search_finds_a_key_while_it_is_open() {
    if !can_trace() {
        return;
    }
    let (home, keys, wanted) = prepared();
    let agent = used(&home, &keys);
    let image = core_image(&home, &agent);
    assert!(has_public_keys(&image, &keys));
    let found = search(&image, &wanted);
    for name in ["ed25519 seed", "rsa p"] {
        assert!(
            found.iter().any(|f| f.starts_with(name)),
            "{name} is not found while open: {found:#?}"
        );
    }
    assert!(
        !found.iter().any(|f| f.starts_with("passphrase")),
        "a passphrase is kept: {found:#?}"
    );
}
