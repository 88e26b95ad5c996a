//! Whether an agent is worth waiting for. No clock is read here: the time is told.
//!
//! One list in vain is enough to make an agent a suspect. From then on no list waits for it; it is asked in the
//! background now and then, and trusted again once it has really answered.

use super::UpstreamError;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a suspect is left alone before it is asked again.
const QUARANTINE: Duration = Duration::from_secs(5);

/// What all clients know of one agent.
#[derive(Default)]
pub(super) struct Health(Mutex<State>);

#[derive(Default)]
struct State {
    suspect: Option<Suspect>,
    /// Why it was of no use last time.
    reason: Option<String>,
}

enum Suspect {
    /// Somebody waits for an answer that nobody else waits for.
    Asked,
    LeftAlone {
        until: Instant,
    },
}

/// What to do with an agent when its keys are wanted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Advice {
    /// Ask it and wait a little.
    Ask,
    /// Do without it.
    Skip,
    /// Do without it, but ask it in the background, and report.
    Probe,
}

impl Health {
    pub(super) fn advice(&self, now: Instant) -> Advice {
        let mut state = self.state();
        match state.suspect {
            None => Advice::Ask,
            Some(Suspect::LeftAlone { until }) if now >= until => {
                state.suspect = Some(Suspect::Asked);
                Advice::Probe
            }
            Some(_) => Advice::Skip,
        }
    }

    /// It answered: it is trusted.
    pub(super) fn answered(&self) -> bool {
        let mut state = self.state();
        state.reason = None;
        state.suspect.take().is_some()
    }

    /// It failed without making anybody wait. Returns whether that is news.
    pub(super) fn failed(&self, error: &UpstreamError) -> bool {
        let mut state = self.state();
        let reason = Some(error.to_string());
        let news = state.reason != reason;
        state.reason = reason;
        news
    }

    /// A list waited in vain; the answer is still waited for in the background. Returns whether that is news.
    pub(super) fn keeps_silent(&self) -> bool {
        let mut state = self.state();
        state.reason = Some(UpstreamError::Silent.to_string());
        state.suspect.replace(Suspect::Asked).is_none()
    }

    /// Nor did an answer come in the background.
    pub(super) fn gave_up(&self, now: Instant) {
        self.state().suspect = Some(Suspect::LeftAlone {
            until: now + QUARANTINE,
        });
    }

    /// Why it is of no use now; `None` if it answered last time.
    pub(super) fn reason(&self) -> Option<String> {
        self.state().reason.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_agent_is_waited_for_once_and_asked_again_by_one() {
        let (health, start) = (Health::default(), Instant::now());
        assert_eq!(health.advice(start), Advice::Ask);
        assert!(health.keeps_silent());
        assert!(!health.keeps_silent(), "no news");
        let late = start + 100 * QUARANTINE;
        assert_eq!(health.advice(late), Advice::Skip, "somebody waits for it still");
        assert!(health.reason().unwrap().contains("answer"));

        health.gave_up(start);
        assert_eq!(health.advice(start + QUARANTINE / 2), Advice::Skip);
        assert_eq!(health.advice(start + QUARANTINE), Advice::Probe);
        assert_eq!(health.advice(start + QUARANTINE), Advice::Skip, "one asks");
        assert!(health.answered());
        assert_eq!(health.advice(start), Advice::Ask);
        assert_eq!(health.reason(), None);
    }

    #[test]
    fn a_failure_that_delays_nobody_makes_no_suspect() {
        let health = Health::default();
        assert!(health.failed(&UpstreamError::Garbled("x")));
        assert!(!health.failed(&UpstreamError::Garbled("x")), "no news");
        assert!(health.failed(&UpstreamError::Itself));
        assert_eq!(health.advice(Instant::now()), Advice::Ask);
        assert!(health.reason().unwrap().contains("itself"));
        assert!(!health.answered());
        assert_eq!(health.reason(), None);
    }
}
