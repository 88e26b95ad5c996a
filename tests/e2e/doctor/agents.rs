//! Which agent is there, and which one ssh asks.

use super::Found;
use crate::support::others::{Gpg, MadeUp, OpenSsh, Reply, reply};
use crate::support::{Agent, Home, wait_until};
use std::fs;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Child, Stdio};

/// An agent that is ended with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn with_an_agent_and_nothing_wrong_the_status_is_0() {
    let home = Home::new();
    let _agent = Agent::start(&home);
    let found = Found::of(&home, &[]);
    assert_eq!(found.code, 0, "{:#}", found.report);
    assert_eq!(
        (&found.report["errors"], &found.report["warnings"]),
        (&0.into(), &0.into())
    );
    assert!(found.all().iter().all(|one| one["severity"] == "info"));
}

#[test]
fn no_agent_and_a_dead_socket_are_told_apart() {
    let home = Home::new();
    let found = Found::of(&home, &[]);
    let socket = home.socket();
    let socket = socket.to_str().expect("UTF-8");
    found.says(
        "agent-unreachable",
        socket,
        &["no agent listens"],
        "claviger agent",
    );
    // The same socket, so that it is said once.
    found.lacks("auth-sock-dead");
    drop(UnixListener::bind(socket).expect("a socket"));
    Found::of(&home, &[]).says("agent-unreachable", socket, &["dead socket"], "replaced");
}

#[test]
fn another_agent_in_claviger_s_place_is_told_from_a_silent_one() {
    let home = Home::new();
    let other = OpenSsh::start(&home, "run/agent.sock");
    Found::of(&home, &[]).says(
        "agent-other",
        "run/agent.sock",
        &["ssh-agent (pid "],
        "CLAVIGER_SOCKET",
    );
    drop(other);
    fs::remove_file(home.socket()).expect("removed");
    let _silent = UnixListener::bind(home.socket()).expect("a socket");
    let found = Found::of(&home, &[]);
    found.says(
        "agent-silent",
        "run/agent.sock",
        &["does not answer", "(pid "],
        "end that process",
    );
}

#[test]
fn an_agent_of_another_version_is_told() {
    let home = Home::new();
    let status = serde_json::json!({
        "version": "0.0.1", "pid": 7, "socket": "x", "keys": 0, "open": 0, "idle_seconds": null, "clients": 1,
        "sources": [], "memory": {"secret_memory": true, "locked": true, "weaknesses": []}, "problems": [],
    });
    let name = b"status@claviger";
    let length = u32::try_from(name.len()).expect("a length").to_be_bytes();
    let body = [&[29][..], &length, name, status.to_string().as_bytes()].concat();
    let _agent = MadeUp::start(&home, "run/agent.sock", move |_| reply(&body));
    let found = Found::of(&home, &[]);
    found.says(
        "agent-version",
        "run/agent.sock",
        &["0.0.1", "pid 7"],
        "start it again",
    );
}

#[test]
fn an_agent_that_answers_nonsense_is_not_believed() {
    let home = Home::new();
    let _agent = MadeUp::start(&home, "run/agent.sock", |_| Reply::Last(vec![0xff; 9]));
    Found::of(&home, &[]).the("agent-silent");
}

#[test]
fn where_ssh_auth_sock_leads_is_told() {
    let home = Home::new();
    let _agent = Agent::start(&home);
    let leads = |path: Option<&std::path::Path>| {
        Found::with(&home, &[], |command| match path {
            Some(path) => command.env("SSH_AUTH_SOCK", path),
            None => command.env_remove("SSH_AUTH_SOCK"),
        })
    };
    leads(None).says(
        "auth-sock-unset",
        "SSH_AUTH_SOCK",
        &["not set"],
        "service install",
    );
    let gone = home.path("gone");
    leads(Some(&gone)).says(
        "auth-sock-dead",
        "SSH_AUTH_SOCK",
        &["gone"],
        "export SSH_AUTH_SOCK=",
    );
    let openssh = OpenSsh::start(&home, "o.sock");
    let found = leads(Some(openssh.socket()));
    found.says(
        "auth-sock-other",
        "SSH_AUTH_SOCK",
        &["OpenSSH's", "ssh-agent (pid "],
        "[[upstream]]",
    );
    let gpg = Gpg::start(&home);
    let found = leads(Some(&gpg.socket));
    found.says("auth-sock-other", "SSH_AUTH_SOCK", &["gpg-agent, "], "export");
    // The same agent by another name.
    std::os::unix::fs::symlink(home.socket(), home.path("alias")).expect("a link");
    let found = leads(Some(&home.path("alias")));
    assert_eq!(found.code, 0, "{:#}", found.report);
}

#[test]
fn a_forwarded_agent_is_no_fault() {
    let home = Home::new();
    let _agent = Agent::start(&home);
    // The kernel tells the program by its file's name.
    let program = home.path("sshd-session");
    fs::copy("/usr/bin/ssh-agent", &program).expect("a copy");
    let socket = home.path("f.sock");
    let mut command = home.command(&program);
    command.arg("-D").arg("-a").arg(&socket).stdout(Stdio::null());
    let _forwarder = Ended(command.spawn().expect("ssh-agent"));
    wait_until("it listens", || UnixStream::connect(&socket).is_ok());
    let found = Found::with(&home, &[], |command| command.env("SSH_AUTH_SOCK", &socket));
    found.says(
        "auth-sock-forwarded",
        "SSH_AUTH_SOCK",
        &["f.sock", "sshd-session (pid "],
        "nothing",
    );
    assert_eq!(found.code, 0, "{:#}", found.report);
}

#[test]
fn an_identity_agent_goes_before_ssh_auth_sock() {
    let home = Home::new();
    let _agent = Agent::start(&home);
    let configured = |text: &str| {
        home.write(".ssh/config", text.as_bytes(), 0o600);
        Found::with(&home, &[], |command| command.env_remove("SSH_AUTH_SOCK"))
    };
    configured("IdentityAgent none\n").says(
        "identity-agent-other",
        "IdentityAgent none",
        &["no agent at all"],
        "take the line",
    );
    let found = configured("Host *\nIdentityAgent ~/other.sock\n");
    found.says(
        "identity-agent-other",
        "other.sock",
        &["another agent"],
        "~/.ssh/config",
    );
    found.lacks("auth-sock-unset");
    for ours in [
        "IdentityAgent ~/run/agent.sock\n",
        "IdentityAgent %d/run/agent.sock\n",
    ] {
        let found = configured(ours);
        assert_eq!(found.code, 0, "{:#}", found.report);
    }
    let found = configured("IdentityAgent SSH_AUTH_SOCK\n");
    found.the("auth-sock-unset");
    // What holds for one host only is that host's matter.
    let found = configured("Host one\nIdentityAgent none\n");
    found.lacks("identity-agent-other");
    found.the("auth-sock-unset");
}
