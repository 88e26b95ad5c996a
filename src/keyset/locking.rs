//! Locking and unlocking the agent: everything sealed, added keys under a key that only the passphrase gives back.

use super::lock::{Lock, delay};
use super::shield::Shield;
use super::{Keyset, read, write};
use crate::secret::Secret;
use claviger_platform::harden;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, RwLock};
use tokio::sync::Mutex;

/// Whether the agent is locked, and what seals added keys.
pub(super) struct Locking {
    /// None while locked.
    shield: RwLock<Option<Arc<Shield>>>,
    /// The closed lock; held while it is being opened or closed, so that one at a time is tried.
    lock: Mutex<Option<Lock>>,
    /// Wrong passphrases since the last right one, from whatever connection.
    failures: AtomicU32,
}

impl Locking {
    pub(super) fn new() -> Result<Self, String> {
        let shield = Shield::random().map_err(|_| String::from("the system gives no random numbers"))?;
        Ok(Self {
            shield: RwLock::new(Some(Arc::new(shield))),
            lock: Mutex::new(None),
            failures: AtomicU32::new(0),
        })
    }

    pub(super) fn shield(&self) -> Option<Arc<Shield>> {
        read(&self.shield).clone()
    }
}

impl Keyset {
    /// Whether the agent is locked.
    pub fn is_locked(&self) -> bool {
        self.locking.shield().is_none()
    }

    /// Locks with `passphrase`: seals every key, and added ones so that only the passphrase opens them. False if
    /// it is empty or the agent is locked already.
    pub async fn lock(&self, passphrase: Secret) -> bool {
        let mut closed = self.locking.lock.lock().await;
        if closed.is_some() || passphrase.is_empty() {
            return false;
        }
        let derived = blocking(move || Lock::close(&passphrase)).await.flatten();
        let Some((lock, under_lock)) = derived else {
            return false;
        };
        // No key can be added from here on; those that are there are sealed anew.
        let shield = write(&self.locking.shield).take();
        if let Some(shield) = shield {
            self.members().reseal(&shield, &under_lock);
        }
        self.seal_all();
        *closed = Some(lock);
        true
    }

    /// Unlocks. False if the passphrase is wrong (after a delay that grows with each failure, whichever connection
    /// it came from, but that only the caller waits for) or the agent is not locked.
    pub async fn unlock(&self, passphrase: Secret) -> bool {
        let opened = {
            let mut closed = self.locking.lock.lock().await;
            let Some(lock) = closed.as_ref() else { return false };
            let lock = lock.share();
            match blocking(move || lock.open(&passphrase)).await.flatten() {
                Some(under_lock) => {
                    let opened = self.open_shield(&under_lock);
                    if opened {
                        *closed = None;
                    }
                    opened
                }
                None => false,
            }
        };
        if opened {
            self.locking.failures.store(0, Ordering::Relaxed);
        } else {
            let failures = self
                .locking
                .failures
                .fetch_add(1, Ordering::Relaxed)
                .saturating_add(1);
            tokio::time::sleep(delay(failures)).await;
        }
        opened
    }

    fn open_shield(&self, under_lock: &Shield) -> bool {
        let Ok(shield) = Shield::random() else {
            return false;
        };
        self.members().reseal(under_lock, &shield);
        *write(&self.locking.shield) = Some(Arc::new(shield));
        harden::scrub_stack();
        true
    }
}

async fn blocking<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(move || harden::scrubbed(job))
        .await
        .ok()
}
