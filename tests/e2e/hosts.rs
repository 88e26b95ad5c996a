//! Pins and forgetting beside a running agent, with real logins.

use crate::support::client::extension;
use crate::support::{Agent, Client, Home, Key, KeyKind, Sshd, succeed, text, wait_until};
use serde_json::Value;
use std::fs;

fn hosts(home: &Home) -> Vec<Value> {
    serde_json::from_str(&succeed(&mut home.claviger(&["hosts", "--json"]))).expect("JSON")
}

/// The agent writes after it has answered.
fn learnt(home: &Home, count: usize) {
    wait_until("the use is written", || hosts(home).len() == count);
}

/// Two servers that the home knows by their hashed names.
fn known(home: &Home, homes: &[Home; 2], key: &Key) -> [Sshd; 2] {
    let servers = [0, 1].map(|at| Sshd::start(&homes[at], &[key]));
    let known = servers
        .each_ref()
        .map(|server| fs::read_to_string(server.known_hosts()).expect("known_hosts"));
    let file = home.write(".ssh/known_hosts", known.concat().as_bytes(), 0o600);
    succeed(home.command("ssh-keygen").args(["-q", "-H", "-f"]).arg(file));
    servers
}

#[test]
fn what_is_forgotten_is_gone_from_the_agents_memory_too() {
    let (home, homes) = (Home::new(), [Home::new(), Home::new()]);
    let key = Key::make_with(&home, "id_mine", KeyKind::Quick, "");
    let servers = known(&home, &homes, &key);
    let _agent = Agent::start(&home);
    for server in &servers {
        succeed(&mut server.login(&home, "true"));
    }
    learnt(&home, 2);
    let graph = succeed(&mut home.claviger(&["hosts", "--graph"]));
    assert!(graph.contains("id_mine") && graph.contains("SHA256:"), "{graph}");

    let name = servers[0].host();
    succeed(&mut home.claviger(&["hosts", "forget", &name]));
    let left = hosts(&home);
    assert_eq!(left.len(), 1, "{left:?}");
    succeed(&mut servers[0].login(&home, "true"));
    succeed(&mut servers[1].login(&home, "true"));
    wait_until("both are written", || {
        let hosts = hosts(&home);
        let mut times: Vec<u64> = hosts.iter().filter_map(|one| one["times"].as_u64()).collect();
        times.sort_unstable();
        times == [1, 2]
    });

    succeed(&mut home.claviger(&["hosts", "forget", "--all"]));
    assert_eq!(hosts(&home).len(), 0);
    let fingerprints: Vec<String> = left.iter().map(|one| one["host_key"].to_string()).collect();
    let fingerprint = fingerprints[0].trim_matches('"').as_bytes();
    for entry in fs::read_dir(home.path("state/claviger")).expect("the state directory") {
        let path = entry.expect("a file").path();
        let bytes = fs::read(&path).unwrap_or_default();
        assert!(
            !bytes.windows(fingerprint.len()).any(|seen| seen == fingerprint),
            "{}",
            path.display()
        );
    }
    succeed(&mut servers[1].login(&home, "true"));
    learnt(&home, 1);
    assert_eq!(hosts(&home)[0]["times"], 1, "not what the agent remembered");
}

#[test]
fn the_agent_drops_what_it_remembers_when_it_is_asked_to() {
    let (home, homes) = (Home::new(), [Home::new(), Home::new()]);
    let key = Key::make_with(&home, "id_mine", KeyKind::Quick, "");
    let servers = known(&home, &homes, &key);
    let agent = Agent::start(&home);
    succeed(&mut servers[0].login(&home, "true"));
    learnt(&home, 1);
    let forget = |body: &str| {
        let answer = Client::connect(agent.socket()).ask(&extension("forget-host@claviger", body.as_bytes()));
        String::from_utf8_lossy(&answer.expect("an answer")).into_owned()
    };
    assert!(forget("{\"hosts\":[\"SHA256:other\"],\"all\":false}").contains("\"0 forgotten"));
    assert!(forget("{\"hosts\":[],\"all\":true}").contains("\"1 forgotten"));
    assert!(forget("{\"hosts\":[],\"all\":true}").contains("\"0 forgotten"));
    assert!(forget("all").contains("different versions"));
}

#[test]
fn a_pin_reaches_the_configuration_and_the_running_agent_takes_it() {
    let (home, homes) = (Home::new(), [Home::new(), Home::new()]);
    home.configure("# mine\n[lock]\nidle = \"1h\"\n");
    let key = Key::make_with(&home, "id_mine", KeyKind::Quick, "");
    let servers = known(&home, &homes, &key);
    let _agent = Agent::start(&home);
    let name = servers[0].host();
    succeed(&mut home.claviger(&["hosts", "pin", &name, "id_mine"]));
    let config = fs::read_to_string(home.path("config.toml")).expect("the configuration");
    let fingerprint = key.fingerprint(&home);
    assert!(
        config.starts_with("# mine\n") && config.contains(&fingerprint),
        "{config}"
    );
    let check = succeed(&mut home.claviger(&["config", "check"]));
    assert!(!check.contains("warning"), "{check}");
    succeed(&mut servers[0].login(&home, "true"));
    succeed(&mut servers[1].login(&home, "true"));
    succeed(&mut home.claviger(&["hosts", "unpin", &name]));
    let config = fs::read_to_string(home.path("config.toml")).expect("the configuration");
    assert_eq!(config, "# mine\n[lock]\nidle = \"1h\"\n");
    let refused = home.claviger(&["hosts", "pin", &name, "id_yours"]).output();
    assert!(text(&refused.expect("claviger")).contains("id_yours"));
}

#[test]
fn a_key_that_is_meant_for_a_host_is_the_first_there() {
    let (home, server) = (Home::new(), Home::new());
    let keys: Vec<Key> = (1..=9)
        .map(|number| Key::make_with(&home, &format!("key_{number}"), KeyKind::Quick, ""))
        .collect();
    let sshd = Sshd::saying(&server, &[&keys[8]], "MaxAuthTries 6");
    let known = fs::read(sshd.known_hosts()).expect("known_hosts");
    home.write(".ssh/known_hosts", &known, 0o600);
    let _agent = Agent::start(&home);
    let reasons = || {
        let text = succeed(&mut home.claviger(&["explain", "--json", &sshd.host()]));
        let explained: Value = serde_json::from_str(&text).expect("JSON");
        explained["offered"][0]["reason"].clone()
    };
    assert_eq!(reasons(), "untried");
    let done = succeed(&mut home.claviger(&["add", "--for", "127.0.0.1", keys[8].arg()]));
    assert!(done.contains("for 127.0.0.1"), "{done}");
    assert_eq!(reasons(), "names_host");
    succeed(&mut sshd.login(&home, "true"));
    succeed(&mut home.claviger(&["hosts", "forget", "--all"]));
    assert_eq!(reasons(), "names_host");
    succeed(&mut home.claviger(&["remove", keys[8].arg()]));
    assert_eq!(reasons(), "untried");
}

#[test]
fn a_second_offer_in_vain_is_in_the_log() {
    let (home, server) = (Home::new(), Home::new());
    Key::make_with(&home, "id_mine", KeyKind::Quick, "");
    let sshd = Sshd::saying(&server, &[], "MaxAuthTries 6");
    let agent = Agent::start(&home);
    for _ in 0..2 {
        assert!(!agent.log().contains("again no key was taken"));
        sshd.login(&home, "true").output().expect("ssh");
    }
    wait_until("the log says so", || {
        agent.log().contains("again no key was taken")
    });
}
