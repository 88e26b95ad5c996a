//! Which keys are seen, and which sign, on which way: for each set of destinations, routes with both answers.

use super::{NOW, destinations, is_key, login, route};
use crate::policy::Denied;

const SIGNS: Result<(), Denied> = Ok(());
const UNBOUND: Result<(), Denied> = Err(Denied::Unbound);
const FAILED: Result<(), Denied> = Err(Denied::BindFailed);
const FORWARDING: Result<(), Denied> = Err(Denied::Forwarding);
const USER: Result<(), Denied> = Err(Denied::User);

const fn stops(hop: usize) -> Result<(), Denied> {
    Err(Denied::Hop { hop })
}

/// Seen?, and what comes of alice's login at the end of the route.
type Case<'a> = (&'a str, &'a str, bool, Result<(), Denied>);

fn check(cases: &[Case<'_>]) {
    for &(allowed, way, seen, signs) in cases {
        let (allowed_there, route) = (destinations(allowed), route(way));
        assert_eq!(
            route.shows(&allowed_there, NOW),
            seen,
            "[{allowed}] on [{way}]: seen"
        );
        let signed = login(&route, "alice");
        let answer = route.may_sign(&allowed_there, &signed, is_key, NOW);
        assert_eq!(answer, signs, "[{allowed}] on [{way}]: signs");
    }
}

#[test]
fn without_restriction_everything_is_allowed_everywhere() {
    check(&[
        ("", "", true, SIGNS),
        ("", "!", true, SIGNS),
        ("", "a", true, SIGNS),
        ("", "a+ b+ c", true, SIGNS),
        ("", "a+", true, SIGNS),
    ]);
}

#[test]
fn one_host() {
    check(&[
        ("a", "", true, UNBOUND),
        ("a", "!", false, FAILED),
        ("a", "a", true, SIGNS),
        ("a", "b", false, stops(0)),
        ("a", "b+ a", false, stops(0)),
        ("a", "a+ b", false, stops(1)),
        ("a b", "b", true, SIGNS),
        ("a b", "a+ b", false, stops(1)),
        ("a>b", "b", false, stops(0)),
    ]);
}

#[test]
fn a_key_for_a_host_is_hidden_from_it_unless_it_goes_on_from_there() {
    check(&[
        ("a", "a+", false, FORWARDING),
        ("a a>b", "a+", true, FORWARDING),
        ("a a>b", "a+ b+", false, FORWARDING),
        ("a a>b b>c", "a+ b+", true, FORWARDING),
        ("a b>c", "a+", false, FORWARDING),
        ("a>b", "a+", false, FORWARDING),
    ]);
}

#[test]
fn several_hops() {
    let all = "a a>b b>c c>d d>e";
    check(&[
        (all, "a", true, SIGNS),
        (all, "a+ b", true, SIGNS),
        (all, "a+ b+ c+ d+ e", true, SIGNS),
        (all, "a+ b+ c+ d+", true, FORWARDING),
        (all, "a+ b+ c+ d+ e+", false, FORWARDING),
        (all, "b", false, stops(0)),
        (all, "a+ c", false, stops(1)),
        (all, "a+ b+ d+ e", false, stops(2)),
        (all, "a+ b+ c+ e", false, stops(3)),
        (all, "b+ c", false, stops(0)),
        ("a>b", "a+ b", false, stops(0)),
        ("b b>c", "a+ b", false, stops(0)),
    ]);
}

#[test]
fn cycles() {
    check(&[
        ("a a>b b>a", "a+ b+ a", true, SIGNS),
        ("a a>b b>a", "a+ b+ a+ b", true, SIGNS),
        ("a a>b b>a", "a+ b+ a+", true, FORWARDING),
        ("a a>b b>a", "a+ a", false, stops(1)),
        ("a a>b b>a", "b+ a", false, stops(0)),
        ("a a>a", "a+ a+ a", true, SIGNS),
        ("a>a", "a+ a", false, stops(0)),
    ]);
}

#[test]
fn users_count_at_the_last_host_and_only_for_a_login() {
    check(&[
        ("alice@a", "a", true, SIGNS),
        ("bob@a", "a", true, USER),
        ("bob@a al*@a", "a", true, SIGNS),
        ("al?ce@a", "a", true, SIGNS),
        ("!bob@a", "a", true, USER),
        ("bob@a a>b", "a+ b", true, SIGNS),
        ("alice@a a>bob@b", "a+ b", true, USER),
        ("alice@a a>bob@b", "a+ b+", false, FORWARDING),
        ("bob@a a>bob@b", "a+", true, FORWARDING),
        ("alice@a bob@b", "b", true, USER),
    ]);
}
