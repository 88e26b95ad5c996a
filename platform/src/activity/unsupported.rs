//! A system whose ways of telling are not known here: no event ever comes.

use super::{ActivityError, Event, Report};
use std::time::Duration;
use tokio::sync::mpsc;

pub(super) struct Watch;

pub(super) fn start(_tell: mpsc::Sender<Event>) -> Watch {
    Watch
}

impl Watch {
    pub(super) async fn idle_for(&self) -> Option<Duration> {
        None
    }

    pub(super) fn report(&self) -> Report {
        Report {
            lock: Err(ActivityError::Unsupported),
            sleep: Err(ActivityError::Unsupported),
            input: Err(ActivityError::Unsupported),
        }
    }
}
