//! Whether the person is there: the screen locked and unlocked, the machine going to sleep and waking, the last input.
//!
//! The contract of an OS: `imp::start` gets where to send [`Event`]s and gives an `imp::Watch`, whose `idle_for` and
//! `report` answer at any time and whose drop ends it. A system that cannot tell (a container, a login without a desktop)
//! is no error for the caller: no event comes, and [`Person::report`] says why. What went away and may come back (a bus, a
//! service) is looked for again, at intervals that grow to a minute.
//!
//! An event is something to be careful for, never a permission: whoever can make one up can have keys sealed and no more.

#[cfg(target_os = "linux")]
#[path = "linux/mod.rs"]
mod imp;
#[cfg(target_os = "macos")]
#[path = "macos.rs"]
mod imp;
#[cfg(windows)]
#[path = "windows.rs"]
mod imp;
#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
#[path = "unsupported.rs"]
mod imp;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Events that wait to be taken; who sends more waits in turn.
const QUEUE: usize = 16;

/// What happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The screen was locked, or a screen saver came on. May come twice.
    Locked,
    /// It was unlocked.
    Unlocked,
    /// The machine is about to sleep, and waits (for a few seconds at most) until this is dropped.
    Sleeping(Hold),
    /// It woke.
    Woken,
}

/// Keeps the machine from going to sleep until it is dropped.
pub struct Hold {
    _guard: Box<dyn Send>,
}

impl Hold {
    /// The machine may sleep once `guard` is dropped.
    pub fn new(guard: impl Send + 'static) -> Self {
        Self {
            _guard: Box::new(guard),
        }
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hold")
    }
}

/// Why the system does not tell.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ActivityError {
    /// Nothing was asked yet.
    #[error("not asked yet")]
    NotAsked,
    /// This system has no such thing, or none that is known here.
    #[error("this system does not tell")]
    Unsupported,
    /// No bus to ask on.
    #[error("no {bus} bus answers ({reason})")]
    NoBus {
        /// "system" or "session".
        bus: &'static str,
        /// What connecting said.
        reason: String,
    },
    /// Nobody there who would know.
    #[error("{service} does not answer ({reason})")]
    NoService {
        /// Its name.
        service: &'static str,
        /// What it, or the bus, said.
        reason: String,
    },
    /// There is no session whose lock could be watched.
    #[error("logind has no session for this agent, nor one with a display for its user")]
    NoSession,
    /// A call to the system failed.
    #[error("{call} failed: {reason}")]
    Failed {
        /// Which one.
        call: &'static str,
        /// The system's own words.
        reason: String,
    },
}

/// Who tells, or why nobody does.
pub type Told = Result<String, ActivityError>;

/// What is known of the person's comings and goings now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The screen's lock.
    pub lock: Told,
    /// Going to sleep.
    pub sleep: Told,
    /// The last input.
    pub input: Told,
}

/// The source of events. Dropping it ends what watches.
pub struct Activity {
    events: mpsc::Receiver<Event>,
    person: Person,
}

impl Activity {
    /// Begins to watch. Inside a tokio runtime only; waits for nothing.
    pub fn watch() -> Self {
        let (tell, events) = mpsc::channel(QUEUE);
        Self {
            events,
            person: Person(Arc::new(imp::start(tell))),
        }
    }

    /// Waits for the next event; for ever, if none can come.
    pub async fn next(&mut self) -> Event {
        match self.events.recv().await {
            Some(event) => event,
            None => std::future::pending().await,
        }
    }

    /// Whom to ask between events.
    pub fn person(&self) -> Person {
        self.person.clone()
    }
}

/// Answers what can be asked at any time.
#[derive(Clone)]
pub struct Person(Arc<imp::Watch>);

impl Person {
    /// Time since the last input; zero while the system only says that there was some lately; none if it does not tell.
    pub async fn idle_for(&self) -> Option<Duration> {
        self.0.idle_for().await
    }

    /// Who tells what.
    pub fn report(&self) -> Report {
        self.0.report()
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Person").field(&self.report()).finish()
    }
}
