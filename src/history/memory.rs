//! What is known, in memory: bounded, and asked without I/O.

use super::known::{Overall, Tried, Use, Vain};
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

/// Key, user, path.
type Login = (String, String, String);

/// All of it, found by host, by key, by authority and by name.
#[derive(Default)]
pub(super) struct Memory {
    hosts: HashMap<String, Host>,
    overall: HashMap<String, Overall>,
    /// Authority to key to the last time.
    authorities: HashMap<String, HashMap<String, u64>>,
    /// Name to the host keys that had it.
    named: HashMap<String, BTreeSet<String>>,
    uses: usize,
    tried: usize,
    /// Of the latest offer that nobody took: one number for all hosts, so that those of one host's keys can be compared.
    round: u64,
}

/// What is known of one host key.
#[derive(Default)]
struct Host {
    uses: HashMap<Login, Use>,
    tried: HashMap<String, Tried>,
    keyless: bool,
    names: BTreeSet<String>,
    /// Offers in a row that nobody took, as far as this process saw them.
    in_vain: usize,
}

/// A use, and what came with it.
pub(super) struct Noted {
    pub(super) used: Use,
    /// Names of the host that were not known yet.
    pub(super) names: Vec<String>,
}

/// An offer that nobody took: what it changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Passed {
    pub(super) tried: Vec<(String, Tried)>,
    /// Keys that worked before, with their misses as they now are.
    pub(super) missed: Vec<Use>,
    pub(super) keyless: bool,
}

/// What had to go, oldest first.
#[derive(Debug, Default)]
pub(super) struct Surplus {
    pub(super) uses: Vec<Use>,
    /// Hosts whose tries were forgotten.
    pub(super) tried: Vec<String>,
}

impl Memory {
    pub(super) fn put_use(&mut self, one: Use) {
        let overall = self.overall.entry(one.key.clone()).or_default();
        overall.times = overall.times.saturating_add(one.times);
        overall.last = overall.last.max(one.last);
        if !one.authority.is_empty() {
            let keys = self.authorities.entry(one.authority.clone()).or_default();
            let last = keys.entry(one.key.clone()).or_default();
            *last = one.last.max(*last);
        }
        let host = self.hosts.entry(one.host.clone()).or_default();
        if host.uses.insert(login(&one), one).is_none() {
            self.uses += 1;
        }
    }

    pub(super) fn put_tried(&mut self, host: &str, key: &str, tried: Tried) {
        self.round = self.round.max(tried.round);
        let at = self.hosts.entry(host.to_owned()).or_default();
        if at.tried.insert(key.to_owned(), tried).is_none() {
            self.tried += 1;
        }
    }

    pub(super) fn put_name(&mut self, host: &str, name: &str) -> bool {
        self.named
            .entry(name.to_owned())
            .or_default()
            .insert(host.to_owned());
        let at = self.hosts.entry(host.to_owned()).or_default();
        at.names.insert(name.to_owned())
    }

    /// Notes one more use. A clock that was set back makes nothing older.
    pub(super) fn note(&mut self, new: Use, names: &[String]) -> Noted {
        let known = self
            .hosts
            .get(&new.host)
            .and_then(|host| host.uses.get(&login(&new)));
        let mut used = match known {
            Some(known) => Use {
                authority: new.authority,
                last: known.last.max(new.last),
                times: known.times.saturating_add(1),
                misses: 0,
                ..known.clone()
            },
            None => new,
        };
        // `put_use` adds the whole use to the sums.
        let times = std::mem::replace(&mut used.times, 1);
        self.put_use(used.clone());
        used.times = times;
        let host = self.hosts.entry(used.host.clone()).or_default();
        host.uses.insert(login(&used), used.clone());
        host.in_vain = 0;
        if host.tried.remove(&used.key).is_some() {
            self.tried -= 1;
        }
        let names = names.iter().filter(|name| self.put_name(&used.host, name));
        Noted {
            names: names.cloned().collect(),
            used,
        }
    }

    /// Notes that `keys` were offered to `host` and none was asked for.
    pub(super) fn pass(&mut self, host: &str, keys: &[&str], vain: Vain<'_>, now: u64) -> Passed {
        let at = self.hosts.entry(host.to_owned()).or_default();
        at.in_vain = if vain.keyless {
            0
        } else {
            at.in_vain.saturating_add(1)
        };
        self.round += 1;
        let tried = Tried {
            round: self.round,
            at: now,
        };
        let mut passed = Passed::default();
        for &key in keys {
            if at.tried.insert(key.to_owned(), tried).is_none() {
                self.tried += 1;
            }
            passed.tried.push((key.to_owned(), tried));
        }
        passed.missed = miss(at, keys, vain.user);
        at.keyless = vain.keyless;
        passed.keyless = vain.keyless;
        passed
    }

