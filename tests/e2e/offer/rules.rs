//! `[[host]]`: only these keys, in this order, under these terms; and still what the person named.

use super::{STRICT, attempted, fingerprints, keys, knows, login, offered, with};
use crate::support::client::sign;
use crate::support::others::OpenSsh;
use crate::support::server::{HostKey, listed, login_data};
use crate::support::{Agent, Client, Home, Key, KeyKind, Person, Sshd, succeed, text};
use std::fs;

const SESSION: &[u8] = b"the session of this test";

/// Of a key in a line of known_hosts.
fn fingerprint_of(line: &str) -> String {
    let public = ssh_key::PublicKey::from_openssh(line).expect("a public key");
    public.fingerprint(ssh_key::HashAlg::Sha256).to_string()
}

#[test]
fn only_the_rules_keys_in_its_order_and_what_the_command_line_names() {
    let (home, server) = (Home::new(), Home::new());
    let keys = keys(&home, 12);
    let sshd = Sshd::saying(&server, &[&keys[11]], STRICT);
    knows(&home, &[&sshd]);
    let of = fingerprints(&home, &keys);
    let prefix = &of[8][..20];
    home.configure(&format!(
        "[[host]]\nmatch = [\"127.0.0.1\"]\nkeys = [\"key_07\", \"{}\", \"{prefix}\", \"key_02@test\", \"~/.ssh/key_01\"]\n",
        of[3]
    ));
    let _agent = Agent::start(&home);
    let ran = with(&home, &sshd, &["-v"]).output().expect("ssh");
    assert_eq!(attempted(&ran), [6, 3, 8, 1, 0].map(|at: usize| of[at].clone()));
    assert!(!ran.status.success(), "the right key is not in the rule");
    assert!(text(&ran).contains("Permission denied"), "{}", text(&ran));
    // It is the person who named this one, for this login.
    for _ in 0..2 {
        let ran = with(&home, &sshd, &["-v", "-i", keys[11].arg()])
            .output()
            .expect("ssh");
        assert!(ran.status.success(), "{}", text(&ran));
        assert_eq!(offered(&ran), [of[11].clone()]);
    }
    let ran = with(&home, &sshd, &["-v"]).output().expect("ssh");
    assert!(
        !attempted(&ran).contains(&of[11]),
        "what was learnt is no part of a rule"
    );
}

#[test]
fn a_rules_max_is_its_own_and_its_keys_take_turns() {
    let (home, server) = (Home::new(), Home::new());
    let keys = keys(&home, 12);
    let sshd = Sshd::saying(&server, &[&keys[11]], STRICT);
    knows(&home, &[&sshd]);
    home.configure("[offer]\nmax = 1\n[[host]]\nmatch = [\"127.0.0.1\"]\nkeys = [\"key_1*\"]\nmax = 2\n");
    let _agent = Agent::start(&home);
    let first = with(&home, &sshd, &["-v"]).output().expect("ssh");
    let of = fingerprints(&home, &keys);
    assert_eq!(attempted(&first), [of[9].clone(), of[10].clone()]);
    let second = with(&home, &sshd, &["-v"]).output().expect("ssh");
    assert!(second.status.success(), "{}", text(&second));
    assert_eq!(offered(&second), [of[11].clone()]);
}

