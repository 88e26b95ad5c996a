//! Which host key is at which hop: plain keys, authorities, and everything that can be wrong with a certificate.

use super::{NOW, is_key, login};
use crate::policy::{Binding, Denied, HostCertificate, HostKey, Route};
use crate::wire::{Destination, Hop};

const CA: &[u8] = b"the authority";

fn good() -> HostCertificate {
    HostCertificate {
        ca: CA.to_vec(),
        principals: vec![b"other.example".to_vec(), b"host.example".to_vec()],
        is_host: true,
        valid_after: NOW - 100,
        valid_before: NOW + 100,
        has_critical_options: false,
        signed_with_allowed_algorithm: true,
    }
}

/// Binds a login to a host with this certificate (or none) and asks for a key that may go to a host with `keys`.
fn allowed(certificate: Option<HostCertificate>, keys: &[(&[u8], bool)], now: u64) -> bool {
    let mut route = Route::default();
    let host = HostKey {
        blob: b"blob".to_vec(),
        certificate,
    };
    let binding = Binding {
        host,
        session_id: b"session".to_vec(),
        forwarding: false,
    };
    route.bind(binding).unwrap();
    let to = Hop {
        user: Vec::new(),
        host: b"host.example".to_vec(),
        keys: keys.iter().map(|(blob, is_ca)| (blob.to_vec(), *is_ca)).collect(),
    };
    let destinations = [Destination {
        from: Hop::default(),
        to,
    }];
    let seen = route.shows(&destinations, now);
    let signs = route.may_sign(&destinations, &login(&route, "alice"), is_key, now);
    assert_eq!(signs, if seen { Ok(()) } else { Err(Denied::Hop { hop: 0 }) });
    seen
}

#[test]
fn a_plain_key_and_an_authority_do_not_count_for_each_other() {
    let plain = (&b"blob"[..], false);
    assert!(allowed(None, &[plain], NOW));
    assert!(allowed(None, &[(b"another", false), (CA, true), plain], NOW));
    assert!(!allowed(None, &[(b"another", false)], NOW));
    assert!(
        !allowed(None, &[(b"blob", true)], NOW),
        "a host that has an authority's key"
    );
    assert!(
        !allowed(Some(good()), &[plain], NOW),
        "a certificate listed as a plain key"
    );
    assert!(
        !allowed(Some(good()), &[(CA, false)], NOW),
        "an authority listed as a plain key"
    );
    assert!(allowed(Some(good()), &[plain, (CA, true)], NOW));
}

#[test]
fn a_certificate_must_be_right_in_everything() {
    type Spoil = fn(&mut HostCertificate);
    let cases: [(&str, Spoil, bool); 11] = [
        ("nothing wrong", |_| {}, true),
        ("another authority", |c| c.ca = b"another".to_vec(), false),
        ("a user's", |c| c.is_host = false, false),
        ("critical options", |c| c.has_critical_options = true, false),
        ("SHA-1", |c| c.signed_with_allowed_algorithm = false, false),
        ("no principal", |c| c.principals.clear(), false),
        (
            "another principal",
            |c| c.principals = vec![b"host".to_vec()],
            false,
        ),
        (
            "upper case",
            |c| c.principals = vec![b"HOST.example".to_vec()],
            false,
        ),
        ("a pattern", |c| c.principals = vec![b"h??t.*".to_vec()], true),
        (
            "another pattern",
            |c| c.principals = vec![b"*.example.net".to_vec()],
            false,
        ),
        (
            "valid forever",
            |c| (c.valid_after, c.valid_before) = (0, u64::MAX),
            true,
        ),
    ];
    for (name, spoil, expected) in cases {
        let mut certificate = good();
        spoil(&mut certificate);
        assert_eq!(allowed(Some(certificate), &[(CA, true)], NOW), expected, "{name}");
    }
}

#[test]
fn a_certificate_is_valid_from_its_first_second_to_before_its_last() {
    for (now, expected) in [
        (NOW - 101, false),
        (NOW - 100, true),
        (NOW + 99, true),
        (NOW + 100, false),
    ] {
        assert_eq!(allowed(Some(good()), &[(CA, true)], now), expected, "{now}");
    }
}

#[test]
fn a_hop_may_start_at_a_host_with_a_certificate() {
    let gate = HostKey {
        blob: b"gate".to_vec(),
        certificate: Some(good()),
    };
    let mut route = Route::default();
    let forwarded = Binding {
        host: gate,
        session_id: b"first".to_vec(),
        forwarding: true,
    };
    route.bind(forwarded).unwrap();
    let named = |is_ca| Hop {
        user: Vec::new(),
        host: b"host.example".to_vec(),
        keys: vec![(CA.to_vec(), is_ca)],
    };
    for (is_ca, seen) in [(true, true), (false, false)] {
        let destinations = [
            Destination {
                from: Hop::default(),
                to: named(true),
            },
            Destination {
                from: named(is_ca),
                to: named(true),
            },
        ];
        assert_eq!(route.shows(&destinations, NOW), seen);
    }
}
