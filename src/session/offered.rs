//! Lists, and what comes of them: which keys a connection is shown, and what is learnt from its taking one or none.

use super::authenticator::is_left_to;
use super::elsewhere::foreign;
use super::offering::{Choice, Destination, Entry, MANY, Offering, plain_fingerprint, ranks};
use super::permission::{Ruled, now};
use super::{Agent, Answer, Session};
use crate::client::{Asked, Program};
use crate::history::{History, Login, Vain};
use crate::keyset::Held;
use crate::wire;
use claviger_platform::process;
use std::sync::Arc;
use tokio::task::JoinHandle;

/// What a connection was offered for a login, until it takes a key.
pub(super) struct Offered {
    host: String,
    /// Fingerprints, in order.
    keys: Vec<String>,
    user: Option<String>,
    /// Through another host.
    forwarded: bool,
}

/// What is asked of the client's process, which is looked at while ssh is still busy with the server.
#[derive(Default)]
pub(super) enum Looking {
    #[default]
    NotYet,
    Now(JoinHandle<Arc<Asked>>),
    Done(Arc<Asked>),
}

impl Session {
    /// REQUEST_IDENTITIES.
    pub(super) async fn list(&mut self) -> Answer {
        if !self.others.are_none() {
            self.others.list().await;
        }
        let agent = self.agent.clone();
        if let Some(offering) = &agent.offering
            && let Some((destination, unbound)) = self.destination(offering).await
        {
            return self.offer(offering, &destination, unbound).await;
        }
        let alone = self.others.keys().next().is_none();
        if alone && let Some(answer) = agent.keyset.answer().await {
            return Answer::Shared(answer);
        }
        agent.keyset.refresh().await;
        let keys = agent.keyset.keys();
        let asked = match keys.iter().any(|held| held.is_token_file()) && !self.route.is_remote() {
            true => self.asked().await,
            false => None,
        };
        let entries = self.entries(&keys, &asked.unwrap_or_default());
        let identities: Vec<_> = entries.iter().flat_map(Entry::identities).collect();
        Answer::Own(wire::identities(identities.into_iter()))
    }

    /// The keys that this connection may see: ours, and behind them those of other agents, each once.
    fn entries<'a>(&'a self, keys: &'a [Arc<Held>], asked: &Asked) -> Vec<Entry<'a>> {
        let ours = keys.iter().filter(|held| self.sees(held));
        let ours = ours.filter(|held| !is_left_to(asked, held, self.agent.sk_provider()));
        ours.map(Entry::Held)
            .chain(foreign_entries(&self.agent, self.others.keys()))
            .collect()
    }

    /// Where this connection leads, if keys are to be chosen for that; the flag says that nothing proves it.
    async fn destination(&mut self, offering: &Offering) -> Option<(Arc<Destination>, bool)> {
        let (direct, binding) = match self.route.bindings() {
            [] if self.route.is_remote() => return None,
            [] => return self.claimed(offering).await,
            // Somebody on a host to which the agent is forwarded: where that leads is not known.
            [.., last] if last.forwarding => return None,
            [only] => (true, only.clone()),
            [.., last] => (false, last.clone()),
        };
        // A connection that is bound for a login takes no further bind.
        if let Some(known) = &self.bound_for {
            return Some((known.clone(), false));
        }
        let asked = match direct {
            true => Some(self.asked().await?),
            // The process at the socket is the ssh that forwards; who asks is on another host.
            false => None,
        };
        let destination = Arc::new(Destination::bound(offering, &binding, asked).await);
        self.bound_for = Some(destination.clone());
        Some((destination, false))
    }

    /// A login client that does not bind says where it goes in its arguments, if at all.
    async fn claimed(&mut self, offering: &Offering) -> Option<(Arc<Destination>, bool)> {
        let settings = offering.settings();
        if settings.unbound_max == 0 && settings.rules.is_empty() {
            return None;
        }
        let asked = self.asked().await?;
        let logs_in = match &asked.program {
            Program::SshAdd | Program::SshKeygen => false,
            // A verb of our own, or an agent in front of this one that was not told of a server either.
            Program::Other(name) if name == "claviger" => false,
            _ => asked.host.is_some() || asked.unsure,
        };
        let destination = match logs_in {
            true => Destination::claimed(offering, asked).await,
            false => return None,
        };
        let chosen = settings.unbound_max > 0 || destination.rule(&settings).is_some();
        chosen.then(|| (Arc::new(destination), true))
    }

    /// Begins to look at the client's process: it is there for sure now, and waits for nothing.
    pub(super) fn look_at_client(&mut self) {
        if self.agent.offering.is_some() && matches!(self.looking, Looking::NotYet) {
            let (agent, pid) = (self.agent.clone(), self.peer.pid);
            self.looking = Looking::Now(tokio::spawn(async move {
                match &agent.offering {
                    Some(offering) => offering.clients.asked(pid).await,
                    None => Arc::default(),
                }
            }));
        }
    }

    async fn asked(&mut self) -> Option<Arc<Asked>> {
        self.look_at_client();
        let asked = match std::mem::take(&mut self.looking) {
            Looking::NotYet => return None,
            Looking::Now(looking) => looking.await.ok()?,
            Looking::Done(asked) => asked,
        };
        self.looking = Looking::Done(asked.clone());
        Some(asked)
    }

