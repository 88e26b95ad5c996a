//! The Keychain of macOS and the Credential Manager of Windows, through `keyring`: both answer without a daemon.
use super::{Attributes, KeyringError};
use crate::harden::LockedBytes;
use keyring::Entry;
use keyring_core::api::CredentialStoreApi;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroize;

#[cfg(target_os = "macos")]
use apple_native_keyring_store::keychain::Store;
#[cfg(windows)]
use windows_native_keyring_store::Store;

/// What every item of ours is filed under.
const SERVICE: &str = "claviger";

/// The most that Credential Manager takes (CRED_MAX_CREDENTIAL_BLOB_SIZE), in bytes. Told here, because the message of
/// Windows says nothing of a length.
#[cfg(windows)]
const LARGEST: usize = 2560;
/// No limit is known; nobody's passphrase is longer.
#[cfg(not(windows))]
const LARGEST: usize = 1 << 20;

/// The keyring as one thread uses it.
pub(super) struct Session;

impl Session {
    pub(super) fn new(_limit: Duration) -> Self {
        Self
    }

    pub(super) fn get(&mut self, account: &str) -> Result<Option<LockedBytes>, KeyringError> {
        match entry(account)?.get_secret() {
            Ok(mut secret) => {
                let kept = LockedBytes::copy_of(&secret);
                secret.zeroize();
                Ok(Some(kept))
            }
            Err(keyring::Error::NoEntry) => Ok(None),
            Err(error) => Err(told(error)),
        }
    }

    pub(super) fn set(
        &mut self,
        account: &str,
        _label: &str,
        secret: &LockedBytes,
    ) -> Result<(), KeyringError> {
        if secret.len() > LARGEST {
            let reason = format!("{} bytes, and it takes {LARGEST}", secret.len());
            return Err(KeyringError::Failed(reason));
        }
        entry(account)?.set_secret(secret).map_err(told)
    }

    pub(super) fn delete(&mut self, account: &str) -> Result<bool, KeyringError> {
        match entry(account)?.delete_credential() {
            Ok(()) => Ok(true),
            Err(keyring::Error::NoEntry) => Ok(false),
            Err(error) => Err(told(error)),
        }
    }

    /// Items have no attributes by which those of other programs could be found.
    pub(super) fn of_others(&mut self, _attributes: &Attributes) -> Result<Vec<LockedBytes>, KeyringError> {
        Ok(Vec::new())
    }

    pub(super) fn probe(&mut self) -> Result<(), KeyringError> {
        self.get("claviger.probe").map(|_| ())
    }
}

fn entry(account: &str) -> Result<Entry, KeyringError> {
    let store: Arc<Store> = Store::new().map_err(told)?;
    let inner = store.build(SERVICE, account, Some(&modifiers())).map_err(told)?;
    Ok(Entry { inner })
}

/// For this machine only: by default Windows would let a passphrase roam with the profile.
#[cfg(windows)]
fn modifiers() -> HashMap<&'static str, &'static str> {
    HashMap::from([("persistence", "Local")])
}

#[cfg(not(windows))]
fn modifiers() -> HashMap<&'static str, &'static str> {
    HashMap::new()
}

fn told(error: keyring::Error) -> KeyringError {
    match error {
        keyring::Error::NoStorageAccess(_) => KeyringError::Locked,
        other => KeyringError::Failed(other.to_string()),
    }
}

#[cfg(windows)]
#[cfg(test)]
mod tests {
    use super::super::Keyring;
    use super::*;

    #[tokio::test]
    async fn a_secret_is_stored_read_back_replaced_and_deleted() {
        let keyring = Keyring::new(Duration::from_secs(20));
        let account = format!("test/Schlüssel {}", std::process::id());
        assert!(keyring.get(&account).await.unwrap().is_none());
        for secret in [&b"first"[..], &[0xC3, 0x28, 0, 255], &[7; LARGEST]] {
            let stored = Arc::new(LockedBytes::copy_of(secret));
            keyring.set(&account, "a label", stored).await.unwrap();
            let back = keyring.get(&account).await.unwrap().unwrap();
            assert_eq!(&*back, secret);
        }
        let too_long = Arc::new(LockedBytes::zeroed(LARGEST + 1));
        let refused = keyring.set(&account, "a label", too_long).await.unwrap_err();
        assert!(refused.to_string().contains("2560"), "{refused}");
        assert!(keyring.delete(&account).await.unwrap());
        assert!(!keyring.delete(&account).await.unwrap());
        keyring.probe().await.unwrap();
    }
}
