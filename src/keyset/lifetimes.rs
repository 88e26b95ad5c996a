//! When keys end or are sealed by the clock: lifetimes that are over, and keys that nobody used for a while. The timers are
//! `idle`'s; here is what they are told and what they have done.

use super::Keyset;
use claviger_platform::harden;
use std::time::{Duration, Instant};

impl Keyset {
    /// Removes the keys whose lifetime is over; returns when the next one's will be.
    pub fn expire(&self, now: Instant) -> Option<Instant> {
        let (expired, next) = self.members().expire(now);
        if expired {
            self.change(|_| ());
        }
        next
    }

    /// Waits until a key came that may expire.
    pub async fn key_added(&self) {
        self.aged.notified().await;
    }

    /// Tells the idle timer that there may be something to seal.
    pub fn opened_one(&self) {
        self.opened.notify_one();
    }

    /// Seals every open key, forgets the master passphrases of the vault and of databases, and wipes what they left behind;
    /// returns how many keys were open. What is being opened meanwhile is not kept.
    pub fn seal_all(&self) -> usize {
        let sealed = self.keys().iter().filter(|held| held.seal()).count();
        self.unlocker.close();
        harden::scrub_stack();
        sealed
    }

    /// Seals the keys that were not used for `idle`; returns when the next one is due.
    pub fn seal_idle(&self, now: Instant, idle: Duration) -> Option<Instant> {
        let keys = self.keys();
        keys.iter()
            .filter_map(|held| held.cell.seal_if_idle(now, idle))
            .min()
    }

    /// Waits until some key was opened.
    pub async fn key_opened(&self) {
        self.opened.notified().await;
    }
}