#[test]
fn a_rule_finds_its_host_by_fingerprint_pattern_hashed_name_and_authority() {
    let (home, ca, servers) = (Home::new(), Home::new(), [Home::new(), Home::new()]);
    let authority = Key::make_with(&ca, "authority", KeyKind::Quick, "");
    let keys = keys(&home, 8);
    let plain = Sshd::saying(&servers[0], &[&keys[7]], STRICT);
    let certified = Sshd::certified(&servers[1], &[&keys[7]], &authority);
    let host_key = fingerprint_of(&plain.host_key());
    let hosts = [
        (&plain, format!("\"{host_key}\""), false),
        (&plain, "\"*.0.0.1\", \"!192.*\"".to_owned(), false),
        (&plain, format!("\"[127.0.0.1]:{}\"", plain.port()), false),
        (&plain, format!("\"[127.0.0.1]:{}\"", plain.port()), true),
        (&certified, format!("\"{}\"", authority.fingerprint(&ca)), false),
        (&certified, "\"127.0.0.1\"".to_owned(), false),
    ];
    for (sshd, matches, hashed) in hosts {
        knows(&home, &[sshd]);
        if hashed {
            let file = home.path(".ssh/known_hosts");
            succeed(home.command("ssh-keygen").args(["-q", "-H", "-f"]).arg(&file));
            let known = fs::read_to_string(&file).expect("known_hosts");
            assert!(known.starts_with("|1|"), "{known}");
        }
        home.configure(&format!("[[host]]\nmatch = [{matches}]\nkeys = [\"key_08\"]\n"));
        let agent = Agent::start(&home);
        let ran = with(&home, sshd, &["-v"]).output().expect("ssh");
        assert!(ran.status.success(), "{matches}: {}", text(&ran));
        assert_eq!(attempted(&ran), [keys[7].fingerprint(&home)], "{matches}");
        drop(agent);
    }
}

#[test]
fn a_rule_about_another_host_is_none_of_this_ones_business() {
    let (home, server) = (Home::new(), Home::new());
    let keys = keys(&home, 3);
    let sshd = Sshd::saying(&server, &[&keys[2]], STRICT);
    // A client's word alone names no host: known_hosts has another key for this name.
    let line = format!("other.example.net {}\n", keys[0].public_line());
    home.write(".ssh/known_hosts", line.as_bytes(), 0o600);
    home.configure("[[host]]\nmatch = [\"other.example.net\"]\nkeys = [\"key_01\"]\n");
    let _agent = Agent::start(&home);
    let alias = format!("other.example.net {}", sshd.host_key());
    let alias = home.write("alias", alias.as_bytes(), 0o600);
    let known = format!("UserKnownHostsFile={}", alias.display());
    let options = ["-v", "-o", &known, "-o", "HostKeyAlias=other.example.net"];
    let ran = with(&home, &sshd, &options).output().expect("ssh");
    assert!(ran.status.success(), "{}", text(&ran));
    assert_eq!(attempted(&ran).len(), 3);
}

#[test]
fn a_rule_can_ask_a_person_before_each_login() {
    let (home, server) = (Home::new(), Home::new());
    let keys = keys(&home, 1);
    let sshd = Sshd::saying(&server, &[&keys[0]], STRICT);
    knows(&home, &[&sshd]);
    home.configure("[[host]]\nmatch = [\"127.0.0.1\"]\nconfirm = true\n");
    for (answer, allowed) in [("yes", true), ("no", false)] {
        let person = Person::new(&home).knows("Allow use of key", answer);
        let agent = Agent::start_with(&home, &person);
        assert_eq!(login(&home, &sshd).status.success(), allowed, "{}", agent.log());
        let asked = person.asked().join("\n");
        assert!(
            asked.contains("key_01@test") || asked.contains("key_01"),
            "{asked}"
        );
        assert!(asked.contains(&keys[0].fingerprint(&home)), "{asked}");
    }
}

