//! With a real Secret Service: the keyring before the vault, stale and locked ones.

use super::*;
use secret_service::SecretService;

#[test]
fn the_keyring_is_first_and_needs_no_other_source() {
    isolated(async |home| {
        let _service = SecretService::start(&home.0);
        home.vault_with("a", "right");
        let unlocker = home.unlocker(ALL);
        assert_eq!(
            unlocker.remember(&key("a"), secret("right")).await.unwrap(),
            "the OS keyring"
        );
        let ((), source) = unlocker.unlock(&key("a"), opens_with("right")).await.unwrap();
        assert_eq!(source, "os");
        assert_eq!(unlocker.report().await[0].state, "ready");
        assert_eq!(home.questions().len(), 0);
    });
}

#[test]
fn an_obsolete_passphrase_in_the_keyring_is_dropped_and_the_vault_asked() {
    isolated(async |home| {
        let service = SecretService::start(&home.0);
        home.vault_with("a", "new");
        let unlocker = home.unlocker_given(ALL, Some(MASTER));
        unlocker.remember(&key("a"), secret("old")).await.unwrap();
        assert_eq!(service.lookup("SHA256:a").unwrap(), b"old");
        let ((), source) = unlocker.unlock(&key("a"), opens_with("new")).await.unwrap();
        assert_eq!(source, "embedded");
        assert_eq!(service.lookup("SHA256:a"), None);
    });
}

#[test]
fn a_locked_keyring_is_skipped_with_its_reason() {
    isolated(async |home| {
        let service = SecretService::start(&home.0);
        home.vault_with("a", "right");
        let unlocker = home.unlocker_given(ALL, Some(MASTER));
        unlocker.remember(&key("a"), secret("right")).await.unwrap();
        service.lock();
        let ((), source) = unlocker.unlock(&key("a"), opens_with("right")).await.unwrap();
        assert_eq!(source, "embedded");
        let report = unlocker.report().await;
        assert_eq!(
            (&*report[0].state, &*report[0].detail),
            ("skipped", "the OS keyring is locked")
        );
        let forgotten = unlocker.forget(&key("a")).await.unwrap_err();
        assert!(
            matches!(forgotten, UnlockError::Keyring(KeyringError::Locked)),
            "{forgotten}"
        );
        assert_eq!(home.stored("a"), None, "the other stores are asked all the same");
    });
}

#[test]
fn the_master_in_the_keyring_opens_the_vault_and_is_dropped_when_obsolete() {
    isolated(async |home| {
        let service = SecretService::start(&home.0);
        home.vault_with("a", "right");
        let account = format!("vault:{}", home.path().display());
        let keyring = Keyring::new(LIMIT);
        keyring.set(&account, "label", secret(MASTER)).await.unwrap();
        home.answers(&[MASTER]);
        let ((), source) = home
            .unlocker(ALL)
            .unlock(&key("a"), opens_with("right"))
            .await
            .unwrap();
        assert_eq!((source, home.questions().len()), ("embedded", 0));
        keyring.set(&account, "label", secret("obsolete")).await.unwrap();
        home.unlocker(ALL)
            .unlock(&key("a"), opens_with("right"))
            .await
            .unwrap();
        assert_eq!(home.questions().len(), 1);
        assert_eq!(service.lookup(&account), None);
    });
}

#[test]
fn a_keyring_that_hangs_is_skipped_with_its_reason() {
    isolated(async |home| {
        let service = SecretService::start(&home.0);
        home.vault_with("a", "right");
        let keyring = Arc::new(Keyring::new(Duration::from_secs(1)));
        let settings = Settings {
            keyring,
            ..home.settings(ALL, Some(MASTER))
        };
        let unlocker = Unlocker::with_habits(settings, KdfCost::CHEAP, || true);
        service.freeze();
        let ((), source) = unlocker.unlock(&key("a"), opens_with("right")).await.unwrap();
        assert_eq!(source, "embedded");
        let report = unlocker.report().await;
        assert_eq!(report[0].state, "skipped");
        assert!(
            report[0].detail.contains("did not answer within 1 s"),
            "{report:?}"
        );
        service.thaw();
    });
}
