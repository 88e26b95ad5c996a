//! Other agents that are strange, dead, silent or lying: our own keys are listed and sign whatever they do.

use crate::support::client::{LIST, sign, string};
use crate::support::others::{MadeUp, OpenSsh, Reply, identities, reply};
use crate::support::{Agent, Client, Home, Key, KeyKind, list, status, succeed, wait_until};
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A home with one own key, whose agent has "other" behind it.
fn home() -> (Home, Key) {
    let home = Home::new();
    let other = home.path("other");
    home.configure(&format!("[[upstream]]\nsocket = \"{}\"\n", other.display()));
    let key = Key::make_with(&home, "own", KeyKind::Quick, "");
    (home, key)
}

/// The number of keys in an answer to a list.
fn count(answer: &[u8]) -> u32 {
    let body = answer.strip_prefix(&[12]).expect("a list");
    u32::from_be_bytes(*body.first_chunk().expect("a count"))
}

/// Our own key is listed, alone, and signs; and the connection lives on.
fn only_our_own(agent: &Agent, key: &Key) {
    let mut client = Client::connect(agent.socket());
    for _ in 0..2 {
        assert_eq!(count(&client.ask(&LIST).expect("a list")), 1);
        assert_eq!(client.ask(&sign(&key.blob(), b"data", 0)).expect("signed")[0], 14);
        assert_eq!(client.ask(&sign(b"no such key", b"data", 0)).expect("no"), [5]);
    }
}

fn detail(home: &Home) -> String {
    let status = status(home);
    assert_eq!(status["upstreams"][0]["reachable"], false);
    status["upstreams"][0]["detail"].to_string()
}

#[test]
fn key_types_that_nobody_knows_are_passed_through() {
    let (home, own) = home();
    let strange = [string(b"sk-future@example.org"), string(&[0xff; 40])].concat();
    let listed = identities(&[(&strange, b"from the\xff future")]);
    // What another implementation would not take for a signature either.
    let signature = [&[14][..], &string(&[0xfe; 99])].concat();
    let answered = signature.clone();
    let other = MadeUp::start(&home, "other", move |request| match request[0] {
        11 => reply(&listed),
        13 => reply(&answered),
        _ => reply(&[5]),
    });
    let agent = Agent::start(&home);
    let mut client = Client::connect(agent.socket());
    let answer = client.ask(&LIST).expect("a list");
    assert_eq!(count(&answer), 2);
    let end = [string(&strange), string(b"from the\xff future")].concat();
    assert!(answer.ends_with(&end), "{answer:?}");
    // Bytes behind the request go along.
    let request = [&sign(&strange, b"data", 0xdead_beef)[..], b"and more"].concat();
    assert_eq!(client.ask(&request), Some(signature));
    assert_eq!(other.heard().concat(), [LIST.to_vec(), request]);

    let reported = &list(&home)[1];
    assert_eq!(
        (&reported["type"], &reported["bits"]),
        (&"sk-future@example.org".into(), &0.into())
    );
    assert!(
        reported["fingerprint"]
            .as_str()
            .expect("text")
            .starts_with("SHA256:")
    );
    let shown = succeed(home.command("ssh-add").arg("-l"));
    assert!(
        shown.contains(&own.fingerprint(&home)),
        "ssh-add skips what it does not know: {shown}"
    );
}

#[test]
fn what_would_cost_a_client_its_whole_list_is_left_out() {
    let (home, own) = home();
    let damaged = [string(b"ssh-ed25519"), string(&[1; 31])].concat();
    let good = Key::make_with(&home, "good", KeyKind::Quick, "").moved(&home, "elsewhere");
    let good_blob = good.blob();
    let listed = identities(&[(&damaged, b"damaged"), (b"", b""), (&good_blob, b"a\0b")]);
    let _other = MadeUp::start(&home, "other", move |_| reply(&listed));
    let _agent = Agent::start(&home);
    let shown = succeed(home.command("ssh-add").arg("-l"));
    let fingerprints: Vec<_> = shown.lines().filter_map(|line| line.split(' ').nth(1)).collect();
    assert_eq!(
        fingerprints,
        [own.fingerprint(&home), good.fingerprint(&home)],
        "{shown}"
    );
}

