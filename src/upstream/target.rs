//! One other agent, as all clients share it: how long it is waited for, and by how many.

use super::health::{Advice, Health};
use super::link::Link;
use super::{LIST_LIMIT, UpstreamError};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// How long an answer that no list waits for any more is waited for in the background.
const PATIENCE: Duration = Duration::from_secs(10);
/// Lists at once. More would only make each other late; and agents that stand behind each other in a circle would ask each
/// other without end.
const AT_ONCE: usize = 64;

/// One other agent.
pub(super) struct Target {
    pub(super) socket: PathBuf,
    pub(super) health: Health,
    lists: Semaphore,
}

type Asking = Pin<Box<dyn Future<Output = Result<Link, UpstreamError>> + Send>>;

impl Target {
    pub(super) fn new(socket: PathBuf) -> Arc<Self> {
        Arc::new(Self {
            socket,
            health: Health::default(),
            lists: Semaphore::new(AT_ONCE),
        })
    }

    /// Asks for its keys over `link`, or over a new connection; `None` if there is nothing to be had from it now. Waits
    /// for it no longer than [`LIST_LIMIT`], and for its turn no longer than those before wait.
    pub(super) async fn list(self: Arc<Self>, link: Option<Link>, binds: Vec<Arc<[u8]>>) -> Option<Link> {
        if !self.is_worth_waiting_for() {
            return None;
        }
        let _one_of_few = self.lists.acquire().await;
        // Those who had their turn before may have found it silent.
        if !self.is_worth_waiting_for() {
            return None;
        }
        let mut asking: Asking = Box::pin(self.clone().ask(link, binds));
        match timeout(LIST_LIMIT, &mut asking).await {
            Ok(answered) => self.noted(answered),
            Err(_) => {
                if self.health.keeps_silent() {
                    tracing::warn!(upstream = %self.socket.display(), "does not answer; not waited for until it does");
                }
                tokio::spawn(self.clone().wait_for(asking));
                None
            }
        }
    }

    /// Also has it asked in the background when it is time to.
    fn is_worth_waiting_for(self: &Arc<Self>) -> bool {
        match self.health.advice(Instant::now()) {
            Advice::Ask => true,
            Advice::Skip => false,
            Advice::Probe => {
                let asking = self.clone().ask(None, Vec::new());
                tokio::spawn(self.clone().wait_for(Box::pin(asking)));
                false
            }
        }
    }

    async fn ask(self: Arc<Self>, link: Option<Link>, binds: Vec<Arc<[u8]>>) -> Result<Link, UpstreamError> {
        let mut link = match link.filter(Link::is_in_step) {
            Some(link) => link,
            None => Link::open(&self.socket).await?,
        };
        link.list(&binds).await?;
        Ok(link)
    }

    /// Waits for an answer whose only use is that there is one.
    async fn wait_for(self: Arc<Self>, asking: Asking) {
        match timeout(PATIENCE, asking).await {
            Ok(Ok(link)) => drop(self.noted(Ok(link))),
            Ok(Err(error)) => {
                self.noted(Err(error));
                self.health.gave_up(Instant::now());
            }
            Err(_) => self.health.gave_up(Instant::now()),
        }
    }

    fn noted(&self, answered: Result<Link, UpstreamError>) -> Option<Link> {
        match answered {
            Ok(link) => {
                if self.health.answered() {
                    tracing::info!(upstream = %self.socket.display(), "answers again");
                }
                Some(link)
            }
            Err(error) => {
                if self.health.failed(&error) {
                    tracing::info!(upstream = %self.socket.display(), "{error}");
                }
                None
            }
        }
    }
}
