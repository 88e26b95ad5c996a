//! Seals keys that were not used for `lock.idle`, and removes those whose lifetime is over, on time and not at their
//! next use. The clock is passed to the key set, which decides.

use crate::keyset::Keyset;
use claviger_platform::harden;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Sleeps until a key is due, or until one is opened when none is; never returns.
pub async fn seal_when_idle(keyset: Arc<Keyset>, idle: Duration) {
    loop {
        match keyset.seal_idle(Instant::now(), idle) {
            Some(due) => tokio::time::sleep_until(due.into()).await,
            None => {
                harden::scrub_stack();
                keyset.key_opened().await;
            }
        }
    }
}

/// Sleeps until a key's lifetime is over, or until one is added; never returns.
pub async fn remove_expired(keyset: Arc<Keyset>) {
    loop {
        match keyset.expire(Instant::now()) {
            Some(due) => tokio::select! {
                () = tokio::time::sleep_until(due.into()) => {}
                () = keyset.key_added() => {}
            },
            None => {
                harden::scrub_stack();
                keyset.key_added().await;
            }
        }
    }
}
