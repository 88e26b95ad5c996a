//! What happens to keys by the clock and by what the person does, without anybody asking for it: keys that were not used are
//! sealed, those whose lifetime is over removed, on time and not at their next use; all are sealed when the screen is
//! locked and before the machine sleeps.
//!
//! The clock and the person's own idle time are passed to what decides, so that tests drive both.

mod absence;
mod events;
#[cfg(test)]
mod tests;

pub use events::seal_when_gone;

use crate::keyset::Keyset;
use absence::Absence;
use claviger_platform::activity::Person;
use claviger_platform::harden;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Seals keys that nobody used for `limit`, and all open ones once when the person gave no input for as long. Sleeps
/// until one of both is due, or until a key is opened when none is; never returns.
pub async fn seal_when_idle(keyset: Arc<Keyset>, limit: Duration, person: Person) {
    let mut absence = Absence::default();
    loop {
        let idle_for = person.idle_for().await;
        match seal_due(&keyset, &mut absence, limit, Instant::now(), idle_for) {
            Some(due) => tokio::time::sleep_until(due.into()).await,
            None => {
                harden::scrub_stack();
                keyset.key_opened().await;
                absence.key_opened(person.idle_for().await, limit);
            }
        }
    }
}

/// Seals what is due; returns when to look again, or none if no key is open.
fn seal_due(
    keyset: &Keyset,
    absence: &mut Absence,
    limit: Duration,
    now: Instant,
    idle_for: Option<Duration>,
) -> Option<Instant> {
    let unused = keyset.seal_idle(now, limit)?;
    if absence.begins(idle_for, limit) {
        tracing::info!("sealed: the person gave no input for lock.idle");
        // Openings that are under way go on: whoever wants these keys now wants them without the person.
        return keyset.seal_idle(now, Duration::ZERO);
    }
    Some(unused.min(now + absence::next_look(idle_for, limit)))
}

/// Sleeps until a key's lifetime is over, or until one is added; never returns.
pub async fn remove_expired(keyset: Arc<Keyset>) {
    loop {
        match keyset.expire(Instant::now()) {
            Some(due) => tokio::select! {
                () = tokio::time::sleep_until(due.into()) => {}
                () = keyset.key_added() => {}
            },
            None => {
                harden::scrub_stack();
                keyset.key_added().await;
            }
        }
    }
}
