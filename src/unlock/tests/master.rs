//! The embedded vault's session: when its master passphrase is asked for, and when it is made.

use super::*;

#[test]
fn twenty_keys_at_once_ask_for_the_master_once() {
    isolated(async |home| {
        let names: Vec<_> = (0..20).map(|n| format!("key{n}")).collect();
        names.iter().for_each(|name| drop(home.vault_with(name, "right")));
        home.answers(&[MASTER]);
        let unlocker = Arc::new(home.unlocker(VAULT));
        let open = |name: String| {
            let unlocker = unlocker.clone();
            tokio::spawn(async move { unlocker.unlock(&key(&name), opens_with("right")).await.unwrap().1 })
        };
        for opening in names.into_iter().map(open).collect::<Vec<_>>() {
            assert_eq!(opening.await.unwrap(), "embedded");
        }
        assert_eq!(home.questions().len(), 1);
        unlocker.close();
        home.answers(&[MASTER]);
        unlocker.unlock(&key("key0"), opens_with("right")).await.unwrap();
        assert_eq!(home.questions().len(), 1, "a closed vault asks again");
    });
}

#[test]
fn who_waits_for_the_master_is_refused_with_the_one_who_asked() {
    isolated(async |home| {
        home.vault_with("a", "right");
        home.answers(&["CANCEL", "CANCEL", "CANCEL"]);
        let unlocker = home.unlocker(&[Source::Embedded]);
        let (a, b, c) = (key("a"), key("b"), key("c"));
        let open = |wanted| unlocker.unlock(wanted, opens_with("right"));
        let (a, b, c) = tokio::join!(open(&a), open(&b), open(&c));
        for outcome in [a, b, c] {
            assert!(reasons(outcome)[0].contains("cancelled"));
        }
        assert_eq!(home.questions().len(), 1);
    });
}

#[test]
fn a_master_of_the_command_line_opens_without_a_question_and_is_tried_once() {
    isolated(async |home| {
        home.vault_with("a", "right");
        home.answers(&["CANCEL", "CANCEL"]);
        let good = home.unlocker_given(&[Source::Embedded], Some(MASTER));
        good.unlock(&key("a"), opens_with("right")).await.unwrap();
        assert_eq!(home.questions().len(), 0);
        let bad = home.unlocker_given(&[Source::Embedded], Some("another"));
        let first = reasons(bad.unlock(&key("a"), opens_with("right")).await);
        assert!(
            first[0].contains("given on the command line does not fit; cancelled"),
            "{first:?}"
        );
        let second = reasons(bad.unlock(&key("a"), opens_with("right")).await);
        assert!(!second[0].contains("command line"), "{second:?}");
    });
}

#[test]
fn remembering_makes_the_vault_with_a_master_typed_twice() {
    isolated(async |home| {
        home.answers(&[MASTER, "mistyped", MASTER, MASTER]);
        let unlocker = home.unlocker(ALL);
        let place = unlocker.remember(&key("a"), secret("right")).await.unwrap();
        assert_eq!(place, format!("the vault {}", home.path().display()));
        assert_eq!(home.stored("a").unwrap(), b"right");
        let questions = home.questions();
        assert!(
            questions[2].starts_with("The two entries differ. Choose a master passphrase of the vault /"),
            "{questions:?}"
        );
        unlocker.remember(&key("b"), secret("right")).await.unwrap();
        assert_eq!(home.questions().len(), 4, "the master chosen is the session's");
    });
}

#[test]
fn nothing_is_made_when_nobody_gives_a_master() {
    isolated(async |home| {
        home.answers(&["CANCEL"]);
        let error = home
            .unlocker(ALL)
            .remember(&key("a"), secret("right"))
            .await
            .unwrap_err();
        let UnlockError::NoStore(reasons) = &error else {
            panic!("{error}")
        };
        assert!(
            reasons[0].starts_with("os: no OS keyring") && reasons[1].contains("cancelled"),
            "{error}"
        );
        assert!(!home.path().exists());
    });
}

#[test]
fn a_damaged_vault_is_named_kept_and_passed_over() {
    isolated(async |home| {
        home.vault_with("a", "right");
        let whole = std::fs::read(home.path()).unwrap();
        let half = &whole[..whole.len() / 2];
        files::write_atomic(&home.path(), half).unwrap();
        home.answers(&["right"]);
        let unlocker = home.unlocker(ALL);
        let ((), source) = unlocker.unlock(&key("a"), opens_with("right")).await.unwrap();
        assert_eq!(source, "prompt");
        assert_eq!(
            home.questions().len(),
            1,
            "no master is asked for a vault that cannot be opened"
        );
        let error = unlocker.remember(&key("a"), secret("right")).await.unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, UnlockError::Vault { .. }), "{text}");
        assert!(
            text.contains("vault.kdbx: damaged: ") && text.contains("Put a copy of it back"),
            "{text}"
        );
        assert_eq!(std::fs::read(home.path()).unwrap(), half);
    });
}

#[test]
fn forgetting_names_the_places_and_is_content_with_none() {
    isolated(async |home| {
        let unlocker = home.unlocker_given(ALL, Some(MASTER));
        assert_eq!(unlocker.forget(&key("a")).await.unwrap(), Vec::<String>::new());
        home.vault_with("a", "right");
        assert_eq!(
            unlocker.forget(&key("a")).await.unwrap(),
            [format!("the vault {}", home.path().display())]
        );
        assert_eq!(unlocker.forget(&key("a")).await.unwrap(), Vec::<String>::new());
    });
}

#[test]
fn a_vault_that_cannot_be_asked_is_an_error_of_forgetting() {
    isolated(async |home| {
        home.vault_with("a", "right");
        home.answers(&["CANCEL"]);
        let error = home.unlocker(VAULT).forget(&key("a")).await.unwrap_err();
        assert!(
            error
                .to_string()
                .contains("its master passphrase is not to be had (cancelled)"),
            "{error}"
        );
    });
}

#[test]
fn the_vault_is_opened_with_the_master_that_fits_only() {
    isolated(async |home| {
        let unlocker = home.unlocker(VAULT);
        let missing = unlocker
            .open_vault(Some(Secret::copy_of(b"x")))
            .await
            .unwrap_err();
        assert!(missing.to_string().contains("does not exist yet"), "{missing}");
        assert_eq!(unlocker.report().await[0].state, "absent");
        home.vault_with("a", "right");
        let wrong = unlocker
            .open_vault(Some(Secret::copy_of(b"x")))
            .await
            .unwrap_err();
        assert!(
            wrong.to_string().contains("the master passphrase does not fit"),
            "{wrong}"
        );
        assert_eq!(unlocker.report().await[0].state, "closed");
        unlocker
            .open_vault(Some(Secret::copy_of(MASTER.as_bytes())))
            .await
            .unwrap();
        assert_eq!(unlocker.report().await[0].state, "ready");
        unlocker.close();
        assert_eq!(unlocker.report().await[0].state, "closed");
        assert_eq!(home.questions().len(), 0, "a report never asks");
    });
}

#[test]
fn a_passphrase_that_is_not_text_makes_no_vault() {
    isolated(async |home| {
        let odd = Arc::new(Secret::copy_of(b"\xff\xfe"));
        let error = home
            .unlocker_given(VAULT, Some(MASTER))
            .remember(&key("a"), odd)
            .await
            .unwrap_err();
        assert!(error.to_string().contains("not UTF-8"), "{error}");
        assert!(!home.path().exists());
    });
}
