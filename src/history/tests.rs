//! The history over restarts, damage, and two agents at once.

use super::*;
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt;

const A: &str = "SHA256:host-a";
const B: &str = "SHA256:host-b";
const KEY: &str = "SHA256:key";

fn worked(history: &History, host: &str, user: &str, now: u64) {
    let login = Login {
        host,
        authority: None,
        names: &[],
        key: KEY,
        user,
        path: "",
    };
    history.worked(&login, now);
}

fn open(file: &Path) -> History {
    let (history, warning) = History::open(file).unwrap();
    assert_eq!(warning, None);
    history
}

#[test]
fn what_worked_is_counted_and_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("state/history.sqlite3");
    let history = open(&file);
    for (host, user, now) in [(A, "me", 10), (B, "me", 20), (A, "me", 30), (A, "you", 5)] {
        worked(&history, host, user, now);
    }
    history.settle();
    let expected: Vec<_> = [(A, "me", 10, 30, 2), (B, "me", 20, 20, 1), (A, "you", 5, 5, 1)]
        .map(|(host, user, first, last, times)| Use {
            host: host.into(),
            key: KEY.into(),
            user: user.into(),
            authority: String::new(),
            path: String::new(),
            first,
            last,
            times,
            misses: 0,
        })
        .into();
    assert_eq!(history.uses(), expected);
    drop(history);
    assert_eq!(open(&file).uses(), expected);
    for ending in ["", "-wal", "-shm"] {
        let path = dir.path().join(format!("state/history.sqlite3{ending}"));
        if let Ok(state) = path.metadata() {
            #[cfg(unix)]
            assert_eq!(state.permissions().mode() & 0o777, 0o600, "{}", path.display());
        }
    }
}

#[test]
fn two_agents_on_one_home_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("history.sqlite3");
    let (one, two) = (open(&file), open(&file));
    for now in 0..20 {
        worked(&one, A, "me", now);
        worked(&two, B, "me", now);
    }
    worked(&two, A, "me", 50);
    one.settle();
    two.settle();
    let uses = open(&file).uses();
    assert_eq!(uses.len(), 2);
    assert_eq!((uses[0].host.as_str(), uses[0].last), (A, 50));
    assert_eq!((uses[0].times, uses[1].times), (21, 20));
}

#[test]
fn a_damaged_file_is_set_aside_and_begun_anew() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("history.sqlite3");
    std::fs::write(
        &file,
        b"this is no database, and long enough to be read as one".repeat(50),
    )
    .unwrap();
    let (history, warning) = History::open(&file).unwrap();
    assert!(warning.unwrap().contains("set aside as"));
    worked(&history, A, "me", 1);
    history.settle();
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

#[test]
fn forgetting_leaves_nothing_readable() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("history.sqlite3");
    let history = open(&file);
    worked(&history, A, "somebody-in-particular", 1);
    worked(&history, B, "me", 2);
    history.settle();
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

/// One more use of a key that is of no account.
fn a_use(host: &str, now: u64) -> Use {
    Use {
        host: host.into(),
        authority: String::new(),
        key: KEY.into(),
        user: "me".into(),
        path: String::new(),
        first: now,
        last: now,
        times: 1,
        misses: 0,
    }
}

#[test]
fn the_oldest_go_first_and_some_room_is_made() {
    let mut memory = Memory::default();
    for now in 0..=100 {
        memory.note(a_use(&format!("host{now}"), now), &[]);
    }
    assert_eq!(memory.overall(KEY).times, 101);
    let surplus = memory.shrink(100, 100);
    assert_eq!((surplus.uses.len(), memory.uses().len()), (11, 90));
    assert!(surplus.uses.iter().all(|gone| gone.last <= 10));
    assert_eq!(memory.overall(KEY).times, 90);
    assert!(memory.shrink(100, 100).uses.is_empty());
    for now in 200..300 {
        memory.pass(
            &format!("tried{now}"),
            &[KEY, "SHA256:other"],
            Vain::default(),
            now,
        );
    }
    let surplus = memory.shrink(100, 100);
    assert_eq!((surplus.tried.len(), surplus.tried[0].as_str()), (55, "tried200"));
    assert_eq!(memory.tried("tried299").count(), 2);
}

