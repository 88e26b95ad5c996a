//! What another agent's keys must not be had for: restrictions, locks and hidden keys hold through this agent.

use crate::support::client::{LIST, extension, sign, string};
use crate::support::others::{MadeUp, OpenSsh, identities, reply};
use crate::support::{Agent, Client, Person, Sshd, succeed, text};
use crate::upstream::{comments, home_before, key};

#[test]
fn a_client_whose_binds_cannot_all_be_passed_on_has_no_keys_of_others() {
    let home = home_before(&["other"]);
    let listed = identities(&[(&key(&home, "key").blob(), b"theirs")]);
    let other = MadeUp::start(&home, "other", move |request| match request[0] {
        11 => reply(&listed),
        // Not even an outcome: some agents know no extensions at all.
        _ => reply(&[0]),
    });
    let agent = Agent::start(&home);
    let mut client = Client::connect(agent.socket());
    let bind = extension("session-bind@openssh.com", b"");
    for _ in 0..64 {
        assert_eq!(client.ask(&bind).expect("an answer"), [28]);
    }
    assert_eq!(client.ask(&LIST).expect("a list")[..5], [12, 0, 0, 0, 1]);
    assert_eq!(other.heard().concat().len(), 65);
    assert_eq!(client.ask(&bind).expect("an answer"), [28]);
    for _ in 0..2 {
        assert_eq!(client.ask(&LIST).expect("nothing"), [12, 0, 0, 0, 0]);
    }
    assert_eq!(other.heard().concat().len(), 65, "it is asked no more");
}

#[test]
fn a_restriction_that_the_other_agent_keeps_holds_through_this_one() {
    let home = home_before(&["other"]);
    let other = OpenSsh::start(&home, "other");
    let (here, nowhere) = (key(&home, "here"), key(&home, "nowhere"));
    let sshd = Sshd::start(&home, &[&here, &nowhere]);
    let known = sshd.known_hosts().to_str().expect("a UTF-8 path").to_owned();
    let elsewhere = home.write(
        "known_elsewhere",
        format!("elsewhere.example {}", here.public_line()).as_bytes(),
        0o600,
    );
    let elsewhere = elsewhere.to_str().expect("a UTF-8 path");
    let _agent = Agent::start(&home);
    succeed(&mut other.ssh_add(
        &home,
        &["-q", "-H", elsewhere, "-h", "elsewhere.example", nowhere.arg()],
    ));
    let refused = sshd.login(&home, "true").output().expect("ssh");
    assert!(!refused.status.success(), "{}", text(&refused));
    assert_eq!(comments(&home), ["nowhere@test"], "a local client sees it");
    succeed(&mut other.ssh_add(&home, &["-q", "-H", &known, "-h", &sshd.host(), here.arg()]));
    succeed(&mut sshd.login(&home, "true"));
}

