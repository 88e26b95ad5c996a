//! Binding: what may follow what, and what a refused bind leaves behind.

use super::{NOW, binding, destinations, route};
use crate::policy::{BindRefused, MAX_BINDINGS, Route};

#[test]
fn nothing_follows_a_login() {
    let mut bound = route("a+ b");
    for next in [
        binding(2, "c", true),
        binding(2, "c", false),
        binding(1, "b", false),
    ] {
        assert_eq!(bound.bind(next), Err(BindRefused::AfterLogin));
    }
    assert_eq!(bound.bindings().len(), 2);
}

#[test]
fn the_same_bind_again_is_fine_and_changes_nothing() {
    let mut bound = route("a+ b+");
    for forwarding in [true, false] {
        assert_eq!(bound.bind(binding(0, "a", forwarding)), Ok(()));
        assert_eq!(bound.bind(binding(1, "b", forwarding)), Ok(()));
    }
    assert_eq!(bound.bindings(), route("a+ b+").bindings());
    assert_eq!(
        route("a+ b").bind(binding(0, "a", true)),
        Ok(()),
        "the session is found before the login behind it"
    );
}

#[test]
fn a_session_has_one_host_and_a_host_has_many_sessions() {
    let mut bound = route("a+ b+");
    assert_eq!(bound.bind(binding(0, "c", true)), Err(BindRefused::OtherHostKey));
    assert_eq!(bound.bind(binding(1, "a", false)), Err(BindRefused::OtherHostKey));
    assert_eq!(bound.bind(binding(2, "a", true)), Ok(()));
    assert_eq!(bound.bindings().len(), 3);
}

#[test]
fn takes_so_many_bindings_and_no_more() {
    let mut bound = Route::default();
    for hop in 0..MAX_BINDINGS {
        assert_eq!(bound.bind(binding(hop, "a", true)), Ok(()));
    }
    assert_eq!(
        bound.bind(binding(MAX_BINDINGS, "a", true)),
        Err(BindRefused::TooMany)
    );
    assert_eq!(bound.bind(binding(3, "a", true)), Ok(()), "known already");
    assert_eq!(bound.bindings().len(), MAX_BINDINGS);
}

#[test]
fn who_tried_to_bind_is_remote_whatever_came_of_it() {
    let restricted = destinations("a");
    assert!(!Route::default().is_remote());
    assert!(Route::default().shows(&restricted, NOW));
    for way in ["!", "a", "a+"] {
        assert!(route(way).is_remote(), "{way}");
    }
    let mut bound = Route::default();
    bound.bind(binding(0, "a", false)).unwrap();
    assert!(bound.is_remote(), "also when nobody announced the attempt");
    assert!(!route("!").shows(&restricted, NOW));
    assert!(
        route("! a").shows(&restricted, NOW),
        "a later bind tells what the first did not"
    );
}
