//! The rules of destinations beside OpenSSH's own agent: whatever the restriction and the connection's way, both
//! must take the same binds, show the same keys, and sign the same logins.
#![cfg(unix)]
#![expect(clippy::expect_used, reason = "a comparison fails by panicking")]

mod agent;
mod hosts;

use agent::{Agent, strings};
use claviger::policy::{Binding, Route};
use claviger::wire::{self, Subject};
use hosts::World;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::cell::Cell;
use std::time::{SystemTime, UNIX_EPOCH};

/// A key of a host that a restriction names: a server's (0 and 1 have plain keys), or the authority's for `None`; and
/// whether it is listed as an authority's.
type Listed = (Option<usize>, bool);

/// Hosts that a restriction may name.
const NAMED: [(&str, &[Listed]); 5] = [
    ("a.example", &[(Some(0), false)]),
    ("b.example", &[(Some(1), false), (None, true)]),
    ("c.example", &[(None, true)]),
    ("wrong.example", &[(Some(0), true), (None, false)]),
    ("both.example", &[(Some(0), false), (Some(1), false)]),
];
const USERS: [&str; 4] = ["", "alice", "b*", "?ob"];
const LOGINS: [&str; 3] = ["alice", "bob", ""];

#[derive(Clone, Debug)]
struct Case {
    /// From (none: the agent's own host), pattern of the user, to.
    steps: Vec<(Option<usize>, usize, usize)>,
    /// Session, server, forwarding.
    binds: Vec<(usize, usize, bool)>,
    /// User, and what differs from the last binding: session, host key (given or none).
    login: (usize, Option<usize>, Option<Option<usize>>),
}

/// Cases of which a fair part ends in a login that is allowed: mostly plain keys, new sessions and any user, and a
/// way that goes on until its end.
fn cases() -> impl Strategy<Value = Case> {
    let servers = 0..9_usize;
    let server = prop_oneof![3 => 0..2_usize, 1 => servers.clone()];
    let named = || prop_oneof![3 => 0..2_usize, 1 => 0..5_usize];
    let pattern = prop_oneof![2 => Just(0_usize), 1 => 0..4_usize];
    let step = (prop::option::weighted(0.5, named()), pattern, named());
    let bind = (
        prop::option::weighted(0.1, 0..4_usize),
        server,
        prop::bool::weighted(0.9),
    );
    let binds = (prop::collection::vec(bind, 0..4), prop::bool::weighted(0.7));
    let other_host = prop::option::weighted(0.2, prop::option::of(servers));
    let login = (0..3_usize, prop::option::weighted(0.1, 0..4_usize), other_host);
    (prop::collection::vec(step, 0..12), binds, login).prop_map(|(steps, (binds, ends), login)| {
        let last = binds.len().saturating_sub(1);
        let binds = binds
            .into_iter()
            .enumerate()
            .map(|(at, (session, server, forwarding))| {
                (session.unwrap_or(at), server, forwarding && !(ends && at == last))
            });
        Case {
            steps,
            binds: binds.collect(),
            login,
        }
    })
}

fn session(number: usize) -> Vec<u8> {
    format!("session id, the exchange hash {number}").into_bytes()
}

/// The constraint of a case, as ssh-add writes it.
fn constraint(world: &World, case: &Case) -> Vec<u8> {
    let hop = |user: &str, named: Option<usize>| {
        let (host, keys) = named.map_or(("", &[][..]), |named| NAMED[named]);
        let mut hop = strings(&[user.as_bytes(), host.as_bytes(), b""]);
        for &(server, is_ca) in keys {
            let blob = server.map_or(&world.ca, |server| &world.servers[server].host.blob);
            hop.extend(strings(&[blob]));
            hop.push(u8::from(is_ca));
        }
        hop
    };
    let list: Vec<Vec<u8>> = case
        .steps
        .iter()
        .map(|&(from, user, to)| strings(&[&strings(&[&hop("", from), &hop(USERS[user], Some(to)), b""])]))
        .collect();
    let name = &b"restrict-destination-v00@openssh.com"[..];
    [&[255], &strings(&[name, &list.concat()])[..]].concat()
}

