//! session-bind@openssh.com (PROTOCOL.agent, 1): an ssh client tells which server its connection to the agent is for.

use super::read::{blob, boolean, string};

/// Longest session id (AGENT_MAX_SID_LEN). Real ones are 32 or 64 bytes.
const MAX_SESSION_ID: usize = 128;

/// What a client claims, until the signature has been verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionBind<'a> {
    /// The server's public key, or its whole certificate.
    pub host_key: &'a [u8],
    /// The exchange hash of the session's first key exchange.
    pub session_id: &'a [u8],
    /// The server's signature over `session_id`.
    pub signature: &'a [u8],
    /// The agent is forwarded to that server, rather than used to log in there.
    pub forwarding: bool,
}

/// Parses the extension's body. Bytes behind it are ignored, as OpenSSH does.
pub fn session_bind(mut body: &[u8]) -> Option<SessionBind<'_>> {
    let body = &mut body;
    let bind = SessionBind {
        host_key: blob(body)?,
        session_id: string(body)?,
        signature: string(body)?,
        forwarding: boolean(body)?,
    };
    (bind.session_id.len() <= MAX_SESSION_ID).then_some(bind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::tests::{KEY, cut_and_lied, strings};
    use ssh_agent_lib::proto::extension;
    use ssh_agent_lib::ssh_encoding::Encode as _;
    use ssh_agent_lib::ssh_key::{Algorithm, PublicKey, Signature};

    fn body(session_id: &[u8], forwarding: u8) -> Vec<u8> {
        let mut body = strings(&[KEY, session_id, b"signature"]);
        body.push(forwarding);
        body
    }

    #[test]
    fn reads_what_another_implementation_writes() {
        let key = PublicKey::from_bytes(KEY).unwrap();
        for forwarding in [false, true] {
            let written = extension::SessionBind {
                host_key: key.key_data().clone(),
                session_id: vec![5; 32],
                signature: Signature::new(Algorithm::Ed25519, [6; 64]).unwrap(),
                is_forwarding: forwarding,
            };
            let mut encoded = Vec::new();
            written.encode(&mut encoded).unwrap();
            let signature = strings(&[b"ssh-ed25519", &[6; 64]]);
            let read = SessionBind {
                host_key: KEY,
                session_id: &[5; 32],
                signature: &signature,
                forwarding,
            };
            assert_eq!(session_bind(&encoded), Some(read));
        }
    }

    #[test]
    fn takes_session_ids_up_to_the_limit_and_junk_behind() {
        assert!(session_bind(&body(&[1; 128], 0)).is_some());
        assert!(session_bind(&body(&[1; 129], 0)).is_none());
        let mut longer = body(b"id", 2);
        longer.extend_from_slice(b"junk");
        assert!(
            session_bind(&longer).is_some_and(|bind| bind.forwarding),
            "any byte but 0 is true"
        );
    }

    #[test]
    fn refuses_a_body_cut_anywhere_and_survives_lengths_that_lie() {
        let whole = body(&[1; 32], 1);
        for end in 0..whole.len() {
            assert_eq!(session_bind(&whole[..end]), None, "cut at {end}");
        }
        for body in cut_and_lied(&whole) {
            if let Some(bind) = session_bind(&body) {
                assert!(
                    bind.host_key.len() + bind.session_id.len() + bind.signature.len() + 13 <= body.len()
                );
            }
        }
    }
}
