//! The OS keyring: read, write and delete one secret, each within a bounded wait.
use crate::harden::LockedBytes;
use std::sync::Arc;
use std::time::Duration;

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
pub struct Keyring {}

impl Keyring {
    /// `limit` bounds the wait for each call.
    pub fn new(limit: Duration) -> Self {
        let _ = limit;
        Self {}
    }
    /// The secret of `account`, if stored.
    pub async fn get(&self, account: &str) -> Result<Option<LockedBytes>, KeyringError> {
        let _ = account;
        todo!()
    }
    /// Stores or replaces; `label` is what a keyring manager shows.
    pub async fn set(
        &self,
        account: &str,
        label: &str,
        secret: Arc<LockedBytes>,
    ) -> Result<(), KeyringError> {
        let _ = (account, label, secret);
        todo!()
    }
    /// Deletes; false when there was none.
    pub async fn delete(&self, account: &str) -> Result<bool, KeyringError> {
        let _ = account;
        todo!()
    }
    /// Whether it could be used now.
    pub async fn probe(&self) -> Result<(), KeyringError> {
        todo!()
    }
}
