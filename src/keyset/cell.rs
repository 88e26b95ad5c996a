//! Whether a key is open, and who waits for it: one opening serves all who ask meanwhile.

use super::opening::OpenError;
use crate::key::OpenKey;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::watch;

/// What all who wait for an opening get.
pub(super) type Outcome = Result<Arc<OpenKey>, Arc<OpenError>>;
/// Where an opening's outcome goes.
pub(super) type Ticket = Arc<watch::Sender<Option<Outcome>>>;

/// The lock is held for moments only, never across a wait.
#[derive(Default)]
pub(super) struct Cell {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    phase: Phase,
    /// Times sealed so far: an opening that began before the last of them came too late.
    sealings: u64,
    last_used: Option<SystemTime>,
}

#[derive(Default)]
enum Phase {
    #[default]
    Sealed,
    /// One task opens it; everybody else subscribes.
    Opening(Ticket),
    Open {
        key: Arc<OpenKey>,
        used: Instant,
    },
}

/// What somebody who wants the key has to do.
pub(super) enum Turn {
    /// Nothing: it is open.
    Open(Arc<OpenKey>),
    /// Wait: another task opens it.
    Wait(watch::Receiver<Option<Outcome>>),
    /// Open it for all, with this ticket.
    Begin(Ticket, watch::Receiver<Option<Outcome>>),
}

impl Cell {
    /// The key if it is open, noting the use.
    pub(super) fn used(&self, now: Instant) -> Option<Arc<OpenKey>> {
        let mut state = self.lock();
        let State {
            phase: Phase::Open { key, used },
            last_used,
            ..
        } = &mut *state
        else {
            return None;
        };
        *used = now;
        *last_used = Some(SystemTime::now());
        Some(key.clone())
    }

    /// Notes the use of a key that is never open here.
    pub(super) fn note_use(&self) {
        self.lock().last_used = Some(SystemTime::now());
    }

    /// Whose turn it is.
    pub(super) fn turn(&self, now: Instant) -> Turn {
        let mut state = self.lock();
        match &mut state.phase {
            Phase::Open { key, used } => {
                *used = now;
                Turn::Open(key.clone())
            }
            Phase::Opening(ticket) => Turn::Wait(ticket.subscribe()),
            Phase::Sealed => {
                let ticket = Arc::new(watch::Sender::new(None));
                let outcome = ticket.subscribe();
                state.phase = Phase::Opening(ticket.clone());
                Turn::Begin(ticket, outcome)
            }
        }
    }

    /// Keeps the opened key, unless it was sealed since this opening began.
    pub(super) fn finish(&self, ticket: &Ticket, opened: Outcome, started: Instant) -> Outcome {
        let mut state = self.lock();
        let current = matches!(&state.phase, Phase::Opening(mine) if Arc::ptr_eq(mine, ticket));
        if !current {
            return Err(Arc::new(OpenError::Sealed));
        }
        state.phase = match &opened {
            Ok(key) => {
                state.last_used = Some(SystemTime::now());
                Phase::Open {
                    key: key.clone(),
                    used: started.max(Instant::now()),
                }
            }
            Err(_) => Phase::Sealed,
        };
        opened
    }

    /// Times sealed so far, for [`put`](Self::put).
    pub(super) fn sealings(&self) -> u64 {
        self.lock().sealings
    }

    /// Keeps `key`, which somebody opened otherwise, unless it was sealed since there were `since` sealings; false then.
    pub(super) fn put(&self, key: Arc<OpenKey>, now: Instant, since: u64) -> bool {
        let mut state = self.lock();
        let in_time = state.sealings == since;
        if in_time {
            state.phase = Phase::Open { key, used: now };
        }
        in_time
    }

    /// True when it was open. An opening under way goes on for nobody: its result is not kept.
    pub(super) fn seal(&self) -> bool {
        let mut state = self.lock();
        state.sealings += 1;
        let sealed = std::mem::take(&mut state.phase);
        matches!(sealed, Phase::Open { .. })
    }

    /// Seals when due; else tells when it will be.
    pub(super) fn seal_if_idle(&self, now: Instant, idle: Duration) -> Option<Instant> {
        let mut state = self.lock();
        let Phase::Open { used, .. } = &state.phase else {
            return None;
        };
        let due = *used + idle;
        if due > now {
            return Some(due);
        }
        state.phase = Phase::Sealed;
        None
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.lock().phase, Phase::Open { .. })
    }

    pub(super) fn last_used(&self) -> Option<SystemTime> {
        self.lock().last_used
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
