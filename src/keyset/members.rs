//! Who is in the set: keys found as files, keys that clients added, and which found ones a client removed.

use super::added::Terms;
use super::discover::Discovered;
use super::held::Held;
use super::shield::Shield;
use super::snapshot::Snapshot;
use crate::wire::report::Problem;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

/// The members, in listing order: found ones first, then those of databases, then added ones as they came.
#[derive(Default)]
pub(super) struct Members {
    found: Vec<Arc<Held>>,
    databases: Vec<Arc<Held>>,
    added: Vec<Arc<Held>>,
    /// Found keys that a client removed. Their files stay; they are listed again when somebody asks for a new look.
    removed: HashSet<Box<[u8]>>,
    problems: Vec<Problem>,
    database_problems: Vec<Problem>,
}

impl Members {
    /// Takes over what a look found. Keys stay open across looks; those that are gone are sealed.
    pub(super) fn found(&mut self, found: Discovered) {
        self.problems = newly(&self.problems, found.problems);
        let mut known: HashMap<Vec<u8>, Arc<Held>> = self
            .found
            .drain(..)
            .map(|held| (held.public.blob.clone(), held))
            .collect();
        let mut seen = HashSet::new();
        for found in found.keys {
            let blob = &found.inspected.public.blob;
            if seen.insert(blob.clone()) {
                let known = known.remove(blob);
                self.found.push(Arc::new(Held::found(found, known.as_deref())));
            }
        }
        for gone in known.values() {
            gone.seal();
        }
    }

    /// Takes over what databases hold; `known` makes each key from what is known of it. Keys stay open as long as they
    /// are there.
    pub(super) fn of_databases(&mut self, keys: Vec<Held>, problems: Vec<Problem>) {
        self.database_problems = newly(&self.database_problems, problems);
        let old = std::mem::take(&mut self.databases);
        for mut held in keys {
            if let Some(known) = old.iter().find(|known| known.public.blob == held.public.blob) {
                held.cell = known.cell.clone();
            }
            self.databases.push(Arc::new(held));
        }
        for gone in &old {
            if !self
                .databases
                .iter()
                .any(|held| Arc::ptr_eq(&held.cell, &gone.cell))
            {
                gone.seal();
            }
        }
    }

    /// Adds a key, or replaces the one with the same blob at its place.
    pub(super) fn add(&mut self, held: Held) {
        let held = Arc::new(held);
        match self
            .added
            .iter_mut()
            .find(|old| old.identity() == held.identity())
        {
            Some(place) => {
                place.seal();
                *place = held;
            }
            None => self.added.push(held),
        }
    }

    /// Adds a key unless its identity is listed already; whether it did.
    pub(super) fn add_absent(&mut self, held: Held) -> bool {
        let found = self
            .on_disk()
            .filter(|old| !self.removed.contains(old.public.blob.as_slice()));
        let is_listed = found
            .chain(&self.added)
            .any(|old| old.has_identity(held.identity()));
        if is_listed {
            return false;
        }
        self.added.push(Arc::new(held));
        true
    }

    /// Removes those added keys that `goes` picks; returns how many.
    pub(super) fn remove_added(&mut self, goes: impl Fn(&Held) -> bool) -> usize {
        let before = self.added.len();
        self.added.retain(|held| !goes(held));
        before - self.added.len()
    }

    /// Removes the identity `blob`; a found key is sealed and no longer listed. False if there is none.
    pub(super) fn remove(&mut self, blob: &[u8]) -> bool {
        let before = self.added.len();
        self.added.retain(|held| {
            let goes = held.identity() == blob;
            if goes {
                held.seal();
            }
            !goes
        });
        let found: Vec<_> = self
            .on_disk()
            .filter(|held| held.has_identity(blob))
            .cloned()
            .collect();
        let mut hidden = false;
        for held in found {
            held.seal();
            hidden |= self.removed.insert(held.public.blob.clone().into_boxed_slice());
        }
        hidden || self.added.len() < before
    }

