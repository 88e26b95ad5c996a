//! The history over restarts, damage, and two agents at once.

use super::*;
use std::os::unix::fs::PermissionsExt;

const A: &str = "SHA256:host-a";
const B: &str = "SHA256:host-b";
const KEY: &str = "SHA256:key";

/// Writing is done when nobody else holds the store.
async fn written(history: &History) {
    let store = history.store.clone().unwrap();
    while Arc::strong_count(&store) > 2 {
        tokio::task::yield_now().await;
    }
    drop(store.lock().unwrap());
}

fn open(file: &Path) -> History {
    let (history, warning) = History::open(file).unwrap();
    assert_eq!(warning, None);
    history
}

#[tokio::test]
async fn what_worked_is_counted_and_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("state/history.sqlite3");
    let history = open(&file);
    for (host, user, now) in [(A, "me", 10), (B, "me", 20), (A, "me", 30), (A, "you", 5)] {
        history.worked(host, KEY, user, now);
    }
    written(&history).await;
    let expected: Vec<_> = [(A, "me", 10, 30, 2), (B, "me", 20, 20, 1), (A, "you", 5, 5, 1)]
        .map(|(host, user, first, last, times)| Use {
            host: host.into(),
            key: KEY.into(),
            user: user.into(),
            first,
            last,
            times,
        })
        .into();
    assert_eq!(history.uses(), expected);
    drop(history);
    assert_eq!(open(&file).uses(), expected);
    for ending in ["", "-wal", "-shm"] {
        let path = dir.path().join(format!("state/history.sqlite3{ending}"));
        if let Ok(state) = path.metadata() {
            assert_eq!(state.permissions().mode() & 0o777, 0o600, "{}", path.display());
        }
    }
}

#[tokio::test]
async fn two_agents_on_one_home_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("history.sqlite3");
    let (one, two) = (open(&file), open(&file));
    for now in 0..20 {
        one.worked(A, KEY, "me", now);
        two.worked(B, KEY, "me", now);
    }
    two.worked(A, KEY, "me", 50);
    written(&one).await;
    written(&two).await;
    let uses = open(&file).uses();
    assert_eq!(uses.len(), 2);
    assert_eq!((uses[0].host.as_str(), uses[0].last), (A, 50));
    assert_eq!((uses[0].times, uses[1].times), (21, 20));
}

#[tokio::test]
async fn a_damaged_file_is_set_aside_and_begun_anew() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("history.sqlite3");
    std::fs::write(
        &file,
        b"this is no database, and long enough to be read as one".repeat(50),
    )
    .unwrap();
    let (history, warning) = History::open(&file).unwrap();
    assert!(warning.unwrap().contains("set aside as"));
    history.worked(A, KEY, "me", 1);
    written(&history).await;
    assert_eq!(open(&file).uses().len(), 1);
    assert!(dir.path().join("history.sqlite3.damaged").exists());
}

#[test]
fn a_later_versions_file_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("history.sqlite3");
    let later = rusqlite::Connection::open(&file).unwrap();
    later.execute_batch("PRAGMA user_version = 7").unwrap();
    let error = History::open(&file).err().unwrap().to_string();
    assert!(error.contains("later version") && error.contains('7'), "{error}");
}

#[tokio::test]
async fn forgetting_leaves_nothing_readable() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("history.sqlite3");
    let history = open(&file);
    history.worked(A, KEY, "somebody-in-particular", 1);
    history.worked(B, KEY, "me", 2);
    written(&history).await;
    assert_eq!(history.forget(Some(A)).unwrap(), 1);
    assert_eq!(history.uses().len(), 1);
    assert_eq!(history.forget(None).unwrap(), 1);
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for trace in [&b"somebody-in-particular"[..], b"host-a", b"host-b"] {
            assert!(!bytes.windows(trace.len()).any(|seen| seen == trace));
        }
    }
    assert_eq!(open(&file).uses(), []);
}

#[test]
fn the_oldest_go_first_and_some_room_is_made() {
    let mut memory = Memory::default();
    for now in 0..=100 {
        memory.note(&format!("host{now}"), KEY, "me", now);
    }
    let surplus = memory.shrink(100);
    assert_eq!((surplus.len(), memory.uses().len()), (11, 90));
    assert!(surplus.iter().all(|gone| gone.last <= 10));
    assert!(memory.shrink(100).is_empty());
}

#[test]
fn without_a_file_nothing_is_kept() {
    let history = History::none();
    history.worked(A, KEY, "me", 1);
    assert_eq!(history.uses(), []);
}
