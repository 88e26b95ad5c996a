//! Whether the person is away, as it is told now and then: so that a job that goes on using keys does not keep them open.
//!
//! Keys are sealed once for each absence. What a job opens again after that is sealed for want of use only: to seal it at every
//! look would have the job derive keys all night, and protect nothing, as the job can open them anyway.

use std::time::Duration;

/// What was told last.
#[derive(Default)]
pub(super) struct Absence {
    away: bool,
}

impl Absence {
    /// True once for each time that the person gives no input for `limit`. What is not told changes nothing.
    pub(super) fn begins(&mut self, idle_for: Option<Duration>, limit: Duration) -> bool {
        let Some(idle_for) = idle_for else { return false };
        let was_away = std::mem::replace(&mut self.away, idle_for >= limit);
        self.away && !was_away
    }

    /// Who opens a key while the person is away already does so without the person, as after the sealing.
    pub(super) fn key_opened(&mut self, idle_for: Option<Duration>, limit: Duration) {
        self.begins(idle_for, limit);
    }
}

/// How long nobody can have been away for `limit` who was away for `idle_for` now.
pub(super) fn next_look(idle_for: Option<Duration>, limit: Duration) -> Duration {
    match idle_for {
        Some(idle_for) if idle_for < limit => limit - idle_for,
        _ => limit,
    }
}
