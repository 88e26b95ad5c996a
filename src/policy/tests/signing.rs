//! What a restricted key, and a security key of a web site, may sign.

use super::{KEY, NOW, destinations, is_key, login, route};
use crate::policy::{Denied, WEBSAFE, websafe};
use crate::wire::Signed;

const GIT: Signed<'_> = Signed::SshSig { namespace: b"git" };

#[test]
fn a_restricted_key_signs_logins_only() {
    let (restricted, bound) = (destinations("a"), route("a"));
    for signed in [GIT, Signed::Other] {
        assert_eq!(
            bound.may_sign(&restricted, &signed, is_key, NOW),
            Err(Denied::NotLogin)
        );
        assert_eq!(
            bound.may_sign(&[], &signed, is_key, NOW),
            Ok(()),
            "without restriction"
        );
    }
}

#[test]
fn the_login_is_with_the_key_that_signs_or_a_certificate_over_it() {
    let (restricted, bound) = (destinations("a"), route("a"));
    let Signed::UserAuth {
        session_id,
        user,
        algorithm,
        host_key,
        ..
    } = login(&bound, "alice")
    else {
        panic!("a login")
    };
    for (named, expected) in [
        (KEY, Ok(())),
        (b"certificate", Ok(())),
        (b"another", Err(Denied::OtherKey)),
    ] {
        let signed = Signed::UserAuth {
            session_id,
            user,
            algorithm,
            key: named,
            host_key,
        };
        let over_the_key = |blob: &[u8]| [KEY, b"certificate"].contains(&blob);
        assert_eq!(bound.may_sign(&restricted, &signed, over_the_key, NOW), expected);
    }
}

/// The way bound, then the login's session id and host key, and what comes of it.
type Case<'a> = (&'a str, &'a [u8], Option<&'a [u8]>, Result<(), Denied>);

#[test]
fn the_login_is_to_the_session_and_host_that_were_bound_last() {
    let restricted = destinations("a a>b");
    let cases: [Case<'_>; 9] = [
        ("a", b"session 0", Some(b"a"), Ok(())),
        ("a", b"session 0", None, Ok(())),
        ("a", b"session 0", Some(b"b"), Err(Denied::OtherHostKey)),
        ("a", b"session 1", Some(b"a"), Err(Denied::OtherSession)),
        ("a", b"session", None, Err(Denied::OtherSession)),
        ("a+ b", b"session 1", Some(b"b"), Ok(())),
        ("a+ b", b"session 1", None, Err(Denied::NotHostBound)),
        ("a+ b", b"session 1", Some(b"a"), Err(Denied::OtherHostKey)),
        ("a+ b", b"session 0", Some(b"b"), Err(Denied::OtherSession)),
    ];
    for (way, session_id, host_key, expected) in cases {
        let signed = Signed::UserAuth {
            session_id,
            user: b"alice",
            algorithm: b"ssh-ed25519",
            key: KEY,
            host_key,
        };
        let answer = route(way).may_sign(&restricted, &signed, is_key, NOW);
        assert_eq!(answer, expected, "{way}, {session_id:?}, {host_key:?}");
    }
}

#[test]
fn an_empty_user_is_a_user() {
    let bound = route("a");
    for (allowed, expected) in [("a", Ok(())), ("*@a", Ok(())), ("?*@a", Err(Denied::User))] {
        let answer = bound.may_sign(&destinations(allowed), &login(&bound, ""), is_key, NOW);
        assert_eq!(answer, expected, "{allowed}");
    }
}

#[test]
fn a_web_sites_key_signs_logins_and_files_only() {
    let bound = route("a");
    let own = login(&bound, "alice");
    let others = |_: &[u8]| false;
    for (application, patterns, free) in [
        ("ssh:", WEBSAFE, true),
        ("ssh:work", WEBSAFE, true),
        ("https://example.com", WEBSAFE, false),
        ("https://example.com", "ssh:*,https://example.com", true),
        ("ssh:bank", "ssh:*,!ssh:bank", false),
        ("ssh:", "", false),
    ] {
        let application = application.as_bytes();
        assert!(websafe(application, patterns, &own, is_key));
        assert!(websafe(application, patterns, &GIT, is_key));
        assert_eq!(
            websafe(application, patterns, &Signed::Other, is_key),
            free,
            "{application:?}"
        );
        assert_eq!(
            websafe(application, patterns, &own, others),
            free,
            "another key's login"
        );
    }
}
