//! The key set on real files made by ssh-keygen; the clock is driven by the tests.

use super::*;
use crate::config::Source;
use crate::key::KdfLimits;
use crate::unlock::{Settings, UnlockError};
use claviger_platform::keyring::Keyring;
use claviger_platform::prompt::{Means, Require, Surroundings};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const IDLE: Duration = Duration::from_secs(900);

pub(crate) fn keygen(dir: &Path, name: &str, passphrase: &str) -> PathBuf {
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
        databases: Vec::new(),
        home: dir.to_owned(),
        limits: KdfLimits::DEFAULT,
        means: Arc::new(Means::new(Surroundings {
            require: Require::Never,
            ..Surroundings::default()
        })),
        keyring: Arc::new(Keyring::new(Duration::from_secs(1))),
        master: None,
    }))
}

pub(crate) async fn keyset(dir: &Path) -> Arc<Keyset> {
    let places = Places {
        dirs: vec![dir.to_owned()],
        files: Vec::new(),
        databases: Vec::new(),
        limits: KdfLimits::DEFAULT,
    };
    Keyset::new(Box::new(move || Ok(places.clone())), no_sources(dir))
        .await
        .unwrap()
}

pub(crate) fn only(set: &Keyset) -> Arc<Held> {
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
    let list = set.answer().await.unwrap();
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
    assert_eq!(set.answer().await.unwrap(), list, "a sealed key stays listed");
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

/// Polls it once: it has begun, and is not done.
async fn begin<F: Future>(mut work: std::pin::Pin<&mut F>) {
    let begun =
        std::future::poll_fn(|context| std::task::Poll::Ready(work.as_mut().poll(context).is_pending()));
    assert!(begun.await);
}

#[tokio::test]
async fn what_is_being_opened_while_everything_is_sealed_does_not_stay_open() {
    let dir = tempfile::tempdir().unwrap();
    keygen(dir.path(), "id_plain", "");
    let set = keyset(dir.path()).await;
    let held = only(&set);
    let mut opening = Box::pin(set.open(&held, Instant::now()));
    begin(opening.as_mut()).await;
    assert_eq!(set.seal_all(), 0, "not open yet");
    let error = opening.await.err().unwrap();
    assert!(matches!(*error, OpenError::Sealed), "{error}");
    assert!(!held.is_open());

    let dir = tempfile::tempdir().unwrap();
    keygen(dir.path(), "id_protected", "correct horse");
    let set = keyset(dir.path()).await;
    let held = only(&set);
    let mut opening = Box::pin(set.open_with(
        &held,
        crate::secret::Secret::copy_of(b"correct horse"),
        Instant::now(),
    ));
    begin(opening.as_mut()).await;
    set.seal_all();
    let error = opening.await.err().unwrap();
    assert!(matches!(*error, OpenError::Sealed), "{error}");
    assert!(!held.is_open());
    set.open_with(
        &held,
        crate::secret::Secret::copy_of(b"correct horse"),
        Instant::now(),
    )
    .await
    .unwrap();
    assert!(held.is_open(), "a later one is kept");
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
    set.open_with(&held, secret, Instant::now()).await.unwrap();
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
    let Err(error) = set.open(&held, Instant::now()).await else {
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

/// An Ed25519 key as a client adds it.
fn new_key(terms: Terms) -> NewKey {
    let dir = tempfile::tempdir().unwrap();
    let file = std::fs::read(keygen(dir.path(), "to_add", "")).unwrap();
    let key = ssh_key::PrivateKey::from_openssh(file).unwrap();
    let pair = key.key_data().ed25519().unwrap();
    let (public, seed) = (pair.public.as_ref().to_vec(), pair.private.to_bytes());
    let fields = [&b"ssh-ed25519"[..], &public, &[&seed[..], &public].concat()];
    let fields: Vec<u8> = fields
        .iter()
        .flat_map(|field| crate::wire::string(field))
        .collect();
    let added = crate::key::added(&fields).unwrap().added;
    NewKey {
        public: added.public,
        certificate: added.certificate,
        comment: b"added".to_vec(),
        fields: fields.into(),
        terms,
        authenticator: None,
    }
}

#[tokio::test]
async fn an_added_key_expires_on_time_and_is_wiped_then() {
    let places = tempfile::tempdir().unwrap();
    let set = keyset(places.path()).await;
    let start = Instant::now();
    let terms = Terms {
        lifetime: Some(Duration::from_secs(60)),
        ..Terms::default()
    };
    set.add(new_key(terms), start).unwrap();
    let held = only(&set);
    set.open(&held, start).await.unwrap();
    assert_eq!(
        set.expire(start + Duration::from_secs(59)),
        Some(start + Duration::from_secs(60))
    );
    assert!(held.is_open());
    assert_eq!(set.expire(start + Duration::from_secs(60)), None);
    assert!(!held.is_open());
    assert!(set.keys().is_empty());
}

#[tokio::test]
async fn a_file_is_not_opened_for_who_asked_before_the_lock_and_waited() {
    let places = tempfile::tempdir().unwrap();
    keygen(places.path(), "id_plain", "");
    keygen(places.path(), "id_sealed", "correct horse");
    let set = keyset(places.path()).await;
    let keys = set.keys();
    assert!(set.lock(crate::secret::Secret::copy_of(b"lock me")).await);
    for held in keys.iter() {
        let opened = set.open(held, Instant::now()).await;
        assert!(matches!(*opened.err().unwrap(), OpenError::Locked));
        let passphrase = crate::secret::Secret::copy_of(b"correct horse");
        let opened = set.open_with(held, passphrase, Instant::now()).await;
        assert!(matches!(*opened.unwrap_err(), OpenError::Locked));
        assert!(!held.is_open());
    }
}

#[tokio::test]
async fn a_locked_agent_opens_nothing_and_unlocks_with_its_passphrase_only() {
    let places = tempfile::tempdir().unwrap();
    let set = keyset(places.path()).await;
    set.add(new_key(Terms::default()), Instant::now()).unwrap();
    let held = only(&set);
    set.open(&held, Instant::now()).await.unwrap();
    let secret = |text: &str| crate::secret::Secret::copy_of(text.as_bytes());

    assert!(!set.lock(secret("")).await, "an empty passphrase locks nothing");
    assert!(set.lock(secret("lock me")).await);
    assert!(set.is_locked() && !held.is_open());
    assert!(!set.lock(secret("again")).await);
    let Err(error) = set.open(&held, Instant::now()).await else {
        panic!("opened while locked")
    };
    assert!(matches!(*error, OpenError::Locked), "{error}");
    assert!(set.add(new_key(Terms::default()), Instant::now()).is_err());

    assert!(!set.unlock(secret("lock you")).await);
    assert!(set.is_locked());
    assert!(set.unlock(secret("lock me")).await);
    assert!(!set.unlock(secret("lock me")).await, "it is not locked any more");
    set.open(&held, Instant::now()).await.unwrap();
}

#[tokio::test]
async fn adding_again_replaces_in_place_and_removing_hides_a_file_until_asked_for() {
    let places = tempfile::tempdir().unwrap();
    keygen(places.path(), "id_file", "");
    let set = keyset(places.path()).await;
    let file = only(&set);
    let mut key = new_key(Terms::default());
    let blob = key.public.blob.clone();
    set.add(key, Instant::now()).unwrap();
    let mut other = new_key(Terms::default());
    other.comment = b"other".to_vec();
    set.add(other, Instant::now()).unwrap();
    key = NewKey {
        public: set.find(&blob).unwrap().public.clone(),
        certificate: None,
        comment: b"renamed".to_vec(),
        fields: Vec::new().into(),
        terms: Terms {
            confirm: true,
            ..Terms::default()
        },
        authenticator: None,
    };
    set.add(key, Instant::now()).unwrap();
    let comments: Vec<Vec<u8>> = set.keys().iter().map(|held| held.comment.clone()).collect();
    assert_eq!(
        comments,
        [b"id_file".to_vec(), b"renamed".to_vec(), b"other".to_vec()]
    );

    assert!(set.remove(&file.public.blob));
    assert!(!set.remove(&file.public.blob));
    assert!(set.find(&file.public.blob).is_none());
    set.reload().await.unwrap();
    assert!(set.find(&file.public.blob).is_some(), "the file is still there");
    set.remove_all();
    assert!(set.keys().is_empty());
}

#[tokio::test]
async fn a_list_during_a_look_waits_for_what_it_finds() {
    let dir = tempfile::tempdir().unwrap();
    let set = keyset(dir.path()).await;
    keygen(dir.path(), "id_new", "");
    let looking = {
        let set = set.clone();
        tokio::spawn(async move { set.reload().await })
    };
    // A look that is over before anybody sees it is no test, but no reason to wait for ever either.
    while !set.scanner.is_looking() && !looking.is_finished() {
        tokio::task::yield_now().await;
    }
    set.refresh().await;
    assert_eq!(set.keys().len(), 1);
    looking.await.unwrap().unwrap();
}
