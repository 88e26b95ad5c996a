//! What all sessions of one agent share: the keys, the sources of passphrases, and the facts for `status`.

use super::activity;
use super::offering::Offering;
use super::options::Options;
use crate::config::Lock;
use crate::keyset::Keyset;
use crate::unlock::Unlocker;
use crate::upstream::Registry;
use crate::wire::report::{MemoryStatus, StatusReport};
use claviger_platform::activity::Person;
use claviger_platform::harden;
use claviger_platform::prompt::Means;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{Mutex, Semaphore};

/// What does not change in an agent's life.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Where it listens.
    pub socket: String,
    /// When keys are sealed.
    pub lock: Lock,
    /// Who is asked of the person's comings and goings; none where nothing depends on it.
    pub person: Option<Person>,
    /// What hardening could not do at the start, each with its reason.
    pub weaknesses: Vec<String>,
    /// What the command line allows.
    pub options: Options,
    /// What asks security keys to sign, if it is installed.
    pub sk_helper: Option<PathBuf>,
    /// The middleware through which it asks for keys that were found as files: a path, or "internal".
    pub sk_provider: String,
}

/// One agent.
pub struct Agent {
    pub(super) keyset: Arc<Keyset>,
    pub(super) unlocker: Arc<Unlocker>,
    /// How a person is asked whether a key may be used.
    pub(super) means: Arc<Means>,
    /// Other agents, whose keys stand behind ours.
    pub(super) upstreams: Registry,
    /// What a login is offered; none for the drop-in.
    pub(super) offering: Option<Offering>,
    /// As many slow signatures at once as there are processors: more would only delay the fast ones.
    pub(super) slow_signatures: Semaphore,
    /// Held while a security key is asked.
    pub(super) authenticators: Mutex<()>,
    facts: Facts,
    clients: AtomicUsize,
}

impl Agent {
    /// An agent that serves the keys of `keyset`, and behind them those of `upstreams`.
    pub fn new(
        keyset: Arc<Keyset>,
        unlocker: Arc<Unlocker>,
        means: Arc<Means>,
        upstreams: Registry,
        offering: Option<Offering>,
        facts: Facts,
    ) -> Arc<Self> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Arc::new(Self {
            keyset,
            unlocker,
            means,
            upstreams,
            offering,
            slow_signatures: Semaphore::new(processors),
            authenticators: Mutex::new(()),
            facts,
            clients: AtomicUsize::new(0),
        })
    }

    /// What its command line allows.
    pub fn options(&self) -> &Options {
        &self.facts.options
    }

    /// OpenSSH's ssh-sk-helper.
    pub(super) fn sk_helper(&self) -> Option<&Path> {
        self.facts.sk_helper.as_deref()
    }

    /// The middleware for keys that were found as files.
    pub(super) fn sk_provider(&self) -> &str {
        &self.facts.sk_provider
    }

    /// Its keys.
    pub fn keyset(&self) -> &Arc<Keyset> {
        &self.keyset
    }

    /// As [`Keyset::seal_all`].
    pub fn seal_all(&self) -> usize {
        self.keyset.seal_all()
    }

    /// Writes what was learnt, before the agent ends. Blocking.
    pub fn settle(&self) {
        if let Some(offering) = &self.offering {
            offering.history.settle();
        }
    }

    /// Counts a client in until the guard is dropped.
    pub fn count_client(self: &Arc<Self>) -> ClientGuard {
        self.clients.fetch_add(1, Ordering::Relaxed);
        ClientGuard(self.clone())
    }

    /// The state for `claviger status`. Bounded, and never prompts.
    pub async fn status(&self) -> StatusReport {
        let problems = self.keyset.problems().await;
        let keys = self.keyset.keys();
        let memory = harden::memory_report();
        let mut weaknesses = self.facts.weaknesses.clone();
        weaknesses.extend(memory.weakness);
        StatusReport {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            socket: self.facts.socket.clone(),
            keys: keys.len(),
            open: keys.iter().filter(|held| held.is_open()).count(),
            idle_seconds: self.facts.lock.idle.map(|idle| idle.as_secs()),
            clients: self.clients.load(Ordering::Relaxed),
            activity: activity::report(self.facts.lock, self.facts.person.as_ref()).await,
            sources: self.unlocker.report().await,
            upstreams: self.upstreams.report().await,
            memory: MemoryStatus {
                secret_memory: memory.secret_memory,
                locked: memory.locked,
                weaknesses,
            },
            problems,
        }
    }
}

/// Keeps the count of clients true, however a client's task ends.
pub struct ClientGuard(Arc<Agent>);

impl Drop for ClientGuard {
    fn drop(&mut self) {
        self.0.clients.fetch_sub(1, Ordering::Relaxed);
    }
}
