//! PKCS#11 tokens: SoftHSM's, through the real ssh-add, ssh and sshd, and libraries that go wrong.

mod softhsm;
mod terms;
mod wrong;

use crate::support::client::{LIST, sign};
use crate::support::{Client, Home, Key, Sshd, as_root, has_root, list, succeed, text};
use claviger::key;
use softhsm::{PIN, Soft, all_kinds, helpers, listed, wait_for_no_helper};
use std::fs;

#[test]
fn keys_of_every_kind_sign_and_log_in_until_their_library_is_let_go() {
    let home = Home::new();
    let soft = Soft::new(&home);
    let keys: Vec<_> = all_kinds()
        .into_iter()
        .enumerate()
        .map(|(number, (label, pkcs8))| soft.import(&home, label, &format!("0{number}"), &pkcs8))
        .collect();
    let agent = soft.agent(&home, &[]);
    succeed(&mut soft.add(&home, PIN));
    let mut expected: Vec<_> = keys.iter().map(|key| key.blob.clone()).collect();
    let mut found = listed(&home);
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
    assert_eq!(helpers(&agent).len(), 1);

    for key in &keys {
        succeed(home.command("ssh-add").arg("-T").arg(&key.public_file));
        let server_home = Home::new();
        let login = Key {
            path: key.public_file.with_extension(""),
            passphrase: String::new(),
        };
        let server = Sshd::start(&server_home, &[&login]);
        succeed(&mut server.login(&home, "true"));
    }
    for report in list(&home) {
        assert_eq!(report["source"], "pkcs11");
        assert_eq!(report["state"], "token");
        assert_eq!(
            report["path"],
            soft.library
                .canonicalize()
                .expect("a path")
                .to_str()
                .expect("UTF-8")
        );
        assert!(report["last_used"].is_string());
    }

    succeed(home.command("ssh-add").arg("-q").arg("-e").arg(&soft.library));
    assert!(listed(&home).is_empty());
    wait_for_no_helper(&agent);
    let again = home.command("ssh-add").arg("-e").arg(&soft.library).output();
    assert!(
        !again.expect("ssh-add").status.success(),
        "nothing is left to let go"
    );
}

#[test]
fn rsa_flags_choose_the_hash_and_any_data_is_signed() {
    let home = Home::new();
    let soft = Soft::new(&home);
    let rsa = soft.import(&home, "rsa", "01", &all_kinds().swap_remove(0).1);
    let edwards = soft.import(&home, "ed25519", "02", &softhsm::quick());
    let _agent = soft.agent(&home, &[]);
    succeed(&mut soft.add(&home, PIN));
    let mut client = Client::connect(&home.socket());
    let whole = vec![7; 200_000];
    for (blob, data, flags, name) in [
        (&rsa.blob, &b"data"[..], 2, "rsa-sha2-256"),
        (&rsa.blob, b"data", 4, "rsa-sha2-512"),
        (&rsa.blob, b"data", 0, "ssh-rsa"),
        (&rsa.blob, &whole, 6, "rsa-sha2-256"),
        (&rsa.blob, b"", 4, "rsa-sha2-512"),
        (&edwards.blob, &whole, 6, "ssh-ed25519"),
    ] {
        let answer = client.ask(&sign(blob, data, flags)).expect("an answer");
        assert_eq!(answer[0], 14, "flags {flags}");
        let signature = &answer[5..];
        assert_eq!(&signature[4..4 + name.len()], name.as_bytes());
        key::verify(blob, data, signature).expect("a signature that fits");
    }
}

#[test]
fn a_wrong_pin_adds_nothing_and_leaves_nothing_behind() {
    let home = Home::new();
    let soft = Soft::new(&home);
    soft.import(&home, "ed25519", "01", &softhsm::quick());
    let agent = soft.agent(&home, &[]);
    for pin in ["000000", ""] {
        let refused = soft.add(&home, pin).output().expect("ssh-add");
        assert!(!refused.status.success(), "{}", text(&refused));
    }
    assert!(agent.log().contains("the PIN is wrong"), "{}", agent.log());
    assert!(
        agent.log().contains("it wants a PIN and none was given"),
        "{}",
        agent.log()
    );
    assert!(!agent.log().contains("000000"), "a PIN is in the log");
    assert!(listed(&home).is_empty());
    wait_for_no_helper(&agent);
    succeed(&mut soft.add(&home, PIN));
    assert_eq!(listed(&home).len(), 1);
}

