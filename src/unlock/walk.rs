//! The walk through the sources, in the configured order, until a passphrase opens the key.

use super::gate::Interrupted;
use super::stores::{Store, name_of};
use super::{UnlockError, Unlocker, Wanted};
use crate::config::Source;
use crate::key::KeyError;
use crate::secret::Secret;
use std::sync::Arc;

/// How often a person may mistype.
const TRIES: usize = 3;

/// What one source came to.
enum Tried<T> {
    Opened(T),
    Not(String),
}

impl Unlocker {
    /// Finds a passphrase that `attempt` accepts (it runs on a blocking thread: it derives a key). A stored one that
    /// does not fit is tried once, reported, dropped from its store, and the next source is asked; a prompt is asked at
    /// most three times. After a prompt that worked on a terminal, the person is offered once to have it remembered.
    /// Returns what `attempt` made, and the name of the source ("os", "embedded", "prompt").
    ///
    /// Another error of `attempt` than [`KeyError::WrongPassphrase`] ends the walk: the file is at fault.
    pub async fn unlock<T, F>(&self, wanted: &Wanted, attempt: F) -> Result<(T, &'static str), UnlockError>
    where
        T: Send + 'static,
        F: Fn(&[u8]) -> Result<T, KeyError> + Send + Sync + 'static,
    {
        let attempt = Arc::new(attempt);
        let mut reasons = Vec::new();
        for source in &self.order {
            let name = name_of(*source);
            let tried = match (source, self.store(*source)) {
                (_, Some(store)) => self.try_stored(&store, wanted, &attempt).await?,
                (Source::Kdbx, None) => self.try_databases(wanted, &attempt).await?,
                (Source::Prompt, None) => self.ask(wanted, &attempt).await?,
                _ => continue,
            };
            match tried {
                Tried::Not(reason) if reason.is_empty() => {}
                Tried::Opened(value) => return Ok((value, name)),
                Tried::Not(reason) => reasons.push(format!("{name}: {reason}")),
            }
        }
        Err(UnlockError::Exhausted {
            key: wanted.path.display().to_string(),
            reasons,
        })
    }

    async fn try_stored<T, F>(
        &self,
        store: &Store,
        wanted: &Wanted,
        attempt: &Arc<F>,
    ) -> Result<Tried<T>, UnlockError>
    where
        T: Send + 'static,
        F: Fn(&[u8]) -> Result<T, KeyError> + Send + Sync + 'static,
    {
        let stored = match store.find(wanted).await {
            Ok(Some(stored)) => stored,
            Ok(None) => {
                return Ok(Tried::Not(format!(
                    "{} has none; `claviger add` stores it",
                    store.place()
                )));
            }
            Err(error) => {
                self.skipped(store, &error);
                return Ok(Tried::Not(error.to_string()));
            }
        };
        if let Some(value) = self.attempt(&stored, attempt).await? {
            self.worked(store.name());
            return Ok(Tried::Opened(value));
        }
        let became = match store.remove(wanted, Some(stored)).await {
            Ok(true) => "was dropped".to_owned(),
            Ok(false) => "was replaced meanwhile".to_owned(),
            Err(error) => format!("could not be dropped: {error}"),
        };
        self.failed(
            store.name(),
            &format!(
                "the passphrase for {} did not fit and {became}",
                wanted.path.display()
            ),
        );
        Ok(Tried::Not(format!(
            "the stored passphrase does not fit and {became}"
        )))
    }

    /// Tries what the KeePass databases have for the file; an empty reason where there are none.
    async fn try_databases<T, F>(&self, wanted: &Wanted, attempt: &Arc<F>) -> Result<Tried<T>, UnlockError>
    where
        T: Send + 'static,
        F: Fn(&[u8]) -> Result<T, KeyError> + Send + Sync + 'static,
    {
        let mut reasons = Vec::new();
        let mut number = 0;
        while let Some(asked) = self.databases.passphrases(wanted, number).await {
            number += 1;
            let found = match asked.found {
                Ok(found) => found,
                Err(error) => {
                    reasons.push(error.to_string());
                    continue;
                }
            };
            let database = asked.path.display();
            reasons.push(match found.is_empty() {
                true => format!("{database} has no entry that names the file or its fingerprint"),
                false => format!("what {database} has for it does not fit; correct it in KeePass"),
            });
            for passphrase in found {
                if let Some(value) = self.attempt(&Arc::new(passphrase), attempt).await? {
                    return Ok(Tried::Opened(value));
                }
            }
        }
        Ok(Tried::Not(reasons.join("; ")))
    }

    async fn ask<T, F>(&self, wanted: &Wanted, attempt: &Arc<F>) -> Result<Tried<T>, UnlockError>
    where
        T: Send + 'static,
        F: Fn(&[u8]) -> Result<T, KeyError> + Send + Sync + 'static,
    {
        let name = name_of(Source::Prompt);
        let key = wanted.path.display();
        let mut question = format!("Enter passphrase for key {key}: ");
        for _ in 0..TRIES {
            let typed = match self.means.passphrase(&question).await {
                // As ssh-add does: an empty answer is how a person gives up.
                Ok(typed) if typed.is_empty() => return Ok(Tried::Not("no passphrase was typed".to_owned())),
                Ok(typed) => Arc::new(typed),
                Err(error) => {
                    self.failed(name, &error);
                    return Ok(Tried::Not(error.to_string()));
                }
            };
            if let Some(value) = self.attempt(&typed, attempt).await? {
                self.worked(name);
                self.offer(wanted, typed).await;
                return Ok(Tried::Opened(value));
            }
            question = format!("That does not fit, try again. Enter passphrase for key {key}: ");
        }
        Ok(Tried::Not(format!("{TRIES} passphrases were typed, none fits")))
    }

    /// What `attempt` makes of the passphrase; none if it does not fit.
    async fn attempt<T, F>(&self, secret: &Arc<Secret>, attempt: &Arc<F>) -> Result<Option<T>, UnlockError>
    where
        T: Send + 'static,
        F: Fn(&[u8]) -> Result<T, KeyError> + Send + Sync + 'static,
    {
        let (secret, attempt) = (secret.clone(), attempt.clone());
        match self.gate.run(move || attempt(&secret)).await {
            Ok(Ok(value)) => Ok(Some(value)),
            Ok(Err(KeyError::WrongPassphrase)) => Ok(None),
            Ok(Err(other)) => Err(other.into()),
            Err(Interrupted) => Err(KeyError::Backend(Interrupted.to_string()).into()),
        }
    }

    /// Offers once to remember a passphrase that was typed on a terminal and fits.
    async fn offer(&self, wanted: &Wanted, secret: Arc<Secret>) {
        if !self.offers.may_ask(&wanted.fingerprint).await {
            return;
        }
        let mut places = Vec::new();
        for store in self.stores() {
            match &store {
                Store::Os(os) if os.hung_lately() || os.probe().await.is_err() => {}
                Store::Os(_) => places.push(('k', "[k]eyring", store)),
                Store::Embedded(_) => places.push(('v', "[v]ault", store)),
            }
        }
        if places.is_empty() {
            return;
        }
        let names: Vec<_> = places.iter().map(|(_, name, _)| *name).chain(["[n]o"]).collect();
        let letters: Vec<_> = places.iter().map(|(letter, ..)| *letter).chain(['n']).collect();
        let names = names.join(", ");
        let question =
            format!("Remember this passphrase, so that the key opens by itself next time? {names}: ");
        let Some(choice) = self.offers.ask(&wanted.fingerprint, &question, &letters).await else {
            return;
        };
        if let Some((.., store)) = places.into_iter().find(|(letter, ..)| *letter == choice)
            && let Err(error) = store.put(wanted, secret).await
        {
            // The key is open, which is what was asked for.
            tracing::warn!(key = %wanted.path.display(), %error, "its passphrase was not remembered");
        }
    }
}
