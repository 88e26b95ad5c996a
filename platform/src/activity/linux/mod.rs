//! Linux: logind on the system bus, screen savers on the session bus; each is followed by a task of its own.

mod bus;
mod login;
mod saver;

use super::{ActivityError, Event, Report, Told};
use bus::{Pauses, Wanted, Which};
use login::Session;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use zbus::Connection;

/// Ends its tasks when dropped.
pub(super) struct Watch {
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

/// What the tasks know, for those who ask.
pub(super) struct Shared(Mutex<State>);

#[derive(Clone)]
struct State {
    session: Result<Session, ActivityError>,
    /// Whether logind waits for us before the machine sleeps.
    inhibitor: Result<(), ActivityError>,
    savers: Result<Vec<&'static str>, ActivityError>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is known; a change that people would see is logged, once.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        let before = state.report();
        change(&mut state);
        let after = state.report();
        drop(state);
        for (what, before, after) in [
            ("the screen's lock", before.lock, after.lock),
            ("sleep", before.sleep, after.sleep),
        ] {
            match after {
                after if after == before => {}
                Ok(by) => tracing::info!(by, "told of {what}"),
                Err(error) => tracing::info!("not told of {what}: {error}"),
            }
        }
    }
}

impl State {
    fn lost(&mut self, bus: Which, error: ActivityError) {
        match bus {
            Which::Session => self.savers = Err(error),
            Which::System => {
                self.session = Err(error.clone());
                self.inhibitor = Err(error);
            }
        }
    }

    fn report(&self) -> Report {
        let session = self.session.as_ref().map(|session| session.name());
        let mut tellers = Vec::from_iter(session.as_ref().ok().cloned());
        tellers.extend(self.savers.iter().flatten().map(|name| (*name).to_owned()));
        let lock = match (tellers.is_empty(), &session) {
            (true, Err(error)) => Err((*error).clone()),
            _ => Ok(tellers.join(", ")),
        };
        let input: Told = session.map_err(Clone::clone);
        let sleep = self.inhibitor.clone().map(|()| String::from("logind"));
        Report { lock, sleep, input }
    }
}

impl Watch {
    pub(super) async fn idle_for(&self) -> Option<Duration> {
        let session = self.shared.lock().session.clone().ok()?;
        session.idle_for().await
    }

    pub(super) fn report(&self) -> Report {
        self.shared.lock().report()
    }
}

pub(super) fn start(tell: mpsc::Sender<Event>) -> Watch {
    let shared = Arc::new(Shared(Mutex::new(State {
        session: Err(ActivityError::NotAsked),
        inhibitor: Err(ActivityError::NotAsked),
        savers: Err(ActivityError::NotAsked),
    })));
    let mut tasks = JoinSet::new();
    tasks.spawn(stay_connected(login::WANTED, shared.clone(), tell.clone()));
    tasks.spawn(stay_connected(saver::WANTED, shared.clone(), tell));
    Watch {
        shared,
        _tasks: tasks,
    }
}

/// Connects, follows what is wanted, and connects again after a pause when the bus is gone; never returns.
async fn stay_connected(wanted: Wanted, shared: Arc<Shared>, tell: mpsc::Sender<Event>) {
    let mut pauses = Pauses::new();
    loop {
        match wanted.bus.connect().await {
            Err(error) => shared.change(|state| state.lost(wanted.bus, error)),
            Ok(connection) => {
                pauses = Pauses::new();
                let error = follow(&connection, &wanted, &shared, &tell).await;
                shared.change(|state| state.lost(wanted.bus, wanted.bus.gone(error)));
            }
        }
        tokio::time::sleep(pauses.next()).await;
    }
}

/// Side by side: while an answer is waited for, what comes over the connection is read on.
async fn follow(
    connection: &Connection,
    wanted: &Wanted,
    shared: &Shared,
    tell: &mpsc::Sender<Event>,
) -> zbus::Error {
    let (told, heard) = bus::channel();
    let following = async {
        match wanted.bus {
            Which::System => login::follow(connection, shared, heard, tell).await,
            Which::Session => saver::follow(shared, heard, tell).await,
        }
        // Its end of the channel closed with the connection, and `listen` says why.
        std::future::pending().await
    };
    tokio::select! {
        error = bus::listen(connection, wanted, told) => error,
        error = following => error,
    }
}

/// Nobody is told once the receiver is gone, and the tasks end with it.
async fn send(tell: &mpsc::Sender<Event>, event: Event) {
    let _ = tell.send(event).await;
}
