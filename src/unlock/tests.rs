//! The walk, the vault's session and the offers with what they meet in life: askpass programs, a real Secret Service,
//! KDBX files, a terminal.
//!
//! Both the bus and the ways to ask are named by the environment, which is one per process: each test runs again in a
//! child of its own.

use super::vault::{KdfCost, Vault};
use super::*;
use claviger_platform::files;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

#[path = "../../tests/support/secret_service.rs"]
mod secret_service;
use secret_service::SecretService;

const HOME: &str = "CLAVIGER_TEST_HOME";
const MASTER: &str = "the master";
const LIMIT: Duration = Duration::from_secs(20);

/// Notes each question and answers with the next line of a file; CANCEL is a person who closes the window.
const ASKPASS: &str = r#"#!/bin/sh
printf '%s\n' "$1" >> "$0.asked"
answer=$(sed -n "$(wc -l < "$0.asked")p" "$0.answers")
[ "$answer" = CANCEL ] && exit 1
printf '%s\n' "$answer"
"#;

/// Runs `body` in a child process with a home, an askpass program and (unless the test starts one) no bus.
#[expect(
    clippy::disallowed_methods,
    reason = "the child is told its home by a variable"
)]
fn isolated(test: &str, body: impl AsyncFnOnce(&Home)) {
    if let Some(home) = std::env::var_os(HOME) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build();
        return runtime.unwrap().block_on(body(&Home(home.into())));
    }
    let home = tempfile::tempdir().unwrap();
    let askpass = home.path().join("askpass");
    std::fs::write(&askpass, ASKPASS).unwrap();
    std::fs::set_permissions(&askpass, std::fs::Permissions::from_mode(0o700)).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("unlock::tests::{test}"), "--nocapture"])
        .envs(SecretService::environment(home.path()))
        .env(HOME, home.path())
        .env("SSH_ASKPASS", askpass)
        .env("SSH_ASKPASS_REQUIRE", "force")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let passed = output.status.success() && said.contains("1 passed");
    assert!(passed, "{said}{}", String::from_utf8_lossy(&output.stderr));
}

struct Home(PathBuf);

impl Home {
    /// What the person will answer, question by question.
    fn answers(&self, answers: &[&str]) {
        std::fs::write(self.0.join("askpass.answers"), answers.join("\n") + "\n").unwrap();
        std::fs::write(self.0.join("askpass.asked"), "").unwrap();
    }

    fn questions(&self) -> Vec<String> {
        let asked = std::fs::read_to_string(self.0.join("askpass.asked")).unwrap_or_default();
        asked.lines().map(str::to_owned).collect()
    }

    fn unlocker(&self, order: &[Source]) -> Unlocker {
        self.unlocker_given(order, None)
    }

    fn unlocker_given(&self, order: &[Source], master: Option<&str>) -> Unlocker {
        let settings = Settings {
            order: order.to_vec(),
            vault: self.path(),
            state: self.0.join("state"),
            means: Arc::new(Means::from_environment()),
            keyring: Arc::new(Keyring::new(LIMIT)),
            master: master.map(|master| Secret::copy_of(master.as_bytes())),
        };
        Unlocker::with_cost(settings, KdfCost::CHEAP)
    }

    fn path(&self) -> PathBuf {
        self.0.join("share/vault.kdbx")
    }

    fn vault(&self) -> Vault {
        Vault::new(self.path(), KdfCost::CHEAP)
    }

    /// A vault that holds `passphrase` for the key `name`.
    fn vault_with(&self, name: &str, passphrase: &str) -> Vault {
        let vault = self.vault();
        if !vault.exists() {
            vault.make(MASTER.as_bytes()).unwrap();
        }
        vault
            .put(
                MASTER.as_bytes(),
                &key(name).fingerprint,
                name,
                passphrase.as_bytes(),
            )
            .unwrap();
        vault
    }

    fn stored(&self, name: &str) -> Option<Vec<u8>> {
        let found = self
            .vault()
            .read(MASTER.as_bytes(), &key(name).fingerprint)
            .unwrap();
        found.map(|secret| secret.to_vec())
    }
}

fn key(name: &str) -> Wanted {
    let path = Path::new("/home/u/.ssh").join(name);
    Wanted {
        fingerprint: format!("SHA256:{name}"),
        path,
        comment: String::new(),
    }
}

fn secret(text: &str) -> Arc<Secret> {
    Arc::new(Secret::copy_of(text.as_bytes()))
}

