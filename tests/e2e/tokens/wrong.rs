//! Libraries that are refused, and libraries that crash, hang or lie: the agent and its other clients never notice.

use super::softhsm::{self, PIN, Soft, helpers, listed, message, succeeds, wait_for_no_helper};
use crate::support::client::{LIST, sign, string};
use crate::support::{Client, Home, succeed, wait_until};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The numbers of tests/data/pkcs11/provider.c.
const CRASH_INITIALIZE: u32 = 1;
const HANG_INITIALIZE: u32 = 2;
const CRASH_SIGN: u32 = 3;
const OTHER_DATA: u32 = 4;
const HANG_SIGN: u32 = 5;
const REFUSE_PIN: u32 = 6;

/// SoftHSM with something wrong.
fn library(home: &Home, soft: &Soft, wrong: u32) -> PathBuf {
    let library = home.path(&format!("wrong{wrong}.so"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/pkcs11/provider.c");
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source);
    cc.arg(format!("-DLIBRARY=\"{}\"", soft.library.display()));
    succeed(cc.arg(format!("-DWRONG={wrong}")).arg("-ldl"));
    library
}

fn is_served(home: &Home) {
    let mut other = Client::connect(&home.socket());
    assert_eq!(other.ask(&LIST).map(|answer| answer[0]), Some(12));
}

#[test]
fn what_may_not_be_loaded_never_is() {
    let home = Home::new();
    let soft = Soft::new(&home);
    soft.import(&home, "ed25519", "01", &softhsm::quick());
    let text = home.write("text.so", b"no library", 0o600);
    let plain = home.path("plain.so");
    let empty = home.write("empty.c", b"", 0o600);
    succeed(Command::new("cc").args(["-shared", "-o"]).arg(&plain).arg(&empty));
    let inside = format!("{}/*", home.path("").canonicalize().expect("a home").display());
    let patterns = format!("{inside},/usr/lib*/*,!*/forbidden.so");
    let forbidden = home.path("forbidden.so");
    std::fs::copy(&soft.library, &forbidden).expect("a copy");
    let agent = soft.agent(&home, &["-P", &patterns]);
    let mut client = Client::connect(&home.socket());
    for (path, reason) in [
        (
            Path::new("/etc/passwd"),
            "not among the libraries that may be loaded",
        ),
        (&forbidden, "not among the libraries that may be loaded"),
        (Path::new("text.so"), "a relative path"),
        (Path::new(""), "a relative path"),
        (&home.path("missing.so"), "No such file"),
        (&text, "not a PKCS#11 library"),
        (&plain, "not a PKCS#11 library"),
    ] {
        assert!(
            !succeeds(&mut client, &message(path, PIN, &[])),
            "{}",
            path.display()
        );
        let remove = [
            &[21],
            &string(path.as_os_str().as_encoded_bytes())[..],
            &string(b""),
        ]
        .concat();
        assert!(!succeeds(&mut client, &remove), "{}", path.display());
        assert!(agent.log().contains(reason), "{reason}: {}", agent.log());
    }
    wait_for_no_helper(&agent);
    assert!(succeeds(&mut client, &message(&soft.library, PIN, &[])));
}

#[test]
fn a_crash_while_loading_is_one_failure() {
    let home = Home::new();
    let soft = Soft::new(&home);
    let library = library(&home, &soft, CRASH_INITIALIZE);
    let agent = soft.agent(&home, &["-P", "/*"]);
    let mut client = Client::connect(&home.socket());
    assert!(!succeeds(&mut client, &message(&library, PIN, &[])));
    let named = format!(
        "{}: its helper ended without an answer (signal: 6",
        library.canonicalize().expect("a path").display()
    );
    assert!(agent.log().contains(&named), "{}", agent.log());
    is_served(&home);
    wait_for_no_helper(&agent);
}

#[test]
fn a_hang_while_loading_ends_and_delays_nobody_else() {
    let home = Home::new();
    let soft = Soft::new(&home);
    let library = library(&home, &soft, HANG_INITIALIZE);
    let agent = soft.agent(&home, &["-P", "/*"]);
    let mut client = Client::connect(&home.socket());
    client.send(&crate::support::client::frame(&message(&library, PIN, &[])));
    wait_until("the helper runs", || !helpers(&agent).is_empty());
    is_served(&home);
    assert_eq!(client.answer(), Some(vec![5]));
    assert!(
        agent.log().contains("gave no answer within 30 s"),
        "{}",
        agent.log()
    );
    wait_for_no_helper(&agent);
}

#[test]
fn a_crash_while_signing_takes_the_keys_out_of_the_list() {
    let home = Home::new();
    let soft = Soft::new(&home);
    let key = soft.import(&home, "ed25519", "01", &softhsm::quick());
    let library = library(&home, &soft, CRASH_SIGN);
    let agent = soft.agent(&home, &["-P", "/*"]);
    let mut client = Client::connect(&home.socket());
    assert!(succeeds(&mut client, &message(&library, PIN, &[])));
    assert_eq!(listed(&home), std::slice::from_ref(&key.blob));
    assert!(
        agent.log().contains("it says: a vendor's complaint"),
        "{}",
        agent.log()
    );
    assert_eq!(client.ask(&sign(&key.blob, b"data", 0)), Some(vec![5]));
    assert!(listed(&home).is_empty());
    let log = agent.log();
    assert!(
        log.contains("no longer listed, add them again: ssh-add -s"),
        "{log}"
    );
    wait_for_no_helper(&agent);
    // The remedy that the log names, here with the library as its vendor ships it.
    assert!(succeeds(&mut client, &message(&soft.library, PIN, &[])));
    assert_eq!(
        client.ask(&sign(&key.blob, b"data", 0)).map(|answer| answer[0]),
        Some(14)
    );
}

#[test]
fn a_hang_while_signing_ends_and_delays_nobody_else() {
    let home = Home::new();
    let soft = Soft::new(&home);
    let key = soft.import(&home, "ed25519", "01", &softhsm::quick());
    let library = library(&home, &soft, HANG_SIGN);
    let agent = soft.agent(&home, &["-P", "/*"]);
    let mut client = Client::connect(&home.socket());
    assert!(succeeds(&mut client, &message(&library, PIN, &[])));
    client.send(&crate::support::client::frame(&sign(&key.blob, b"data", 0)));
    is_served(&home);
    assert_eq!(client.answer(), Some(vec![5]));
    assert!(
        agent.log().contains("gave no answer within 60 s"),
        "{}",
        agent.log()
    );
    assert!(listed(&home).is_empty());
    wait_for_no_helper(&agent);
}

#[test]
fn an_agent_that_is_killed_leaves_no_helper_behind_even_one_that_hangs() {
    let home = Home::new();
    let soft = Soft::new(&home);
    let hanging = library(&home, &soft, HANG_INITIALIZE);
    let mut agent = soft.agent(&home, &["-P", "/*"]);
    let mut client = Client::connect(&home.socket());
    client.send(&crate::support::client::frame(&message(&hanging, PIN, &[])));
    wait_until("the helper hangs in the library", || {
        agent.log().contains("it says: a vendor's complaint")
    });
    let helpers = helpers(&agent);
    assert_eq!(helpers.len(), 1);
    agent.end_by("KILL");
    wait_until("the helper is gone", || {
        !Path::new(&format!("/proc/{}/exe", helpers[0])).exists()
    });
}

#[test]
fn a_pin_that_was_refused_for_a_signature_is_not_tried_again() {
    let home = Home::new();
    let soft = Soft::new(&home);
    let always = ["--key-type", "EC:prime256v1", "--always-auth", "--id", "01"];
    soft.make(&home, &always);
    let library = library(&home, &soft, REFUSE_PIN);
    let agent = soft.agent(&home, &["-P", "/*"]);
    let mut client = Client::connect(&home.socket());
    assert!(succeeds(&mut client, &message(&library, PIN, &[])));
    let keys = listed(&home);
    for reason in [
        "the token does not take its PIN any more",
        "there is none that fits",
    ] {
        for _ in 0..2 {
            assert_eq!(client.ask(&sign(&keys[0], b"data", 0)), Some(vec![5]));
        }
        assert!(agent.log().contains(reason), "{}", agent.log());
    }
    wait_until("the library's words in the log", || {
        agent.log().contains("a PIN refused")
    });
    assert_eq!(agent.log().matches("a PIN refused").count(), 1, "{}", agent.log());
}

#[test]
fn a_signature_over_other_data_is_not_given_out() {
    let home = Home::new();
    let soft = Soft::new(&home);
    let key = soft.import(&home, "ed25519", "01", &softhsm::quick());
    let library = library(&home, &soft, OTHER_DATA);
    let agent = soft.agent(&home, &["-P", "/*"]);
    let mut client = Client::connect(&home.socket());
    assert!(succeeds(&mut client, &message(&library, PIN, &[])));
    assert_eq!(client.ask(&sign(&key.blob, b"data", 0)), Some(vec![5]));
    assert!(
        agent.log().contains("the token's signature is wrong"),
        "{}",
        agent.log()
    );
    assert_eq!(listed(&home), [key.blob], "it may have been one bad moment");
}