#[test]
fn a_dead_one_is_done_without_and_used_when_it_is_back() {
    let (home, own) = home();
    let agent = Agent::start(&home);
    only_our_own(&agent, &own);
    assert!(detail(&home).contains("not reachable"));
    drop(UnixListener::bind(home.path("other")).expect("a socket"));
    only_our_own(&agent, &own);
    std::fs::remove_file(home.path("other")).expect("removed");

    let key = Key::make_with(&home, "key", KeyKind::Quick, "").moved(&home, "elsewhere");
    let mut client = Client::connect(agent.socket());
    for _ in 0..2 {
        let other = OpenSsh::start(&home, "other");
        succeed(&mut other.ssh_add(&home, &["-q", key.arg()]));
        // The same client, whose connection to the one before is gone.
        assert_eq!(client.ask(&sign(&key.blob(), b"data", 0)).expect("signed")[0], 14);
        assert_eq!(count(&client.ask(&LIST).expect("a list")), 2);
        drop(other);
        assert_eq!(client.ask(&sign(&key.blob(), b"data", 0)).expect("no"), [5]);
        assert_eq!(count(&client.ask(&LIST).expect("a list")), 1);
        std::fs::remove_file(home.path("other")).expect("removed");
    }
}

#[test]
fn a_silent_one_is_waited_for_by_one_list_and_by_no_other_until_it_answers() {
    let (home, own) = home();
    let silent = Arc::new(AtomicBool::new(true));
    let speaks = silent.clone();
    let key = Key::make_with(&home, "key", KeyKind::Quick, "").moved(&home, "elsewhere");
    let listed = identities(&[(&key.blob(), b"theirs")]);
    let other = MadeUp::start(&home, "other", move |_| {
        wait_until("it may speak", || !speaks.load(Ordering::SeqCst));
        reply(&listed)
    });
    let agent = Agent::start(&home);
    only_our_own(&agent, &own);
    for _ in 0..100 {
        only_our_own(&agent, &own);
    }
    assert_eq!(other.heard().len(), 1, "one connection, for the list that waited");
    assert!(detail(&home).contains("does not answer"));
    silent.store(false, Ordering::SeqCst);
    wait_until("it is trusted again", || {
        let mut client = Client::connect(agent.socket());
        count(&client.ask(&LIST).expect("a list")) == 2
    });
    assert_eq!(status(&home)["upstreams"][0]["reachable"], true);
}

#[test]
fn one_that_lies_is_done_without() {
    let good = string(&identities(&[(
        &[string(b"x"), string(b"y")].concat(),
        b"theirs",
    )]));
    let mut lies = vec![
        vec![0; 4],
        u32::MAX.to_be_bytes().to_vec(),
        (256 * 1024 + 1_u32).to_be_bytes().to_vec(),
        string(&[6]),
        string(&[14, 0, 0, 0, 0]),
        string(&[12]),
        string(&[12, 0, 0, 8, 1]),
        string(&[&good[4..], b"junk"].concat()),
        // More than was asked for.
        [good.clone(), good.clone()].concat(),
        b"SSH-2.0-not-an-agent\r\n".to_vec(),
    ];
    // The count of keys, the length of the blob, that of the comment.
    for at in [5, 9, 23] {
        for length in [0, 2, 1 << 31, u32::MAX] {
            let mut lie = good.clone();
            lie[at..at + 4].copy_from_slice(&u32::to_be_bytes(length));
            lies.push(lie);
        }
    }
    let (home, own) = home();
    let current = Arc::new(std::sync::Mutex::new(Vec::new()));
    let told = current.clone();
    let _other = MadeUp::start(&home, "other", move |_| {
        Reply::Last(told.lock().expect("the lie").clone())
    });
    let agent = Agent::start(&home);
    for lie in lies {
        *current.lock().expect("the lie") = lie;
        only_our_own(&agent, &own);
    }
    for cut in 0..good.len() {
        *current.lock().expect("the lie") = good[..cut].to_vec();
        only_our_own(&agent, &own);
    }
    assert!(detail(&home).contains("broke"));
}

#[test]
fn one_that_dies_while_it_signs_costs_this_signature_only() {
    let (home, own) = home();
    let key = Key::make_with(&home, "key", KeyKind::Quick, "").moved(&home, "elsewhere");
    let listed = identities(&[(&key.blob(), b"theirs")]);
    for death in [vec![], vec![0, 0], string(&[14, 0, 0, 0, 9, 1]), string(&[6])] {
        let _ = std::fs::remove_file(home.path("other"));
        let listed = listed.clone();
        let _other = MadeUp::start(&home, "other", move |request| match request[0] {
            11 => reply(&listed),
            _ => Reply::Last(death.clone()),
        });
        let mut agent = Agent::start(&home);
        let mut client = Client::connect(agent.socket());
        assert_eq!(count(&client.ask(&LIST).expect("a list")), 2);
        assert_eq!(client.ask(&sign(&key.blob(), b"data", 0)).expect("no"), [5]);
        assert_eq!(client.ask(&sign(&own.blob(), b"data", 0)).expect("ours")[0], 14);
        assert_eq!(count(&client.ask(&LIST).expect("a list")), 2);
        agent.end_by("TERM");
    }
}
