//! What a client asks: parsed from one frame body without a copy and without an error that could end the connection.

use super::read::{cstring, string, uint32};

/// A request, borrowed from its frame; blobs stay bytes. It carries secrets, so it cannot be printed.
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
    /// 17 and 25, which OpenSSH does not tell apart: constraints are heeded behind either.
    Add {
        /// Private key, comment, constraints. Where the key ends only its type says, so nothing is split off here;
        /// what stands behind the key is for [`comment_and_constraints`](super::comment_and_constraints).
        body: &'a [u8],
    },
    /// 18.
    Remove {
        /// Public key or certificate, as on the wire.
        blob: &'a [u8],
    },
    /// 19.
    RemoveAll,
    /// 9: once all keys of SSH 1. `ssh-add -D` still sends it; it clears everything as 19 does, and succeeds.
    RemoveAllOld,
    /// 20 and 26, which OpenSSH does not tell apart either.
    AddToken {
        /// Path of the PKCS#11 library.
        provider: &'a [u8],
        /// The token's PIN; may be empty.
        pin: &'a [u8],
        /// To the end of the message, for [`constraints`](super::constraints).
        constraints: &'a [u8],
    },
    /// 21.
    RemoveToken {
        /// Path of the PKCS#11 library.
        provider: &'a [u8],
        /// Means nothing here.
        pin: &'a [u8],
    },
    /// 22.
    Lock {
        /// To be asked for at the unlock; may be empty, which locks nothing.
        passphrase: &'a [u8],
    },
    /// 23.
    Unlock {
        /// To be compared.
        passphrase: &'a [u8],
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

const REMOVE_ALL_RSA_IDENTITIES: u8 = 9;
const REQUEST_IDENTITIES: u8 = 11;
const SIGN_REQUEST: u8 = 13;
const ADD_IDENTITY: u8 = 17;
const REMOVE_IDENTITY: u8 = 18;
const REMOVE_ALL_IDENTITIES: u8 = 19;
const ADD_SMARTCARD_KEY: u8 = 20;
const REMOVE_SMARTCARD_KEY: u8 = 21;
const LOCK: u8 = 22;
const UNLOCK: u8 = 23;
const ADD_ID_CONSTRAINED: u8 = 25;
const ADD_SMARTCARD_KEY_CONSTRAINED: u8 = 26;
const EXTENSION: u8 = 27;

/// Parses one frame body (never empty). Bytes after a complete request are ignored, as OpenSSH does.
pub fn request(body: &[u8]) -> Request<'_> {
    let Some((&kind, rest)) = body.split_first() else {
        return Request::Refused { kind: 0 };
    };
    parsed(kind, rest).unwrap_or(Request::Refused { kind })
}

/// The fields of a message in their order: Rust evaluates those of a struct expression as they are written.
fn parsed(kind: u8, mut rest: &[u8]) -> Option<Request<'_>> {
    let rest = &mut rest;
    Some(match kind {
        REQUEST_IDENTITIES => Request::List,
        SIGN_REQUEST => Request::Sign {
            blob: string(rest)?,
            data: string(rest)?,
            flags: uint32(rest)?,
        },
        ADD_IDENTITY | ADD_ID_CONSTRAINED => Request::Add { body: rest },
        REMOVE_IDENTITY => Request::Remove { blob: string(rest)? },
        REMOVE_ALL_IDENTITIES => Request::RemoveAll,
        REMOVE_ALL_RSA_IDENTITIES => Request::RemoveAllOld,
        ADD_SMARTCARD_KEY | ADD_SMARTCARD_KEY_CONSTRAINED => Request::AddToken {
            provider: cstring(rest)?,
            pin: cstring(rest)?,
            constraints: rest,
        },
        REMOVE_SMARTCARD_KEY => Request::RemoveToken {
            provider: cstring(rest)?,
            pin: cstring(rest)?,
        },
        LOCK => Request::Lock {
            passphrase: cstring(rest)?,
        },
        UNLOCK => Request::Unlock {
            passphrase: cstring(rest)?,
        },
        EXTENSION => Request::Extension {
            name: std::str::from_utf8(cstring(rest)?).ok()?,
            body: rest,
        },
        _ => return None,
    })
}
