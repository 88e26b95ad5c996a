//! Requests: as another implementation writes them, unknown, with bytes behind, and at random.

use super::{KEY, message};
use crate::wire::{Request, request};
use proptest::prelude::*;
use ssh_agent_lib::proto::{self, RemoveIdentity, SignRequest, SmartcardKey};
use ssh_agent_lib::ssh_encoding::Encode as _;
use ssh_agent_lib::ssh_key::PublicKey;

fn refused(body: &[u8]) -> bool {
    matches!(request(body), Request::Refused { kind } if body.first().is_none_or(|&first| first == kind))
}

#[test]
fn reads_what_another_implementation_writes() {
    let key = PublicKey::from_bytes(KEY).unwrap().key_data().clone();
    let token = SmartcardKey {
        id: "/usr/lib/token.so".into(),
        pin: "1234".to_owned().into(),
    };
    let (provider, pin) = (&b"/usr/lib/token.so"[..], &b"1234"[..]);
    let cases = [
        (proto::Request::RequestIdentities, Request::List),
        (
            proto::Request::SignRequest(SignRequest {
                credential: key.clone().into(),
                data: b"to be signed".to_vec(),
                flags: 4,
            }),
            Request::Sign {
                blob: KEY,
                data: b"to be signed",
                flags: 4,
            },
        ),
        (
            proto::Request::RemoveIdentity(RemoveIdentity {
                credential: key.into(),
            }),
            Request::Remove { blob: KEY },
        ),
        (proto::Request::RemoveAllIdentities, Request::RemoveAll),
        (
            proto::Request::AddSmartcardKey(token.clone()),
            Request::AddToken {
                provider,
                pin,
                constraints: b"",
            },
        ),
        (
            proto::Request::AddSmartcardKeyConstrained(proto::AddSmartcardKeyConstrained {
                key: token.clone(),
                constraints: vec![proto::KeyConstraint::Confirm],
            }),
            Request::AddToken {
                provider,
                pin,
                constraints: &[2],
            },
        ),
        (
            proto::Request::RemoveSmartcardKey(token),
            Request::RemoveToken { provider, pin },
        ),
        (
            proto::Request::Lock("a b".into()),
            Request::Lock { passphrase: b"a b" },
        ),
        (
            proto::Request::Unlock("a b".into()),
            Request::Unlock { passphrase: b"a b" },
        ),
        (
            proto::Request::Extension(proto::Extension {
                name: "status@claviger".into(),
                details: b"body".to_vec().into(),
            }),
            Request::Extension {
                name: "status@claviger",
                body: b"body",
            },
        ),
    ];
    for (written, read) in cases {
        let mut body = Vec::new();
        written.encode(&mut body).unwrap();
        assert!(request(&body) == read, "{written:?}");
    }
}

#[test]
fn refuses_the_numbers_of_nothing_and_of_ssh_1() {
    let served = [9, 11, 13, 17, 18, 19, 20, 21, 22, 23, 25, 26, 27];
    for kind in 0..=u8::MAX {
        let body = message(kind, &[b"a", b"b"], &[0; 4]);
        assert_eq!(refused(&body), !served.contains(&kind), "{kind}");
    }
    assert!(refused(&[]));
    assert!(request(&[9]) == Request::RemoveAllOld);
}

#[test]
fn ignores_bytes_behind_a_whole_request() {
    assert!(request(&message(11, &[], b"junk")) == Request::List);
    assert!(request(&message(19, &[], b"junk")) == Request::RemoveAll);
    assert!(request(&message(18, &[KEY], b"junk")) == Request::Remove { blob: KEY });
    assert!(request(&message(22, &[b"pass"], b"junk")) == Request::Lock { passphrase: b"pass" });
    let sign = message(13, &[KEY, b""], b"\0\0\0\x02junk");
    assert!(
        request(&sign)
            == Request::Sign {
                blob: KEY,
                data: b"",
                flags: 2
            }
    );
}

#[test]
fn hands_the_end_of_every_add_on() {
    for kind in [17, 25] {
        assert!(request(&[kind]) == Request::Add { body: b"" });
        assert!(request(&[kind, 1, 2]) == Request::Add { body: &[1, 2] });
    }
    for kind in [20, 26] {
        let body = message(kind, &[b"/lib", b""], b"\x02");
        let read = Request::AddToken {
            provider: b"/lib",
            pin: b"",
            constraints: &[2],
        };
        assert!(request(&body) == read, "{kind}");
    }
}

#[test]
fn refuses_text_that_is_none() {
    assert!(refused(&message(27, &[b"\xff\xfe"], b"")), "a name not in UTF-8");
    for kind in [20, 21, 26] {
        assert!(
            refused(&message(kind, &[b"/li\0b", b"pin"], b"")),
            "NUL in a path"
        );
        assert!(refused(&message(kind, &[b"/lib", b"p\0n"], b"")), "NUL in a PIN");
    }
    for kind in [22, 23] {
        assert!(
            refused(&message(kind, &[b"pass\0phrase"], b"")),
            "NUL in a passphrase"
        );
        assert!(
            !refused(&message(kind, &[b""], b"")),
            "an empty one is for the session to refuse"
        );
    }
}

proptest! {
    #[test]
    fn never_panics_and_never_reads_beyond_the_body(
        kind in prop_oneof![9_u8..=27, any::<u8>()],
        rest in prop::collection::vec(prop_oneof![Just(0_u8), 0_u8..16, any::<u8>()], 0..200),
    ) {
        let mut body = vec![kind];
        body.extend(rest);
        let read = match request(&body) {
            Request::Sign { blob, data, .. } => 12 + blob.len() + data.len(),
            Request::Add { body } => body.len(),
            Request::Remove { blob } => 4 + blob.len(),
            Request::AddToken { provider, pin, constraints } => {
                8 + provider.len() + pin.len() + constraints.len()
            }
            Request::RemoveToken { provider, pin } => 8 + provider.len() + pin.len(),
            Request::Lock { passphrase } | Request::Unlock { passphrase } => 4 + passphrase.len(),
            Request::Extension { name, body } => 4 + name.len() + body.len(),
            Request::List | Request::RemoveAll | Request::RemoveAllOld | Request::Refused { .. } => 0,
        };
        prop_assert!(read < body.len());
    }
}
