//! What the history tells: a use, and all that is known of the keys at one host.

use super::memory::Memory;
use std::collections::{HashMap, HashSet};
use std::sync::MutexGuard;

/// A key that worked for a user on a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Use {
    /// Fingerprint of the host key.
    pub host: String,
    /// Fingerprint of the authority that signed the host's certificate; empty without one.
    pub authority: String,
    /// Fingerprint of the key.
    pub key: String,
    /// The user who was let in.
    pub user: String,
    /// The repository that the client asked for ("org/repo"); empty for a shell.
    pub path: String,
    /// Seconds since the epoch of the first time.
    pub first: u64,
    /// Of the last time.
    pub last: u64,
    /// How often.
    pub times: u64,
    /// How often in a row it was offered since, and not taken.
    pub misses: u32,
}

/// An offer of a key that was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Which of all unanswered offers this was, from 1.
    pub round: u64,
    /// When: seconds since the epoch.
    pub at: u64,
}

/// An offer that nobody took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Vain<'a> {
    /// Who was to be logged in, if the client said so.
    pub user: Option<&'a str>,
    /// The client went on without a key.
    pub keyless: bool,
}

/// A key's use on all hosts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overall {
    /// How often.
    pub times: u64,
    /// Seconds since the epoch of the last time.
    pub last: u64,
}

/// What is known of one host, under all the keys that it is known by.
#[derive(Clone, Debug, Default)]
pub struct AtHost {
    /// Uses at the host key itself, by the key's fingerprint.
    pub own: HashMap<String, Vec<Use>>,
    /// Uses at the other host keys that are the same host's.
    pub kin: HashMap<String, Vec<Use>>,
    /// Last use at any host of the same authority, in seconds since the epoch.
    pub authority: HashMap<String, u64>,
    /// Keys offered and not taken, since they last worked.
    pub tried: HashMap<String, Tried>,
    /// How many offers were not taken, as far as that is known of keys that did not work since.
    pub rounds: usize,
    /// The last of these offers was followed by a login without a key: with a password, most likely.
    pub keyless: bool,
}

/// The history while it is being asked. To be held for no longer than that: it keeps others waiting.
pub struct View<'a>(pub(super) MutexGuard<'a, Memory>);

impl View<'_> {
    /// What is known at the host key `host`, which `kin` (fingerprints of host keys) are said to be the same host as.
    pub fn at(&self, host: &str, kin: &[String], authority: Option<&str>) -> AtHost {
        let mut known = AtHost::default();
        for one in self.0.at(host) {
            known.own.entry(one.key.clone()).or_default().push(one.clone());
        }
        for other in kin.iter().filter(|other| *other != host) {
            for one in self.0.at(other) {
                known.kin.entry(one.key.clone()).or_default().push(one.clone());
            }
        }
        let under = authority.and_then(|authority| self.0.under(authority));
        known.authority = under.cloned().unwrap_or_default();
        for one in std::iter::once(host).chain(kin.iter().map(String::as_str).filter(|other| *other != host))
        {
            for (key, tried) in self.0.tried(one) {
                let latest = known.tried.entry(key.to_owned()).or_insert(tried);
                if tried.round > latest.round {
                    *latest = tried;
                }
            }
        }
        known.keyless = self.0.keyless(host);
        let rounds: HashSet<u64> = known.tried.values().map(|tried| tried.round).collect();
        // One key that is offered again and again has one round; those of an earlier process have nothing else.
        known.rounds = rounds.len().max(self.0.in_vain(host));
        known
    }

    /// Host keys that had one of these names when a key worked there: an old one that was replaced since, perhaps.
    pub fn once_named(&self, names: &[String]) -> Vec<String> {
        let mut hosts: Vec<String> = Vec::new();
        for host in names.iter().flat_map(|name| self.0.once_named(name)) {
            if !hosts.iter().any(|known| known == host) {
                hosts.push(host.to_owned());
            }
        }
        hosts
    }

    /// A key's use on all hosts.
    pub fn overall(&self, key: &str) -> Overall {
        self.0.overall(key)
    }
}