#[test]
fn what_is_not_kept_on_disk_is_known_while_the_agent_lives() {
    let history = History::in_memory();
    worked(&history, A, "me", 1);
    assert_eq!(history.uses().len(), 1);
    assert_eq!(history.forget(None).unwrap(), 1);
    assert_eq!(history.uses(), []);
}

#[test]
fn offers_in_vain_are_counted_until_the_key_works_and_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("history.sqlite3");
    let history = open(&file);
    worked(&history, A, "me", 1);
    worked(&history, A, "you", 1);
    history.unanswered(
        A,
        &[KEY, "SHA256:other"],
        Vain {
            user: Some("me"),
            keyless: true,
        },
        5,
    );
    assert!(history.view().at(A, &[], None).keyless);
    history.unanswered(A, &[KEY], Vain::default(), 6);
    assert!(!history.view().at(A, &[], None).keyless);
    history.unanswered(
        B,
        &[KEY],
        Vain {
            user: None,
            keyless: true,
        },
        6,
    );
    history.passed_over(A, &[KEY], "you");
    drop(history);
    let history = open(&file);
    let known = history.view().at(A, &[], None);
    assert_eq!((known.rounds, known.keyless), (2, false));
    assert!(history.view().at(B, &[], None).keyless);
    assert_eq!(known.tried[KEY], Tried { round: 2, at: 6 });
    assert_eq!(known.tried["SHA256:other"], Tried { round: 1, at: 5 });
    let mut misses: Vec<_> = known.own[KEY]
        .iter()
        .map(|one| (one.user.as_str(), one.misses))
        .collect();
    misses.sort_unstable();
    assert_eq!(misses, [("me", 2), ("you", 2)]);
    worked(&history, A, "me", 7);
    drop(history);
    let history = open(&file);
    let known = history.view().at(A, &[], None);
    assert!(!known.tried.contains_key(KEY));
    assert!(
        known.own[KEY]
            .iter()
            .any(|one| (one.user.as_str(), one.misses, one.times) == ("me", 0, 2))
    );
}

#[test]
fn hosts_are_known_by_their_names_and_authorities_too() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("history.sqlite3");
    let history = open(&file);
    let names = [String::from("web.example.net")];
    let login = Login {
        host: A,
        authority: Some("SHA256:ca"),
        names: &names,
        key: KEY,
        user: "me",
        path: "org/repo",
    };
    history.worked(&login, 9);
    drop(history);
    let history = open(&file);
    let view = history.view();
    assert_eq!(view.once_named(&names), [A]);
    let other = view.at(B, &[A.to_owned()], Some("SHA256:ca"));
    assert_eq!(other.kin[KEY][0].path, "org/repo");
    assert_eq!(other.authority[KEY], 9);
    assert_eq!(view.overall(KEY), Overall { times: 1, last: 9 });
    drop(view);
    history.forget(Some(A)).unwrap();
    let view = history.view();
    assert_eq!((view.once_named(&names).len(), view.overall(KEY).times), (0, 0));
}

#[test]
fn the_first_schema_is_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("history.sqlite3");
    let first = rusqlite::Connection::open(&file).unwrap();
    first
        .execute_batch(
            "CREATE TABLE worked (host TEXT, key TEXT, user TEXT, first INTEGER, last INTEGER, times INTEGER) STRICT;
             INSERT INTO worked VALUES ('SHA256:host-a', 'SHA256:key', 'me', 3, 4, 5); PRAGMA user_version = 1;",
        )
        .unwrap();
    drop(first);
    let mut expected = a_use(A, 4);
    (expected.first, expected.times) = (3, 5);
    assert_eq!(open(&file).uses(), [expected.clone()]);
    assert_eq!(open(&file).uses(), [expected]);
}
