//! What is known, in memory: bounded, and asked without I/O.

use std::cmp::Reverse;
use std::collections::HashMap;

/// A key that worked for a user on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// Fingerprint of the host key.
    pub host: String,
    /// Fingerprint of the key.
    pub key: String,
    /// The user who was let in.
    pub user: String,
    /// Seconds since the epoch of the first time.
    pub first: u64,
    /// Of the last time.
    pub last: u64,
    /// How often.
    pub times: u64,
}

/// Host, key, user.
type Triple = (String, String, String);

#[derive(Default)]
pub(super) struct Memory {
    uses: HashMap<Triple, Use>,
}

impl Memory {
    pub(super) fn of(uses: Vec<Use>) -> Self {
        Self {
            uses: uses.into_iter().map(|one| (triple(&one), one)).collect(),
        }
    }

    /// Notes one more use; returns it as it now is. A clock that was set back makes nothing older.
    pub(super) fn note(&mut self, host: &str, key: &str, user: &str, now: u64) -> Use {
        let noted = self
            .uses
            .entry((host.to_owned(), key.to_owned(), user.to_owned()))
            .or_insert_with(|| Use {
                host: host.to_owned(),
                key: key.to_owned(),
                user: user.to_owned(),
                first: now,
                last: now,
                times: 0,
            });
        noted.last = noted.last.max(now);
        noted.times += 1;
        noted.clone()
    }

    /// Drops what is over `most`, and a tenth more so that it does not happen at each use; returns what went.
    pub(super) fn shrink(&mut self, most: usize) -> Vec<Use> {
        if self.uses.len() <= most {
            return Vec::new();
        }
        let surplus = self.uses().split_off(most - most / 10);
        for one in &surplus {
            self.uses.remove(&triple(one));
        }
        surplus
    }

    /// Latest first; those of one second by their names, so that the order is always the same.
    pub(super) fn uses(&self) -> Vec<Use> {
        let mut uses: Vec<Use> = self.uses.values().cloned().collect();
        uses.sort_by_cached_key(|one| (Reverse(one.last), triple(one)));
        uses
    }

    pub(super) fn forget(&mut self, host: Option<&str>) -> usize {
        let before = self.uses.len();
        self.uses
            .retain(|(of, ..), _| host.is_some_and(|host| host != of));
        before - self.uses.len()
    }
}

fn triple(one: &Use) -> Triple {
    (one.host.clone(), one.key.clone(), one.user.clone())
}
