//! The right key first: how many logins it takes, with real servers.

use super::{STRICT, explained, keys, login, logins, shown};
use crate::support::{Agent, Home, Key, KeyKind, Sshd, succeed, wait_until};
use serde_json::Value;

#[test]
fn the_fortieth_key_is_found_within_eight_logins_and_is_the_first_ever_after() {
    let (home, server) = (Home::new(), Home::new());
    let keys = keys(&home, 40);
    let sshd = Sshd::saying(&server, &[&keys[39]], STRICT);
    let mut agent = Agent::start(&home);
    assert_eq!(logins(&home, &sshd, 8), 8);
    for _ in 0..3 {
        assert_eq!(shown(&home, &sshd), 1);
    }
    agent.end_by("TERM");
    let _agent = Agent::start(&home);
    assert_eq!(shown(&home, &sshd), 1);
    assert!(login(&home, &sshd).status.success());
}

#[test]
fn attempts_are_remembered_across_a_restart() {
    let (home, server) = (Home::new(), Home::new());
    let keys = keys(&home, 12);
    let sshd = Sshd::saying(&server, &[&keys[11]], STRICT);
    let mut agent = Agent::start(&home);
    for _ in 0..2 {
        assert!(!login(&home, &sshd).status.success());
    }
    agent.end_by("TERM");
    let _agent = Agent::start(&home);
    assert!(login(&home, &sshd).status.success());
}

#[test]
fn a_new_key_is_tried_before_those_that_were_refused() {
    let (home, other, server) = (Home::new(), Home::new(), Home::new());
    let _old = keys(&home, 7);
    let new = Key::make_with(&other, "new", KeyKind::Quick, "");
    let sshd = Sshd::saying(&server, &[&new], STRICT);
    let _agent = Agent::start(&home);
    for _ in 0..2 {
        assert!(!login(&home, &sshd).status.success());
    }
    succeed(home.command("ssh-add").arg("-q").arg(&new.path));
    assert!(login(&home, &sshd).status.success());
}

#[test]
fn a_key_that_no_longer_works_falls_back() {
    let (home, server) = (Home::new(), Home::new());
    let keys = keys(&home, 8);
    let sshd = Sshd::saying(&server, &[&keys[7]], STRICT);
    let _agent = Agent::start(&home);
    logins(&home, &sshd, 2);
    server.write("authorized_keys", keys[3].public_line().as_bytes(), 0o600);
    assert!(logins(&home, &sshd, 3) <= 2);
    // The old one was shown before the new one, which is the first from now on.
    assert_eq!(shown(&home, &sshd), 1);
    let host = sshd.host();
    let known = std::fs::read(sshd.known_hosts()).expect("known_hosts");
    home.write(".ssh/known_hosts", &known, 0o600);
    let explained = explained(&home, &host);
    assert_eq!(
        explained["offered"][0]["fingerprint"],
        keys[3].fingerprint(&home).as_str()
    );
    assert_eq!(explained["offered"][0]["reason"], "worked");
    assert_eq!(
        explained["offered"][1]["fingerprint"],
        keys[7].fingerprint(&home).as_str()
    );
}

#[test]
fn explain_tells_what_the_next_login_shows() {
    let (home, server) = (Home::new(), Home::new());
    let keys = keys(&home, 9);
    let sshd = Sshd::saying(&server, &[&keys[8]], STRICT);
    let known = std::fs::read(sshd.known_hosts()).expect("known_hosts");
    home.write(".ssh/known_hosts", &known, 0o600);
    let _agent = Agent::start(&home);
    let host = sshd.host();
    let order = |explained: &Value, what: &str| -> Vec<String> {
        let keys = explained[what].as_array().expect("a list").iter();
        keys.map(|key| key["fingerprint"].as_str().expect("a text").to_owned())
            .collect()
    };
    let first = explained(&home, &host);
    assert_eq!(order(&first, "offered").len(), 5);
    assert_eq!(order(&first, "left_out").len(), 4);
    assert_eq!(order(&first, "offered")[0], keys[0].fingerprint(&home));
    assert_eq!(
        order(&explained(&home, &host), "offered"),
        order(&first, "offered"),
        "a look changed it"
    );
    assert!(!login(&home, &sshd).status.success());
    wait_until("the next keys are due", || {
        order(&explained(&home, &host), "offered")[..4] == order(&first, "left_out")
    });
    assert!(login(&home, &sshd).status.success());
    let last = explained(&home, &host);
    assert_eq!(last["offered"][0]["reason"], "worked");
    assert_eq!(
        last["offered"][0]["fingerprint"],
        keys[8].fingerprint(&home).as_str()
    );
    let fingerprint = last["host_keys"][0].as_str().expect("a host key").to_owned();
    assert_eq!(explained(&home, &fingerprint)["offered"], last["offered"]);
    let text = succeed(&mut home.claviger(&["explain", &host]));
    assert!(
        text.contains("it worked here") && text.contains("next time:"),
        "{text}"
    );
}

#[test]
fn what_the_command_line_names_is_never_left_out() {
    let (home, server) = (Home::new(), Home::new());
    let keys = keys(&home, 20);
    let sshd = Sshd::saying(&server, &[&keys[19]], STRICT);
    let _agent = Agent::start(&home);
    for only in ["no", "yes"] {
        let mut words = sshd.ssh();
        let target = words.pop().expect("a target");
        words.extend(["-i".into(), keys[19].beside(".pub").display().to_string()]);
        words.extend(["-o".into(), format!("IdentitiesOnly={only}"), target]);
        let mut command = home.command(&words[0]);
        succeed(command.args(&words[1..]).arg("true"));
        succeed(&mut home.claviger(&["hosts", "forget", "--all"]));
    }
}

#[test]
fn a_password_is_still_possible_when_no_key_fits() {
    let (home, server) = (Home::new(), Home::new());
    let _keys = keys(&home, 40);
    let sshd = Sshd::saying(&server, &[], STRICT);
    let _agent = Agent::start(&home);
    for _ in 0..10 {
        let ran = login(&home, &sshd);
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(said.contains("Permission denied"), "{said}");
        assert!(!said.contains("Too many authentication failures"), "{said}");
    }
}
