//! The right key first, with real servers and clients: how many logins it takes, what is never left out, what is learnt.

mod configured;
mod hosts;
mod kept;
mod logins;
mod named;
mod others;
mod passwords;
mod repositories;
mod rules;
mod together;
mod ways;
mod wrong;

use crate::support::{Home, Key, KeyKind, Sshd, succeed, wait_until};
use serde_json::Value;
use std::fs;
use std::process::{Command, Output};

/// What a server allows by default.
const STRICT: &str = "MaxAuthTries 6";

/// So many keys, in the order in which they are listed.
fn keys(home: &Home, count: usize) -> Vec<Key> {
    (1..=count)
        .map(|number| Key::make_with(home, &format!("key_{number:02}"), KeyKind::Quick, ""))
        .collect()
}

/// A key for a server's authorized_keys that the agent finds nowhere by itself.
fn elsewhere(home: &Home, name: &str) -> Key {
    Key::make_with(home, name, KeyKind::Quick, "").moved(home, "elsewhere")
}

fn fingerprints(home: &Home, keys: &[Key]) -> Vec<String> {
    keys.iter().map(|key| key.fingerprint(home)).collect()
}

fn login(home: &Home, sshd: &Sshd) -> Output {
    sshd.login(home, "true").output().expect("ssh")
}

/// How many logins it takes until one works.
fn logins(home: &Home, sshd: &Sshd, most: usize) -> usize {
    for attempt in 1..=most {
        if login(home, sshd).status.success() {
            return attempt;
        }
    }
    panic!("not let in after {most} logins");
}

/// A login with these options, which go before all others.
fn with(home: &Home, sshd: &Sshd, options: &[&str]) -> Command {
    let words = sshd.ssh();
    let mut command = home.command(&words[0]);
    command.args(options).args(&words[1..]).arg("true");
    command
}

/// The keys that ssh showed the server, as it told them with `-v`.
fn offered(ran: &Output) -> Vec<String> {
    told(ran, "Offering public key:")
}

/// The keys that ssh would show, in order.
fn attempted(ran: &Output) -> Vec<String> {
    told(ran, "Will attempt key:")
}

fn told(ran: &Output, what: &str) -> Vec<String> {
    let said = String::from_utf8_lossy(&ran.stderr);
    let lines = said.lines().filter(|line| line.contains(what));
    lines
        .filter_map(|line| {
            let word = line.split(' ').find(|word| word.starts_with("SHA256:"))?;
            Some(word.to_owned())
        })
        .collect()
}

/// How many keys ssh showed the server.
fn shown(home: &Home, sshd: &Sshd) -> usize {
    let ran = with(home, sshd, &["-v"]).output().expect("ssh");
    offered(&ran).len()
}

fn explained(home: &Home, host: &str) -> Value {
    let text = succeed(&mut home.claviger(&["explain", "--json", host]));
    serde_json::from_str(&text).expect("JSON")
}

/// What was learnt.
fn learnt(home: &Home) -> Vec<Value> {
    serde_json::from_str(&succeed(&mut home.claviger(&["hosts", "--json"]))).expect("JSON")
}

/// Waits until so many uses are written.
fn learns(home: &Home, count: usize) {
    wait_until("the use is written", || learnt(home).len() == count);
}

/// The home knows these servers, as their own known_hosts have them.
fn knows(home: &Home, servers: &[&Sshd]) {
    let lines = servers
        .iter()
        .map(|server| fs::read_to_string(server.known_hosts()).expect("known_hosts"));
    let lines: String = lines.collect();
    home.write(".ssh/known_hosts", lines.as_bytes(), 0o600);
}
