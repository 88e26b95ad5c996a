//! The right key first: what a login is offered, and why.
//!
//! [`Offering`] holds what that takes: the person's rules, what was learnt, what known_hosts says, what the client was asked
//! for. [`Destination`] is a server as far as it is known; `Choice` is what it would be offered. A session and
//! `claviger explain` go the same way through here, so they cannot disagree. Ordering and rules are `policy`'s.

mod choice;
mod destination;
mod explain;
mod named;

pub(super) use choice::{Choice, Entry, ranks};
pub(super) use destination::Destination;
pub(super) use explain::{MANY, explain};

use crate::client::Clients;
use crate::history::{History, HistoryError};
use crate::key::{self, Hash};
use crate::known_hosts::{Files, KnownHosts};
use crate::policy::Rules;
use std::sync::{Arc, PoisonError, RwLock};

/// What the person set.
#[derive(Clone, Debug)]
pub struct OfferSettings {
    /// `offer.max`: most identities for a server; 0 is no limit.
    pub max: usize,
    /// `offer.unbound_max`: most for a login client that does not say which server it is for; 0 is no limit.
    pub unbound_max: usize,
    /// `[[host]]`.
    pub rules: Rules,
}

/// Reads the settings anew; an error is one sentence, and keeps the old ones.
pub type ReadOffer = Box<dyn Fn() -> Result<OfferSettings, String> + Send + Sync>;

/// What offering takes. The drop-in for ssh-agent has none: it lists all, in the order in which keys came.
pub struct Offering {
    settings: RwLock<Arc<OfferSettings>>,
    read: ReadOffer,
    /// What worked where.
    pub(super) history: History,
    /// What was seen of logins through other hosts. It ends with the agent and orders such logins only, as those hosts
    /// could make it up.
    pub(super) passing: History,
    known_hosts: Arc<Files>,
    pub(super) clients: Clients,
}

impl Offering {
    /// Reads the settings once.
    ///
    /// # Errors
    /// The reader's.
    pub fn new(read: ReadOffer, history: History, known_hosts: Files) -> Result<Self, String> {
        Ok(Self {
            settings: RwLock::new(Arc::new(read()?)),
            read,
            history,
            passing: History::in_memory(),
            known_hosts: Arc::new(known_hosts),
            clients: Clients::new(),
        })
    }

    /// What holds now.
    pub(super) fn settings(&self) -> Arc<OfferSettings> {
        let settings = self.settings.read().unwrap_or_else(PoisonError::into_inner);
        settings.clone()
    }

    /// Reads the settings again.
    ///
    /// # Errors
    /// The reader's; then the old ones hold.
    pub(super) fn reload(&self) -> Result<(), String> {
        let new = Arc::new((self.read)()?);
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    /// Forgets what was learnt of one host key, or all of it (`None`); returns how much that was. Blocking.
    ///
    /// # Errors
    /// SQLite's.
    pub(super) fn forget(&self, host: Option<&str>) -> Result<usize, HistoryError> {
        self.passing.forget(host)?;
        self.history.forget(host)
    }

    /// What known_hosts says now. On a blocking thread: a large file takes a while, and so may the disk.
    pub(super) async fn known_hosts(&self) -> Arc<KnownHosts> {
        let files = self.known_hosts.clone();
        tokio::task::spawn_blocking(move || files.current())
            .await
            .unwrap_or_default()
    }
}

/// Fingerprint of the plain key of an identity.
pub(super) fn plain_fingerprint(blob: &[u8]) -> String {
    let plain = key::plain_of(blob);
    key::fingerprint(plain.as_deref().unwrap_or(blob), Hash::Sha256)
}
