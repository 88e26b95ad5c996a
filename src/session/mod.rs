//! One client: its peer, what is known of its connection, and the one match on requests.
//!
//! [`Session::answer`] takes one frame's body and gives the framed reply; it never closes the connection and never
//! holds a lock across a wait. What all sessions share is [`Agent`].

mod activity;
mod agent;
mod authenticator;
mod control;
mod elsewhere;
mod identities;
mod learnt;
mod offered;
mod offering;
mod options;
mod permission;
mod provider;
mod signature;
mod tokens;

pub use agent::{Agent, Facts};
pub use offering::{OfferSettings, Offering, ReadOffer};
pub use options::{OptionError, Options, OptionsBuilder};

use crate::policy::Route;
use crate::upstream::Upstreams;
use crate::wire::{self, Request};
use claviger_platform::endpoint::Peer;
use identities::done;
use offered::{Looking, Offered};
use offering::Destination;
use std::sync::Arc;

/// OpenSSH's announcement of the server that a connection is for (PROTOCOL.agent, 1).
const SESSION_BIND: &str = "session-bind@openssh.com";
/// Asks which extensions are served (RFC 9987).
const QUERY: &str = "query";

/// A framed reply.
pub enum Answer {
    /// Shared with other clients: the list.
    Shared(Arc<[u8]>),
    /// Made for this request.
    Own(Vec<u8>),
    /// One of the fixed ones.
    Fixed(&'static [u8]),
}

impl Answer {
    /// The bytes to send.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Shared(bytes) => bytes,
            Self::Own(bytes) => bytes,
            Self::Fixed(bytes) => bytes,
        }
    }
}

/// One client's connection.
pub struct Session {
    agent: Arc<Agent>,
    peer: Peer,
    /// What the connection has proven of where it leads. One that tried to prove anything speaks for a login, perhaps
    /// from a remote host: it has no business with claviger's own messages, so they are refused to it.
    route: Route,
    /// Other agents, which are told what this connection tries to prove.
    others: Upstreams,
    /// What the client's process was asked to do.
    looking: Looking,
    /// Where the connection leads, once it is bound for a login.
    bound_for: Option<Arc<Destination>>,
    /// What it was offered there, until it takes a key.
    offered: Option<Offered>,
}

impl Session {
    /// A session for `peer`, whom the endpoint has let in.
    pub fn new(agent: Arc<Agent>, peer: Peer) -> Self {
        Self {
            others: agent.upstreams.connect(),
            agent,
            peer,
            route: Route::default(),
            looking: Looking::default(),
            bound_for: None,
            offered: None,
        }
    }

    /// Answers one request (a frame's body, not empty).
    pub async fn answer(&mut self, body: &[u8]) -> Answer {
        let request = wire::request(body);
        if let Request::Extension {
            name: SESSION_BIND, ..
        } = request
        {
            self.others.bind(body);
        }
        if self.agent.keyset.is_locked() {
            return self.answer_locked(request).await;
        }
        let discloses = matches!(request, Request::List | Request::Sign { .. });
        let answer = self.answer_open(request, body).await;
        // Whoever was asked (a person, a token, another agent) may have taken longer than the agent stayed open.
        if discloses && self.agent.keyset.is_locked() {
            self.offered = None;
            return self.answer_locked(wire::request(body)).await;
        }
        answer
    }

    async fn answer_open(&mut self, request: Request<'_>, body: &[u8]) -> Answer {
        match request {
            Request::List => self.list().await,
            Request::Sign { blob, data, .. } if self.is_foreign(blob).await => {
                self.sign_elsewhere(body, blob, data).await
            }
            Request::Sign { blob, data, flags } => self.sign(blob, data, flags).await,
            Request::Add { body } => done(self.add(body).await),
            Request::Remove { blob } => done(self.remove(blob)),
            Request::RemoveAll | Request::RemoveAllOld => done(self.remove_all()),
            Request::Lock { passphrase } => done(self.lock(passphrase).await),
            Request::Extension { name, body } => self.extension(name, body).await,
            Request::AddToken {
                provider,
                pin,
                constraints,
            } => done(self.add_token(provider, pin, constraints).await),
            Request::RemoveToken { provider, .. } => done(self.remove_token(provider).await),
            Request::Unlock { .. } => done(false),
            Request::Refused { kind } => {
                tracing::debug!(kind, pid = self.peer.pid, "request refused");
                done(false)
            }
        }
    }

    /// A locked agent lists nothing and does nothing, but it still learns where a connection leads: one that was
    /// bound while locked must not pass for a local one later.
    async fn answer_locked(&mut self, request: Request<'_>) -> Answer {
        match request {
            Request::List => Answer::Own(wire::identities(std::iter::empty())),
            Request::Unlock { passphrase } => done(self.unlock(passphrase).await),
            Request::Extension {
                name: SESSION_BIND,
                body,
            } => self.bind(body),
            _ => done(false),
        }
    }

    async fn extension(&mut self, name: &str, body: &[u8]) -> Answer {
        match name {
            QUERY => Answer::Own(wire::extension_response(QUERY, &control::query())),
            SESSION_BIND => self.bind(body),
            name if control::serves(name) && !self.route.is_remote() => {
                control::answer(&self.agent, name, body).await
            }
            _ => done(false),
        }
    }
}