fn login(world: &World, case: &Case, route: &Route, key: &[u8]) -> Vec<u8> {
    let (user, other_session, other_host) = case.login;
    let last = route.bindings().last();
    let session_id = match (other_session, last) {
        (None, Some(last)) => last.session_id.clone(),
        (other, _) => session(other.unwrap_or_default()),
    };
    let host_key = match other_host {
        Some(other) => other.map(|server| &world.servers[server].host.blob),
        None => last.map(|last| &last.host.blob),
    };
    let method: &[u8] = match host_key {
        Some(_) => b"publickey-hostbound-v00@openssh.com",
        None => b"publickey",
    };
    let user = LOGINS[user].as_bytes();
    [
        strings(&[&session_id]),
        vec![50],
        strings(&[user, b"ssh-connection", method]),
        vec![1],
        strings(&[b"ssh-ed25519", key]),
        host_key.map(|blob| strings(&[blob])).unwrap_or_default(),
    ]
    .concat()
}

/// Plays a case with both agents; true if the key signed.
fn compare(world: &World, agent: &Agent, private: &[u8], key: &[u8], case: &Case) -> bool {
    let constraint = constraint(world, case);
    let read = wire::constraints(&constraint, Subject::Key).expect("what ssh-add writes");
    let destinations = read.destinations;
    assert_eq!(destinations.len(), case.steps.len());
    let mut local = agent.connect();
    assert!(local.does(19, &[]));
    assert!(local.does(25, &[private, &constraint].concat()));

    let (mut connection, mut route) = (agent.connect(), Route::default());
    for &(number, server, forwarding) in &case.binds {
        let (server, session_id) = (&world.servers[server], session(number));
        let signature = server.signature(&session_id);
        let mut body = strings(&[
            b"session-bind@openssh.com",
            &server.host.blob,
            &session_id,
            &signature,
        ]);
        body.push(u8::from(forwarding));
        route.attempt();
        let host = server.host.clone();
        let bound = route.bind(Binding {
            host,
            session_id,
            forwarding,
        });
        assert_eq!(connection.does(27, &body), bound.is_ok(), "{bound:?} of {case:?}");
    }

    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs();
    let shown = connection.ask(11, &[])[..5] == [12, 0, 0, 0, 1];
    assert_eq!(shown, route.shows(&destinations, now), "seen? {case:?}");
    let data = login(world, case, &route, key);
    let request = [&strings(&[key, &data])[..], &[0; 4]].concat();
    let answer = route.may_sign(&destinations, &wire::signed(&data), |blob| blob == key, now);
    assert_eq!(
        connection.does(13, &request),
        answer.is_ok(),
        "{answer:?} of {case:?}"
    );
    assert_eq!(connection.does(18, &strings(&[key])), shown, "removed? {case:?}");
    answer.is_ok() && !destinations.is_empty()
}

#[test]
fn openssh_gives_the_same_answers() {
    let home = tempfile::tempdir().expect("a directory");
    let world = World::new(home.path());
    let (seed, key) = hosts::key(home.path(), "user");
    let public = &key[key.len() - 32..];
    let secret = [&seed, public].concat();
    let private = strings(&[b"ssh-ed25519", public, &secret, b"comment"]);
    let agent = Agent::start(home.path());

    let signed = Cell::new(0);
    let mut runner = TestRunner::new(Config {
        cases: 300,
        failure_persistence: None,
        ..Config::default()
    });
    runner
        .run(&cases(), |case| {
            signed.set(signed.get() + usize::from(compare(&world, &agent, &private, &key, &case)));
            Ok(())
        })
        .expect("the same answers");
    let signed = signed.get();
    assert!(
        signed > 9,
        "a restricted key signed in only {signed} cases: they show too little"
    );
}
