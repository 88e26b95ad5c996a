//! One state of the set: the keys in listing order, an index by blob, and the list's answer, encoded once.

use super::held::Held;
use crate::wire;
use crate::wire::report::Problem;
use std::collections::HashMap;
use std::sync::Arc;

/// Immutable; thrown away when a member comes or goes, and made anew when somebody looks.
pub(super) struct Snapshot {
    pub(super) keys: Arc<[Arc<Held>]>,
    /// The framed answer to a client that may see every key.
    pub(super) answer: Arc<[u8]>,
    /// Whether some key is for certain destinations only, or a token's file, which some clients use by themselves: so that not
    /// every client sees the same list.
    pub(super) restricted: bool,
    pub(super) problems: Vec<Problem>,
    by_blob: HashMap<Box<[u8]>, u32>,
}

impl Snapshot {
    pub(super) fn new(keys: Vec<Arc<Held>>, problems: Vec<Problem>) -> Self {
        let mut by_blob = HashMap::with_capacity(keys.len());
        for (position, held) in keys.iter().enumerate() {
            for (blob, _) in held.identities() {
                by_blob.entry(blob.into()).or_insert(position as u32);
            }
        }
        Self {
            answer: wire::identities(keys.iter().flat_map(|held| held.identities())).into(),
            restricted: keys
                .iter()
                .any(|held| !held.terms.destinations.is_empty() || held.is_token_file()),
            keys: keys.into(),
            problems,
            by_blob,
        }
    }

    pub(super) fn find(&self, blob: &[u8]) -> Option<Arc<Held>> {
        let position = *self.by_blob.get(blob)?;
        self.keys.get(position as usize).cloned()
    }
}