#[test]
fn a_key_that_wants_its_pin_at_each_use_gets_it() {
    let home = Home::new();
    let soft = Soft::new(&home);
    for (id, kind) in [("01", "EC:prime256v1"), ("02", "rsa:2048")] {
        soft.make(
            &home,
            &[
                "--key-type",
                kind,
                "--always-auth",
                "--id",
                id,
                "--label",
                "always",
            ],
        );
    }
    let agent = soft.agent(&home, &[]);
    succeed(&mut soft.add(&home, PIN));
    let keys = listed(&home);
    assert_eq!(keys.len(), 2);
    let mut client = Client::connect(&home.socket());
    for blob in keys.iter().chain(&keys) {
        let answer = client.ask(&sign(blob, b"data", 2)).expect("an answer");
        assert_eq!(answer[0], 14, "{}", agent.log());
        key::verify(blob, b"data", &answer[5..]).expect("a signature that fits");
    }
}

#[test]
fn a_key_whose_public_half_is_in_a_certificate_only_is_found() {
    let home = Home::new();
    let soft = Soft::new(&home);
    let keys: Vec<_> = all_kinds()
        .into_iter()
        .take(3)
        .enumerate()
        .map(|(number, (label, pkcs8))| {
            let id = format!("0{number}");
            let key = soft.import(&home, label, &id, &pkcs8);
            soft.only_certified(&home, &id);
            key.blob
        })
        .collect();
    // An authority's: nothing on the token signs for it.
    soft.certificate(&home, "77");
    let agent = soft.agent(&home, &[]);
    succeed(&mut soft.add(&home, PIN));
    let (mut found, mut expected) = (listed(&home), keys);
    found.sort();
    expected.sort();
    assert_eq!(found, expected, "{}", agent.log());
    let mut client = Client::connect(&home.socket());
    for blob in &expected {
        let answer = client.ask(&sign(blob, b"data", 2)).expect("an answer");
        key::verify(blob, b"data", &answer[5..]).expect("a signature that fits");
    }
}

#[test]
fn the_pin_is_in_no_argument_no_environment_and_no_log() {
    let home = Home::new();
    let soft = Soft::new(&home);
    soft.import(&home, "ed25519", "01", &softhsm::quick());
    let agent = soft.agent(&home, &[]);
    succeed(&mut soft.add(&home, PIN));
    let [helper] = &helpers(&agent)[..] else {
        panic!("one helper")
    };
    let arguments = fs::read(format!("/proc/{helper}/cmdline")).expect("its arguments");
    assert_eq!(arguments, b"claviger\0helper\0pkcs11\0");
    // The helper is hardened as the agent is, so that only root reads its environment.
    let mut read = as_root("cat");
    let environment = read.arg(format!("/proc/{helper}/environ")).output().expect("cat");
    assert!(
        !has_root() || environment.status.success(),
        "{}",
        text(&environment)
    );
    assert!(!text(&environment).contains(PIN));
    assert!(!agent.log().contains(PIN));
}

#[test]
fn tokens_whose_pin_differs_and_keys_without_id_are_passed_over() {
    let home = Home::new();
    let soft = Soft::new(&home);
    soft.add_token(&home, "other", "24681357");
    let key = soft.import(&home, "ed25519", "01", &softhsm::quick());
    soft.make(&home, &["--key-type", "EC:prime256v1", "--label", "nameless"]);
    let agent = soft.agent(&home, &[]);
    succeed(&mut soft.add(&home, PIN));
    assert_eq!(listed(&home), [key.blob]);
    let log = agent.log();
    assert!(
        log.contains("key \"nameless\" is passed over: it has no CKA_ID"),
        "{log}"
    );
    assert!(
        log.contains("token \"other\" is passed over: the PIN is wrong"),
        "{log}"
    );
}

#[test]
fn a_locked_agent_hides_a_tokens_keys() {
    let home = Home::new();
    let soft = Soft::new(&home);
    let key = soft.import(&home, "ed25519", "01", &softhsm::quick());
    let _agent = soft.agent(&home, &[]);
    succeed(&mut soft.add(&home, PIN));
    let mut client = Client::connect(&home.socket());
    let passphrase = crate::support::client::string(b"lock me");
    assert_eq!(client.ask(&[&[22], &passphrase[..]].concat()), Some(vec![6]));
    assert_eq!(client.ask(&LIST), Some(vec![12, 0, 0, 0, 0]));
    assert_eq!(client.ask(&sign(&key.blob, b"data", 0)), Some(vec![5]));
    assert!(!softhsm::succeeds(
        &mut client,
        &softhsm::message(&soft.library, PIN, &[])
    ));
    assert_eq!(client.ask(&[&[23], &passphrase[..]].concat()), Some(vec![6]));
    assert_eq!(
        client.ask(&sign(&key.blob, b"data", 0)).map(|answer| answer[0]),
        Some(14)
    );
}
