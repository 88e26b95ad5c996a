//! The keyring against a real gnome-keyring on a private bus.
//!
//! The bus is named by the environment, which is one per process: each test runs again in a child of its own.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a broken fixture is a failed test")]
#![expect(
    clippy::disallowed_methods,
    reason = "the child is told its home by a variable"
)]

#[path = "../../tests/support/secret_service.rs"]
mod secret_service;

use claviger_platform::harden::LockedBytes;
use claviger_platform::keyring::{Keyring, KeyringError};
use secret_service::SecretService;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const LIMIT: Duration = Duration::from_secs(20);
const HOME: &str = "KEYRING_TEST_HOME";

/// Runs `body` in a child process whose environment names a bus in a fresh home.
fn isolated(test: &str, body: impl AsyncFnOnce(&Path)) {
    if let Some(home) = std::env::var_os(HOME) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        return runtime.unwrap().block_on(body(Path::new(&home)));
    }
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .envs(SecretService::environment(home.path()))
        .env(HOME, home.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let passed = output.status.success() && said.contains("1 passed");
    assert!(passed, "{said}{}", String::from_utf8_lossy(&output.stderr));
}

fn secret(bytes: &[u8]) -> Arc<LockedBytes> {
    Arc::new(LockedBytes::copy_of(bytes))
}

async fn get(keyring: &Keyring, account: &str) -> Option<Vec<u8>> {
    keyring.get(account).await.unwrap().map(|secret| secret.to_vec())
}

/// What `ask` returns, and what was said on the bus meanwhile.
fn watched<T: Send>(service: &SecretService, ask: impl AsyncFnOnce(Keyring) -> T + Send) -> (T, String) {
    let mut answer = None;
    let calls = service.calls_during(|| {
        // The test's own runtime is busy with this very call.
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                answer = Some(runtime.unwrap().block_on(ask(Keyring::new(LIMIT))));
            });
        });
    });
    (answer.unwrap(), calls)
}

#[test]
fn what_is_stored_is_read_replaced_and_deleted() {
    isolated("what_is_stored_is_read_replaced_and_deleted", async |home| {
        let service = SecretService::start(home);
        let keyring = Keyring::new(LIMIT);
        keyring.probe().await.unwrap();
        assert_eq!(get(&keyring, "a").await, None);
        assert!(!keyring.delete("a").await.unwrap());

        keyring.set("a", "label", secret(b"first")).await.unwrap();
        keyring.set("b", "label", secret(b"other")).await.unwrap();
        assert_eq!(get(&keyring, "a").await.unwrap(), b"first");
        assert_eq!(service.lookup("a").unwrap(), b"first");

        keyring.set("a", "label", secret(b"second")).await.unwrap();
        assert_eq!(service.lookup("a").unwrap(), b"second");

        assert!(keyring.delete("a").await.unwrap());
        assert_eq!(service.lookup("a"), None);
        assert_eq!(get(&keyring, "b").await.unwrap(), b"other");
    });
}

#[test]
fn any_bytes_are_kept_as_they_are() {
    isolated("any_bytes_are_kept_as_they_are", async |home| {
        let _service = SecretService::start(home);
        let keyring = Keyring::new(LIMIT);
        let all: Vec<u8> = (0..=255).collect();
        for bytes in [
            &all[..],
            b"",
            b"\n",
            "pässwörd \u{1f511}".as_bytes(),
            &[0xff; 4096],
        ] {
            keyring.set("kéy", "läbel", secret(bytes)).await.unwrap();
            assert_eq!(get(&keyring, "kéy").await.unwrap(), bytes);
        }
    });
}

#[test]
fn a_locked_keyring_says_so_without_a_prompt() {
    isolated("a_locked_keyring_says_so_without_a_prompt", async |home| {
        let service = SecretService::start(home);
        let keyring = Keyring::new(LIMIT);
        keyring.set("a", "label", secret(b"kept")).await.unwrap();
        service.lock();
        let (answers, calls) = watched(&service, async |keyring| {
            let got = keyring.get("a").await.map(|_| ());
            let unknown = keyring.get("never stored").await.map(|_| ());
            let set = keyring.set("a", "label", secret(b"new")).await;
            let deleted = keyring.delete("a").await.map(|_| ());
            [got, unknown, set, deleted, keyring.probe().await]
        });
        for answer in answers {
            assert!(matches!(answer, Err(KeyringError::Locked)), "{answer:?}");
        }
        assert!(
            calls.contains("member=ReadAlias"),
            "nothing was watched:\n{calls}"
        );
        assert!(!calls.contains("member=Unlock"), "{calls}");
        assert!(!calls.contains("member=Prompt"), "{calls}");
    });
}

#[test]
fn without_a_bus_it_is_absent_and_a_bus_started_later_is_found() {
    let name = "without_a_bus_it_is_absent_and_a_bus_started_later_is_found";
    isolated(name, async |home| {
        let keyring = Keyring::new(LIMIT);
        let reason = keyring.get("a").await.err().unwrap().to_string();
        assert!(reason.starts_with("no OS keyring: no session bus"), "{reason}");
        let mut service = SecretService::start_bus(home);
        let reason = keyring.probe().await.unwrap_err().to_string();
        assert!(
            reason.contains("no Secret Service runs in this session"),
            "{reason}"
        );
        service.start_keyring();
        keyring.set("a", "label", secret(b"kept")).await.unwrap();
        assert_eq!(get(&keyring, "a").await.unwrap(), b"kept");
    });
}

