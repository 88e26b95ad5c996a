//! Signatures: with a key that is opened here, or by the device that holds it.

use super::{Answer, Session, identities::done};
use crate::key::OpenKey;
use crate::keyset::Held;
use crate::wire;
use claviger_platform::harden;
use std::sync::Arc;
use std::time::Instant;

impl Session {
    /// SIGN_REQUEST.
    pub(super) async fn sign(&self, blob: &[u8], data: &[u8], flags: u32) -> Answer {
        let keyset = &self.agent.keyset;
        let Some(held) = keyset.find_fresh(blob).await else {
            tracing::debug!(pid = self.peer.pid, "signature with an unknown key refused");
            return done(false);
        };
        if !self.may_sign(&held, blob, data).await {
            return done(false);
        }
        if let Some(authenticator) = held.authenticator() {
            return match self.sign_on(authenticator, &held, data).await {
                Some(signature) => Answer::Own(signature),
                None => done(false),
            };
        }
        if let Some(provider) = held.provider() {
            return match self.sign_in_token(provider, &held, data, flags).await {
                Some(signature) => Answer::Own(signature),
                None => done(false),
            };
        }
        // The reason of a failure was logged once where it arose, not once for each who waited.
        let Ok(key) = keyset.open(&held, Instant::now()).await else {
            return done(false);
        };
        if held.database().is_some()
            && !keyset.is_under(blob, &held.terms).await
            && !self.may_sign_now(blob, data).await
        {
            return done(false);
        }
        match self.signature(&held, key, data, flags).await {
            Some(signature) => Answer::Own(signature),
            None => done(false),
        }
    }

    /// Whether a key may sign whose database told other terms for it while it was opened.
    async fn may_sign_now(&self, blob: &[u8], data: &[u8]) -> bool {
        match self.agent.keyset.find(blob) {
            Some(held) => self.may_sign(&held, blob, data).await,
            None => false,
        }
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
