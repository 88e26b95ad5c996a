//! What a session keeps between look-ups, and when it is forgotten.

use crate::secret::Secret;
use crate::unlock::vault::{Contents, Known, Opened, Vault, VaultError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The master passphrase, and the passphrases of keys where the memory is good enough for them.
pub(super) struct Kept {
    held: Mutex<Held>,
    /// Whether passphrases of keys may be kept in the memory that is granted now.
    may_keep: fn() -> bool,
}

/// Nothing waits while it is locked.
#[derive(Default)]
struct Held {
    master: Option<Arc<Secret>>,
    contents: Option<Contents>,
    /// How often it was closed: what began before the last time is not kept when it ends.
    closings: u64,
}

impl Kept {
    /// Nothing yet.
    pub(super) fn new(may_keep: fn() -> bool) -> Self {
        Self {
            held: Mutex::default(),
            may_keep,
        }
    }

    /// Whether passphrases of keys are kept at all.
    pub(super) fn keeps_contents(&self) -> bool {
        (self.may_keep)()
    }

    /// The master passphrase, if it is at hand.
    pub(super) fn master(&self) -> Option<Arc<Secret>> {
        self.held().master.clone()
    }

    /// To be noted before the work that ends in [`keep_master`](Self::keep_master) or [`open`](Self::open).
    pub(super) fn closings(&self) -> u64 {
        self.held().closings
    }

    /// Keeps the master passphrase, unless all was forgotten after `since`.
    pub(super) fn keep_master(&self, master: Arc<Secret>, since: u64) {
        let mut held = self.held();
        if held.closings == since {
            held.master = Some(master);
        }
    }

    /// Opens the vault and keeps its passphrases, unless all was forgotten after `since`. Blocks while it derives.
    pub(super) fn open(&self, vault: &Vault, master: &[u8], since: u64) -> Result<Opened, VaultError> {
        let opened = vault.open(master)?;
        if self.keeps_contents() {
            let contents = Contents::of(&opened, self.may_keep);
            let mut held = self.held();
            if held.closings == since {
                held.contents = contents;
            }
        }
        Ok(opened)
    }

    /// What was kept of the key `fingerprint`, if the file is still the one that was read; else what was kept of it is
    /// forgotten. Reads the file.
    pub(super) fn known(&self, vault: &Vault, fingerprint: &str) -> Known {
        if !self.has_contents() {
            return Known::Unknown;
        }
        // An error of the file is for the opening to tell.
        let edition = vault.edition().ok();
        let mut held = self.held();
        match (&held.contents, edition) {
            (Some(contents), Some(edition)) if contents.are_of(&edition) => contents.get(fingerprint),
            _ => {
                held.contents = None;
                Known::Unknown
            }
        }
    }

    /// As [`known`](Self::known), for one who has `master`: another than the one kept must prove itself on the file.
    pub(super) fn known_with(&self, vault: &Vault, master: &[u8], fingerprint: &str) -> Known {
        match self.master() {
            Some(kept) if **kept == *master => self.known(vault, fingerprint),
            _ => Known::Unknown,
        }
    }

    /// Whether there are passphrases of keys.
    pub(super) fn has_contents(&self) -> bool {
        self.held().contents.is_some()
    }

    /// Forgets the passphrases of keys: the file is about to differ from them, or does.
    pub(super) fn drop_contents(&self) {
        self.held().contents = None;
    }

    /// Forgets all, as it no longer fits the file.
    pub(super) fn drop_all(&self) {
        let mut held = self.held();
        (held.master, held.contents) = (None, None);
    }

    /// Forgets all, also what work under way would keep at its end.
    pub(super) fn close(&self) {
        let mut held = self.held();
        *held = Held {
            closings: held.closings + 1,
            ..Held::default()
        };
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A secret that may be there; no wait happens while its lock is held.
pub(super) struct Slot(Mutex<Option<Arc<Secret>>>);

impl Slot {
    pub(super) fn new(secret: Option<Secret>) -> Self {
        Self(Mutex::new(secret.map(Arc::new)))
    }
    pub(super) fn get(&self) -> Option<Arc<Secret>> {
        self.lock().clone()
    }
    pub(super) fn set(&self, secret: Secret) {
        *self.lock() = Some(Arc::new(secret));
    }
    pub(super) fn clear(&self) {
        *self.lock() = None;
    }
    fn lock(&self) -> MutexGuard<'_, Option<Arc<Secret>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unlock::vault::KdfCost;

    const MASTER: &[u8] = b"the master";

    fn vault(home: &tempfile::TempDir) -> Vault {
        let vault = Vault::new(
            home.path().join("vault.kdbx"),
            KdfCost::CHEAP,
            crate::key::KdfLimits::DEFAULT,
        );
        vault.make(MASTER).unwrap();
        vault.put(MASTER, "SHA256:a", "a", b"one").unwrap();
        vault
    }

    #[test]
    fn what_was_begun_before_a_closing_is_not_kept_at_its_end() {
        let home = tempfile::tempdir().unwrap();
        let vault = vault(&home);
        let kept = Kept::new(|| true);
        let since = kept.closings();
        kept.close();
        let opened = kept.open(&vault, MASTER, since).unwrap();
        kept.keep_master(Arc::new(Secret::copy_of(MASTER)), since);
        assert_eq!(&opened.passphrase("SHA256:a").unwrap()[..], b"one");
        assert!(!kept.has_contents() && kept.master().is_none());
        kept.open(&vault, MASTER, kept.closings()).unwrap();
        assert!(kept.has_contents());
    }

    #[test]
    fn another_master_is_answered_by_the_file_only() {
        let home = tempfile::tempdir().unwrap();
        let vault = vault(&home);
        let kept = Kept::new(|| true);
        kept.open(&vault, MASTER, 0).unwrap();
        kept.keep_master(Arc::new(Secret::copy_of(MASTER)), 0);
        let known = |master: &[u8]| kept.known_with(&vault, master, "SHA256:a");
        assert!(matches!(known(MASTER), Known::Passphrase(_)));
        assert!(matches!(known(b"another"), Known::Unknown));
    }

    #[test]
    fn what_is_obsolete_is_forgotten_as_soon_as_it_shows() {
        let home = tempfile::tempdir().unwrap();
        let vault = vault(&home);
        let kept = Kept::new(|| true);
        kept.open(&vault, MASTER, 0).unwrap();
        vault.remove(MASTER, "SHA256:a", None).unwrap();
        assert!(matches!(kept.known(&vault, "SHA256:a"), Known::Unknown));
        assert!(!kept.has_contents());
    }
}
