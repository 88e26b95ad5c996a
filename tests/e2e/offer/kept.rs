//! The history's file: damaged, shared by two agents, not wanted.

use super::{STRICT, attempted, keys, learns, learnt, login, logins, offered, shown, with};
use crate::support::{Agent, Home, Sshd, text, wait_until};
use std::fs;

#[test]
fn a_damaged_history_is_set_aside_and_logins_go_on() {
    let (home, server) = (Home::new(), Home::new());
    let keys = keys(&home, 12);
    let sshd = Sshd::saying(&server, &[&keys[11]], STRICT);
    let mut agent = Agent::start(&home);
    assert!(logins(&home, &sshd, 3) <= 3);
    agent.end_by("TERM");
    let file = home.path("state/claviger/history.sqlite3");
    let bytes = b"nothing that SQLite knows".repeat(1000);
    fs::write(&file, &bytes).expect("written");
    // The log that is written ahead has all that was learnt, and SQLite would take it from there.
    let _ = fs::remove_file(home.path("state/claviger/history.sqlite3-wal"));
    let agent = Agent::start(&home);
    assert!(agent.log().contains("set aside as"), "{}", agent.log());
    assert_eq!(
        fs::read(home.path("state/claviger/history.sqlite3.damaged")).expect("a file"),
        bytes
    );
    assert!(logins(&home, &sshd, 3) <= 3, "learnt anew");
    assert_eq!(shown(&home, &sshd), 1);
    learns(&home, 1);
}

#[test]
fn two_agents_on_one_home_both_teach() {
    let (home, servers) = (Home::new(), [Home::new(), Home::new()]);
    let keys = keys(&home, 12);
    let sshds = [0, 1].map(|at| Sshd::saying(&servers[at], &[&keys[11 - at]], STRICT));
    let mut first = Agent::start(&home);
    let socket = home.path("run/second.sock");
    let mut command = home.claviger(&["agent", "-d"]);
    let mut second = Agent::from_command(&home, command.env("CLAVIGER_SOCKET", &socket));
    let by_second = |sshd: &Sshd| {
        let mut command = with(&home, sshd, &["-v"]);
        command.env("SSH_AUTH_SOCK", &socket).output().expect("ssh")
    };
    assert!(logins(&home, &sshds[0], 3) <= 3);
    assert!((0..3).any(|_| by_second(&sshds[1]).status.success()));
    // One at a time and by turns, so that each writes what the other has written too.
    for _ in 0..3 {
        assert!(login(&home, &sshds[0]).status.success());
        assert!((0..3).any(|_| by_second(&sshds[0]).status.success()));
    }
    wait_until("all is counted", || {
        let times = |key: usize| {
            let hosts = learnt(&home);
            let one = hosts
                .iter()
                .find(|one| one["key"] == keys[key].fingerprint(&home).as_str());
            one.and_then(|one| one["times"].as_u64())
        };
        (times(11), times(10)) == (Some(7), Some(1))
    });
    for agent in [&mut first, &mut second] {
        assert!(agent.end_by("TERM").success());
        assert!(!agent.log().contains("not kept"), "{}", agent.log());
    }
    let _agent = Agent::start(&home);
    for sshd in &sshds {
        assert_eq!(shown(&home, sshd), 1);
    }
}

#[test]
fn who_keeps_no_history_still_finds_the_right_key_in_the_agents_life() {
    let (home, server) = (Home::new(), Home::new());
    let keys = keys(&home, 12);
    let sshd = Sshd::saying(&server, &[&keys[11]], STRICT);
    home.configure("[history]\nkeep = false\n");
    let mut agent = Agent::start(&home);
    assert!(logins(&home, &sshd, 3) <= 3);
    for _ in 0..2 {
        let ran = with(&home, &sshd, &["-v"]).output().expect("ssh");
        assert!(ran.status.success(), "{}", text(&ran));
        assert_eq!(offered(&ran), [keys[11].fingerprint(&home)]);
    }
    agent.end_by("TERM");
    let kept: Vec<_> = fs::read_dir(home.path("state/claviger"))
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with("history"))
        .collect();
    assert!(kept.is_empty(), "{kept:?}");
    let _agent = Agent::start(&home);
    let ran = with(&home, &sshd, &["-v"]).output().expect("ssh");
    assert!(
        !attempted(&ran).contains(&keys[11].fingerprint(&home)),
        "it began anew"
    );
}
