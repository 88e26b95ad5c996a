//! The order of the sources, and what becomes of a passphrase that does not fit.

use super::*;

#[test]
fn the_vault_answers_before_the_person_is_asked() {
    isolated(async |home| {
        home.vault_with("a", "right");
        home.answers(&[MASTER]);
        let ((), source) = home
            .unlocker(ALL)
            .unlock(&key("a"), opens_with("right"))
            .await
            .unwrap();
        assert_eq!(source, "embedded");
        let path = home.path();
        assert_eq!(
            home.questions(),
            [format!(
                "Enter the master passphrase of the vault {}: ",
                path.display()
            )]
        );
    });
}

#[test]
fn each_source_that_has_nothing_gives_its_reason() {
    isolated(async |home| {
        home.answers(&["CANCEL"]);
        let reasons = reasons(home.unlocker(ALL).unlock(&key("a"), opens_with("right")).await);
        assert!(reasons[0].starts_with("os: no OS keyring"), "{reasons:?}");
        assert!(reasons[1].starts_with("embedded: the vault /"), "{reasons:?}");
        assert_eq!(reasons[2], "prompt: cancelled");
        assert_eq!(home.questions(), ["Enter passphrase for key /home/u/.ssh/a: "]);
        assert!(
            !home.path().exists(),
            "looking for a passphrase must not make a vault"
        );
    });
}

#[test]
fn a_mistyped_passphrase_is_asked_again_three_times_in_all() {
    isolated(async |home| {
        let unlocker = home.unlocker(&[Source::Prompt]);
        home.answers(&["wrong", "right"]);
        unlocker.unlock(&key("a"), opens_with("right")).await.unwrap();
        assert!(
            home.questions()[1].contains("does not fit, try again"),
            "{:?}",
            home.questions()
        );
        assert!(home.questions()[1].contains("passphrase for key /home/u/.ssh/a"));
        home.answers(&["one", "two", "three", "right"]);
        reasons(unlocker.unlock(&key("a"), opens_with("right")).await);
        assert_eq!(home.questions().len(), 3);
    });
}

#[test]
fn an_obsolete_passphrase_in_the_vault_is_tried_once_and_dropped() {
    isolated(async |home| {
        home.vault_with("a", "old");
        home.vault_with("b", "other");
        home.answers(&[MASTER, "new"]);
        let tries = Arc::new(AtomicUsize::new(0));
        let counted = tries.clone();
        let attempt = move |tried: &[u8]| {
            counted.fetch_add(usize::from(tried == b"old"), Ordering::SeqCst);
            opens_with("new")(tried)
        };
        let unlocker = home.unlocker(VAULT);
        let ((), source) = unlocker.unlock(&key("a"), attempt).await.unwrap();
        assert_eq!((source, tries.load(Ordering::SeqCst)), ("prompt", 1));
        assert_eq!(home.stored("a"), None);
        assert_eq!(home.stored("b").unwrap(), b"other");
        let report = unlocker.report().await;
        assert!(
            report[0].detail.contains("did not fit and was dropped"),
            "{report:?}"
        );
    });
}

#[test]
fn what_was_replaced_meanwhile_is_not_dropped() {
    isolated(async |home| {
        let vault = home.vault_with("a", "old");
        home.answers(&["CANCEL"]);
        let attempt = move |_: &[u8]| {
            vault.put(MASTER.as_bytes(), "SHA256:a", "a", b"new").unwrap();
            Err::<(), _>(KeyError::WrongPassphrase)
        };
        reasons(
            home.unlocker_given(VAULT, Some(MASTER))
                .unlock(&key("a"), attempt)
                .await,
        );
        assert_eq!(home.stored("a").unwrap(), b"new");
    });
}

#[test]
fn a_fault_of_the_key_file_ends_the_walk() {
    isolated(async |home| {
        home.vault_with("a", "right");
        home.answers(&[MASTER, "right"]);
        let attempt = |_: &[u8]| Err::<(), _>(KeyError::Damaged("cut".to_owned()));
        let error = home.unlocker(VAULT).unlock(&key("a"), attempt).await.unwrap_err();
        assert!(matches!(error, UnlockError::Key(KeyError::Damaged(_))));
        assert_eq!(
            home.questions().len(),
            1,
            "nothing but the master passphrase may be asked for"
        );
        assert_eq!(home.stored("a").unwrap(), b"right");
    });
}
