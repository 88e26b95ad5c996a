//! However many keys there are and however few a server looks at, a password is still possible when no key fits.

use super::{explained, keys, knows, login, logins, shown, with};
use crate::support::{Agent, Home, Key, Person, Sshd, text, users};

const PASSWORD: &str = "a brass key under the mat";

#[test]
fn a_password_is_still_possible_whatever_the_servers_patience() {
    for (tries, max) in [(3, 2), (6, 5), (10, 9)] {
        let (home, server) = (Home::new(), Home::new());
        let _keys = keys(&home, 40);
        home.configure(&format!("[offer]\nmax = {max}\n"));
        let sshd = Sshd::with_password(&server, PASSWORD, &format!("MaxAuthTries {tries}"));
        let person = Person::new(&home).knows("password", PASSWORD);
        let agent = Agent::start(&home);
        let user = format!("User={}", users::NAME);
        let enter = || {
            let options = [
                "-o",
                "BatchMode=no",
                "-o",
                &user,
                "-o",
                "NumberOfPasswordPrompts=1",
            ];
            let mut command = with(&home, &sshd, &options);
            person.sits_at(&mut command).output().expect("ssh")
        };
        for round in 1..=10 {
            let ran = enter();
            assert!(
                ran.status.success(),
                "{tries} tries, round {round}: {}",
                text(&ran)
            );
            assert_eq!(person.asked().len(), round);
        }
        drop(agent);
        // One more key, and the server has no patience left for the password.
        home.configure(&format!("[offer]\nmax = {tries}\n"));
        let _agent = Agent::start(&home);
        let ran = enter();
        assert!(
            text(&ran).contains("Too many authentication failures"),
            "{}",
            text(&ran)
        );
    }
}

#[test]
fn the_right_key_is_found_whatever_the_servers_patience() {
    for (tries, max, most) in [(3, 3, 7), (10, 10, 2)] {
        let (home, server) = (Home::new(), Home::new());
        let keys = keys(&home, 20);
        home.configure(&format!("[offer]\nmax = {max}\n"));
        let sshd = Sshd::saying(&server, &[&keys[19]], &format!("MaxAuthTries {tries}"));
        let _agent = Agent::start(&home);
        assert_eq!(logins(&home, &sshd, most), most);
        assert!(login(&home, &sshd).status.success());
    }
}

#[test]
fn explain_says_that_a_server_may_let_this_computer_wait() {
    let (home, server) = (Home::new(), Home::new());
    let _keys = keys(&home, 12);
    let sshd = Sshd::saying(&server, &[], super::STRICT);
    knows(&home, &[&sshd]);
    let _agent = Agent::start(&home);
    let waits = || {
        let next = explained(&home, &sshd.host())["next"].to_string();
        next.contains("sshd 9.8") && next.contains("wait")
    };
    assert!(!login(&home, &sshd).status.success());
    assert!(!waits());
    assert!(!login(&home, &sshd).status.success());
    crate::support::wait_until("it says so", waits);
}

#[test]
fn logins_that_try_no_key_say_nothing_of_the_keys() {
    let (home, server) = (Home::new(), Home::new());
    let keys = keys(&home, 12);
    let sshd = Sshd::saying(&server, &[&keys[11]], super::STRICT);
    let _agent = Agent::start(&home);
    assert!(logins(&home, &sshd, 3) <= 3);
    for option in [
        "PreferredAuthentications=password",
        "PreferredAuthentications=password,keyboard-interactive",
        "PubkeyAuthentication=no",
    ] {
        for _ in 0..4 {
            let ran = with(&home, &sshd, &["-o", option]).output().expect("ssh");
            assert!(!ran.status.success(), "{}", text(&ran));
        }
        assert_eq!(shown(&home, &sshd), 1, "{option}");
    }
}

#[test]
fn logins_with_one_named_key_say_nothing_of_the_others() {
    let (home, server) = (Home::new(), Home::new());
    let keys = keys(&home, 12);
    let sshd = Sshd::saying(&server, &[&keys[11]], super::STRICT);
    let _agent = Agent::start(&home);
    let named = |key: &Key| {
        let options = ["-o", "IdentitiesOnly=yes", "-i", key.arg()];
        with(&home, &sshd, &options).output().expect("ssh")
    };
    // Of an unknown host, the others are still to be tried.
    for _ in 0..4 {
        assert!(!named(&keys[0]).status.success());
    }
    assert!(logins(&home, &sshd, 3) <= 3);
    for _ in 0..4 {
        assert!(!named(&keys[0]).status.success());
    }
    assert_eq!(
        shown(&home, &sshd),
        1,
        "and the one that works is still the first"
    );
}
