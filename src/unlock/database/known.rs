//! One configured database through the agent's life: closed or open, and what was learnt when it was last read.

use super::file::{Database, Opened, Stamp};
use super::listing::Listing;
use super::named::{self, Names};
use crate::key::OpenKey;
use crate::secret::Secret;
use crate::unlock::session::{Protected, Session, SessionError};
use crate::unlock::vault::{Edition, VaultError};
use crate::unlock::{UnlockError, Wanted};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a drive may take to say whether a file changed; a network drive that is gone may take for ever.
const GLANCE: Duration = Duration::from_secs(1);

/// How long it may take to hand the file out.
const PATIENCE: Duration = Duration::from_secs(10);

/// A database and its session.
pub(super) struct Known {
    pub(super) session: Session<Database>,
    state: Mutex<State>,
    /// Held while a changed file is read again, so that who comes meanwhile finds it read.
    renewing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    read: Option<Read>,
    /// When it was opened; none while it is closed.
    opened: Option<Instant>,
    /// Why it was last not opened or read.
    failure: Option<String>,
    /// Whether the person would not open it for the passphrase of a file: then it is not asked for again for files.
    declined: bool,
}

/// One reading of the file.
#[derive(Clone)]
struct Read {
    listing: Arc<Listing>,
    names: Arc<Names>,
    edition: Edition,
    stamp: Option<Stamp>,
}

impl Read {
    /// `known` is what was read before: it still holds where the file is the same, unless keys are in other files, or
    /// some could not be listed. To look at each key anew may cost a derivation each.
    fn of(opened: &Opened, database: &Database, known: Option<&Self>) -> Self {
        let same = known.filter(|known| {
            let within = known.listing.keys.iter().all(|key| key.file.is_none());
            known.edition == opened.edition && within && known.listing.problems.is_empty()
        });
        if let Some(same) = same {
            return Self {
                stamp: opened.stamp,
                ..same.clone()
            };
        }
        Self {
            listing: Arc::new(opened.listing(database)),
            names: Arc::new(opened.names(database)),
            edition: opened.edition,
            stamp: opened.stamp,
        }
    }
}

/// What a closer look at a file came to.
enum Look {
    Same,
    Touched(Option<Stamp>),
    Changed,
}

impl Known {
    pub(super) fn new(session: Session<Database>) -> Self {
        Self {
            session,
            state: Mutex::default(),
            renewing: tokio::sync::Mutex::new(()),
        }
    }

    pub(super) fn path(&self) -> &Path {
        self.session.file().path()
    }

    /// What was read of it, and when it was opened.
    pub(super) fn listing(&self) -> (Option<Arc<Listing>>, Option<Instant>) {
        let state = self.state();
        (state.read.as_ref().map(|read| read.listing.clone()), state.opened)
    }

    pub(super) fn failure(&self) -> Option<String> {
        self.state().failure.clone()
    }

    /// Opens a key; the master password is sought if the database is closed. The second is whether its listing changed.
    pub(super) async fn open_key(
        &self,
        entry: String,
        blob: Vec<u8>,
    ) -> (Result<OpenKey, UnlockError>, bool) {
        if let Err(error) = self.answers().await {
            return (Err(self.failed(&error)), false);
        }
        let known = self.read();
        let job = move |database: &Database, master: &[u8]| {
            let opened = database.open(master)?;
            let key = opened.open_key(database, &entry, &blob);
            Ok((Read::of(&opened, database, known.as_ref()), key))
        };
        match self.session.run(self.session.job(false, job)).await {
            Ok((read, key)) => (key.map_err(|reason| self.error(reason)), self.took(read)),
            Err(error) => (Err(self.failed(&error)), false),
        }
    }

