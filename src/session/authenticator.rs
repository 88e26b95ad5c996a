//! Signatures by security keys: the touch notice, the PIN, one token at a time.

use super::Session;
use super::permission::purpose;
use crate::client::Asked;
use crate::key::sk::{self, SkKey};
use crate::keyset::{Authenticator, Held};
use crate::policy;
use crate::token::security_key::{self, SecurityKeyError, SignRequest};
use crate::wire::{self, Signed};

impl Session {
    /// Whether a security key may sign this. One that was made for a web site signs the site's challenges, too, so
    /// it signs nothing here but logins and files (see [`policy::websafe`]).
    pub(super) fn is_websafe(
        &self,
        held: &Held,
        signed: &Signed<'_>,
        is_key: impl Fn(&[u8]) -> bool,
    ) -> bool {
        let Some(patterns) = &self.agent.options().websafe else {
            return true;
        };
        sk::application(&held.public.blob)
            .is_none_or(|application| policy::websafe(application, patterns, signed, is_key))
    }

    /// Has the token sign; the framed answer.
    pub(super) async fn sign_on(&self, token: &Authenticator, held: &Held, data: &[u8]) -> Option<Vec<u8>> {
        let fingerprint = &held.public.fingerprint;
        let pid = self.peer.pid;
        let handle = match self.agent.keyset.handle(held) {
            Ok(handle) => handle,
            Err(error) => {
                tracing::warn!(key = %fingerprint, pid, "not signed: {error}");
                return None;
            }
        };
        self.answer_of(token, held, &handle, data).await
    }

    /// As [`sign_on`](Self::sign_on), for a key whose file says by what its token knows it. A file names no middleware,
    /// so it is the one that ssh would take.
    pub(super) async fn sign_with_file(&self, key: &SkKey, held: &Held, data: &[u8]) -> Option<Vec<u8>> {
        let token = Authenticator {
            provider: self.agent.sk_provider().to_owned(),
            touch: key.flags() & sk::USER_PRESENCE != 0,
        };
        self.answer_of(&token, held, key.private_fields(), data).await
    }

    async fn answer_of(
        &self,
        token: &Authenticator,
        held: &Held,
        handle: &[u8],
        data: &[u8],
    ) -> Option<Vec<u8>> {
        let (fingerprint, pid) = (&held.public.fingerprint, self.peer.pid);
        match self.sign_with_token(token, held, handle, data).await {
            Ok(signature) => {
                tracing::debug!(key = %fingerprint, pid, "signed by its security key");
                Some(wire::signature(&signature))
            }
            Err(reason) => {
                tracing::warn!(key = %fingerprint, pid, "not signed: {reason}");
                None
            }
        }
    }

    /// Tries without a PIN first, as OpenSSH does: whether one is needed only the token knows. With the PIN once,
    /// because tokens lock themselves after a few wrong ones.
    async fn sign_with_token(
        &self,
        token: &Authenticator,
        held: &Held,
        handle: &[u8],
        data: &[u8],
    ) -> Result<Vec<u8>, String> {
        let helper = self.agent.sk_helper().ok_or(
            "ssh-sk-helper is not installed; it comes with OpenSSH's client, or SSH_SK_HELPER names it",
        )?;
        // Two helpers at once would take the token from each other.
        let _turn = self.agent.authenticators.lock().await;
        let (kind, fingerprint) = (kind_of(held), self.shown_fingerprint(held));
        let mut request = SignRequest {
            private: handle,
            provider: &token.provider,
            data,
            pin: None,
        };
        let purpose = purpose(held, &wire::signed(data)).map(|purpose| format!("\n{purpose}"));
        let text = format!(
            "Confirm user presence for key {kind} {fingerprint}{}",
            purpose.unwrap_or_default()
        );
        let touch = token.touch.then(|| self.agent.means.notice(&text));
        match security_key::sign(helper, &request).await {
            Err(SecurityKeyError::Pin) => drop(touch),
            other => return other.map_err(|error| error.to_string()),
        }
        let and_touch = if token.touch {
            " and confirm user presence "
        } else {
            " "
        };
        let question = format!("Enter PIN{and_touch}for {kind} key {fingerprint}: ");
        let pin = self.agent.means.passphrase(&question).await;
        let pin = pin.map_err(|error| format!("no PIN: {error}"))?;
        request.pin = Some(&pin);
        match security_key::sign(helper, &request).await {
            Err(SecurityKeyError::Pin) => Err(String::from("the PIN is wrong")),
            other => other.map_err(|error| error.to_string()),
        }
    }
}

/// Whether a client has the token asked by itself: `held` is a file that it can read, and the library that it names for that
/// is another than ours. Which one a file's token needs, nothing tells; and ssh never turns to the file of a key that
/// an agent lists and then does not sign with, so a list with this key could only take it away.
pub(super) fn is_left_to(client: &Asked, held: &Held, own: &str) -> bool {
    let other = client.token_library.as_deref().filter(|library| *library != own);
    other.is_some() && held.is_token_file()
}

/// As OpenSSH names the type in its questions.
fn kind_of(held: &Held) -> &'static str {
    let is_ecdsa = held.public.algorithm.starts_with("sk-ecdsa");
    match (is_ecdsa, held.certificate.is_some()) {
        (true, true) => "ECDSA-SK-CERT",
        (true, false) => "ECDSA-SK",
        (false, true) => "ED25519-SK-CERT",
        (false, false) => "ED25519-SK",
    }
}
