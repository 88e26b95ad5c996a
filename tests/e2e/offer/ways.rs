//! Logins through other hosts: a jump host is a login of its own, a forwarded agent orders, teaches nothing and cuts nothing.

use super::{STRICT, attempted, fingerprints, keys, knows, learns, learnt, logins, offered};
use crate::support::{Agent, Home, Key, Sshd, succeed, text, user, wait_until};
use std::process::{Command, Output};

fn quoted(line: &str) -> String {
    format!("'{}'", line.replace('\'', "'\\''"))
}

/// Goes to the first of `way` with the agent forwarded to each but the last, and runs `remote` on the last.
fn along(home: &Home, way: &[&Sshd], forward_to_last: bool, options: &str, remote: &str) -> Command {
    let mut line = quoted(remote);
    for (position, sshd) in way.iter().enumerate().rev() {
        let is_last = position + 1 == way.len();
        let mut words = sshd.ssh();
        if forward_to_last || !is_last {
            words.insert(1, "-A".into());
        }
        if is_last && !options.is_empty() {
            words.insert(1, options.into());
        }
        let whole = format!("{} {line}", words.join(" "));
        line = if position == 0 { whole } else { quoted(&whole) };
    }
    let mut command = home.command("sh");
    command.args(["-c", &line]);
    command
}

/// Hosts that each let in one of the keys alone.
fn hosts(servers: &[Home], keys: &[&Key]) -> Vec<Sshd> {
    servers
        .iter()
        .zip(keys)
        .map(|(server, key)| Sshd::saying(server, &[key], STRICT))
        .collect()
}

#[test]
fn each_server_of_a_jump_gets_its_own_keys() {
    let (home, servers) = (Home::new(), [Home::new(), Home::new()]);
    let keys = keys(&home, 20);
    let sshds = hosts(&servers, &[&keys[19], &keys[14]]);
    knows(&home, &[&sshds[0], &sshds[1]]);
    let host = |name: &str, sshd: &Sshd| {
        format!(
            "Host {name}\nHostName 127.0.0.1\nPort {}\nUser {}\n",
            sshd.port(),
            user()
        )
    };
    let config = format!(
        "{}{}Host *\nUserKnownHostsFile {}\nGlobalKnownHostsFile none\nStrictHostKeyChecking yes\nIdentityFile none\n\
         BatchMode yes\nLogLevel DEBUG1\n",
        host("jump", &sshds[0]),
        host("target", &sshds[1]),
        home.path(".ssh/known_hosts").display()
    );
    let config = home.write("ssh_config", config.as_bytes(), 0o600);
    let jump = || -> Output {
        let mut command = home.command("ssh");
        command
            .arg("-F")
            .arg(&config)
            .args(["-J", "jump", "target", "true"]);
        command.output().expect("ssh")
    };
    let _agent = Agent::start(&home);
    // Twenty keys are four logins at each.
    assert!((0..8).any(|_| jump().status.success()));
    learns(&home, 2);
    for _ in 0..2 {
        let ran = jump();
        assert!(ran.status.success(), "{}", text(&ran));
        let mut shown = offered(&ran);
        shown.sort();
        let mut expected = [&keys[19], &keys[14]].map(|key| key.fingerprint(&home));
        expected.sort();
        assert_eq!(shown, expected, "one for each server");
    }
}

#[test]
fn a_forwarded_agent_shows_all_the_right_one_first_and_learns_nothing() {
    let (home, servers) = (Home::new(), [Home::new(), Home::new(), Home::new()]);
    let keys = keys(&home, 12);
    let sshds = hosts(&servers, &[&keys[9], &keys[10], &keys[11]]);
    let _agent = Agent::start(&home);
    for sshd in &sshds {
        logins(&home, sshd, 3);
    }
    learns(&home, 3);
    let before = learnt(&home);
    let way: Vec<&Sshd> = sshds.iter().collect();
    for length in [2, 3] {
        let ran = along(&home, &way[..length], false, "-v", "true")
            .output()
            .expect("ssh");
        assert!(ran.status.success(), "{}", text(&ran));
        let wanted = keys[8 + length].fingerprint(&home);
        assert_eq!(offered(&ran), std::slice::from_ref(&wanted));
        let attempted = attempted(&ran);
        assert_eq!(
            (attempted.len(), &attempted[0]),
            (12, &wanted),
            "nothing is cut there"
        );
    }
    let listed = succeed(&mut along(&home, &way[..2], true, "", "ssh-add -l"));
    assert_eq!(listed.lines().count(), 12, "{listed}");
    for fingerprint in fingerprints(&home, &keys) {
        assert!(listed.contains(&fingerprint), "{listed}");
    }
    // Logins up to the first host are ours, and counted.
    let times = |hosts: &[serde_json::Value], key: &Key| {
        let found = hosts
            .iter()
            .find(|one| one["key"] == key.fingerprint(&home).as_str());
        found.expect("learnt")["times"].as_u64()
    };
    let uses = |hosts: &[serde_json::Value]| [&keys[10], &keys[11]].map(|key| times(hosts, key));
    wait_until("the way's first steps are counted", || {
        times(&learnt(&home), &keys[9]) == times(&before, &keys[9]).map(|times| times + 3)
    });
    assert_eq!(uses(&learnt(&home)), uses(&before));
    assert_eq!(learnt(&home).len(), 3);
}

#[test]
fn behind_another_host_the_search_goes_on_and_nothing_of_it_lasts() {
    let (home, servers) = (Home::new(), [Home::new(), Home::new()]);
    let keys = keys(&home, 14);
    let sshds = hosts(&servers, &[&keys[0], &keys[13]]);
    let mut agent = Agent::start(&home);
    let through = |options: &str| -> Output {
        let way = [&sshds[0], &sshds[1]];
        along(&home, &way, false, options, "true").output().expect("ssh")
    };
    // The server takes six, and five count as shown: fourteen are three logins.
    assert!((0..3).any(|_| through("").status.success()));
    let ran = through("-v");
    assert!(ran.status.success());
    assert_eq!(
        offered(&ran),
        [keys[13].fingerprint(&home)],
        "known for this agent's life"
    );
    learns(&home, 1);
    agent.end_by("TERM");
    let _agent = Agent::start(&home);
    assert_eq!(learnt(&home).len(), 1, "the first step alone");
    let ran = through("-v");
    assert!(!ran.status.success(), "{}", text(&ran));
    assert_ne!(attempted(&ran)[0], keys[13].fingerprint(&home));
}

#[test]
fn what_another_host_asks_leaves_the_file_as_it_is() {
    let (home, servers) = (Home::new(), [Home::new(), Home::new()]);
    let keys = keys(&home, 7);
    let sshds = hosts(&servers, &[&keys[0], &keys[6]]);
    let mut agent = Agent::start(&home);
    // One connection to the first host carries all that follows, and is counted once.
    let again = format!("{} true; true", sshds[1].ssh().join(" "));
    let mut command = along(&home, &[&sshds[0]], true, "", &again);
    succeed(&mut command);
    learns(&home, 1);
    agent.end_by("TERM");
    let left = rusqlite::Connection::open(home.path("state/claviger/history.sqlite3")).expect("the history");
    let count = |table: &str| -> u32 {
        left.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))
            .expect("a count")
    };
    assert_eq!((count("login"), count("tried"), count("name")), (1, 0, 0));
}
