//! One state of the set: the keys in listing order, an index by blob, and the list's answer, encoded once.

use super::discover::Discovered;
use super::held::Held;
use crate::wire;
use crate::wire::report::Problem;
use std::collections::HashMap;
use std::sync::Arc;

/// Immutable; replaced whole at each re-scan.
pub(super) struct Snapshot {
    pub(super) keys: Arc<[Arc<Held>]>,
    pub(super) answer: Arc<[u8]>,
    pub(super) problems: Vec<Problem>,
    by_blob: HashMap<Box<[u8]>, u32>,
}

impl Default for Snapshot {
    fn default() -> Self {
        Self {
            keys: Arc::new([]),
            answer: wire::identities(std::iter::empty()).into(),
            problems: Vec::new(),
            by_blob: HashMap::new(),
        }
    }
}

impl Snapshot {
    /// Takes over what is open from `old`: same public half, same cell. Keys that are gone are sealed.
    pub(super) fn build(found: Discovered, old: &Self) -> Self {
        let mut keys: Vec<Arc<Held>> = Vec::with_capacity(found.keys.len());
        let mut by_blob = HashMap::with_capacity(found.keys.len());
        for found in found.keys {
            let position = keys.len() as u32;
            if by_blob.contains_key(found.inspected.public.blob.as_slice()) {
                continue;
            }
            by_blob.insert(found.inspected.public.blob.clone().into_boxed_slice(), position);
            if let Some(certificate) = &found.certificate {
                by_blob
                    .entry(certificate.blob.clone().into_boxed_slice())
                    .or_insert(position);
            }
            let known = old.find(&found.inspected.public.blob);
            keys.push(Arc::new(Held::new(found, known.as_deref())));
        }
        for gone in old
            .keys
            .iter()
            .filter(|old| !by_blob.contains_key(old.public.blob.as_slice()))
        {
            gone.cell.seal();
        }
        let answer = wire::identities(keys.iter().flat_map(|held| held.identities())).into();
        Self {
            keys: keys.into(),
            answer,
            problems: found.problems,
            by_blob,
        }
    }

    pub(super) fn find(&self, blob: &[u8]) -> Option<Arc<Held>> {
        let position = *self.by_blob.get(blob)?;
        self.keys.get(position as usize).cloned()
    }
}
