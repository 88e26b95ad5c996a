//! What the agent and the helper of a PKCS#11 library say to each other: bytes and strings as on SSH's own wire.
//!
//! Both ends are the same program, so there is no version. The helper is not trusted beyond that: what it answers may
//! come from a library that went astray, so the agent reads it as it reads any stranger's bytes.

use crate::secret::Secret;
use ssh_encoding::{Decode as _, Error, Reader as _};

const LOAD: u8 = 1;
const SIGN: u8 = 2;
const FAILED: u8 = 0;

/// Most keys of one library.
pub(super) const MOST_KEYS: usize = 1024;
/// Most remarks of one load, and the longest of them in bytes.
pub(super) const MOST_NOTES: usize = 32;
const LONGEST_NOTE: usize = 1024;

/// A key that a token holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenKey {
    /// Its public half as on the wire.
    pub blob: Vec<u8>,
    /// What the token calls it; any bytes but NUL, often none.
    pub label: Vec<u8>,
}

/// What the agent asks.
#[derive(PartialEq, Eq)]
pub(super) enum Request<'a> {
    /// Loads the library and lists its keys; once, and before anything else.
    Load { library: &'a str, pin: &'a [u8] },
    /// Signs with a key of that list.
    Sign {
        blob: &'a [u8],
        data: &'a [u8],
        flags: u32,
    },
}

/// What the helper answers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The keys, and why others are missing.
    Loaded { keys: Vec<TokenKey>, notes: Vec<String> },
    /// As it goes on the wire: string algorithm, string signature.
    Signature(Vec<u8>),
    /// Why not.
    Failed(String),
}

impl<'a> Request<'a> {
    /// In protected memory: it may carry a PIN.
    pub(super) fn encode(&self) -> Secret {
        let mut bytes = Secret::with_capacity(64);
        match self {
            Self::Load { library, pin } => {
                bytes.extend_from_slice(&[LOAD]);
                put(|part| bytes.extend_from_slice(part), library.as_bytes());
                put(|part| bytes.extend_from_slice(part), pin);
            }
            Self::Sign { blob, data, flags } => {
                bytes.extend_from_slice(&[SIGN]);
                put(|part| bytes.extend_from_slice(part), blob);
                put(|part| bytes.extend_from_slice(part), data);
                bytes.extend_from_slice(&flags.to_be_bytes());
            }
        }
        bytes
    }

    /// None if it is not a request.
    pub(super) fn decode(bytes: &'a [u8]) -> Option<Self> {
        let (&kind, mut rest) = bytes.split_first()?;
        let rest = &mut rest;
        match kind {
            LOAD => Some(Self::Load {
                library: std::str::from_utf8(string(rest)?).ok()?,
                pin: string(rest)?,
            }),
            SIGN => Some(Self::Sign {
                blob: string(rest)?,
                data: string(rest)?,
                flags: u32::decode(rest).ok()?,
            }),
            _ => None,
        }
    }
}

impl Answer {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self {
            Self::Loaded { keys, notes } => {
                bytes.push(LOAD);
                bytes.extend(count(keys.len()));
                for key in keys {
                    put(|part| bytes.extend_from_slice(part), &key.blob);
                    put(|part| bytes.extend_from_slice(part), &key.label);
                }
                bytes.extend(count(notes.len()));
                for note in notes {
                    put(|part| bytes.extend_from_slice(part), note.as_bytes());
                }
            }
            Self::Signature(signature) => {
                bytes.push(SIGN);
                put(|part| bytes.extend_from_slice(part), signature);
            }
            Self::Failed(reason) => {
                bytes.push(FAILED);
                put(|part| bytes.extend_from_slice(part), reason.as_bytes());
            }
        }
        bytes
    }

    /// None if it is not an answer, or holds more than any should.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (&kind, mut rest) = bytes.split_first()?;
        let rest = &mut rest;
        let answer = match kind {
            LOAD => Self::Loaded {
                keys: list(rest, MOST_KEYS, |rest| {
                    Some(TokenKey {
                        blob: string(rest)?.to_vec(),
                        label: string(rest)?.to_vec(),
                    })
                })?,
                notes: list(rest, MOST_NOTES, |rest| Some(note(string(rest)?)))?,
            },
            SIGN => Self::Signature(string(rest)?.to_vec()),
            FAILED => Self::Failed(note(string(rest)?)),
            _ => return None,
        };
        rest.is_empty().then_some(answer)
    }
}

/// A `string` (RFC 4251, 5). A length beyond 32 bits is none that a frame could hold.
fn put(mut write: impl FnMut(&[u8]), content: &[u8]) {
    write(&count(content.len()));
    write(content);
}

fn count(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}

fn string<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    from.read_prefixed(|content| Ok::<_, Error>(*content)).ok()
}

fn list<'a, T>(from: &mut &'a [u8], most: usize, one: impl Fn(&mut &'a [u8]) -> Option<T>) -> Option<Vec<T>> {
    let count = usize::try_from(u32::decode(from).ok()?).ok()?;
    (count <= most).then_some(())?;
    (0..count).map(|_| one(from)).collect()
}

/// A remark as it may stand in a log: short, and on one line.
fn note(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes.get(..LONGEST_NOTE).unwrap_or(bytes));
    text.chars().filter(|letter| !letter.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_as_they_were_written_and_none_when_cut() {
        for request in [
            Request::Load {
                library: "/usr/lib/token.so",
                pin: b"1234",
            },
            Request::Sign {
                blob: b"blob",
                data: &[7; 70_000],
                flags: 4,
            },
        ] {
            let bytes = request.encode();
            assert!(Request::decode(&bytes) == Some(request));
            for end in (0..bytes.len()).step_by(if bytes.len() > 1000 { 997 } else { 1 }) {
                assert!(Request::decode(&bytes[..end]).is_none(), "cut at {end}");
            }
        }
    }

    #[test]
    fn answers_are_read_as_they_were_written_and_none_when_cut_or_too_large() {
        let key = TokenKey {
            blob: b"blob".to_vec(),
            label: b"\xff".to_vec(),
        };
        for answer in [
            Answer::Loaded {
                keys: vec![key.clone(), key.clone()],
                notes: vec!["token \"a\": PIN locked".into()],
            },
            Answer::Signature(b"signature".to_vec()),
            Answer::Failed("the token is gone".into()),
        ] {
            let bytes = answer.encode();
            for end in 0..bytes.len() {
                assert_eq!(Answer::decode(&bytes[..end]), None, "cut at {end}");
            }
            assert_eq!(Answer::decode(&[&bytes[..], b"x"].concat()), None);
            assert_eq!(Answer::decode(&bytes), Some(answer));
        }
        let many = Answer::Loaded {
            keys: vec![key; MOST_KEYS + 1],
            notes: Vec::new(),
        };
        assert_eq!(Answer::decode(&many.encode()), None);
        assert_eq!(
            Answer::decode(&Answer::Failed("two\nlines".into()).encode()),
            Some(Answer::Failed("twolines".into()))
        );
    }
}
