//! What the agent answers: whole frames, each built in one allocation of exactly its size.

use super::MAX_FRAME;

/// SSH_AGENT_FAILURE, framed.
pub const FAILURE: [u8; 5] = [0, 0, 0, 1, 5];
/// SSH_AGENT_SUCCESS, framed.
pub const SUCCESS: [u8; 5] = [0, 0, 0, 1, 6];
/// SSH_AGENT_EXTENSION_FAILURE, framed.
pub const EXTENSION_FAILURE: [u8; 5] = [0, 0, 0, 1, 28];

/// Most keys of one list: OpenSSH's client gives up on a longer one.
pub const MAX_IDENTITIES: usize = 2048;

const IDENTITIES_ANSWER: u8 = 12;
const SIGN_RESPONSE: u8 = 14;
const EXTENSION_RESPONSE: u8 = 29;

/// IDENTITIES_ANSWER, framed, of (blob, comment) pairs.
///
/// Keys that no client could receive (beyond [`MAX_IDENTITIES`] or [`MAX_FRAME`]) are left out from the end: a client
/// refuses a longer answer as a whole, and would then see no key at all.
pub fn identities<'a>(keys: impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone) -> Vec<u8> {
    let mut count = 0_u32;
    let mut length = 1 + 4;
    for (blob, comment) in keys.clone().take(MAX_IDENTITIES) {
        let longer = length + 4 + blob.len() + 4 + comment.len();
        if longer > MAX_FRAME {
            break;
        }
        (count, length) = (count + 1, longer);
    }
    let mut answer = start(IDENTITIES_ANSWER, length);
    answer.extend_from_slice(&count.to_be_bytes());
    for ((blob, comment), _) in keys.zip(0..count) {
        append(&mut answer, blob);
        append(&mut answer, comment);
    }
    answer
}

/// SIGN_RESPONSE, framed.
pub fn signature(signature: &[u8]) -> Vec<u8> {
    let mut answer = start(SIGN_RESPONSE, 1 + 4 + signature.len());
    append(&mut answer, signature);
    answer
}

/// EXTENSION_RESPONSE, framed: the name and the extension's own bytes.
pub fn extension_response(name: &str, body: &[u8]) -> Vec<u8> {
    let mut answer = start(EXTENSION_RESPONSE, 1 + 4 + name.len() + body.len());
    append(&mut answer, name.as_bytes());
    answer.extend_from_slice(body);
    answer
}

/// `bytes` as an SSH string (RFC 4251, 5): length and content.
pub fn string(bytes: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(4 + bytes.len());
    append(&mut encoded, bytes);
    encoded
}

/// Begins a frame whose body will be `length` bytes.
fn start(kind: u8, length: usize) -> Vec<u8> {
    let mut frame = Vec::with_capacity(4 + length);
    frame.extend_from_slice(&size(length));
    frame.push(kind);
    frame
}

fn append(frame: &mut Vec<u8>, content: &[u8]) {
    frame.extend_from_slice(&size(content.len()));
    frame.extend_from_slice(content);
}

/// A length as it goes on the wire. Answers are made of what is held in memory, far below 4 GiB; if one ever were
/// not, the largest length makes every client refuse it.
fn size(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use ssh_agent_lib::proto::Response;
    use ssh_agent_lib::ssh_encoding::{Decode as _, Encode as _};

    use super::*;
    use crate::wire::{Frame, frame};

    fn key_blob(fill: u8) -> Vec<u8> {
        let mut blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20".to_vec();
        blob.extend([fill; 32]);
        blob
    }

    fn decoded(answer: &[u8]) -> Response {
        assert_eq!(frame(answer), Frame::Whole(answer.len() - 4), "one whole frame");
        let mut body = &answer[4..];
        let response = Response::decode(&mut body).unwrap();
        assert!(body.is_empty());
        response
    }

    #[test]
    fn lists_are_read_by_another_implementation() {
        let (first, second) = (key_blob(1), key_blob(2));
        let keys = [(&first[..], &b"first"[..]), (&second[..], &b""[..])];
        let answer = identities(keys.into_iter());
        assert_eq!(answer.len(), answer.capacity());
        let Response::IdentitiesAnswer(list) = decoded(&answer) else {
            panic!("not a list")
        };
        assert_eq!(list.len(), 2);
        assert_eq!(list[0].comment, "first");
        let mut blob = Vec::new();
        list[1].credential.encode(&mut blob).unwrap();
        assert_eq!(blob, second);
        assert_eq!(
            decoded(&identities(std::iter::empty())),
            Response::IdentitiesAnswer(vec![])
        );
    }

    #[test]
    fn a_list_too_long_for_any_client_loses_its_end_only() {
        let blob = key_blob(3);
        let comment = [b'c'; 1000];
        for (count, comment) in [(MAX_IDENTITIES + 1, &b""[..]), (1000, &comment[..])] {
            let answer = identities(std::iter::repeat_n((&blob[..], comment), count));
            assert_eq!(answer.len(), answer.capacity());
            let Response::IdentitiesAnswer(list) = decoded(&answer) else {
                panic!("not a list")
            };
            assert!(!list.is_empty() && list.len() < count);
        }
    }

    #[test]
    fn signatures_are_read_by_another_implementation() {
        let mut blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x40".to_vec();
        blob.extend([9; 64]);
        let answer = signature(&blob);
        assert_eq!(answer.len(), answer.capacity());
        let Response::SignResponse(read) = decoded(&answer) else {
            panic!("not a signature")
        };
        assert_eq!(read.as_bytes(), [9; 64]);
    }

    #[test]
    fn extension_answers_are_read_by_another_implementation() {
        let Response::ExtensionResponse(read) = decoded(&extension_response("list@claviger", b"[]")) else {
            panic!("not an extension's answer")
        };
        assert_eq!(
            (read.name.as_str(), read.details.as_ref()),
            ("list@claviger", &b"[]"[..])
        );
    }

    #[test]
    fn short_answers_are_what_their_names_say() {
        assert_eq!(decoded(&FAILURE), Response::Failure);
        assert_eq!(decoded(&SUCCESS), Response::Success);
        assert_eq!(decoded(&EXTENSION_FAILURE), Response::ExtensionFailure);
    }
}
