//! The verbs that talk to a running agent.
use crate::home::{Home, KEY, MASTER, text};
use crate::ran::Ran;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

/// An agent in the foreground, ended when dropped.
pub(crate) struct Agent(Child);

impl Agent {
    /// Returns when it listens: it prints its socket then.
    pub(crate) fn start(home: &Home, args: &[&str]) -> Self {
        let mut command = home.command(&[&["agent", "-D"], args].concat(), KEY, MASTER);
        let mut agent = Self(
            command
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap(),
        );
        let mut line = String::new();
        BufReader::new(agent.0.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert!(line.starts_with("SSH_AUTH_SOCK="), "{line}");
        agent
    }
}

impl Agent {
    /// As it says itself: what was started is the session around it.
    pub(crate) fn pid(&self, home: &Home) -> u64 {
        let status: Value = serde_json::from_str(&home.run(&["status", "--json"]).done().out).unwrap();
        status["pid"].as_u64().unwrap()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The state of each listed key, by comment.
fn states(home: &Home) -> Vec<(String, String)> {
    let keys: Vec<Value> = serde_json::from_str(&home.run(&["list", "--json"]).done().out).unwrap();
    let field = |key: &Value, name: &str| key[name].as_str().unwrap().to_owned();
    let mut states: Vec<_> = keys
        .iter()
        .map(|key| (field(key, "comment"), field(key, "state")))
        .collect();
    states.sort();
    states
}

fn state(comment: &str, state: &str) -> (String, String) {
    (comment.to_owned(), state.to_owned())
}

#[test]
fn keys_and_problems_are_shown() {
    let home = Home::new();
    let key = home.keygen(".ssh/id_a", KEY);
    fs::write(home.path(".ssh/id_broken"), "").unwrap();
    let _agent = Agent::start(&home, &[]);
    let list = home.run(&["list"]).done().out;
    assert!(
        list.contains(text(&key)) && list.contains("sealed") && list.contains("SHA256:"),
        "{list}"
    );
    let status = home.run(&["status"]).done().out;
    assert!(
        status.contains("1 listed, 0 open") && status.contains("id_broken"),
        "{status}"
    );
    let status: Value = serde_json::from_str(&home.run(&["status", "--json"]).done().out).unwrap();
    assert_eq!((&status["running"], &status["keys"]), (&true.into(), &1.into()));
    assert!(
        status["problems"][0]["path"]
            .as_str()
            .unwrap()
            .ends_with("id_broken"),
        "{status}"
    );
}

#[test]
fn a_key_is_opened_with_its_passphrase_and_sealed_again() {
    let home = Home::new();
    home.keygen(".ssh/id_a", KEY);
    home.keygen(".ssh/id_b", "another");
    let _agent = Agent::start(&home, &[]);
    home.run(&["unlock", "--passphrase-fd", "3", ".ssh/id_a"]).done();
    home.run(&["unlock", "--passphrase-fd", "3", ".ssh/id_b"])
        .failed(&["does not fit"]);
    home.run(&["unlock", "--passphrase-fd", "3", "SHA256:"])
        .failed(&["no key is called"]);
    home.run(&["unlock", "--passphrase-fd", "3"])
        .failed(&["--vault-passphrase-fd"]);
    home.run(&["unlock", ".ssh/id_b"])
        .failed(&["id_b", "no terminal"]);
    assert_eq!(
        states(&home),
        [state(".ssh/id_a", "open"), state(".ssh/id_b", "sealed")]
    );
    assert!(home.run(&["lock"]).done().out.starts_with('1'));
    assert_eq!(
        states(&home),
        [state(".ssh/id_a", "sealed"), state(".ssh/id_b", "sealed")]
    );
}

#[test]
fn what_is_added_is_listed_and_opens_from_the_vault() {
    let home = Home::new();
    let _agent = Agent::start(&home, &[]);
    assert!(home.run(&["list"]).done().out.starts_with("no keys"));
    let key = home.keygen("work keys/id", KEY);
    home.add(&[text(&key)]).done();
    assert_eq!(states(&home), [state("work keys/id", "sealed")]);
    home.run(&["unlock", "--vault-passphrase-fd", "4"]).done();
    home.run(&["unlock", text(&key)]).done();
    assert_eq!(states(&home), [state("work keys/id", "open")]);
    home.run(&["remove", "--vault-passphrase-fd", "4", "work keys/id"])
        .done();
    assert_eq!(states(&home), [], "its place is configured no more");
}

#[test]
fn without_storing_a_key_is_only_opened() {
    let home = Home::new();
    let key = home.keygen("elsewhere/id", KEY);
    let _agent = Agent::start(&home, &[]);
    home.run(&["add", "--no-store", "--passphrase-fd", "3", text(&key)])
        .done();
    assert_eq!(states(&home), [state("elsewhere/id", "open")]);
    assert!(!home.vault().exists());
}

#[test]
fn the_agent_of_this_shell_is_found_when_it_is_claviger() {
    let home = Home::new();
    let socket = home.path("private/agent.sock");
    let _agent = Agent::start(&home, &["-a", text(&socket)]);
    let list = |auth_sock: &str| {
        let mut command = home.command(&["list"], KEY, MASTER);
        command
            .env_remove("CLAVIGER_SOCKET")
            .env("SSH_AUTH_SOCK", auth_sock);
        Ran::from(command.output().unwrap())
    };
    list(text(&socket)).done();
    list("/nonexistent").failed(&[text(&home.path(".ssh/agent/claviger.sock"))]);
    // A socket that was named goes before the shell's.
    let mut named = home.command(&["list"], KEY, MASTER);
    named.env("SSH_AUTH_SOCK", &socket);
    Ran::from(named.output().unwrap()).failed(&[text(&home.path("run/agent.sock"))]);
    home.run(&["list", "-a", text(&socket)]).done();
}
