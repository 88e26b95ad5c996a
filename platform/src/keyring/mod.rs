//! The OS keyring: read, write and delete one secret, each within a bounded wait.
//!
//! Each OS supplies `imp::Session` with blocking `get`, `set`, `delete`, `probe` and `of_others`; `worker` runs it on a thread of
//! its own and bounds every wait. A session never raises a prompt: what is locked is reported as
//! [`KeyringError::Locked`], because a dialog that nobody sees would hold up a login for ever.

#[cfg(target_os = "linux")]
#[path = "linux/mod.rs"]
mod imp;
#[cfg(any(target_os = "macos", windows))]
#[path = "native.rs"]
mod imp;
#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
#[path = "unsupported.rs"]
mod imp;
mod worker;

use crate::harden::LockedBytes;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use worker::Worker;

/// What items of a Secret Service are found by.
pub type Attributes = HashMap<&'static str, String>;

/// Why the keyring gave no answer. "No such item" is not an error, and never proves that it was not there.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyringError {
    /// No keyring service on this machine or session.
    #[error("no OS keyring: {0}")]
    Absent(String),
    /// Its collection is locked.
    #[error("the OS keyring is locked")]
    Locked,
    /// It did not answer in time.
    #[error("the OS keyring did not answer within {0} s")]
    TimedOut(u64),
    /// It answered with an error.
    #[error("the OS keyring failed: {0}")]
    Failed(String),
}

/// The person's default keyring. Connects at first use and again after its service was restarted.
pub struct Keyring {
    worker: Worker,
}

impl Keyring {
    /// `limit` bounds the wait for each call.
    pub fn new(limit: Duration) -> Self {
        Self {
            worker: Worker::new(limit),
        }
    }

    /// The secret of `account`, if stored. Of several (other programs can make duplicates) the newest.
    pub async fn get(&self, account: &str) -> Result<Option<LockedBytes>, KeyringError> {
        let account = account.to_owned();
        self.worker.call(move |session| session.get(&account)).await
    }

    /// Stores or replaces; `label` is what a keyring manager shows.
    pub async fn set(
        &self,
        account: &str,
        label: &str,
        secret: Arc<LockedBytes>,
    ) -> Result<(), KeyringError> {
        let (account, label) = (account.to_owned(), label.to_owned());
        self.worker
            .call(move |session| session.set(&account, &label, &secret))
            .await
    }

    /// Deletes it and its duplicates; false when there was none.
    pub async fn delete(&self, account: &str) -> Result<bool, KeyringError> {
        let account = account.to_owned();
        self.worker.call(move |session| session.delete(&account)).await
    }

    /// The secrets of items that another program made with these attributes, if there are any. On systems whose keyring
    /// has no attributes, none.
    pub async fn of_others(&self, attributes: Attributes) -> Result<Vec<LockedBytes>, KeyringError> {
        self.worker
            .call(move |session| session.of_others(&attributes))
            .await
    }

    /// Whether it could be used now.
    pub async fn probe(&self) -> Result<(), KeyringError> {
        self.worker.call(|session| session.probe()).await
    }
}
