//! What seals keys, on real key files; time, the person's input and events are made up.

use super::events::react;
use super::*;
use crate::config::Lock;
use crate::keyset::tests::{keygen, keyset, only};
use claviger_platform::activity::{Event, Hold};
use std::sync::atomic::{AtomicBool, Ordering};

const LIMIT: Duration = Duration::from_secs(900);
const MINUTE: Duration = Duration::from_secs(60);

/// A set with one key, and that key.
async fn one_key(dir: &std::path::Path) -> (Arc<Keyset>, Arc<crate::keyset::Held>) {
    keygen(dir, "id_ed25519", "");
    let set = keyset(dir).await;
    let held = only(&set);
    (set, held)
}

#[tokio::test]
async fn a_job_does_not_keep_keys_open_when_the_person_is_away() {
    let dir = tempfile::tempdir().unwrap();
    let (set, held) = one_key(dir.path()).await;
    let mut absence = Absence::default();
    let start = Instant::now();
    let mut at = |now: Instant, idle_for| seal_due(&set, &mut absence, LIMIT, now, Some(idle_for));

    set.open(&held, start).await.unwrap();
    assert_eq!(
        at(start, MINUTE),
        Some(start + LIMIT - MINUTE),
        "when it may be over"
    );
    let now = start + LIMIT - MINUTE;
    set.open(&held, now).await.unwrap();
    assert_eq!(
        at(now, LIMIT - MINUTE),
        Some(now + MINUTE),
        "there was input meanwhile"
    );
    let now = now + MINUTE;
    set.open(&held, now).await.unwrap();
    assert_eq!(at(now, LIMIT), None);
    assert!(!held.is_open(), "used a moment ago, and sealed all the same");

    set.open(&held, now).await.unwrap();
    let now = now + MINUTE;
    assert_eq!(
        at(now, LIMIT + MINUTE),
        Some(now - MINUTE + LIMIT),
        "once for each absence"
    );
    assert!(held.is_open());

    at(now, Duration::ZERO);
    set.open(&held, now + LIMIT).await.unwrap();
    assert_eq!(at(now + LIMIT, LIMIT), None);
    assert!(!held.is_open(), "another absence");
}

#[tokio::test]
async fn what_is_opened_while_the_person_is_away_is_sealed_for_want_of_use_only() {
    let dir = tempfile::tempdir().unwrap();
    let (set, held) = one_key(dir.path()).await;
    let mut absence = Absence::default();
    let start = Instant::now();
    set.open(&held, start).await.unwrap();
    absence.key_opened(Some(LIMIT * 40), LIMIT);
    let due = seal_due(&set, &mut absence, LIMIT, start, Some(LIMIT * 40));
    assert_eq!(due, Some(start + LIMIT));
    assert!(held.is_open());
    let due = seal_due(&set, &mut absence, LIMIT, start + LIMIT * 2, Some(LIMIT * 42));
    assert_eq!(due, None);
    assert!(!held.is_open());
}

#[tokio::test]
async fn where_input_is_not_told_only_use_counts() {
    let dir = tempfile::tempdir().unwrap();
    let (set, held) = one_key(dir.path()).await;
    let mut absence = Absence::default();
    let start = Instant::now();
    set.open(&held, start).await.unwrap();
    assert_eq!(
        seal_due(&set, &mut absence, LIMIT, start, None),
        Some(start + LIMIT)
    );
    let used = start + LIMIT - MINUTE;
    set.open(&held, used).await.unwrap();
    assert_eq!(
        seal_due(&set, &mut absence, LIMIT, start + LIMIT, None),
        Some(used + LIMIT)
    );
    assert!(held.is_open());
    assert_eq!(seal_due(&set, &mut absence, LIMIT, used + LIMIT, None), None);
    assert!(!held.is_open());
}

/// Says, when it is dropped, whether the key was sealed then.
struct Guard(Arc<crate::keyset::Held>, Arc<AtomicBool>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.1.store(!self.0.is_open(), Ordering::SeqCst);
    }
}

#[tokio::test]
async fn the_machine_may_sleep_when_all_is_sealed_and_not_before() {
    let dir = tempfile::tempdir().unwrap();
    let (set, held) = one_key(dir.path()).await;
    let sealed_first = Arc::new(AtomicBool::new(false));
    let sleeping = || Event::Sleeping(Hold::new(Guard(held.clone(), sealed_first.clone())));

    set.open(&held, Instant::now()).await.unwrap();
    react(&set, sleeping(), Lock::DEFAULT);
    assert!(!held.is_open());
    assert!(sealed_first.load(Ordering::SeqCst));

    set.open(&held, Instant::now()).await.unwrap();
    let lock = Lock {
        on_sleep: false,
        ..Lock::DEFAULT
    };
    react(&set, sleeping(), lock);
    assert!(held.is_open(), "not wanted");
    assert!(
        !sealed_first.load(Ordering::SeqCst),
        "and nothing holds off the sleep"
    );
}

#[tokio::test]
async fn the_screens_lock_seals_and_nothing_else_does() {
    let dir = tempfile::tempdir().unwrap();
    let (set, held) = one_key(dir.path()).await;
    set.open(&held, Instant::now()).await.unwrap();
    react(&set, Event::Unlocked, Lock::DEFAULT);
    react(&set, Event::Woken, Lock::DEFAULT);
    let lock = Lock {
        on_screen_lock: false,
        ..Lock::DEFAULT
    };
    react(&set, Event::Locked, lock);
    assert!(held.is_open());
    react(&set, Event::Locked, Lock::DEFAULT);
    assert!(!held.is_open());
}
