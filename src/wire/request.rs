//! What a client asks: parsed from one frame body without a copy and without an error that could end the connection.

use ssh_encoding::{Decode, Error, Reader};

/// A request, borrowed from its frame; blobs stay bytes.
#[derive(PartialEq, Eq)]
#[non_exhaustive]
pub enum Request<'a> {
    /// 11.
    List,
    /// 13.
    Sign {
        /// Public key or certificate, as on the wire.
        blob: &'a [u8],
        /// What is to be signed; any bytes, also none.
        data: &'a [u8],
        /// 2: RSA with SHA-256, 4: RSA with SHA-512; others mean nothing.
        flags: u32,
    },
    /// 27.
    Extension {
        /// Its name.
        name: &'a str,
        /// The rest of the message.
        body: &'a [u8],
    },
    /// A message this agent does not serve, or one that does not parse: answered with failure (5).
    Refused {
        /// Its message number; 0 when the body is empty.
        kind: u8,
    },
}

const REQUEST_IDENTITIES: u8 = 11;
const SIGN_REQUEST: u8 = 13;
const EXTENSION: u8 = 27;

/// Parses one frame body (never empty). Bytes after a complete request are ignored, as OpenSSH does.
pub fn request(body: &[u8]) -> Request<'_> {
    let Some((&kind, mut rest)) = body.split_first() else {
        return Request::Refused { kind: 0 };
    };
    let parsed = match kind {
        REQUEST_IDENTITIES => Ok(Request::List),
        SIGN_REQUEST => sign(&mut rest),
        EXTENSION => extension(&mut rest),
        _ => Ok(Request::Refused { kind }),
    };
    parsed.unwrap_or(Request::Refused { kind })
}

fn sign<'a>(rest: &mut &'a [u8]) -> Result<Request<'a>, Error> {
    Ok(Request::Sign {
        blob: string(rest)?,
        data: string(rest)?,
        flags: u32::decode(rest)?,
    })
}

fn extension<'a>(rest: &mut &'a [u8]) -> Result<Request<'a>, Error> {
    let name = std::str::from_utf8(string(rest)?)?;
    Ok(Request::Extension { name, body: rest })
}

/// Reads a `string` (RFC 4251, 5) in place.
fn string<'a>(reader: &mut &'a [u8]) -> Result<&'a [u8], Error> {
    reader.read_prefixed(|content| Ok(*content))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ssh_agent_lib::proto;
    use ssh_agent_lib::ssh_encoding::Encode as _;

    use super::*;

    const BLOB: &[u8] = &[
        0, 0, 0, 11, b's', b's', b'h', b'-', b'e', b'd', b'2', b'5', b'5', b'1', b'9', 0, 0, 0, 32, 7, 7, 7,
        7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    ];

    fn message(kind: u8, strings: &[&[u8]], tail: &[u8]) -> Vec<u8> {
        let mut body = vec![kind];
        for content in strings {
            body.extend(u32::try_from(content.len()).unwrap().to_be_bytes());
            body.extend_from_slice(content);
        }
        body.extend_from_slice(tail);
        body
    }

    fn refused(body: &[u8]) -> bool {
        matches!(request(body), Request::Refused { kind } if body.first().is_none_or(|&first| first == kind))
    }

    #[test]
    fn reads_what_another_implementation_writes() {
        let key = ssh_agent_lib::ssh_key::PublicKey::from_bytes(BLOB).unwrap();
        let sign = proto::Request::SignRequest(proto::SignRequest {
            credential: key.key_data().clone().into(),
            data: b"to be signed".to_vec(),
            flags: 4,
        });
        let extension = proto::Request::Extension(proto::Extension {
            name: "status@claviger".into(),
            details: b"body".to_vec().into(),
        });
        let encoded = |request: proto::Request| {
            let mut bytes = Vec::new();
            request.encode(&mut bytes).unwrap();
            bytes
        };
        assert!(request(&encoded(proto::Request::RequestIdentities)) == Request::List);
        assert!(
            request(&encoded(sign))
                == Request::Sign {
                    blob: BLOB,
                    data: b"to be signed",
                    flags: 4
                }
        );
        assert!(
            request(&encoded(extension))
                == Request::Extension {
                    name: "status@claviger",
                    body: b"body"
                }
        );
    }

    #[test]
    fn serves_three_messages_and_refuses_every_other_number() {
        for kind in 0..=u8::MAX {
            let body = message(kind, &[BLOB, b"data"], &[0; 4]);
            let served = [REQUEST_IDENTITIES, SIGN_REQUEST, EXTENSION].contains(&kind);
            assert_eq!(refused(&body), !served, "{kind}");
        }
        assert!(refused(&[]));
    }

    #[test]
    fn ignores_bytes_behind_a_whole_request() {
        assert!(request(&message(REQUEST_IDENTITIES, &[], b"junk")) == Request::List);
        let body = message(SIGN_REQUEST, &[BLOB, b""], b"\0\0\0\x02junk");
        assert!(
            request(&body)
                == Request::Sign {
                    blob: BLOB,
                    data: b"",
                    flags: 2
                }
        );
    }

    #[test]
    fn refuses_a_name_that_is_not_text() {
        assert!(refused(&message(EXTENSION, &[b"\xff\xfe"], b"")));
    }

    #[test]
    fn refuses_a_message_cut_anywhere() {
        let sign = message(SIGN_REQUEST, &[BLOB, b"data"], &[0, 0, 0, 2]);
        for end in 1..sign.len() {
            assert!(refused(&sign[..end]), "sign cut at {end}");
        }
        let name = b"query";
        let extension = message(EXTENSION, &[name], b"");
        for end in 1..extension.len() {
            assert!(refused(&extension[..end]), "extension cut at {end}");
        }
    }

    #[test]
    fn survives_every_length_field_that_lies() {
        let sign = message(SIGN_REQUEST, &[BLOB, b"data"], &[0, 0, 0, 2]);
        let extension = message(EXTENSION, &[b"query"], b"body");
        for (whole, at) in [(&sign, 1), (&sign, 5 + BLOB.len()), (&extension, 1)] {
            for lie in [0, 1, 1 << 31, u32::MAX] {
                let mut body = whole.clone();
                body[at..at + 4].copy_from_slice(&lie.to_be_bytes());
                match request(&body) {
                    Request::Refused { kind } => assert_eq!(kind, body[0]),
                    Request::Sign { blob, data, .. } => {
                        assert!(lie <= 1 && blob.len() + data.len() < body.len());
                    }
                    Request::Extension { name, body: rest } => {
                        assert!(lie <= 1 && name.len() + rest.len() + 5 == body.len());
                    }
                    Request::List => panic!("no list was asked for"),
                }
            }
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_never_reads_beyond_the_body(body in prop::collection::vec(any::<u8>(), 0..400)) {
            if let Request::Sign { blob, data, .. } = request(&body) {
                prop_assert!(blob.len() + data.len() + 13 <= body.len());
            }
        }

        #[test]
        fn never_panics_on_served_numbers(
            kind in prop::sample::select(vec![REQUEST_IDENTITIES, SIGN_REQUEST, EXTENSION]),
            rest in prop::collection::vec(prop_oneof![Just(0u8), any::<u8>()], 0..64),
        ) {
            let mut body = vec![kind];
            body.extend(rest);
            let _ = request(&body);
        }
    }
}
