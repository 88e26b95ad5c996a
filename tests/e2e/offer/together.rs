//! Many logins at once, lists asked for twice, and a person who changes their mind.

use super::{STRICT, fingerprints, keys, learns, learnt, login, logins, offered, with};
use crate::support::client::sign;
use crate::support::server::{HostKey, listed, login_data};
use crate::support::{Agent, Client, Home, Key, KeyKind, Person, Sshd, text};
use std::process::Output;

const SESSION: &[u8] = b"the session of this test";

/// Twenty logins, none of which waits for another.
fn twenty(home: &Home, sshd: &Sshd) -> Vec<Output> {
    let running: Vec<_> = (0..20)
        .map(|_| {
            let mut command = with(home, sshd, &["-v"]);
            command
                .stdout(std::process::Stdio::piped())
                .stderr(std::process::Stdio::piped());
            command.spawn().expect("ssh")
        })
        .collect();
    let ended = running
        .into_iter()
        .map(|child| child.wait_with_output().expect("its end"));
    ended.collect()
}

#[test]
fn twenty_logins_at_once() {
    let (home, server) = (Home::new(), Home::new());
    let keys = keys(&home, 12);
    let sshd = Sshd::saying(&server, &[&keys[11]], STRICT);
    let _agent = Agent::start(&home);
    for ran in twenty(&home, &sshd) {
        assert!(
            !text(&ran).contains("Too many authentication failures"),
            "{}",
            text(&ran)
        );
    }
    assert!(
        logins(&home, &sshd, 3) <= 3,
        "however they were shown, all keys are within three logins"
    );
    for ran in twenty(&home, &sshd) {
        assert!(ran.status.success(), "{}", text(&ran));
        assert_eq!(offered(&ran), [keys[11].fingerprint(&home)]);
    }
    crate::support::wait_until("each is counted", || {
        learnt(&home)[0]["times"].as_u64() >= Some(21)
    });
}

#[test]
fn a_list_that_is_asked_for_twice_is_one_offer() {
    let home = Home::new();
    let keys = keys(&home, 12);
    let host = HostKey::new(1);
    let agent = Agent::start(&home);
    let bound = || {
        let mut client = Client::connect(agent.socket());
        assert_eq!(client.ask(&host.bind(SESSION, false)), Some(vec![6]));
        client
    };
    let blobs = |range: std::ops::Range<usize>| keys[range].iter().map(Key::blob).collect::<Vec<_>>();
    let mut client = bound();
    assert_eq!(listed(&mut client), blobs(0..5));
    assert_eq!(
        listed(&mut client),
        blobs(0..5),
        "a connection that asks again is still the same login"
    );
    drop(client);
    crate::support::wait_until("its end is noticed", || listed(&mut bound())[0] != keys[0].blob());
    // The key of the second list is taken, which answers both.
    let mut client = bound();
    let shown = listed(&mut client);
    assert_eq!(listed(&mut client), shown);
    let data = login_data(SESSION, "me", &shown[2]);
    assert_eq!(client.ask(&sign(&shown[2], &data, 0)).expect("an answer")[0], 14);
    let again = listed(&mut client);
    assert_eq!(again[0], shown[2], "it is the first from now on");
    drop(client);
    assert_eq!(listed(&mut bound())[0], shown[2]);
    learns(&home, 1);
}

#[test]
fn a_login_that_is_cancelled_at_the_passphrase_is_no_refusal() {
    let (home, server) = (Home::new(), Home::new());
    let mut keys = keys(&home, 2);
    keys.push(Key::make(&home, "key_03", KeyKind::Quick));
    let more = (4..=12).map(|number| Key::make_with(&home, &format!("key_{number:02}"), KeyKind::Quick, ""));
    keys.extend(more);
    let sshd = Sshd::saying(&server, &[&keys[2]], STRICT);
    let person = Person::new(&home);
    let _agent = Agent::start_with(&home, &person);
    let of = fingerprints(&home, &keys);
    for _ in 0..4 {
        let ran = with(&home, &sshd, &["-v"]).output().expect("ssh");
        assert!(!ran.status.success());
        assert_eq!(
            offered(&ran),
            of[..5],
            "the server took it, so it stays where it is"
        );
    }
    assert!(learnt(&home).is_empty());
    let _person = person.knows("key_03", &keys[2].passphrase);
    assert!(login(&home, &sshd).status.success());
    let ran = with(&home, &sshd, &["-v"]).output().expect("ssh");
    assert_eq!(offered(&ran), [of[2].clone()]);
}
