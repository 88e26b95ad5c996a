//! Signatures: with a key that is opened here, or by the device that holds it.

use super::offering::Entry;
use super::permission::Ruled;
use super::{Answer, Session, identities::done};
use crate::key::OpenKey;
use crate::keyset::Held;
use crate::wire;
use claviger_platform::harden;
use std::sync::Arc;
use std::time::Instant;

impl Session {
    /// SIGN_REQUEST.
    pub(super) async fn sign(&mut self, blob: &[u8], data: &[u8], flags: u32) -> Answer {
        let agent = self.agent.clone();
        let Some(held) = agent.keyset.find_fresh(blob).await else {
            tracing::debug!(pid = self.peer.pid, "signature with an unknown key refused");
            return done(false);
        };
        let fingerprint = &held.public.fingerprint;
        self.answered(fingerprint, data);
        let Some(ruled) = self.ruled(fingerprint, Entry::Held(&held)).await else {
            tracing::warn!(key = %fingerprint, pid = self.peer.pid, "not signed: a rule keeps this host to other keys");
            return done(false);
        };
        if !self.may_sign(&held, blob, data, ruled).await {
            return done(false);
        }
        match self.signed(&held, blob, data, flags, ruled).await {
            Some(signature) => {
                self.learn(fingerprint, data).await;
                Answer::Own(signature)
            }
            None => done(false),
        }
    }

    /// Whether a key may sign whose database told other terms for it while it was opened.
    async fn may_sign_now(&self, blob: &[u8], data: &[u8], ruled: Ruled) -> bool {
        match self.agent.keyset.find(blob) {
            Some(held) => self.may_sign(&held, blob, data, ruled).await,
            None => false,
        }
    }

    /// The framed answer, by whatever holds the private key.
    async fn signed(
        &self,
        held: &Arc<Held>,
        blob: &[u8],
        data: &[u8],
        flags: u32,
        ruled: Ruled,
    ) -> Option<Vec<u8>> {
        if let Some(authenticator) = held.authenticator() {
            return self.sign_on(authenticator, held, data).await;
        }
        if let Some(provider) = held.provider() {
            return self.sign_in_token(provider, held, data, flags).await;
        }
        // The reason of a failure was logged once where it arose, not once for each who waited.
        let keyset = &self.agent.keyset;
        let key = keyset.open(held, Instant::now()).await.ok()?;
        if held.database().is_some()
            && !keyset.is_under(blob, &held.terms).await
            && !self.may_sign_now(blob, data, ruled).await
        {
            return None;
        }
        if let Some(token) = key.token() {
            return self.sign_with_file(token, held, data).await;
        }
        self.signature(held, key, data, flags).await
    }

    /// A fast signature is made here and now: handing it to another thread would cost as much again. A slow one
    /// goes to a blocking thread, so that it delays no other client.
    async fn signature(&self, held: &Held, key: Arc<OpenKey>, data: &[u8], flags: u32) -> Option<Vec<u8>> {
        let signed = if key.is_slow() {
            let data = data.to_vec();
            let permit = self.agent.slow_signatures.acquire().await.ok()?;
            let signed = tokio::task::spawn_blocking(move || sign_and_scrub(&key, &data, flags)).await;
            drop(permit);
            signed.ok()?
        } else {
            sign_and_scrub(&key, data, flags)
        };
        match signed {
            Ok(signature) => {
                tracing::debug!(key = %held.public.fingerprint, pid = self.peer.pid, "signed");
                Some(wire::signature(&signature))
            }
            Err(error) => {
                tracing::warn!(key = %held.public.fingerprint, pid = self.peer.pid, "not signed: {error}");
                None
            }
        }
    }
}

/// Signing leaves words of the private key in dead stack frames (RSA keeps whole tables there); they must not
/// outlive the key.
fn sign_and_scrub(key: &OpenKey, data: &[u8], flags: u32) -> Result<Vec<u8>, crate::key::KeyError> {
    let signed = key.sign(data, flags);
    if key.is_slow() {
        harden::scrub_stack();
    } else {
        harden::scrub_stack_small();
    }
    signed
}
