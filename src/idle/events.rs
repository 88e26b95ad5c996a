//! What seals everything at once: the screen's lock, and the machine's going to sleep.

use crate::config::Lock;
use crate::keyset::Keyset;
use claviger_platform::activity::{Activity, Event};
use std::sync::Arc;

/// Seals as `lock` says when something happens; never returns.
pub async fn seal_when_gone(keyset: Arc<Keyset>, mut activity: Activity, lock: Lock) {
    loop {
        react(&keyset, activity.next().await, lock);
    }
}

/// What holds off the machine's sleep is in the event, which goes when this returns: after the sealing.
pub(super) fn react(keyset: &Keyset, event: Event, lock: Lock) {
    let when = match &event {
        Event::Locked if lock.on_screen_lock => "at the screen's lock",
        Event::Sleeping(_) if lock.on_sleep => "before sleep",
        _ => return,
    };
    let sealed = keyset.seal_all();
    tracing::info!(sealed, "sealed {when}");
    drop(event);
}
