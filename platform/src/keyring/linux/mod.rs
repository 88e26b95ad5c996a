//! The freedesktop Secret Service (gnome-keyring, KeePassXC, KWallet), through the `keyring` crate.
//!
//! The store is built here and put into `keyring::Entry` by hand instead of calling `Entry::new`: that one remembers
//! a failed first connection for the life of the process, so an agent started before the session bus would never see
//! a keyring. The store also keeps a session that dies with the service, without ever opening another one: hence
//! `attempt`, which builds a new store and tries once more.
mod bus;

use super::worker::timed_out;
use super::{Attributes, KeyringError};
use crate::harden::LockedBytes;
use bus::Bus;
use keyring::Entry;
use keyring_core::api::CredentialStoreApi;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use zbus_secret_service_keyring_store::Store;
use zbus_secret_service_keyring_store::cred::Wrapper;
use zeroize::Zeroize;

/// The attribute `service` of every item that is ours; `secret-tool lookup service claviger username ACCOUNT` finds it.
const SERVICE: &str = "claviger";

/// Why a step failed, as far as trying again is concerned.
enum Trouble {
    /// An answer: trying again would not change it.
    Final(KeyringError),
    /// The connection or the session may be stale.
    Stale(String),
}

/// The keyring as one thread uses it. Connects when asked, not before.
pub(super) struct Session {
    limit: Duration,
    link: Option<Link>,
}

impl Session {
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit, link: None }
    }

    pub(super) fn get(&mut self, account: &str) -> Result<Option<LockedBytes>, KeyringError> {
        self.attempt(|link| link.get(account))
    }

    pub(super) fn set(
        &mut self,
        account: &str,
        label: &str,
        secret: &LockedBytes,
    ) -> Result<(), KeyringError> {
        self.attempt(|link| link.set(account, label, secret))
    }

    pub(super) fn delete(&mut self, account: &str) -> Result<bool, KeyringError> {
        self.attempt(|link| link.delete(account))
    }

    pub(super) fn of_others(&mut self, attributes: &Attributes) -> Result<Vec<LockedBytes>, KeyringError> {
        self.attempt(|link| link.of_others(attributes))
    }

    pub(super) fn probe(&mut self) -> Result<(), KeyringError> {
        self.attempt(|link| link.bus.check_ready())
    }

    /// Runs `act`, and once more over a new connection if the old one turns out to be stale.
    /// Only a link that has just worked is kept.
    fn attempt<T>(&mut self, act: impl Fn(&mut Link) -> Result<T, Trouble>) -> Result<T, KeyringError> {
        let mut reason = String::new();
        for _ in 0..2 {
            let mut link = match self.link.take() {
                Some(link) => link,
                None => Link::connect(self.limit)?,
            };
            match act(&mut link) {
                Ok(value) => {
                    self.link = Some(link);
                    return Ok(value);
                }
                Err(Trouble::Final(error)) => return Err(error),
                Err(Trouble::Stale(why)) => reason = why,
            }
        }
        Err(KeyringError::Failed(reason))
    }
}

/// Two connections: ours for the questions that the store cannot ask, and the store's own.
struct Link {
    bus: Bus,
    store: Option<Arc<Store>>,
}

impl Link {
    fn connect(limit: Duration) -> Result<Self, KeyringError> {
        Ok(Self {
            bus: Bus::connect(limit)?,
            store: None,
        })
    }

    fn get(&mut self, account: &str) -> Result<Option<LockedBytes>, Trouble> {
        if !self.has_items(account)? {
            return Ok(None);
        }
        match self.entry(account, None)?.get_secret() {
            Ok(secret) => Ok(Some(take(secret))),
            Err(keyring::Error::NoEntry) => Ok(None),
            Err(keyring::Error::Ambiguous(entries)) => {
                let newest = entries.iter().max_by_key(|entry| self.modified(entry));
                let secret = newest
                    .ok_or(keyring::Error::NoEntry)
                    .and_then(|entry| entry.get_secret());
                secret.map(|secret| Some(take(secret))).map_err(trouble)
            }
            Err(error) => Err(trouble(error)),
        }
    }

