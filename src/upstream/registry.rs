//! Which other agents there are: as configured at the start, or when somebody last asked for a new look.

use super::target::Target;
use super::upstreams::Upstreams;
use crate::wire::report::UpstreamReport;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

/// Reads the configured sockets; an error is one sentence.
pub type ReadSockets = Box<dyn Fn() -> Result<Vec<PathBuf>, String> + Send + Sync>;

/// The other agents, shared by all clients.
pub struct Registry {
    /// Where this agent listens.
    own: PathBuf,
    read: ReadSockets,
    targets: RwLock<Arc<[Arc<Target>]>>,
}

impl Registry {
    /// Reads which agents there are. None is contacted before a client needs it.
    ///
    /// # Errors
    /// The configuration's, and when it names this agent's own socket.
    pub fn new(own: PathBuf, read: ReadSockets) -> Result<Self, String> {
        let registry = Self {
            own,
            read,
            targets: RwLock::default(),
        };
        registry.reload()?;
        Ok(registry)
    }

    /// Reads them again: for clients that come from now on. What is known of an agent that stays is kept.
    ///
    /// # Errors
    /// As [`new`](Self::new); the old ones stay.
    pub fn reload(&self) -> Result<(), String> {
        let sockets = (self.read)()?;
        if let Some(socket) = sockets.iter().find(|socket| same_file(socket, &self.own)) {
            return Err(format!(
                "upstream.socket: {} is where this agent listens itself; take it out of the configuration",
                socket.display()
            ));
        }
        let old = self.targets();
        let known = |socket: PathBuf| {
            let same = old.iter().find(|target| target.socket == socket);
            same.cloned().unwrap_or_else(|| Target::new(socket))
        };
        let new = sockets.into_iter().map(known).collect();
        *self.targets.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    /// A new client's view.
    pub fn connect(&self) -> Upstreams {
        Upstreams::new(self.targets())
    }

    /// Each agent and whether it answers, for `claviger status`.
    pub async fn report(&self) -> Vec<UpstreamReport> {
        let targets = self.targets();
        let mut upstreams = Upstreams::new(targets.clone());
        upstreams.list().await;
        let report = |target: &Arc<Target>| {
            let keys = upstreams.keys().filter(|key| key.socket == target.socket).count();
            let reason = target.health.reason();
            UpstreamReport {
                socket: target.socket.display().to_string(),
                reachable: reason.is_none(),
                keys,
                detail: reason.unwrap_or_default(),
            }
        };
        targets.iter().map(report).collect()
    }

    fn targets(&self) -> Arc<[Arc<Target>]> {
        self.targets
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Whether both lead to the same file.
fn same_file(one: &Path, other: &Path) -> bool {
    one == other || matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}