#[test]
fn each_client_has_a_connection_of_its_own_that_hears_its_binds_first() {
    let home = home_before(&["other"]);
    let key = key(&home, "key");
    let listed = identities(&[(&key.blob(), b"token")]);
    let other = MadeUp::start(&home, "other", move |request| match request[0] {
        11 => reply(&listed),
        13 => reply(&[&[14][..], &string(b"signature")].concat()),
        _ => reply(&[5]),
    });
    let agent = Agent::start(&home);
    // Neither verifies; the other agent is told all the same, in order, byte for byte.
    let binds = [b"one".as_slice(), b"another"].map(|body| extension("session-bind@openssh.com", body));
    let request = sign(&key.blob(), b"data", 7);
    let signature = [&[14][..], &string(b"signature")].concat();

    let mut bound = Client::connect(agent.socket());
    assert!(
        other.heard().is_empty(),
        "nothing is contacted before it is needed"
    );
    assert_eq!(bound.ask(&binds[0]).expect("an answer"), [28]);
    let mut local = Client::connect(agent.socket());
    assert_eq!(local.ask(&request).as_ref(), Some(&signature), "listed first");
    assert_eq!(bound.ask(&[22, 0, 0, 0, 1, b'x']).expect("locked"), [6]);
    assert_eq!(bound.ask(&binds[1]).expect("an answer"), [28]);
    assert_eq!(bound.ask(&LIST).expect("nothing"), [12, 0, 0, 0, 0]);
    assert_eq!(bound.ask(&request).expect("locked"), [5]);
    assert_eq!(bound.ask(&[23, 0, 0, 0, 1, b'x']).expect("unlocked"), [6]);
    assert_eq!(bound.ask(&request).as_ref(), Some(&signature));
    assert_eq!(bound.ask(&binds[0]).expect("an answer"), [28]);
    assert_eq!(bound.ask(&request).as_ref(), Some(&signature));
    let [one, two] = binds;
    let list = LIST.to_vec();
    assert_eq!(
        other.heard(),
        [
            vec![list.clone(), request.clone()],
            vec![one.clone(), two, list, request.clone(), one, request],
        ]
    );
}

#[test]
fn while_locked_nothing_of_others_is_shown_or_used_and_removing_is_about_our_own() {
    let home = home_before(&["other"]);
    let other = OpenSsh::start(&home, "other");
    let (own, theirs) = (key(&home, "own"), key(&home, "theirs"));
    succeed(&mut other.ssh_add(&home, &["-q", theirs.arg()]));
    let agent = Agent::start(&home);
    let ssh_add = |args: &[&str]| {
        let mut command = home.command("ssh-add");
        Person::new(&home)
            .knows("lock password", "brass")
            .knows("Again", "brass")
            .sits_at(&mut command);
        command.args(args).output().expect("ssh-add").status.success()
    };
    assert!(ssh_add(&["-q", own.arg()]));
    let mut client = Client::connect(agent.socket());
    let request = sign(&theirs.blob(), b"data", 0);
    assert_eq!(client.ask(&request).expect("signed")[0], 14);
    assert!(ssh_add(&["-x"]));
    assert!(comments(&home).is_empty());
    assert_eq!(client.ask(&request).expect("an answer"), [5]);
    assert!(ssh_add(&["-X"]));
    assert_eq!(comments(&home), ["own@test", "theirs@test"]);

    assert!(!ssh_add(&["-q", "-d", theirs.arg()]), "it is not ours to remove");
    assert!(ssh_add(&["-q", "-D"]));
    assert_eq!(comments(&home), ["theirs@test"]);
}

#[test]
fn a_key_that_we_hide_is_not_had_from_another_agent() {
    let home = home_before(&["other"]);
    let key = key(&home, "key");
    let listed = identities(&[(&key.blob(), b"the same")]);
    let other = MadeUp::start(&home, "other", move |request| match request[0] {
        11 => reply(&listed),
        13 => reply(&[&[14][..], &string(b"signature")].concat()),
        _ => reply(&[5]),
    });
    let agent = Agent::start(&home);
    let known = home.write(
        "known",
        format!("host.example {}", key.public_line()).as_bytes(),
        0o600,
    );
    let mut ssh_add = home.command("ssh-add");
    ssh_add
        .args(["-q", "-H"])
        .arg(known)
        .args(["-h", "host.example", key.arg()]);
    succeed(&mut ssh_add);
    let mut client = Client::connect(agent.socket());
    assert_eq!(
        client
            .ask(&extension("session-bind@openssh.com", b""))
            .expect("no"),
        [28]
    );
    assert_eq!(client.ask(&LIST).expect("nothing"), [12, 0, 0, 0, 0]);
    assert_eq!(client.ask(&sign(&key.blob(), b"data", 0)).expect("no"), [5]);
    let heard = other.heard().concat();
    assert!(heard.iter().all(|request| request[0] != 13), "{heard:?}");
}