    async fn offer(&mut self, offering: &Offering, destination: &Destination, unbound: bool) -> Answer {
        let agent = self.agent.clone();
        agent.keyset.refresh().await;
        let keys = agent.keyset.keys();
        let choice = Choice::new(
            offering,
            destination,
            self.entries(&keys, &destination.asked),
            unbound,
        );
        let answer = Answer::Own(wire::identities(choice.identities().into_iter()));
        let counted = choice.counted();
        let offered = destination
            .host
            .as_ref()
            .filter(|_| !unbound && !counted.is_empty() && !destination.asked.keyless)
            .map(|host| Offered {
                host: host.clone(),
                keys: counted.clone(),
                user: destination.asked.user.clone(),
                forwarded: destination.forwarded,
            });
        tracing::debug!(
            pid = self.peer.pid,
            host = destination.host,
            listed = choice.offer.listed.len(),
            left_out = choice.offer.left_out.len(),
            "offered"
        );
        self.offered = offered;
        answer
    }

    /// What a rule says of this key where the connection leads; `None` if it is about others. What the person named for this very login is no rule's business.
    pub(super) async fn ruled(&mut self, fingerprint: &str, entry: Entry<'_>) -> Option<Ruled> {
        let agent = self.agent.clone();
        let Some(offering) = &agent.offering else {
            return Some(Ruled::Free);
        };
        let settings = offering.settings();
        if settings.rules.is_empty() || self.route.bindings().is_empty() {
            return Some(Ruled::Free);
        }
        let Some((destination, _)) = self.destination(offering).await else {
            return Some(Ruled::Free);
        };
        let Some(rule) = destination.rule(&settings) else {
            return Some(Ruled::Free);
        };
        let allowed = ranks(rule, &entry).is_some() || destination.names_key(fingerprint);
        let ruled = if rule.confirm { Ruled::Confirm } else { Ruled::Free };
        allowed.then_some(ruled)
    }

    /// The server asked for a login with this key: the keys before it were refused, and the offer is answered.
    pub(super) fn answered(&mut self, fingerprint: &str, data: &[u8]) {
        let signed = wire::signed(data);
        let (Some((_, user)), Some(offering)) = (self.route.destination(&signed), &self.agent.offering)
        else {
            return;
        };
        let Some(offered) = self.offered.take() else {
            return;
        };
        let before = offered.keys.iter().take_while(|key| *key != fingerprint);
        let before: Vec<&str> = before.map(String::as_str).collect();
        if before.len() < offered.keys.len() && !before.is_empty() {
            let user = String::from_utf8_lossy(user);
            offered
                .history(offering)
                .passed_over(&offered.host, &before, &user);
        }
    }

    /// ssh asks for a signature only once the server has said that it takes the key: so this key works there.
    pub(super) async fn learn(&mut self, fingerprint: &str, data: &[u8]) {
        let signed = wire::signed(data);
        let user = self.route.destination(&signed).map(|(_, user)| user);
        let agent = self.agent.clone();
        let (Some(user), Some(offering)) = (user, &agent.offering) else {
            return;
        };
        let user = String::from_utf8_lossy(user).into_owned();
        let Some((destination, false)) = self.destination(offering).await else {
            return;
        };
        let Some(host) = &destination.host else { return };
        let login = Login {
            host,
            authority: destination.authority.as_deref(),
            names: &destination.clear_names(),
            key: fingerprint,
            user: &user,
            path: destination.asked.path.as_deref().unwrap_or_default(),
        };
        match destination.forwarded {
            true => offering.passing.worked(&login, now()),
            false => offering.history.worked(&login, now()),
        }
    }
}

impl Offered {
    /// One that came through another host teaches nothing for good: that host could make it up.
    fn history<'a>(&self, offering: &'a Offering) -> &'a History {
        match self.forwarded {
            true => &offering.passing,
            false => &offering.history,
        }
    }
}

impl Drop for Session {
    /// A connection that ends without having asked for a signature took none of what it was offered.
    fn drop(&mut self) {
        let (Some(offered), Some(offering)) = (self.offered.take(), &self.agent.offering) else {
            return;
        };
        let keys: Vec<&str> = offered.keys.iter().map(String::as_str).collect();
        // Who fails closes its connection by ending; who got in otherwise closes it and goes on.
        let keyless = self.peer.pid.is_some_and(|pid| !process::is_ending(pid));
        let vain = Vain {
            user: offered.user.as_deref(),
            keyless,
        };
        let history = offered.history(offering);
        history.unanswered(&offered.host, &keys, vain, now());
        let offers = history.view().at(&offered.host, &[], None).rounds;
        if offers >= MANY && !keyless {
            tracing::info!(
                host = offered.host,
                offers,
                "again no key was taken; the next login is offered the next ones (sshd 9.8 and later lets a computer wait \
                 after failed logins)"
            );
        }
    }
}

/// Keys of other agents, as entries of a list.
pub(super) fn foreign_entries<'a>(
    agent: &Agent,
    keys: impl Iterator<Item = crate::upstream::Elsewhere<'a>>,
) -> impl Iterator<Item = Entry<'a>> {
    foreign(agent, keys).map(|key| Entry::Foreign {
        fingerprint: plain_fingerprint(key.blob),
        key,
    })
}