#[test]
fn a_key_outside_the_rule_signs_nothing_for_that_host() {
    let home = Home::new();
    let keys = keys(&home, 2);
    let (ruled, free) = (HostKey::new(1), HostKey::new(2));
    home.configure(&format!(
        "[[host]]\nmatch = [\"{}\"]\nkeys = [\"key_01\"]\n",
        ruled.fingerprint()
    ));
    let agent = Agent::start(&home);
    let signs = |host: &HostKey, key: &Key, lists: bool| {
        let mut client = Client::connect(agent.socket());
        assert_eq!(client.ask(&host.bind(SESSION, false)), Some(vec![6]));
        let blobs = if lists { listed(&mut client) } else { Vec::new() };
        let data = login_data(SESSION, "me", &key.blob());
        let signed = client.ask(&sign(&key.blob(), &data, 0)).expect("an answer")[0] == 14;
        (blobs.contains(&key.blob()), signed)
    };
    assert_eq!(signs(&ruled, &keys[0], true), (true, true));
    assert_eq!(signs(&ruled, &keys[1], true), (false, false));
    assert!(
        signs(&ruled, &keys[0], false).1 && !signs(&ruled, &keys[1], false).1,
        "listed or not"
    );
    assert_eq!(signs(&free, &keys[1], true), (true, true));
    assert!(
        agent.log().contains("a rule keeps this host to other keys"),
        "{}",
        agent.log()
    );
    // What binds to nothing is no login there.
    let mut local = Client::connect(agent.socket());
    assert_eq!(
        local.ask(&sign(&keys[1].blob(), b"data", 0)).expect("an answer")[0],
        14
    );
}

#[test]
fn a_rule_holds_for_another_agents_keys_too() {
    let (home, server) = (Home::new(), Home::new());
    let other = OpenSsh::start(&home, "other");
    let [right, wrong] = ["right", "wrong"].map(|name| super::elsewhere(&home, name));
    succeed(&mut other.ssh_add(&home, &["-q", wrong.arg(), right.arg()]));
    let sshd = Sshd::saying(&server, &[&right, &wrong], STRICT);
    knows(&home, &[&sshd]);
    let upstream = format!("[[upstream]]\nsocket = \"{}\"\n", other.socket().display());
    for (name, first) in [("right@test", &right), ("wrong*", &wrong)] {
        home.configure(&format!(
            "{upstream}[[host]]\nmatch = [\"127.0.0.1\"]\nkeys = [\"{name}\"]\n"
        ));
        let agent = Agent::start(&home);
        let ran = with(&home, &sshd, &["-v"]).output().expect("ssh");
        assert!(ran.status.success(), "{}", text(&ran));
        assert_eq!(attempted(&ran), [first.fingerprint(&home)]);
        drop(agent);
    }
    // Asked for by a client that knows the key from elsewhere.
    let bound = HostKey::new(1);
    home.configure(&format!(
        "{upstream}[[host]]\nmatch = [\"{}\"]\nkeys = [\"right@test\"]\n",
        bound.fingerprint()
    ));
    let agent = Agent::start(&home);
    for (key, kind) in [(&right, 14), (&wrong, 5)] {
        let mut client = Client::connect(agent.socket());
        assert_eq!(client.ask(&bound.bind(SESSION, false)), Some(vec![6]));
        assert_eq!(listed(&mut client), [right.blob()]);
        let data = login_data(SESSION, "me", &key.blob());
        let answer = client.ask(&sign(&key.blob(), &data, 0)).expect("an answer");
        assert_eq!(answer[0], kind, "{}", agent.log());
    }
}

#[test]
fn a_rule_asks_before_another_agents_key_is_used_too() {
    let (home, server) = (Home::new(), Home::new());
    let other = OpenSsh::start(&home, "other");
    let key = super::elsewhere(&home, "theirs");
    succeed(&mut other.ssh_add(&home, &["-q", key.arg()]));
    let sshd = Sshd::saying(&server, &[&key], STRICT);
    knows(&home, &[&sshd]);
    home.configure(&format!(
        "[[upstream]]\nsocket = \"{}\"\n[[host]]\nmatch = [\"127.0.0.1\"]\nconfirm = true\n",
        other.socket().display()
    ));
    for (answer, allowed) in [("yes", true), ("no", false)] {
        let person = Person::new(&home).knows("Allow use of key theirs@test?", answer);
        let agent = Agent::start_with(&home, &person);
        assert_eq!(login(&home, &sshd).status.success(), allowed, "{}", agent.log());
        let asked = person.asked().join("\n");
        assert!(asked.contains(&key.fingerprint(&home)), "{asked}");
    }
}
