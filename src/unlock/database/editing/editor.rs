//! One file with its session, and the verbs.

use super::book::{Book, Changed};
use super::put::{self, NewKey};
use super::view::{self, EntryView};
use super::{find, remove, told};
use crate::config::{Kdbx, Source};
use crate::secret::Secret;
use crate::unlock::database::file::Database;
use crate::unlock::database::source::Surroundings;
use crate::unlock::gate::Gate;
use crate::unlock::offer::Offers;
use crate::unlock::os::{Account, OsStore};
use crate::unlock::session::{Parts, Protected, Session, SessionError};
use crate::unlock::vault::{KdfCost, VaultError, new_content};
use crate::unlock::{Settings, UnlockError};
use aws_lc_rs::digest::{SHA256, digest};
use claviger_platform::dirs;
use claviger_platform::keyring::KeyringError;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Which file.
pub enum Target {
    /// The embedded vault.
    Vault,
    /// A KeePass database, configured or not.
    Database(Kdbx),
}

/// One KDBX file that a command looks into or changes.
pub struct Editor {
    session: Session<Book>,
    os: Option<Arc<OsStore>>,
    gate: Arc<Gate>,
    cost: KdfCost,
}

impl Editor {
    /// Touches nothing yet. `settings.master` is this file's.
    pub fn new(settings: Settings, target: Target) -> Self {
        let os = settings.order.contains(&Source::Os);
        let os = os.then(|| Arc::new(OsStore::new(settings.keyring)));
        let gate = Arc::new(Gate::new());
        let (table, is_vault) = match target {
            Target::Database(table) => (table, false),
            Target::Vault => (table_of(settings.vault), true),
        };
        let lock = match is_vault {
            // The agent's own changes take this one.
            true => table.path.clone(),
            false => lock_of(&settings.state, &table.path),
        };
        let parts = Parts {
            account: account(&table.path, is_vault),
            file: Book {
                database: Database {
                    table,
                    surroundings: Surroundings {
                        home: settings.home,
                        variable: dirs::variable,
                    },
                    limits: settings.limits,
                },
                is_vault,
                lock,
            },
            os: os.clone(),
            offers: Arc::new(Offers::new(&settings.state, settings.means.clone())),
            means: settings.means,
            gate: gate.clone(),
            given: settings.master,
            may_keep: || false,
        };
        Self {
            session: Session::new(parts),
            os,
            gate,
            cost: KdfCost::STANDARD,
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        self.session.file().path()
    }

    /// Whether it is the embedded vault.
    pub fn is_vault(&self) -> bool {
        self.session.file().is_vault
    }

    /// Makes it, empty.
    ///
    /// # Errors
    /// Something has its name already, or it cannot be written.
    pub async fn create(&self, master: Secret) -> Result<(), UnlockError> {
        let (book, cost) = (self.session.file().clone(), self.cost);
        let made = self.gate.run(move || {
            let mut content = new_content(cost)?;
            if !book.is_vault {
                content.meta.database_name = book
                    .path()
                    .file_stem()
                    .map(|name| name.to_string_lossy().into_owned());
                let groups: Vec<_> = content.root().group_ids().collect();
                for id in groups {
                    if let Some(group) = content.group_mut(id) {
                        group.remove();
                    }
                }
            }
            book.create(&mut content, &master)
        });
        let made = made.await.map_err(SessionError::from);
        self.told(made.and_then(|made| Ok(made?)))
    }

    /// Its entries, without those in the recycle bin.
    ///
    /// # Errors
    /// Why it stays closed.
    pub async fn list(&self) -> Result<Vec<EntryView>, UnlockError> {
        self.run(|book, master| Ok(view::all(&book.open(master)?, &book.database)))
            .await
    }

    /// The one entry that `name` means: its UUID, title, path of groups and title, or the fingerprint of its key.
    ///
    /// # Errors
    /// There is none, or several; or the file stays closed.
    pub async fn entry(&self, name: String) -> Result<EntryView, UnlockError> {
        self.run(move |book, master| {
            let views = view::all(&book.open(master)?, &book.database);
            find::one(&views, &name).cloned()
        })
        .await
    }

    /// Puts a key in. True if the file got a newer version by that.
    ///
    /// # Errors
    /// An entry has that key and `replace` is not said; the file would lose something, was changed meanwhile, or cannot
    /// be written. It is as it was then.
    pub async fn put(&self, key: NewKey) -> Result<Changed<EntryView>, UnlockError> {
        let key = Arc::new(key);
        self.run(move |book, master| {
            book.change(master, None, |content| put::put(content, &book.database, &key))
        })
        .await
    }

    /// Moves the entry that `name` means to the recycle bin, or removes it where there is none.
    ///
    /// # Errors
    /// As [`Editor::entry`] and [`Editor::put`].
    pub async fn remove(&self, name: String) -> Result<Changed<remove::Removed>, UnlockError> {
        self.run(move |book, master| {
            book.change(master, None, |content| {
                remove::remove(content, &book.database, &name)
            })
        })
        .await
    }

    /// Gives it another master password; one in the OS keyring is replaced by it. What was done is true if there was one.
    ///
    /// # Errors
    /// As [`Editor::put`]. The keyring's failing is one too, after the change.
    pub async fn change_master(&self, new: Secret) -> Result<Changed<bool>, UnlockError> {
        let new = Arc::new(new);
        let key = new.clone();
        let changed = self
            .run(move |book, master| book.change(master, Some(&key), |_| Ok(())))
            .await?;
        Ok(Changed {
            done: self.remembers_instead(new).await?,
            upgraded: changed.upgraded,
        })
    }

    /// Replaces the master password in the OS keyring, if there is one.
    async fn remembers_instead(&self, new: Arc<Secret>) -> Result<bool, UnlockError> {
        let Some(os) = &self.os else { return Ok(false) };
        let account = account(self.path(), self.is_vault());
        match os.find(&account).await {
            Ok(None) | Err(KeyringError::Absent(_)) => return Ok(false),
            Ok(Some(_)) => {}
            Err(error) => return Err(error.into()),
        }
        os.put(&account, new).await?;
        Ok(true)
    }

    /// Drops its master password from the OS keyring. True if there was one.
    ///
    /// # Errors
    /// The keyring cannot be asked.
    pub async fn forget(&self) -> Result<bool, UnlockError> {
        let Some(os) = &self.os else { return Ok(false) };
        match os.remove(&account(self.path(), self.is_vault()), None).await {
            Err(KeyringError::Absent(_)) => Ok(false),
            other => Ok(other?),
        }
    }

    async fn run<T, J>(&self, job: J) -> Result<T, UnlockError>
    where
        T: Send + 'static,
        J: Fn(&Book, &[u8]) -> Result<T, VaultError> + Send + Sync + 'static,
    {
        let done = self.session.run(self.session.job(false, job)).await;
        self.told(done)
    }

    fn told<T>(&self, result: Result<T, SessionError>) -> Result<T, UnlockError> {
        result.map_err(|error| told(self.path(), self.is_vault(), &error))
    }
}

fn account(path: &Path, is_vault: bool) -> Account {
    match is_vault {
        true => Account::of_vault(path),
        false => Account::of_database(path),
    }
}

fn table_of(path: PathBuf) -> Kdbx {
    Kdbx {
        // Its name in the keyring must not depend on the working directory.
        path: std::path::absolute(&path).unwrap_or(path),
        key_file: None,
        attachments: false,
        remember_public: false,
    }
}

/// One name for one database, however it is reached.
fn lock_of(state: &Path, database: &Path) -> PathBuf {
    let whole = database.canonicalize().unwrap_or_else(|_| database.to_owned());
    let name = digest(&SHA256, whole.as_os_str().as_encoded_bytes());
    let name: String = name.as_ref()[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    state.join("writing").join(name)
}
