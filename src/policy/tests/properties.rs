//! What must hold for all ways and all restrictions, checked on random ones of few hosts and users.

use super::{KEY, NOW, binding, destination, is_key, login};
use crate::policy::Route;
use crate::wire::{Destination, Signed};
use proptest::prelude::*;

const HOSTS: [&str; 3] = ["a", "b", "c"];
const USERS: [&str; 3] = ["alice", "bob", ""];

/// (from, user, to): one that may be, `from` none being the agent's own host.
type Step = (Option<usize>, usize, usize);

fn written((from, user, to): Step) -> Destination {
    let from = from.map(|from| format!("{}>", HOSTS[from])).unwrap_or_default();
    let user = if USERS[user].is_empty() {
        String::new()
    } else {
        format!("{}@", USERS[user])
    };
    destination(&format!("{from}{user}{}", HOSTS[to]))
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec((prop::option::of(0..3_usize), 0..3_usize, 0..3_usize), 1..7)
}

/// Binds as a client may try them (session, host, forwarding), also such as are refused; none is one that fails.
fn tried() -> impl Strategy<Value = Route> {
    let one = prop::option::weighted(0.9, (0..5_usize, 0..3_usize, prop::bool::weighted(0.7)));
    prop::collection::vec(one, 0..5).prop_map(|binds| {
        let mut route = Route::default();
        for bind in binds {
            route.attempt();
            if let Some((session, host, forwarding)) = bind {
                let _ = route.bind(binding(session, HOSTS[host], forwarding));
            }
        }
        route
    })
}

/// Data that fits `route` in none, some or all of its fields.
fn asked(route: &Route, user: usize, session: usize, host: Option<usize>, form: usize) -> Signed<'_> {
    const SESSIONS: [&[u8]; 5] = [
        b"session 0",
        b"session 1",
        b"session 2",
        b"session 3",
        b"session 4",
    ];
    match form {
        0 => Signed::Other,
        1 => Signed::SshSig { namespace: b"git" },
        2 => Signed::UserAuth {
            session_id: SESSIONS[session],
            user: USERS[user].as_bytes(),
            algorithm: b"ssh-ed25519",
            key: KEY,
            host_key: host.map(|host| HOSTS[host].as_bytes()),
        },
        _ => login(route, USERS[user]),
    }
}

/// The rule in other words: each binding is a step of the list, and all but the last go on.
fn walks(route: &Route, steps: &[Step], user: Option<usize>) -> bool {
    let at = |hop: usize| {
        HOSTS
            .iter()
            .position(|host| host.as_bytes() == route.bindings()[hop].host.blob)
    };
    (0..route.bindings().len()).all(|hop| {
        let from = hop.checked_sub(1).and_then(at);
        let last = hop + 1 == route.bindings().len();
        steps.iter().any(|&(start, allowed, to)| {
            let user_fits = user.is_none_or(|user| !last || USERS[allowed].is_empty() || allowed == user);
            start == from && Some(to) == at(hop) && user_fits
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_hidden_key_never_signs(
        steps in steps(), route in tried(), user in 0..3_usize, session in 0..5_usize,
        host in prop::option::of(0..3_usize), form in 0..6_usize,
    ) {
        let destinations: Vec<_> = steps.into_iter().map(written).collect();
        let signed = asked(&route, user, session, host, form);
        if route.may_sign(&destinations, &signed, |_| true, NOW).is_ok() {
            prop_assert!(route.shows(&destinations, NOW));
        }
    }

    #[test]
    fn an_unrestricted_key_is_always_seen_and_always_signs(
        route in tried(), user in 0..3_usize, session in 0..5_usize,
        host in prop::option::of(0..3_usize), form in 0..6_usize,
    ) {
        let signed = asked(&route, user, session, host, form);
        prop_assert!(route.shows(&[], NOW));
        prop_assert!(route.may_sign(&[], &signed, |_| false, NOW).is_ok());
    }

    #[test]
    fn all_but_the_last_binding_go_on_and_each_session_is_there_once(route in tried()) {
        let bindings = route.bindings();
        prop_assert!(bindings.iter().rev().skip(1).all(|binding| binding.forwarding));
        for (at, one) in bindings.iter().enumerate() {
            prop_assert!(bindings[..at].iter().all(|other| other.session_id != one.session_id));
        }
    }

    #[test]
    fn another_destination_never_takes_something_away(
        steps in steps(), more in steps(), route in tried(), user in 0..3_usize,
    ) {
        let some: Vec<_> = steps.into_iter().map(written).collect();
        let all: Vec<_> = some.iter().cloned().chain(more.into_iter().map(written)).collect();
        let signed = login(&route, USERS[user]);
        prop_assert!(!route.shows(&some, NOW) || route.shows(&all, NOW));
        if route.may_sign(&some, &signed, is_key, NOW).is_ok() {
            prop_assert!(route.may_sign(&all, &signed, is_key, NOW).is_ok());
        }
    }

    #[test]
    fn both_answers_are_those_of_the_rule_in_other_words(
        steps in steps(), route in tried(), user in 0..3_usize,
    ) {
        let destinations: Vec<_> = steps.iter().copied().map(written).collect();
        let last = route.bindings().last();
        let signs = last.is_some_and(|last| !last.forwarding) && walks(&route, &steps, Some(user));
        let signed = login(&route, USERS[user]);
        prop_assert_eq!(route.may_sign(&destinations, &signed, is_key, NOW).is_ok(), signs);

        let goes_on = |host: &[u8]| steps.iter().any(|step| step.0.is_some_and(|from| HOSTS[from].as_bytes() == host));
        let seen = match last {
            None => !route.is_remote(),
            Some(last) => walks(&route, &steps, None) && (!last.forwarding || goes_on(&last.host.blob)),
        };
        prop_assert_eq!(route.shows(&destinations, NOW), seen);
    }
}
