//! Keys that clients add: ssh-add in all its ways, and real servers where a restriction matters.

use crate::support::{Agent, Home, Key, KeyKind, Person, Sshd, list, succeed, text, wait_until};
use std::process::Command;

/// An unprotected key where the agent does not look for keys.
fn key(home: &Home, name: &str, kind: KeyKind) -> Key {
    Key::make_with(home, name, kind, "").moved(home, "elsewhere")
}

fn ssh_add(home: &Home, args: &[&str]) -> Command {
    let mut command = home.command("ssh-add");
    command.args(args);
    command
}

/// What `ssh-add -l` shows: the comments, in order.
fn listed(home: &Home) -> Vec<String> {
    let output = ssh_add(home, &["-l"]).output().expect("ssh-add");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines()
        .filter_map(|line| line.split(' ').nth(2).map(str::to_owned))
        .filter(|comment| comment.ends_with("@test"))
        .collect()
}

#[test]
fn ssh_add_adds_in_order_replaces_in_place_and_removes() {
    let home = Home::new();
    let _agent = Agent::start(&home);
    let keys = [
        key(&home, "ed", KeyKind::Quick),
        key(&home, "rsa", KeyKind::Rsa4096),
        key(&home, "ec", KeyKind::Ecdsa384),
    ];
    for key in &keys {
        succeed(&mut ssh_add(&home, &["-q", key.arg()]));
    }
    assert_eq!(listed(&home), ["ed@test", "rsa@test", "ec@test"]);
    for key in &keys {
        succeed(ssh_add(&home, &["-T"]).arg(key.beside(".pub")));
    }
    succeed(&mut ssh_add(&home, &["-q", keys[0].arg()]));
    assert_eq!(
        listed(&home),
        ["ed@test", "rsa@test", "ec@test"],
        "replaced in place"
    );

    succeed(&mut ssh_add(&home, &["-q", "-d", keys[1].arg()]));
    assert_eq!(listed(&home), ["ed@test", "ec@test"]);
    assert!(
        !ssh_add(&home, &["-q", "-d", keys[1].arg()])
            .status()
            .expect("ssh-add")
            .success()
    );
    succeed(&mut ssh_add(&home, &["-q", "-D"]));
    assert!(listed(&home).is_empty());
}

#[test]
fn a_certificate_is_added_beside_its_key_and_both_sign() {
    let home = Home::new();
    let _agent = Agent::start(&home);
    let authority = key(&home, "ca", KeyKind::Quick);
    let certified = key(&home, "ed", KeyKind::Quick);
    certified.certify(&home, &authority, "me");
    succeed(&mut ssh_add(&home, &["-q", certified.arg()]));
    let reports = list(&home);
    let certificates: Vec<bool> = reports
        .iter()
        .map(|report| report["certificate"].as_bool().expect("a flag"))
        .collect();
    assert_eq!(certificates, [false, true]);
    succeed(ssh_add(&home, &["-T"]).arg(certified.beside("-cert.pub")));
    succeed(ssh_add(&home, &["-T"]).arg(certified.beside(".pub")));
}

#[test]
fn a_lifetime_ends_without_anybody_asking() {
    let home = Home::new();
    let agent = Agent::start(&home);
    let short = key(&home, "short", KeyKind::Quick);
    let long = key(&home, "long", KeyKind::Quick);
    succeed(&mut ssh_add(&home, &["-q", "-t", "1", short.arg()]));
    succeed(&mut ssh_add(&home, &["-q", "-t", "1h", long.arg()]));
    wait_until("the end of a lifetime in the log", || {
        agent.log().contains("its lifetime is over")
    });
    assert_eq!(listed(&home), ["long@test"]);
}

#[test]
fn a_key_to_be_confirmed_signs_only_after_a_yes() {
    let home = Home::new();
    let key = key(&home, "asked", KeyKind::Quick);
    let person = Person::new(&home).knows("Allow use of key asked@test?", "yes");
    let agent = Agent::start_with(&home, &person);
    succeed(&mut ssh_add(&home, &["-q", "-c", key.arg()]));
    succeed(ssh_add(&home, &["-T"]).arg(key.beside(".pub")));
    let asked = person.asked();
    assert!(
        asked
            .iter()
            .any(|question| question.contains("Key fingerprint SHA256:")),
        "{asked:?}"
    );
    drop(agent);

    let home = Home::new();
    let key = Key::make_with(&home, "asked", KeyKind::Quick, "").moved(&home, "elsewhere");
    let agent = Agent::start(&home);
    succeed(&mut ssh_add(&home, &["-q", "-c", key.arg()]));
    let refused = ssh_add(&home, &["-T"])
        .arg(key.beside(".pub"))
        .output()
        .expect("ssh-add");
    assert!(!refused.status.success(), "{}", text(&refused));
    assert!(agent.log().contains("use not confirmed"), "{}", agent.log());
}

#[test]
fn a_locked_agent_lists_and_signs_nothing_until_its_passphrase_comes() {
    let home = Home::new();
    let agent = Agent::start(&home);
    let added = key(&home, "added", KeyKind::Quick);
    Key::make_with(&home, "id_found", KeyKind::Quick, "");
    succeed(&mut ssh_add(&home, &["-q", added.arg()]));
    succeed(ssh_add(&home, &["-T"]).arg(added.beside(".pub")));
    assert_eq!(listed(&home), ["id_found@test", "added@test"]);

    let owner = Person::new(&home)
        .knows("lock password", "lock me")
        .knows("Again", "lock me");
    succeed(owner.sits_at(&mut ssh_add(&home, &["-x"])));
    assert!(listed(&home).is_empty());
    assert!(
        !ssh_add(&home, &["-T"])
            .arg(added.beside(".pub"))
            .status()
            .expect("ssh-add")
            .success()
    );
    assert!(
        !ssh_add(&home, &["-q", added.arg()])
            .status()
            .expect("ssh-add")
            .success()
    );

    let stranger_home = Home::new();
    let stranger = Person::new(&stranger_home).knows("lock password", "let me in");
    let wrong = stranger
        .sits_at(&mut ssh_add(&home, &["-X"]))
        .output()
        .expect("ssh-add");
    assert!(!wrong.status.success(), "{}", text(&wrong));
    assert!(listed(&home).is_empty());

    succeed(owner.sits_at(&mut ssh_add(&home, &["-X"])));
    assert_eq!(listed(&home), ["id_found@test", "added@test"]);
    succeed(ssh_add(&home, &["-T"]).arg(added.beside(".pub")));
    drop(agent);
}

#[test]
fn a_key_for_one_destination_logs_in_there_and_nowhere_else() {
    let (home, other) = (Home::new(), Home::new());
    let agent = Agent::start(&home);
    let key = key(&home, "restricted", KeyKind::Quick);
    let (here, there) = (Sshd::start(&home, &[&key]), Sshd::start(&other, &[&key]));
    let mut add = ssh_add(&home, &["-q", "-h", &here.host(), "-H"]);
    succeed(add.arg(here.known_hosts()).arg(key.arg()));
    assert_eq!(listed(&home), ["restricted@test"], "a local tool sees it");

    succeed(&mut here.login(&home, "true"));
    let refused = there.login(&home, "true").output().expect("ssh");
    assert!(!refused.status.success(), "{}", text(&refused));
    let raw = ssh_add(&home, &["-T"])
        .arg(key.beside(".pub"))
        .output()
        .expect("ssh-add");
    assert!(
        !raw.status.success(),
        "a restricted key signs logins only: {}",
        text(&raw)
    );
    assert!(
        agent.log().contains("the connection is not bound to a session"),
        "{}",
        agent.log()
    );
}
