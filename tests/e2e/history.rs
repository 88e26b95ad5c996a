//! What is learnt from logins: only those that a server has agreed to, straight from here.

use crate::support::{Agent, Home, Key, KeyKind, Sshd, succeed, user, wait_until};
use serde_json::Value;

fn hosts(home: &Home) -> Vec<Value> {
    let text = succeed(&mut home.claviger(&["hosts", "--json"]));
    serde_json::from_str(&text).expect("JSON")
}

/// The agent writes after it has answered.
fn hosts_when(home: &Home, count: usize) -> Vec<Value> {
    wait_until("the use is written", || hosts(home).len() == count);
    hosts(home)
}

#[test]
fn a_login_teaches_which_key_works_where_and_a_refused_one_nothing() {
    let (home, server) = (Home::new(), Home::new());
    let key = Key::make_with(&home, "id_right", KeyKind::Quick, "");
    let other = Key::make_with(&home, "id_wrong", KeyKind::Quick, "");
    let sshd = Sshd::start(&server, &[&key]);
    let agent = Agent::start(&home);
    assert!(hosts(&home).is_empty());
    succeed(&mut sshd.login(&home, "true"));
    let learnt = hosts_when(&home, 1);
    assert_eq!(learnt[0]["key"], key.fingerprint(&home).as_str());
    assert_eq!(learnt[0]["user"], user().as_str());
    assert_eq!(learnt[0]["times"], 1);
    assert_eq!(learnt[0]["names"], serde_json::json!([]));
    let known = std::fs::read(sshd.known_hosts()).expect("known_hosts");
    home.write(".ssh/known_hosts", &known, 0o600);
    assert_eq!(hosts(&home)[0]["names"], serde_json::json!([sshd.host()]));

    // Signatures for anything but a login teach nothing.
    succeed(home.command("ssh-add").arg("-T").arg(other.beside(".pub")));
    drop(agent);
    let _agent = Agent::start(&home);
    succeed(&mut sshd.login(&home, "true"));
    wait_until("the second use is written", || hosts(&home)[0]["times"] == 2);
    assert_eq!(hosts(&home).len(), 1);
}

#[test]
fn who_wants_no_history_has_none() {
    let (home, server) = (Home::new(), Home::new());
    home.configure("[history]\nkeep = false\n");
    let key = Key::make_with(&home, "id_right", KeyKind::Quick, "");
    let sshd = Sshd::start(&server, &[&key]);
    let mut agent = Agent::start(&home);
    succeed(&mut sshd.login(&home, "true"));
    agent.end_by("TERM");
    assert!(hosts(&home).is_empty());
    assert!(!home.path("state/claviger/history.sqlite3").exists());
}