    /// Opens it, with `master` only if that is given. True if its listing changed.
    pub(super) async fn open(&self, master: Option<Secret>) -> Result<bool, UnlockError> {
        self.answers().await.map_err(|error| self.failed(&error))?;
        let job = |database: &Database, master: &[u8]| Ok(Read::of(&database.open(master)?, database, None));
        let job = self.session.job(false, job);
        let read = match master {
            None => self.session.run(job).await,
            Some(master) => match self.session.fits(&Arc::new(master), &job).await {
                Ok(Some(read)) => Ok(read),
                Ok(None) => Err(VaultError::WrongMaster.into()),
                Err(error) => Err(error),
            },
        };
        match read {
            Ok(read) => Ok(self.took(read)),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Reads it again if it is open and its file was changed, without asking anybody: a master password that no longer
    /// fits closes it. True if what is known of it changed.
    pub(super) async fn renew(&self) -> bool {
        let Some(master) = self.session.master() else {
            return false;
        };
        let _turn = self.renewing.lock().await;
        let Some(read) = self.read() else {
            return false;
        };
        match self.look(&read).await {
            Look::Same => return false,
            Look::Touched(stamp) => {
                if let Some(read) = &mut self.state().read {
                    read.stamp = stamp;
                }
                return false;
            }
            Look::Changed => {}
        }
        let job = |database: &Database, master: &[u8]| Ok(Read::of(&database.open(master)?, database, None));
        match self.session.fits(&master, &self.session.job(false, job)).await {
            Ok(Some(read)) => self.took(read),
            Ok(None) => {
                tracing::warn!(database = %self.path().display(), "its master password was changed, so it is closed");
                self.close();
                true
            }
            // A file that is half-written, or gone for a while, says nothing about its keys.
            Err(error) => {
                self.failed(&error);
                false
            }
        }
    }

    /// Whether the file is there and whole, as far as that shows without its key; found out where nothing else waits for
    /// it, and not waited for longer than a person would.
    async fn answers(&self) -> Result<(), SessionError> {
        match tokio::time::timeout(PATIENCE, self.session.inspect()).await {
            Ok(inspected) => inspected,
            Err(_) => Err(VaultError::Unreadable(format!(
                "its drive did not answer within {} s",
                PATIENCE.as_secs()
            ))
            .into()),
        }
    }

    fn read(&self) -> Option<Read> {
        self.state().read.clone()
    }

    /// Whether the file is still what was read. Not waited for longer than a moment.
    async fn look(&self, read: &Read) -> Look {
        let (database, known) = (self.session.file().clone(), read.clone());
        let look = tokio::task::spawn_blocking(move || {
            let stamp = Stamp::of(database.path());
            match stamp {
                None => Look::Same,
                same if same == known.stamp => Look::Same,
                touched => match database.edition() {
                    Ok(edition) if edition == known.edition => Look::Touched(touched),
                    _ => Look::Changed,
                },
            }
        });
        match tokio::time::timeout(GLANCE, look).await {
            Ok(Ok(look)) => look,
            _ => Look::Same,
        }
    }

    /// What may open the file of `wanted`. A closed database is opened for it, unless the person would not before.
    pub(super) async fn passphrases(&self, wanted: &Wanted) -> (Result<Vec<Secret>, UnlockError>, bool) {
        let home = self.session.file().surroundings.home.clone();
        let forms = named::forms(wanted, &home);
        let renewed = self.renew().await;
        let (known, declined) = {
            let state = self.state();
            (state.read.as_ref().map(|read| read.names.clone()), state.declined)
        };
        let names_nothing = known.is_some_and(|names| !named::are_named(&names, &forms));
        if self.session.is_open() && names_nothing {
            return (Ok(Vec::new()), renewed);
        }
        if declined && !self.session.is_open() {
            return (
                Err(self.error("closed, and not asked for again".to_owned())),
                false,
            );
        }
        if let Err(error) = self.answers().await {
            return (Err(self.failed(&error)), false);
        }
        let read = self.read();
        let job = move |database: &Database, master: &[u8]| {
            let opened = database.open(master)?;
            let found: Vec<Arc<Secret>> = opened
                .passphrases(database, &forms)
                .into_iter()
                .map(Arc::new)
                .collect();
            Ok((Read::of(&opened, database, read.as_ref()), found))
        };
        match self.session.run(self.session.job(false, job)).await {
            Ok((read, found)) => {
                let changed = self.took(read);
                (
                    Ok(found.into_iter().filter_map(Arc::into_inner).collect()),
                    changed,
                )
            }
            Err(error) => {
                self.state().declined |= matches!(error, SessionError::NoMaster(_));
                (Err(self.failed(&error)), false)
            }
        }
    }

    /// Forgets the master password. What was read stays known: it is not secret. True if it was open.
    pub(super) fn close(&self) -> bool {
        self.session.close();
        let mut state = self.state();
        state.declined = false;
        state.opened.take().is_some()
    }

    fn took(&self, read: Read) -> bool {
        let is_open = self.session.is_open();
        let mut state = self.state();
        let changed = state.read.as_ref().is_none_or(|old| old.listing != read.listing);
        let opened = is_open && state.opened.is_none();
        if opened {
            state.opened = Some(Instant::now());
        }
        (state.read, state.failure, state.declined) = (Some(read), None, false);
        changed || opened
    }

    fn failed(&self, error: &SessionError) -> UnlockError {
        let text = match error {
            SessionError::Vault(VaultError::File(error)) => error.to_string(),
            other => other.to_string(),
        };
        let own = format!("{}: ", self.path().display());
        let reason = text.strip_prefix(&own).unwrap_or(&text).to_owned();
        tracing::warn!(database = %self.path().display(), reason, "not opened");
        self.state().failure = Some(reason.clone());
        self.error(reason)
    }

    fn error(&self, reason: String) -> UnlockError {
        UnlockError::Database {
            path: self.path().to_owned(),
            reason,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
