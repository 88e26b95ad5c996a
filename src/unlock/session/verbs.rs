//! What is done with the vault in a session: opened, looked up in, changed.

use super::{Session, SessionError, refusal};
use crate::secret::Secret;
use crate::unlock::gate::Gate;
use crate::unlock::vault::{Known, Vault, VaultError};
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Session<Vault> {
    /// Opens with `master` only.
    pub(in crate::unlock) async fn open_with(&self, master: Secret) -> Result<(), SessionError> {
        self.inspect().await?;
        let job = self.job(true, self.opening());
        match self.fits(&Arc::new(master), &job).await? {
            Some(()) => Ok(()),
            None => Err(VaultError::WrongMaster.into()),
        }
    }

    /// Opens.
    pub(in crate::unlock) async fn open(&self) -> Result<(), SessionError> {
        self.run(self.job(true, self.opening())).await
    }

    fn opening(&self) -> impl Fn(&Vault, &[u8]) -> Result<(), VaultError> + Send + Sync + 'static {
        let (kept, since) = (self.kept.clone(), self.kept.closings());
        move |vault, master| kept.open(vault, master, since).map(drop)
    }

    /// The passphrase of the key `fingerprint`: the one kept, or from the file.
    pub(in crate::unlock) async fn find(&self, fingerprint: String) -> Result<Option<Secret>, SessionError> {
        let (kept, since) = (self.kept.clone(), self.kept.closings());
        if kept.has_contents() {
            let (kept, vault, name) = (kept.clone(), self.file().clone(), fingerprint.clone());
            match Gate::run_short(move || kept.known(&vault, &name)).await? {
                Known::Passphrase(passphrase) => return Ok(Some(passphrase)),
                Known::Nothing => return Ok(None),
                Known::Unknown => {}
            }
        }
        let job = move |vault: &Vault, master: &[u8]| match kept.known_with(vault, master, &fingerprint) {
            Known::Passphrase(passphrase) => Ok(Some(passphrase)),
            Known::Nothing => Ok(None),
            Known::Unknown => Ok(kept.open(vault, master, since)?.passphrase(&fingerprint)),
        };
        self.run(self.job(true, job)).await
    }

    /// Does `job`, which may change the file. What was kept of it is forgotten.
    pub(in crate::unlock) async fn change<T, J>(&self, job: J) -> Result<T, SessionError>
    where
        T: Send + 'static,
        J: Fn(&Vault, &[u8]) -> Result<T, VaultError> + Send + Sync + 'static,
    {
        let kept = self.kept.clone();
        let job = move |vault: &Vault, master: &[u8]| {
            let done = job(vault, master);
            // Here and not after the wait: the change is made even if nobody waits for it any more.
            kept.drop_contents();
            done
        };
        self.run(self.job(false, job)).await
    }

    /// Makes the vault if there is none.
    pub(in crate::unlock) async fn make(&self) -> Result<(), SessionError> {
        if self.file.exists() {
            return Ok(());
        }
        let mut search = self.search().await?;
        if self.file.exists() {
            return Ok(());
        }
        let made = self.make_now().await;
        *search = refusal(&made);
        self.searches.fetch_add(1, Ordering::AcqRel);
        drop(search);
        if let Some(master) = made? {
            self.offer(master).await;
        }
        Ok(())
    }
}
