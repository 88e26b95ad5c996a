//! The key set on real files made by ssh-keygen; the clock is driven by the tests.

use super::*;
use crate::config::Source;
use crate::unlock::{Settings, UnlockError};
use claviger_platform::keyring::Keyring;
use claviger_platform::prompt::{Means, Require, Surroundings};
use std::path::Path;
use std::process::Command;

const IDLE: Duration = Duration::from_secs(900);

fn keygen(dir: &Path, name: &str, passphrase: &str) -> PathBuf {
    let path = dir.join(name);
    let made = Command::new("ssh-keygen")
        .args([
            "-q", "-t", "ed25519", "-a", "1", "-C", name, "-N", passphrase, "-f",
        ])
        .arg(&path)
        .status()
        .unwrap();
    assert!(made.success());
    path
}

/// An unlocker that nothing can be had from: no keyring, no vault, nobody to ask.
fn no_sources(dir: &Path) -> Arc<Unlocker> {
    Arc::new(Unlocker::new(Settings {
        order: vec![Source::Embedded, Source::Prompt],
        vault: dir.join("none/vault.kdbx"),
        state: dir.join("state"),
        means: Arc::new(Means::new(Surroundings {
            askpass: None,
            require: Require::Never,
            display: false,
            terminal: false,
            gpg_tty: false,
            pinentry: false,
        })),
        keyring: Arc::new(Keyring::new(Duration::from_secs(1))),
        master: None,
    }))
}

async fn keyset(dir: &Path) -> Arc<Keyset> {
    let places = Places {
        dirs: vec![dir.to_owned()],
        files: Vec::new(),
    };
    Keyset::new(Box::new(move || Ok(places.clone())), no_sources(dir))
        .await
        .unwrap()
}

fn only(set: &Keyset) -> Arc<Held> {
    let keys = set.keys();
    assert_eq!(keys.len(), 1);
    keys[0].clone()
}

#[tokio::test]
async fn an_idle_key_is_sealed_on_time_stays_listed_and_opens_again() {
    let dir = tempfile::tempdir().unwrap();
    keygen(dir.path(), "id_ed25519", "");
    let set = keyset(dir.path()).await;
    let held = only(&set);
    let list = set.answer().await;
    let start = Instant::now();
    assert!(!held.is_open(), "listed sealed");

    set.open(&held, start).await.unwrap();
    let used = start + IDLE / 2;
    set.open(&held, used).await.unwrap();
    let due = set.seal_idle(start + IDLE, IDLE);
    assert_eq!(due, Some(used + IDLE), "a use starts the time anew");
    assert!(held.is_open());

    assert_eq!(set.seal_idle(used + IDLE, IDLE), None);
    assert!(!held.is_open());
    assert_eq!(set.answer().await, list, "a sealed key stays listed");
    set.open(&held, used + IDLE * 2).await.unwrap();
    assert!(held.is_open());
}

#[tokio::test]
async fn sealing_everything_counts_what_was_open() {
    let dir = tempfile::tempdir().unwrap();
    keygen(dir.path(), "id_a", "");
    keygen(dir.path(), "id_b", "");
    let set = keyset(dir.path()).await;
    let keys = set.keys();
    set.open(&keys[0], Instant::now()).await.unwrap();
    assert_eq!(set.seal_all(), 1);
    assert_eq!(set.seal_all(), 0);
}

#[tokio::test]
async fn a_protected_key_is_listed_but_does_not_open_without_a_source() {
    let dir = tempfile::tempdir().unwrap();
    keygen(dir.path(), "id_ed25519", "correct horse");
    let set = keyset(dir.path()).await;
    let held = only(&set);
    let Err(error) = set.open(&held, Instant::now()).await else {
        panic!("opened without a passphrase")
    };
    assert!(
        matches!(*error, OpenError::Unlock(UnlockError::Exhausted { .. })),
        "{error}"
    );
    assert!(!held.is_open());

    let secret = crate::secret::Secret::copy_of(b"correct horse");
    held.open_with(secret, Instant::now()).await.unwrap();
    assert!(held.is_open());
}

#[tokio::test]
async fn what_changes_on_disk_changes_the_list() {
    let dir = tempfile::tempdir().unwrap();
    let first = keygen(dir.path(), "id_first", "");
    let set = keyset(dir.path()).await;
    let held = only(&set);
    set.open(&held, Instant::now()).await.unwrap();

    keygen(dir.path(), "id_second", "");
    set.reload().await.unwrap();
    assert_eq!(set.keys().len(), 2);
    assert!(
        set.find(&held.public.blob).unwrap().is_open(),
        "another file's change seals nothing"
    );

    std::fs::remove_file(&first).unwrap();
    set.reload().await.unwrap();
    assert!(set.find(&held.public.blob).is_none());
    assert!(
        !held.is_open(),
        "a key whose file is gone does not stay in memory"
    );
}

#[tokio::test]
async fn a_replaced_file_does_not_sign_under_the_old_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = keygen(dir.path(), "id_ed25519", "");
    let set = keyset(dir.path()).await;
    let held = only(&set);
    std::fs::remove_file(&path).unwrap();
    keygen(dir.path(), "id_ed25519", "");
    let Err(error) = held.open(&set.unlocker, Instant::now()).await else {
        panic!("opened another key")
    };
    assert!(matches!(*error, OpenError::Changed(_)), "{error}");
}

#[tokio::test]
async fn one_bad_file_is_one_problem_and_hides_no_other_key() {
    let dir = tempfile::tempdir().unwrap();
    keygen(dir.path(), "id_good", "");
    std::fs::write(dir.path().join("config"), "Host *\n").unwrap();
    std::fs::write(dir.path().join("id_random"), [7_u8; 300]).unwrap();
    std::fs::create_dir(dir.path().join("id_dir")).unwrap();
    std::fs::create_dir(dir.path().join("agent")).unwrap();
    let broken = keygen(dir.path(), "id_broken", "");
    let text = std::fs::read_to_string(&broken).unwrap();
    std::fs::write(&broken, &text[..text.len() / 2]).unwrap();
    let set = keyset(dir.path()).await;
    assert_eq!(only(&set).comment, b"id_good");
    let problems = set.problems().await;
    let mut named: Vec<&str> = problems
        .iter()
        .filter_map(|p| p.path.rsplit('/').next())
        .collect();
    named.sort_unstable();
    assert_eq!(named, ["id_broken", "id_dir", "id_random"]);
}