#[test]
fn a_restarted_service_and_a_restarted_bus_are_found_again() {
    let name = "a_restarted_service_and_a_restarted_bus_are_found_again";
    isolated(name, async |home| {
        let mut service = SecretService::start(home);
        let keyring = Keyring::new(LIMIT);
        keyring.set("a", "label", secret(b"kept")).await.unwrap();
        service.stop_keyring();
        let down = keyring.get("a").await.err();
        assert!(matches!(down, Some(KeyringError::Absent(_))), "{down:?}");
        service.start_keyring();
        assert_eq!(get(&keyring, "a").await.unwrap(), b"kept");
        service.stop_keyring();
        service.start_keyring();
        keyring.set("a", "label", secret(b"again")).await.unwrap();
        drop(service);
        let _service = SecretService::start(home);
        assert_eq!(get(&keyring, "a").await.unwrap(), b"again");
    });
}

#[test]
fn a_service_that_hangs_is_given_up_and_used_again_when_it_is_back() {
    let name = "a_service_that_hangs_is_given_up_and_used_again_when_it_is_back";
    isolated(name, async |home| {
        let service = SecretService::start(home);
        let keyring = Keyring::new(Duration::from_secs(3));
        keyring.set("a", "label", secret(b"kept")).await.unwrap();
        service.freeze();
        let (one, two, three) = tokio::join!(keyring.get("a"), keyring.probe(), keyring.delete("a"));
        assert!(matches!(one.err(), Some(KeyringError::TimedOut(3))));
        assert!(matches!(two, Err(KeyringError::TimedOut(3))));
        assert!(matches!(three, Err(KeyringError::TimedOut(3))));
        service.thaw();
        assert_eq!(get(&keyring, "a").await.unwrap(), b"kept");
    });
}

#[test]
fn a_service_that_the_bus_can_start_is_started() {
    isolated("a_service_that_the_bus_can_start_is_started", async |home| {
        let services = home.join("services");
        std::fs::create_dir_all(&services).unwrap();
        std::fs::write(home.join("password"), secret_service::PASSWORD).unwrap();
        let start = format!(
            "[D-BUS Service]\nName=org.freedesktop.secrets\nExec=/bin/sh -c \"exec gnome-keyring-daemon --foreground \
             --unlock --components=secrets <{}/password\"\n",
            home.display()
        );
        std::fs::write(services.join("org.freedesktop.secrets.service"), start).unwrap();
        let _service = SecretService::start_bus(home);
        let keyring = Keyring::new(LIMIT);
        keyring.set("a", "label", secret(b"kept")).await.unwrap();
        assert_eq!(get(&keyring, "a").await.unwrap(), b"kept");
    });
}

#[test]
fn a_keyring_without_a_default_collection_says_what_to_do() {
    isolated(
        "a_keyring_without_a_default_collection_says_what_to_do",
        async |home| {
            let mut service = SecretService::start_bus(home);
            service.start_keyring_without_login();
            let reason = Keyring::new(LIMIT).probe().await.unwrap_err().to_string();
            assert!(reason.contains("no default collection yet; make one"), "{reason}");
        },
    );
}

#[test]
fn of_duplicates_the_newest_counts_and_all_are_replaced_and_deleted() {
    let name = "of_duplicates_the_newest_counts_and_all_are_replaced_and_deleted";
    isolated(name, async |home| {
        let service = SecretService::start(home);
        let keyring = Keyring::new(LIMIT);
        keyring.set("a", "label", secret(b"old")).await.unwrap();
        // The keyring dates items by the second.
        let second = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let stored = second();
        while second() == stored {
            std::thread::yield_now();
        }
        service.store_duplicate("a", "new");
        assert_eq!(get(&keyring, "a").await.unwrap(), b"new");
        keyring.set("a", "label", secret(b"both")).await.unwrap();
        assert_eq!(get(&keyring, "a").await.unwrap(), b"both");
        assert!(keyring.delete("a").await.unwrap());
        assert_eq!(service.lookup("a"), None);
    });
}

#[test]
fn a_locked_item_in_another_collection_raises_no_prompt() {
    let name = "a_locked_item_in_another_collection_raises_no_prompt";
    isolated(name, async |home| {
        // What another home's keyring stored is a second collection here, whose password nobody has given.
        let other = home.join("other");
        let mut elsewhere = SecretService::start(&other);
        elsewhere.store_duplicate("a", "elsewhere");
        elsewhere.stop_keyring();
        let keyrings = home.join("data/keyrings");
        std::fs::create_dir_all(&keyrings).unwrap();
        let (from, to) = (
            other.join("data/keyrings/login.keyring"),
            keyrings.join("work.keyring"),
        );
        std::fs::copy(from, to).unwrap();

        let service = SecretService::start(home);
        let (answer, calls) = watched(&service, async |keyring| keyring.get("a").await.map(|_| ()));
        assert!(matches!(answer, Err(KeyringError::Locked)), "{answer:?}");
        assert!(
            !calls.contains("member=Unlock") && !calls.contains("member=Prompt"),
            "{calls}"
        );
        let keyring = Keyring::new(LIMIT);
        keyring.set("b", "label", secret(b"not affected")).await.unwrap();
        assert_eq!(get(&keyring, "b").await.unwrap(), b"not affected");
    });
}
