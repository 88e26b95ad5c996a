//! One client's view of the other agents: its own connection to each, told where the client's connection leads.

use super::SIGN_LIMIT;
use super::binds::Binds;
use super::link::Link;
use super::target::Target;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// The other agents as one client has them. Nothing is connected before something is asked.
pub struct Upstreams {
    targets: Arc<[Arc<Target>]>,
    /// One place for each of `targets`; empty until the first answer to a list.
    pub(super) links: Vec<Option<Link>>,
    binds: Binds,
    pub(super) sign_limit: Duration,
}

/// A key of another agent.
#[derive(Clone, Copy, Debug)]
pub struct Elsewhere<'a> {
    /// Where that agent listens.
    pub socket: &'a Path,
    /// Public key or certificate, as on the wire.
    pub blob: &'a [u8],
    /// Any bytes.
    pub comment: &'a [u8],
}

impl Upstreams {
    pub(super) fn new(targets: Arc<[Arc<Target>]>) -> Self {
        Self {
            links: targets.iter().map(|_| None).collect(),
            targets,
            binds: Binds::default(),
            sign_limit: SIGN_LIMIT,
        }
    }

    /// Whether there are none at all.
    pub fn are_none(&self) -> bool {
        self.targets.is_empty()
    }

    /// Notes the body of a session-bind message: it goes before whatever is asked next.
    pub fn bind(&mut self, message: &[u8]) {
        if !self.are_none() {
            self.binds.keep(message);
        }
    }

    /// Asks all for their keys, at once, and waits for none longer than [`LIST_LIMIT`](super::LIST_LIMIT).
    pub async fn list(&mut self) {
        let Some(binds) = self.binds.frames() else {
            self.links.fill_with(|| None);
            tracing::warn!(
                "a client has more session binds than can be passed on; it gets no keys of other agents"
            );
            return;
        };
        let mut asked = JoinSet::new();
        for (place, (target, link)) in self.targets.iter().zip(&mut self.links).enumerate() {
            let listed = target.clone().list(link.take(), binds.to_vec());
            asked.spawn(async move { (place, listed.await) });
        }
        while let Some(answered) = asked.join_next().await {
            if let Ok((place, link)) = answered {
                self.links[place] = link;
            }
        }
    }

    /// What the last list found, in the order of the configuration.
    pub fn keys(&self) -> impl Iterator<Item = Elsewhere<'_>> {
        self.targets.iter().zip(&self.links).flat_map(|(target, link)| {
            let keys = link.as_ref().map(Link::identities).unwrap_or_default();
            keys.into_iter().map(|(blob, comment)| Elsewhere {
                socket: &target.socket,
                blob,
                comment,
            })
        })
    }

    /// Passes on a sign request (a frame's body) for `blob` to the agent that lists it; its framed answer, or `None` if
    /// no agent lists it, or that one refuses or fails.
    pub async fn sign(&mut self, blob: &[u8], request: &[u8]) -> Option<Vec<u8>> {
        let place = match self.place_of(blob) {
            Some(place) => place,
            None => {
                self.list().await;
                self.place_of(blob)?
            }
        };
        // Not put back unless it answered: what came later would pass for the answer to another request.
        let mut link = self.links[place].take()?;
        let socket = self.targets[place].socket.display();
        match timeout(self.sign_limit, link.sign(self.binds.frames()?, request)).await {
            Ok(Ok(signature)) => {
                self.links[place] = Some(link);
                signature
            }
            Ok(Err(error)) => {
                tracing::warn!(upstream = %socket, "signed nothing: {error}");
                None
            }
            Err(_) => {
                tracing::warn!(upstream = %socket, "signed nothing in {:?}", self.sign_limit);
                None
            }
        }
    }

    #[cfg(test)]
    pub(super) fn shares_with(&self, other: &Self) -> bool {
        std::iter::zip(&*self.targets, &*other.targets).all(|(one, other)| Arc::ptr_eq(one, other))
    }

    fn place_of(&self, blob: &[u8]) -> Option<usize> {
        let holds = |link: &Link| link.lists(blob) && link.is_in_step();
        self.links
            .iter()
            .position(|link| link.as_ref().is_some_and(holds))
    }
}
