//! Lines by what they hold, in little memory: an agent keeps this for as long as it runs, and 100,000 lines are nothing
//! unusual for a machine that deploys.
//!
//! Only hashes are kept, sorted, with the line's number: whoever finds a line looks whether it is meant.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};

/// Lines by something in them.
#[derive(Default)]
pub(super) struct Index {
    hasher: RandomState,
    at: Vec<(u64, u32)>,
}

impl Index {
    /// Takes in one more; [`Index::finish`] has to follow.
    pub(super) fn add(&mut self, what: impl Hash, line: usize) {
        if let Ok(line) = u32::try_from(line) {
            self.at.push((self.hasher.hash_one(what), line));
        }
    }

    /// No more will be added.
    pub(super) fn finish(&mut self) {
        self.at.sort_unstable();
        self.at.shrink_to_fit();
    }

    /// The numbers of the lines that may hold this, in order.
    pub(super) fn find(&self, what: impl Hash) -> impl Iterator<Item = usize> {
        let wanted = self.hasher.hash_one(what);
        let start = self.at.partition_point(|(hash, _)| *hash < wanted);
        let found = self
            .at
            .iter()
            .skip(start)
            .take_while(move |(hash, _)| *hash == wanted);
        found.filter_map(|(_, line)| usize::try_from(*line).ok())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.at.is_empty()
    }
}
