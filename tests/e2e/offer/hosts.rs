//! What counts as one host: several machines with one key, one machine with several, a key that was replaced, an authority.

use super::{STRICT, explained, keys, knows, learnt, login, logins, offered, shown, with};
use crate::support::{Agent, Home, Key, KeyKind, Sshd, succeed, wait_until};
use std::fs;

/// The name that a server keeps, whatever its port.
const ALIAS: [&str; 2] = ["-o", "HostKeyAlias=server.example.net"];

/// A host key of this type in a server's home.
fn host_key(server: &Home, name: &str, kind: &str) -> String {
    let path = server.path(name);
    let mut keygen = server.command("ssh-keygen");
    succeed(keygen.args(["-q", "-t", kind, "-N", "", "-f"]).arg(&path));
    let line = fs::read_to_string(server.path(&format!("{name}.pub"))).expect("the host key");
    line.trim().to_owned()
}

#[test]
fn machines_that_share_a_host_key_keep_a_set_of_keys() {
    let (home, servers) = (Home::new(), [Home::new(), Home::new()]);
    let keys = keys(&home, 20);
    host_key(&servers[0], "host_key", "ed25519");
    for name in ["host_key", "host_key.pub"] {
        fs::copy(servers[0].path(name), servers[1].path(name)).expect("a copy");
    }
    let first = Sshd::saying(&servers[0], &[&keys[19]], STRICT);
    let second = Sshd::saying(&servers[1], &[&keys[18]], STRICT);
    let _agent = Agent::start(&home);
    assert!(logins(&home, &first, 4) <= 4);
    assert!(logins(&home, &second, 4) <= 4);
    for _ in 0..3 {
        // The one that worked last is before the other.
        for server in [&first, &second] {
            assert!(shown(&home, server) <= 2);
            assert!(login(&home, server).status.success());
        }
    }
    // Being second is not failing: neither falls back, however often the other one was taken.
    for _ in 0..5 {
        assert!(login(&home, &first).status.success());
    }
    assert_eq!((shown(&home, &first), shown(&home, &second)), (1, 2));
}

#[test]
fn a_server_with_three_host_keys_is_one_host_in_clear_and_hashed() {
    let server = Home::new();
    let kinds = [
        ("host_rsa", "rsa", "rsa-sha2-512"),
        ("host_ecdsa", "ecdsa", "ecdsa-sha2-nistp256"),
        ("host_key", "ed25519", "ssh-ed25519"),
    ];
    let lines = kinds.map(|(name, kind, _)| host_key(&server, name, kind));
    for hashed in [false, true] {
        let home = Home::new();
        let keys = keys(&home, 12);
        let more = kinds.map(|(name, ..)| format!("HostKey {}\n", server.path(name).display()));
        let sshd = Sshd::saying(
            &server,
            &[&keys[11]],
            &format!("{STRICT}\n{}", more[..2].concat()),
        );
        let known: String = lines
            .iter()
            .map(|line| format!("{} {line}\n", sshd.host()))
            .collect();
        let known = home.write(".ssh/known_hosts", known.as_bytes(), 0o600);
        if hashed {
            succeed(home.command("ssh-keygen").args(["-q", "-H", "-f"]).arg(&known));
            let text = fs::read_to_string(&known).expect("known_hosts");
            assert!(!text.contains("127.0.0.1"), "{text}");
        }
        let _agent = Agent::start(&home);
        let known = format!("UserKnownHostsFile={}", known.display());
        let by = |algorithm: &str| {
            let algorithm = format!("HostKeyAlgorithms={algorithm}");
            let mut command = with(&home, &sshd, &["-v", "-o", &known, "-o", &algorithm]);
            command.output().expect("ssh")
        };
        assert!(
            (0..3).any(|_| by("rsa-sha2-512").status.success()),
            "hashed: {hashed}"
        );
        for (.., algorithm) in kinds {
            let ran = by(algorithm);
            assert!(ran.status.success(), "{algorithm}, hashed: {hashed}");
            assert_eq!(offered(&ran).len(), 1, "{algorithm}, hashed: {hashed}");
        }
        wait_until("all are learnt", || learnt(&home).len() == 3);
    }
}