    /// Notes that `keys` were offered before the one that `user` was asked for.
    pub(super) fn pass_over(&mut self, host: &str, keys: &[&str], user: &str) -> Vec<Use> {
        match self.hosts.get_mut(host) {
            Some(at) => miss(at, keys, Some(user)),
            None => Vec::new(),
        }
    }

    /// Drops what is over these bounds, and a tenth more so that it does not happen at each use.
    pub(super) fn shrink(&mut self, most_uses: usize, most_tried: usize) -> Surplus {
        let mut surplus = Surplus::default();
        if self.uses > most_uses {
            surplus.uses = self.uses().split_off(most_uses - most_uses / 10);
            let rest = self.uses().into_iter().take(most_uses - most_uses / 10).collect();
            self.replace_uses(rest);
        }
        if self.tried > most_tried {
            let mut hosts: Vec<(u64, String)> = self.hosts.iter().filter_map(latest_try).collect();
            hosts.sort_unstable();
            let keep = most_tried - most_tried / 10;
            for (_, host) in hosts {
                if self.tried <= keep {
                    break;
                }
                let at = self.hosts.entry(host.clone()).or_default();
                self.tried -= std::mem::take(&mut at.tried).len();
                at.keyless = false;
                surplus.tried.push(host);
            }
        }
        if !(surplus.uses.is_empty() && surplus.tried.is_empty()) {
            self.forget_empty();
        }
        surplus
    }

    /// Latest first; those of one second by their names, so that the order is always the same.
    pub(super) fn uses(&self) -> Vec<Use> {
        let mut uses: Vec<Use> = self
            .hosts
            .values()
            .flat_map(|host| host.uses.values().cloned())
            .collect();
        uses.sort_by_cached_key(|one| (Reverse(one.last), one.host.clone(), login(one)));
        uses
    }

    /// Forgets one host, or everything; returns how many uses that were.
    pub(super) fn forget(&mut self, host: Option<&str>) -> usize {
        let before = self.uses;
        let Some(host) = host else {
            *self = Self::default();
            return before;
        };
        if let Some(gone) = self.hosts.remove(host) {
            self.tried -= gone.tried.len();
            let rest = self.uses();
            self.replace_uses(rest);
        }
        self.forget_empty();
        before - self.uses
    }

    /// The uses at one host key.
    pub(super) fn at(&self, host: &str) -> impl Iterator<Item = &Use> {
        self.hosts.get(host).into_iter().flat_map(|at| at.uses.values())
    }

    pub(super) fn tried(&self, host: &str) -> impl Iterator<Item = (&str, Tried)> {
        let tried = self.hosts.get(host).into_iter().flat_map(|at| at.tried.iter());
        tried.map(|(key, tried)| (key.as_str(), *tried))
    }

    pub(super) fn put_keyless(&mut self, host: &str) {
        self.hosts.entry(host.to_owned()).or_default().keyless = true;
    }

    pub(super) fn keyless(&self, host: &str) -> bool {
        self.hosts.get(host).is_some_and(|at| at.keyless)
    }

    pub(super) fn in_vain(&self, host: &str) -> usize {
        self.hosts.get(host).map_or(0, |at| at.in_vain)
    }

    pub(super) fn under(&self, authority: &str) -> Option<&HashMap<String, u64>> {
        self.authorities.get(authority)
    }

    pub(super) fn overall(&self, key: &str) -> Overall {
        self.overall.get(key).copied().unwrap_or_default()
    }

    pub(super) fn once_named(&self, name: &str) -> impl Iterator<Item = &str> {
        self.named.get(name).into_iter().flatten().map(String::as_str)
    }

    /// The sums are made anew: what has gone must not count.
    fn replace_uses(&mut self, uses: Vec<Use>) {
        for host in self.hosts.values_mut() {
            host.uses.clear();
        }
        self.overall.clear();
        self.authorities.clear();
        self.uses = 0;
        for one in uses {
            self.put_use(one);
        }
    }

    fn forget_empty(&mut self) {
        self.hosts
            .retain(|_, host| !(host.uses.is_empty() && host.tried.is_empty()));
        let hosts = &self.hosts;
        self.named.retain(|_, had| {
            had.retain(|host| hosts.contains_key(host));
            !had.is_empty()
        });
    }
}

/// A key that worked for somebody else may still do so: it misses only where it was this user's.
fn miss(at: &mut Host, keys: &[&str], user: Option<&str>) -> Vec<Use> {
    let concerned = at
        .uses
        .values_mut()
        .filter(|one| keys.contains(&one.key.as_str()) && user.is_none_or(|user| one.user == user));
    concerned
        .map(|one| {
            one.misses = one.misses.saturating_add(1);
            one.clone()
        })
        .collect()
}

fn latest_try((host, at): (&String, &Host)) -> Option<(u64, String)> {
    let latest = at.tried.values().map(|tried| tried.at).max()?;
    Some((latest, host.clone()))
}

fn login(one: &Use) -> Login {
    (one.key.clone(), one.user.clone(), one.path.clone())
}
