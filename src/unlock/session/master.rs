//! Where a master passphrase comes from: the command line, the OS keyring, the person.

use super::{Job, Protected, Session, SessionError};
use crate::secret::Secret;
use crate::unlock::os::OsStore;
use crate::unlock::vault::Vault;
use std::sync::Arc;

/// How often a person may mistype.
const TRIES: usize = 3;

impl<F: Protected> Session<F> {
    /// Tries each source of the master passphrase; with the result comes the passphrase, if a person typed it.
    pub(super) async fn seek<T: Send + 'static>(
        &self,
        job: &Job<F, T>,
    ) -> Result<(T, Option<Arc<Secret>>), SessionError> {
        self.inspect().await?;
        let mut reasons = Vec::new();
        if let Some(given) = self.given.get() {
            let done = self.fits(&given, job).await?;
            self.given.clear();
            if let Some(done) = done {
                return Ok((done, None));
            }
            reasons.push("the one given on the command line does not fit".to_owned());
        }
        if self.file.may_open_alone() {
            if let Some(done) = self.fits(&Arc::new(Secret::copy_of(b"")), job).await? {
                return Ok((done, None));
            }
            reasons.push("its key file alone does not open it".to_owned());
        }
        if let Some(os) = &self.os {
            match self.stored(os, job).await? {
                Ok(done) => return Ok((done, None)),
                Err(reason) => reasons.push(reason),
            }
        }
        match self.ask(job).await? {
            Ok((done, master)) => Ok((done, Some(master))),
            Err(reason) => {
                reasons.push(reason);
                Err(SessionError::NoMaster(reasons.join("; ")))
            }
        }
    }

    /// Tries the one in the OS keyring, once; the inner error is why there is none.
    async fn stored<T: Send + 'static>(
        &self,
        os: &OsStore,
        job: &Job<F, T>,
    ) -> Result<Result<T, String>, SessionError> {
        if os.hung_lately() {
            return Ok(Err("the OS keyring does not answer".to_owned()));
        }
        let master = match os.find(&self.account).await {
            Ok(Some(master)) => master,
            Ok(None) => return Ok(Err("none in the OS keyring".to_owned())),
            Err(error) => {
                // The walk has warned of it, where the keyring was its first source.
                tracing::info!(file = %self.file.path().display(), %error, "the OS keyring cannot be asked for its master passphrase");
                return Ok(Err("the OS keyring cannot be asked".to_owned()));
            }
        };
        if let Some(done) = self.fits(&master, job).await? {
            return Ok(Ok(done));
        }
        let file = self.file.path().display();
        tracing::warn!(%file, "the master passphrase in the OS keyring does not fit; it is dropped");
        if let Err(error) = os.remove(&self.account, Some(&master)).await {
            tracing::warn!(%file, %error, "it could not be dropped");
        }
        Ok(Err(
            "the one in the OS keyring does not fit and was dropped".to_owned()
        ))
    }

    /// Asks the person; the inner error is why there is none.
    async fn ask<T: Send + 'static>(
        &self,
        job: &Job<F, T>,
    ) -> Result<Result<(T, Arc<Secret>), String>, SessionError> {
        let question = format!("Enter {}: ", self.file.secret());
        let mut prefix = "";
        for _ in 0..TRIES {
            let master = match self.means.passphrase(&format!("{prefix}{question}")).await {
                Ok(master) => Arc::new(master),
                Err(error) => return Ok(Err(error.to_string())),
            };
            if let Some(done) = self.fits(&master, job).await? {
                return Ok(Ok((done, master)));
            }
            prefix = "That does not fit. ";
        }
        Ok(Err(format!("{TRIES} were typed, none fits")))
    }

    /// Offers once to keep a master passphrase that was typed in the OS keyring.
    pub(super) async fn offer(&self, master: Arc<Secret>) {
        let Some(os) = &self.os else { return };
        if !self.offers.may_ask(&self.account.name).await || os.hung_lately() || os.probe().await.is_err() {
            return;
        }
        let question = format!(
            "Keep {} in the OS keyring, so that it opens by itself? [y]es, [n]o: ",
            self.file.secret()
        );
        if self
            .offers
            .ask(&self.account.name, &question, &['y', 'n'])
            .await
            .is_some()
            && let Err(error) = os.put(&self.account, master).await
        {
            tracing::warn!(file = %self.file.path().display(), %error, "its master passphrase was not stored");
        }
    }
}

impl Session<Vault> {
    /// Makes the vault with the master passphrase given on the command line, or one that the person chooses, which is
    /// returned. A stored one is left over from another vault, which the person may no longer know.
    pub(super) async fn make_now(&self) -> Result<Option<Arc<Secret>>, SessionError> {
        let since = self.kept.closings();
        let given = self.given.get();
        let master = match &given {
            Some(given) => given.clone(),
            None => self.choose().await?,
        };
        let (vault, key) = (self.file().clone(), master.clone());
        self.gate.run(move || vault.make(&key)).await??;
        self.kept.keep_master(master.clone(), since);
        self.given.clear();
        Ok(given.is_none().then_some(master))
    }

    /// Asks the person for a new master passphrase, twice.
    async fn choose(&self) -> Result<Arc<Secret>, SessionError> {
        let path = self.file().path().display();
        let first = format!(
            "Choose a master passphrase of the vault {path} (it protects the passphrases kept there): "
        );
        let again = format!("Repeat the master passphrase of the vault {path}: ");
        match self.means.passphrase_twice(&first, &again).await {
            Ok(master) => Ok(Arc::new(master)),
            Err(error) => Err(SessionError::NoMaster(error.to_string())),
        }
    }
}