#[test]
fn refused_offers_count_for_all_host_keys_of_a_server() {
    let (home, server) = (Home::new(), Home::new());
    let keys = keys(&home, 12);
    let rsa = host_key(&server, "host_rsa", "rsa");
    let line = format!("{STRICT}\nHostKey {}", server.path("host_rsa").display());
    let sshd = Sshd::saying(&server, &[&keys[11]], &line);
    let known = format!("{0} {1}\n{0} {rsa}\n", sshd.host(), sshd.host_key());
    let known = home.write(".ssh/known_hosts", known.as_bytes(), 0o600);
    let _agent = Agent::start(&home);
    let known = format!("UserKnownHostsFile={}", known.display());
    let mut in_time = false;
    for algorithm in ["ssh-ed25519", "rsa-sha2-512", "ssh-ed25519"] {
        let algorithm = format!("HostKeyAlgorithms={algorithm}");
        let mut command = with(&home, &sshd, &["-o", &known, "-o", &algorithm]);
        in_time = command.output().expect("ssh").status.success();
    }
    assert!(
        in_time,
        "twelve keys are three logins, whichever host key each shows"
    );
}

#[test]
fn a_host_whose_key_was_replaced_is_found_again_by_its_name() {
    let (home, server) = (Home::new(), Home::new());
    let keys = keys(&home, 12);
    let sshd = Sshd::saying(&server, &[&keys[11]], STRICT);
    let knows = |sshd: &Sshd| {
        let line = format!("server.example.net {}\n", sshd.host_key());
        home.write(".ssh/known_hosts", line.as_bytes(), 0o600)
    };
    let known = knows(&sshd);
    let file = format!("UserKnownHostsFile={}", known.display());
    let options = [&ALIAS[..], &["-v", "-o", &file]].concat();
    let mut agent = Agent::start(&home);
    assert!((0..3).any(|_| with(&home, &sshd, &options).status().expect("ssh").success()));
    wait_until("it is learnt", || learnt(&home).len() == 1);
    drop(sshd);
    for name in ["host_key", "host_key.pub"] {
        fs::remove_file(server.path(name)).expect("removed");
    }
    let sshd = Sshd::saying(&server, &[&keys[11]], STRICT);
    knows(&sshd);
    // What is on disk is enough.
    agent.end_by("TERM");
    let _agent = Agent::start(&home);
    let ran = with(&home, &sshd, &options).output().expect("ssh");
    assert!(ran.status.success());
    assert_eq!(offered(&ran), [keys[11].fingerprint(&home)]);
    let explained = explained(&home, "server.example.net");
    assert_eq!(explained["offered"][0]["reason"], "worked");
}

#[test]
fn a_second_host_of_an_authority_gets_the_key_first_that_worked_at_another() {
    let (home, ca, servers) = (Home::new(), Home::new(), [Home::new(), Home::new()]);
    let authority = Key::make_with(&ca, "authority", KeyKind::Quick, "");
    let keys = keys(&home, 20);
    let certified = |at: usize| Sshd::certified(&servers[at], &[&keys[19]], &authority);
    let (first, second) = (certified(0), certified(1));
    knows(&home, &[&first, &second]);
    let _agent = Agent::start(&home);
    assert!(logins(&home, &first, 4) <= 4);
    wait_until("it is learnt", || learnt(&home).len() == 1);
    let explained = explained(&home, &second.host());
    let ran = with(&home, &second, &["-v"]).output().expect("ssh");
    assert!(ran.status.success());
    assert_eq!(offered(&ran), [keys[19].fingerprint(&home)]);
    assert_eq!(explained["authority"], authority.fingerprint(&ca).as_str());
    assert_eq!(
        explained["offered"][0]["fingerprint"],
        keys[19].fingerprint(&home).as_str()
    );
    assert_eq!(explained["offered"][0]["reason"], "worked_for_authority");

    // Under itself too: the same host without its certificate.
    let plain = format!(
        "{} {}",
        first.host(),
        fs::read_to_string(servers[0].path("host_key.pub")).expect("a key")
    );
    let plain = home.write("plain", plain.as_bytes(), 0o600);
    let plain = format!("UserKnownHostsFile={}", plain.display());
    let options = ["-v", "-o", &plain, "-o", "HostKeyAlgorithms=ssh-ed25519"];
    let ran = with(&home, &first, &options).output().expect("ssh");
    assert!(ran.status.success());
    assert_eq!(offered(&ran), [keys[19].fingerprint(&home)]);
}

#[test]
fn another_hosts_key_of_that_authority_falls_back_where_it_is_refused() {
    let (home, ca, servers) = (Home::new(), Home::new(), [Home::new(), Home::new()]);
    let authority = Key::make_with(&ca, "authority", KeyKind::Quick, "");
    let keys = keys(&home, 10);
    let first = Sshd::certified(&servers[0], &[&keys[0]], &authority);
    let second = Sshd::certified(&servers[1], &[&keys[9]], &authority);
    let _agent = Agent::start(&home);
    assert!(login(&home, &first).status.success());
    assert!(logins(&home, &second, 3) <= 3);
    assert_eq!((shown(&home, &first), shown(&home, &second)), (1, 1));
}
