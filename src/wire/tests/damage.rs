//! Every message type, cut at every byte and with every length field set to 0, 1, 2^31 and 2^32-1: each is read as
//! the protocol says or refused under its own number.

use super::{KEY, message, strings};
use crate::wire::{Request, Subject, comment_and_constraints, constraints, request, session_bind, signed};

/// The name, a whole message, and the offsets of its length fields.
fn messages() -> Vec<(&'static str, Vec<u8>, Vec<usize>)> {
    let second = 5 + KEY.len();
    let token = [&b"/lib/t.so"[..], b"pin"];
    let bind = [&strings(&[KEY, &[5; 32], b"signature"])[..], &[1]].concat();
    let private = strings(&[b"ssh-ed25519", &[7; 32], &[7; 64], b"comment"]);
    let private_fields = vec![1, 16, 52, 120];
    let extension = 1 + 4 + b"session-bind@openssh.com".len();
    vec![
        ("list", message(11, &[], b""), vec![]),
        (
            "sign",
            message(13, &[KEY, b"data"], &[0, 0, 0, 2]),
            vec![1, second],
        ),
        ("add", message(17, &[], &private), private_fields.clone()),
        ("remove", message(18, &[KEY], b""), vec![1]),
        ("remove all", message(19, &[], b""), vec![]),
        ("remove all of SSH 1", message(9, &[], b""), vec![]),
        ("add token", message(20, &token, b""), vec![1, 14]),
        ("remove token", message(21, &token, b""), vec![1, 14]),
        ("lock", message(22, &[b"pass"], b""), vec![1]),
        ("unlock", message(23, &[b"pass"], b""), vec![1]),
        (
            "add constrained",
            message(25, &[], &[&private[..], &[1, 0, 0, 0, 9, 2]].concat()),
            private_fields,
        ),
        (
            "add token constrained",
            message(26, &token, &[2, 1, 0, 0, 0, 9]),
            vec![1, 14],
        ),
        (
            "bind",
            message(27, &[b"session-bind@openssh.com"], &bind),
            vec![
                1,
                extension,
                extension + 4 + KEY.len(),
                extension + 8 + KEY.len() + 32,
            ],
        ),
    ]
}

/// All that parses a part of a message; true if each part that the message must have is there.
fn reads(body: &[u8]) -> bool {
    match request(body) {
        Request::Refused { kind } => {
            assert_eq!(kind, body.first().copied().unwrap_or(0));
            false
        }
        Request::Sign { data, .. } => {
            let _ = signed(data);
            true
        }
        Request::Add { body } => {
            let mut behind = body;
            for _ in 0..3 {
                if crate::wire::read::string(&mut behind).is_none() {
                    return false;
                }
            }
            comment_and_constraints(behind, Subject::Key).is_some()
        }
        Request::AddToken {
            constraints: list, ..
        } => constraints(list, Subject::Token).is_some(),
        Request::Extension { body, .. } => session_bind(body).is_some(),
        _ => true,
    }
}

#[test]
fn a_message_cut_anywhere_is_refused_unless_what_is_missing_is_a_whole_constraint() {
    for (name, whole, _) in messages() {
        assert!(reads(&whole), "{name}");
        let complete_before = match whole[0] {
            25 => vec![whole.len() - 6, whole.len() - 1],
            26 => vec![whole.len() - 6, whole.len() - 5],
            _ => vec![],
        };
        for end in 0..whole.len() {
            assert_eq!(
                reads(&whole[..end]),
                complete_before.contains(&end),
                "{name} cut at {end}"
            );
        }
    }
}

#[test]
fn a_length_field_that_lies_refuses_the_message_or_shortens_a_field() {
    for (name, whole, fields) in messages() {
        for at in fields {
            let true_length = u32::from_be_bytes(whole[at..at + 4].try_into().unwrap());
            assert!((1..200).contains(&true_length), "{name}: {at} is no length field");
            for lie in [0, 1, 1 << 31, u32::MAX] {
                let mut body = whole.clone();
                body[at..at + 4].copy_from_slice(&u32::to_be_bytes(lie));
                let read = reads(&body);
                assert!(lie <= 1 || !read, "{name}: {lie} at {at}");
            }
        }
    }
}
