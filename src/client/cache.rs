//! Answers of ssh, each for as long as the files and variables that it depends on are the same.

use super::effective::Effective;
use super::scan::Scan;
use claviger_platform::files::{Stamp, stamp};
use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Command lines whose answers are kept.
const MOST: usize = 64;
/// Longer command lines are asked for each time, in bytes.
const LONGEST: usize = 8 << 10;

/// What ssh is asked: options and host.
pub(super) type Question = Vec<String>;

/// An answer, and what it depends on.
pub(super) struct Entry {
    pub(super) stamps: Vec<(PathBuf, Option<Stamp>)>,
    /// Variables that the files refer to, with their content then.
    pub(super) names: Vec<String>,
    pub(super) values: Vec<Option<OsString>>,
    pub(super) answer: Arc<Answer>,
}

/// What was found out for a question.
#[derive(Default)]
pub(super) struct Answer {
    /// None where ssh was not asked, or gave no answer.
    pub(super) effective: Option<Effective>,
    pub(super) scan: Scan,
    /// Whether the identities are ssh's own defaults.
    pub(super) defaults: bool,
}

impl Entry {
    /// Whether no file has changed. Blocking.
    pub(super) fn is_current(&self) -> bool {
        self.stamps.iter().all(|(path, then)| stamp(path) == *then)
    }
}

/// One question's place. Whoever asks holds it, so that many logins at once to one host run ssh once.
pub(super) type Slot = Arc<tokio::sync::Mutex<Option<Entry>>>;

/// The answers, those used last.
#[derive(Default)]
pub(super) struct Cache {
    slots: Mutex<Slots>,
}

#[derive(Default)]
struct Slots {
    /// Counts uses.
    clock: u64,
    /// With the clock at the last use.
    by_question: HashMap<(PathBuf, Question), (u64, Slot)>,
}

impl Cache {
    /// The place of a question to one ssh.
    pub(super) fn slot(&self, ssh: &Path, question: &Question) -> Slot {
        if question.iter().map(String::len).sum::<usize>() > LONGEST {
            return Slot::default();
        }
        let question = &(ssh.to_owned(), question.clone());
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let Slots { clock, by_question } = &mut *slots;
        *clock += 1;
        if let Some((used, slot)) = by_question.get_mut(question) {
            *used = *clock;
            return slot.clone();
        }
        if by_question.len() >= MOST {
            let oldest = by_question.iter().min_by_key(|(_, (used, _))| *used);
            if let Some(oldest) = oldest.map(|(question, _)| question.clone()) {
                by_question.remove(&oldest);
            }
        }
        let slot = Slot::default();
        by_question.insert(question.clone(), (*clock, slot.clone()));
        slot
    }
}
