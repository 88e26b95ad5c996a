//! The agent protocol (RFC 9987, OpenSSH's extensions, claviger's own): bounded frames, requests, responses. Pure.

pub mod report;

/// Largest message body, as in OpenSSH (AGENT_MAX_LEN, 256 KiB).
pub const MAX_FRAME: usize = 256 * 1024;

/// What the start of a buffer holds.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// More bytes are needed; at least this many in all.
    Partial(usize),
    /// A whole message: its body is `buffer[4..4 + length]`.
    Whole(usize),
    /// Length 0 or above the limit: the connection ends, as OpenSSH does.
    Invalid(u32),
}

/// Looks at the start of `buffer`.
pub fn frame(buffer: &[u8]) -> Frame {
    let _ = buffer;
    todo!()
}

/// A request, borrowed from its frame; blobs stay bytes.
#[derive(PartialEq, Eq)]
pub enum Request<'a> {
    /// 11.
    List,
    /// 13: key blob, data, flags.
    Sign {
        blob: &'a [u8],
        data: &'a [u8],
        flags: u32,
    },
    /// 27: name, body.
    Extension { name: &'a str, body: &'a [u8] },
    /// A message this agent does not serve, or one that does not parse: answered with failure (5).
    Refused { kind: u8 },
}

/// Parses one frame body (never empty). Bytes after a complete request are ignored, as OpenSSH does.
pub fn request(body: &[u8]) -> Request<'_> {
    let _ = body;
    todo!()
}

/// SSH_AGENT_FAILURE, framed.
pub const FAILURE: [u8; 5] = [0, 0, 0, 1, 5];
/// SSH_AGENT_SUCCESS, framed.
pub const SUCCESS: [u8; 5] = [0, 0, 0, 1, 6];
/// SSH_AGENT_EXTENSION_FAILURE, framed.
pub const EXTENSION_FAILURE: [u8; 5] = [0, 0, 0, 1, 28];

/// IDENTITIES_ANSWER, framed, of (blob, comment) pairs.
pub fn identities<'a>(keys: impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone) -> Vec<u8> {
    let _ = keys;
    todo!()
}

/// SIGN_RESPONSE, framed.
pub fn signature(signature: &[u8]) -> Vec<u8> {
    let _ = signature;
    todo!()
}

/// EXTENSION_RESPONSE, framed: the name and the extension's own bytes.
pub fn extension_response(name: &str, body: &[u8]) -> Vec<u8> {
    let _ = (name, body);
    todo!()
}

/// `bytes` as an SSH string (RFC 4251, 5): length and content.
pub fn string(bytes: &[u8]) -> Vec<u8> {
    let _ = bytes;
    todo!()
}
