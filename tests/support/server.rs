//! A server that is nothing but its host key: what a client tells an agent of a login there, true or made up.

use super::Client;
use super::client::{LIST, extension, string};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

/// The Ed25519 key of a server.
pub(crate) struct HostKey(Ed25519KeyPair);

impl HostKey {
    /// The key of this number; another number, another key.
    pub(crate) fn new(number: u32) -> Self {
        let seed = [&number.to_be_bytes()[..], &[7; 28]].concat();
        Self(Ed25519KeyPair::from_seed_unchecked(&seed).expect("a seed"))
    }

    /// The blob of a key that nobody has: cheaper than one that can sign.
    pub(crate) fn made_up_blob(number: u32) -> Vec<u8> {
        let point = [&number.to_be_bytes()[..], &[9; 28]].concat();
        [string(b"ssh-ed25519"), string(&point)].concat()
    }

    /// Its wire blob.
    pub(crate) fn blob(&self) -> Vec<u8> {
        [string(b"ssh-ed25519"), string(self.0.public_key().as_ref())].concat()
    }

    /// "SHA256:…"
    pub(crate) fn fingerprint(&self) -> String {
        let public = ssh_key::PublicKey::from_bytes(&self.blob()).expect("a public key");
        public.fingerprint(ssh_key::HashAlg::Sha256).to_string()
    }

    /// The request that binds a connection to a session with it.
    pub(crate) fn bind(&self, session: &[u8], forwarding: bool) -> Vec<u8> {
        self.bind_signed(session, session, forwarding)
    }

    /// As [`HostKey::bind`], with a signature over something else.
    pub(crate) fn bind_signed(&self, session: &[u8], signed: &[u8], forwarding: bool) -> Vec<u8> {
        let signature = [string(b"ssh-ed25519"), string(self.0.sign(signed).as_ref())].concat();
        let mut body = [self.blob(), session.to_vec(), signature]
            .map(|part| string(&part))
            .concat();
        body.push(u8::from(forwarding));
        extension("session-bind@openssh.com", &body)
    }
}

/// What a login with the key `blob` as `user` signs (RFC 4252, section 7).
pub(crate) fn login_data(session: &[u8], user: &str, blob: &[u8]) -> Vec<u8> {
    [
        string(session),
        vec![50],
        string(user.as_bytes()),
        string(b"ssh-connection"),
        string(b"publickey"),
        vec![1],
        string(b"ssh-ed25519"),
        string(blob),
    ]
    .concat()
}

/// The blobs that an agent lists on this connection, in order.
pub(crate) fn listed(client: &mut Client) -> Vec<Vec<u8>> {
    let answer = client.ask(&LIST).expect("a list");
    assert_eq!(answer[0], 12, "a list");
    let mut rest = &answer[5..];
    let mut take = || {
        let length = u32::from_be_bytes(rest[..4].try_into().expect("four bytes")) as usize;
        let (one, behind) = rest[4..].split_at(length);
        rest = behind;
        one.to_vec()
    };
    let count = u32::from_be_bytes(answer[1..5].try_into().expect("four bytes"));
    (0..count)
        .map(|_| {
            let blob = take();
            take();
            blob
        })
        .collect()
}