/// A key that `right` opens.
fn opens_with(right: &'static str) -> impl Fn(&[u8]) -> Result<(), KeyError> + Send + Sync + 'static {
    move |tried| {
        if tried == right.as_bytes() {
            Ok(())
        } else {
            Err(KeyError::WrongPassphrase)
        }
    }
}

/// The reasons of an unlock that found nothing.
fn reasons<T>(outcome: Result<T, UnlockError>) -> Vec<String> {
    match outcome {
        Err(UnlockError::Exhausted { reasons, .. }) => reasons,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was unlocked"),
    }
}

const ALL: &[Source] = &[Source::Os, Source::Kdbx, Source::Embedded, Source::Prompt];
const VAULT: &[Source] = &[Source::Embedded, Source::Prompt];

#[test]
fn the_vault_answers_before_the_person_is_asked() {
    isolated("the_vault_answers_before_the_person_is_asked", async |home| {
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
    isolated("each_source_that_has_nothing_gives_its_reason", async |home| {
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
    isolated(
        "a_mistyped_passphrase_is_asked_again_three_times_in_all",
        async |home| {
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
        },
    );
}

#[test]
fn an_obsolete_passphrase_in_the_vault_is_tried_once_and_dropped() {
    isolated(
        "an_obsolete_passphrase_in_the_vault_is_tried_once_and_dropped",
        async |home| {
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
        },
    );
}

#[test]
fn what_was_replaced_meanwhile_is_not_dropped() {
    isolated("what_was_replaced_meanwhile_is_not_dropped", async |home| {
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
    isolated("a_fault_of_the_key_file_ends_the_walk", async |home| {
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

#[test]
fn twenty_keys_at_once_ask_for_the_master_once() {
    isolated("twenty_keys_at_once_ask_for_the_master_once", async |home| {
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
    isolated(
        "who_waits_for_the_master_is_refused_with_the_one_who_asked",
        async |home| {
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
        },
    );
}

#[test]
fn a_master_of_the_command_line_opens_without_a_question_and_is_tried_once() {
    isolated(
        "a_master_of_the_command_line_opens_without_a_question_and_is_tried_once",
        async |home| {
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
        },
    );
}

#[test]
fn remembering_makes_the_vault_with_a_master_typed_twice() {
    isolated(
        "remembering_makes_the_vault_with_a_master_typed_twice",
        async |home| {
            home.answers(&[MASTER, "mistyped", MASTER, MASTER]);
            let unlocker = home.unlocker(ALL);
            let place = unlocker.remember(&key("a"), secret("right")).await.unwrap();
            assert_eq!(place, format!("the vault {}", home.path().display()));
            assert_eq!(home.stored("a").unwrap(), b"right");
            let questions = home.questions();
            assert!(
                questions[2].starts_with("These differ. Choose a master passphrase of the vault /"),
                "{questions:?}"
            );
            unlocker.remember(&key("b"), secret("right")).await.unwrap();
            assert_eq!(home.questions().len(), 4, "the master chosen is the session's");
        },
    );
}

#[test]
fn nothing_is_made_when_nobody_gives_a_master() {
    isolated("nothing_is_made_when_nobody_gives_a_master", async |home| {
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
    isolated("a_damaged_vault_is_named_kept_and_passed_over", async |home| {
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
    isolated(
        "forgetting_names_the_places_and_is_content_with_none",
        async |home| {
            let unlocker = home.unlocker_given(ALL, Some(MASTER));
            assert_eq!(unlocker.forget(&key("a")).await.unwrap(), Vec::<String>::new());
            home.vault_with("a", "right");
            assert_eq!(
                unlocker.forget(&key("a")).await.unwrap(),
                [format!("the vault {}", home.path().display())]
            );
            assert_eq!(unlocker.forget(&key("a")).await.unwrap(), Vec::<String>::new());
        },
    );
}

#[test]
fn a_vault_that_cannot_be_asked_is_an_error_of_forgetting() {
    isolated(
        "a_vault_that_cannot_be_asked_is_an_error_of_forgetting",
        async |home| {
            home.vault_with("a", "right");
            home.answers(&["CANCEL"]);
            let error = home.unlocker(VAULT).forget(&key("a")).await.unwrap_err();
            assert!(
                error
                    .to_string()
                    .contains("its master passphrase is not to be had (cancelled)"),
                "{error}"
            );
        },
    );
}

#[test]
fn the_vault_is_opened_with_the_master_that_fits_only() {
    isolated(
        "the_vault_is_opened_with_the_master_that_fits_only",
        async |home| {
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
        },
    );
}

#[test]
fn the_keyring_is_first_and_needs_no_other_source() {
    isolated("the_keyring_is_first_and_needs_no_other_source", async |home| {
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
    isolated(
        "an_obsolete_passphrase_in_the_keyring_is_dropped_and_the_vault_asked",
        async |home| {
            let service = SecretService::start(&home.0);
            home.vault_with("a", "new");
            let unlocker = home.unlocker_given(ALL, Some(MASTER));
            unlocker.remember(&key("a"), secret("old")).await.unwrap();
            assert_eq!(service.lookup("SHA256:a").unwrap(), b"old");
            let ((), source) = unlocker.unlock(&key("a"), opens_with("new")).await.unwrap();
            assert_eq!(source, "embedded");
            assert_eq!(service.lookup("SHA256:a"), None);
        },
    );
}

#[test]
fn a_locked_keyring_is_skipped_with_its_reason() {
    isolated("a_locked_keyring_is_skipped_with_its_reason", async |home| {
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
    isolated(
        "the_master_in_the_keyring_opens_the_vault_and_is_dropped_when_obsolete",
        async |home| {
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
        },
    );
}