    /// Removes everything.
    pub(super) fn remove_all(&mut self) {
        for held in self.added.drain(..) {
            held.seal();
        }
        for held in self.found.iter().chain(&self.databases) {
            held.seal();
            self.removed.insert(held.public.blob.clone().into_boxed_slice());
        }
    }

    /// Lists found keys again that a client removed.
    pub(super) fn restore(&mut self) {
        self.removed.clear();
    }

    /// Removes what has expired; returns whether anything did, and when the next one will.
    pub(super) fn expire(&mut self, now: Instant) -> (bool, Option<Instant>) {
        let before = self.added.len() + self.databases.len();
        let stays = |held: &Arc<Held>| {
            let expired = held.expires.is_some_and(|at| at <= now);
            if expired {
                held.seal();
                tracing::info!(key = %held.public.fingerprint, "its lifetime is over");
            }
            !expired
        };
        self.added.retain(stays);
        self.databases.retain(stays);
        let mortal = self.added.iter().chain(&self.databases);
        (
            self.added.len() + self.databases.len() < before,
            mortal.filter_map(|held| held.expires).min(),
        )
    }

    /// Seals added keys anew, from one shield to another. One that cannot be is dropped: it could never be opened.
    pub(super) fn reseal(&mut self, from: &Shield, to: &Shield) {
        self.added.retain(|held| {
            let resealed = held.reseal(from, to);
            if !resealed {
                tracing::error!(key = %held.public.fingerprint, "could not be sealed anew and is dropped");
            }
            resealed
        });
    }

    /// The key of which `blob` is an identity, as [`snapshot`](Self::snapshot) would find it.
    pub(super) fn find(&self, blob: &[u8]) -> Option<Arc<Held>> {
        let mut found = self.listed_on_disk().filter(|held| held.has_identity(blob));
        let added = |own: &[u8]| self.added.iter().any(|added| added.identity() == own);
        let found = found.find(|held| !added(&held.public.blob));
        found
            .or_else(|| self.added.iter().find(|held| held.has_identity(blob)))
            .cloned()
    }

    /// What to list now. An added key goes before a found one of the same blob: its terms hold.
    pub(super) fn snapshot(&self) -> Snapshot {
        let added: HashSet<&[u8]> = self.added.iter().map(|held| held.identity()).collect();
        let keys = self
            .listed_on_disk()
            .filter(|held| !added.contains(held.public.blob.as_slice()))
            .chain(&self.added)
            .cloned()
            .collect();
        let problems = self.problems.iter().chain(&self.database_problems);
        Snapshot::new(keys, problems.cloned().collect())
    }

    fn on_disk(&self) -> impl Iterator<Item = &Arc<Held>> {
        self.found.iter().chain(&self.databases)
    }

    /// Those that a client did not remove, each once. Of a key that is both a file and in a database the file is shown,
    /// as it costs no master password; but where the database limits the key's use, the database's is, so that the
    /// limits hold.
    fn listed_on_disk(&self) -> impl Iterator<Item = &Arc<Held>> {
        let limited: HashSet<&[u8]> = self
            .databases
            .iter()
            .filter(|held| held.terms != Terms::default())
            .map(|held| held.public.blob.as_slice())
            .collect();
        let files: HashSet<&[u8]> = self
            .found
            .iter()
            .map(|held| held.public.blob.as_slice())
            .collect();
        self.on_disk().filter(move |held| {
            let blob = held.public.blob.as_slice();
            let shown = match held.database() {
                None => !limited.contains(blob),
                Some(_) => limited.contains(blob) || !files.contains(blob),
            };
            shown && !self.removed.contains(blob)
        })
    }
}

/// The new problems, those that were not known told in the log.
fn newly(known: &[Problem], new: Vec<Problem>) -> Vec<Problem> {
    for problem in new.iter().filter(|new| !known.contains(new)) {
        tracing::warn!(path = %problem.path, "{}", problem.reason);
    }
    new
}