    fn set(&mut self, account: &str, label: &str, secret: &[u8]) -> Result<(), Trouble> {
        self.has_items(account)?;
        match self.entry(account, Some(label))?.set_secret(secret) {
            // Every duplicate gets the new secret, so that none of them can bring back the old one.
            Err(keyring::Error::Ambiguous(entries)) => entries
                .iter()
                .try_for_each(|entry| entry.set_secret(secret))
                .map_err(trouble),
            other => other.map_err(trouble),
        }
    }

    fn delete(&mut self, account: &str) -> Result<bool, Trouble> {
        if !self.has_items(account)? {
            return Ok(false);
        }
        match self.entry(account, None)?.delete_credential() {
            Ok(()) => Ok(true),
            Err(keyring::Error::NoEntry) => Ok(false),
            Err(keyring::Error::Ambiguous(entries)) => {
                let all = entries.iter().try_for_each(|entry| entry.delete_credential());
                all.map(|()| true).map_err(trouble)
            }
            Err(error) => Err(trouble(error)),
        }
    }

    fn of_others(&mut self, attributes: &Attributes) -> Result<Vec<LockedBytes>, Trouble> {
        let attributes: HashMap<&str, &str> = attributes
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        if !self.has_such(&attributes)? {
            return Ok(Vec::new());
        }
        let entries = self.store()?.search(&attributes).map_err(trouble)?;
        let secrets = entries.iter().map(|entry| entry.get_secret().map(take));
        secrets.collect::<Result<_, _>>().map_err(trouble)
    }

    fn has_items(&self, account: &str) -> Result<bool, Trouble> {
        self.has_such(&HashMap::from([("service", SERVICE), ("username", account)]))
    }

    /// Whether there are such items, all of them open. The store unlocks whatever it finds locked, with a prompt and
    /// without a limit, so it is asked only after this.
    fn has_such(&self, attributes: &HashMap<&str, &str>) -> Result<bool, Trouble> {
        self.bus.check_ready()?;
        let (open, locked) = self.bus.search(attributes)?;
        if !locked.is_empty() {
            return Err(Trouble::Final(KeyringError::Locked));
        }
        Ok(!open.is_empty())
    }

    fn entry(&mut self, account: &str, label: Option<&str>) -> Result<Entry, Trouble> {
        let store = self.store()?;
        let modifiers: HashMap<&str, &str> = label.map(|label| ("label", label)).into_iter().collect();
        let inner = store.build(SERVICE, account, Some(&modifiers)).map_err(trouble)?;
        Ok(Entry { inner })
    }

    fn store(&mut self) -> Result<&Arc<Store>, Trouble> {
        Ok(match &mut self.store {
            Some(store) => store,
            none => none.insert(Store::new().map_err(trouble)?),
        })
    }

    fn modified(&self, entry: &keyring_core::Entry) -> u64 {
        let item = entry.as_any().downcast_ref::<Wrapper>();
        item.and_then(|item| self.bus.modified(&item.get_path()).ok())
            .unwrap_or(0)
    }
}

/// Moves a secret out of the crate's plain vector.
fn take(mut secret: Vec<u8>) -> LockedBytes {
    let kept = LockedBytes::copy_of(&secret);
    secret.zeroize();
    kept
}

fn trouble(error: keyring::Error) -> Trouble {
    match error {
        keyring::Error::PlatformFailure(source) => Trouble::Stale(source.to_string()),
        // The service wanted a prompt, or locked the item between our check and the call.
        keyring::Error::NoStorageAccess(_) => Trouble::Final(KeyringError::Locked),
        other => Trouble::Final(KeyringError::Failed(other.to_string())),
    }
}
