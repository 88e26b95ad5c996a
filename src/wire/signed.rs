//! What the bytes of a sign request are: a login, a file's or commit's signature, or anything else.
//!
//! The distinction decides what a restricted key may sign, so each form is parsed whole: a field of another value, or
//! a byte behind the last one, makes it [`Signed::Other`].

use super::read::{blob, byte, cstring, key_type, string};

const USERAUTH_REQUEST: u8 = 50;
const SERVICE: &[u8] = b"ssh-connection";
const PUBLICKEY: &[u8] = b"publickey";
/// The login names the server's host key too (PROTOCOL, 3.1).
const HOSTBOUND: &[u8] = b"publickey-hostbound-v00@openssh.com";
const SSHSIG: &[u8] = b"SSHSIG";

/// Data that a key is asked to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed<'a> {
    /// A public key login (RFC 4252, 7) to the service ssh-connection.
    UserAuth {
        /// Of the session that is logged in to; not empty.
        session_id: &'a [u8],
        /// The user on the server.
        user: &'a [u8],
        /// The signature algorithm; fits the type of `key`.
        algorithm: &'a [u8],
        /// The public key or certificate that the server is shown. Not yet compared with the key that signs.
        key: &'a [u8],
        /// The server's key, if the login is bound to it.
        host_key: Option<&'a [u8]>,
    },
    /// A file's signature (PROTOCOL.sshsig), as `ssh-keygen -Y sign` and git make them.
    SshSig {
        /// What it is for: "git", "file", ...
        namespace: &'a [u8],
    },
    /// Anything else.
    Other,
}

/// Tells what `data` is.
pub fn signed(data: &[u8]) -> Signed<'_> {
    // The forms exclude each other: "SSHSIG" would be the start of a session id above the size of any message.
    sshsig(data).or_else(|| userauth(data)).unwrap_or(Signed::Other)
}

fn sshsig(data: &[u8]) -> Option<Signed<'_>> {
    let rest = &mut data.strip_prefix(SSHSIG)?;
    let namespace = cstring(rest)?;
    let _reserved = string(rest)?;
    let _hash_algorithm = cstring(rest)?;
    let _hash = string(rest)?;
    rest.is_empty().then_some(Signed::SshSig { namespace })
}

fn userauth(mut data: &[u8]) -> Option<Signed<'_>> {
    let rest = &mut data;
    let session_id = string(rest).filter(|id| !id.is_empty())?;
    byte(rest).filter(|&kind| kind == USERAUTH_REQUEST)?;
    // No NUL at its end either, though OpenSSH drops one: other servers may take it for part of the name.
    let user = string(rest).filter(|user| !user.contains(&0))?;
    string(rest).filter(|&service| service == SERVICE)?;
    let method = string(rest)?;
    byte(rest).filter(|&has_signature| has_signature == 1)?;
    let algorithm = string(rest)?;
    let key = blob(rest).filter(|key| key_type(key) == Some(type_of(algorithm)))?;
    let host_key = match method {
        PUBLICKEY => None,
        HOSTBOUND => Some(blob(rest)?),
        _ => return None,
    };
    rest.is_empty().then_some(Signed::UserAuth {
        session_id,
        user,
        algorithm,
        key,
        host_key,
    })
}

/// The key type that a signature algorithm is for: its own name, but for those types that have several algorithms.
fn type_of(algorithm: &[u8]) -> &[u8] {
    match algorithm {
        b"rsa-sha2-256" | b"rsa-sha2-512" => b"ssh-rsa",
        b"rsa-sha2-256-cert-v01@openssh.com" | b"rsa-sha2-512-cert-v01@openssh.com" => {
            b"ssh-rsa-cert-v01@openssh.com"
        }
        b"webauthn-sk-ecdsa-sha2-nistp256@openssh.com" => b"sk-ecdsa-sha2-nistp256@openssh.com",
        b"webauthn-sk-ecdsa-sha2-nistp256-cert-v01@openssh.com" => {
            b"sk-ecdsa-sha2-nistp256-cert-v01@openssh.com"
        }
        own => own,
    }
}
