//! The agent as a process: who may listen where, how it ends, and the three ways in which it runs.

use crate::support::{Agent, Home, Key, KeyKind, home::claviger, signal, succeed, text, wait_until};
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::process::Command;

/// A zombie has ended too: in a container there may be nobody who reaps it.
fn exists(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/status")).is_ok_and(|status| !status.contains("State:\tZ"))
}

#[test]
fn a_second_agent_on_the_same_path_is_told_who_is_there() {
    let home = Home::new();
    let first = Agent::start(&home);
    let second = home.claviger(&["agent", "-D"]).output().expect("an end");
    let said = text(&second);
    assert_eq!(second.status.code(), Some(1), "{said}");
    assert!(
        said.contains("already served by") && said.contains(&first.pid().to_string()),
        "{said}"
    );
    succeed(&mut home.claviger(&["status"]));
}

#[test]
fn a_dead_socket_is_replaced_and_another_file_is_not() {
    let home = Home::new();
    let mut killed = Agent::start(&home);
    killed.end_by("KILL");
    assert!(home.socket().exists(), "nobody was left to remove it");
    drop(Agent::start(&home));
    fs::remove_file(home.socket()).expect("removed");
    fs::write(home.socket(), "a person's file").expect("written");
    let refused = home.claviger(&["agent", "-D"]).output().expect("an end");
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
    assert_eq!(
        fs::read_to_string(home.socket()).expect("still there"),
        "a person's file"
    );
}

#[test]
fn a_signal_ends_it_cleanly() {
    for name in ["TERM", "INT", "HUP"] {
        let home = Home::new();
        let mut agent = Agent::start(&home);
        let status = agent.end_by(name);
        assert!(status.code().is_some(), "{name}: {status}");
        assert!(!home.socket().exists(), "{name}: the socket is removed");
    }
}

#[test]
fn only_its_owner_can_reach_the_socket_whatever_the_umask() {
    let home = Home::new();
    let socket = home.path("new/claviger/agent.sock");
    let mut command = home.command("sh");
    command
        .args(["-c", r#"umask 0; exec "$@""#, "sh"])
        .arg(claviger())
        .args(["agent", "-D", "-a"])
        .arg(&socket);
    let _agent = Agent::from_command(&home, &mut command);
    let socket_is = fs::metadata(&socket).expect("the socket");
    assert!(socket_is.file_type().is_socket());
    assert_eq!(socket_is.permissions().mode() & 0o777, 0o600);
    let directory = fs::metadata(home.path("new/claviger")).expect("its directory");
    assert_eq!(directory.permissions().mode() & 0o777, 0o700);
}

#[test]
fn in_the_background_it_tells_the_shell_where_it_is_and_k_ends_it() {
    let home = Home::new();
    let key = Key::make(&home, "id_test", KeyKind::Quick);
    let script = r#"set -e; eval "$("$0" agent -s)"; echo "pid $SSH_AGENT_PID"; ssh-add -l; "$0" agent -k"#;
    let mut shell = home.command("sh");
    let said = succeed(
        shell
            .args(["-c", script])
            .arg(claviger())
            .env_remove("SSH_AUTH_SOCK"),
    );
    assert!(said.contains(&key.fingerprint(&home)), "{said}");
    assert!(said.contains("unset SSH_AUTH_SOCK;"), "{said}");
    let pid = said
        .lines()
        .find_map(|line| line.strip_prefix("pid "))
        .and_then(|pid| pid.parse().ok());
    let pid: u32 = pid.expect("SSH_AGENT_PID was set");
    wait_until("the agent is gone", || !exists(pid) && !home.socket().exists());
}

#[test]
fn around_a_command_it_ends_with_it_and_with_its_status() {
    let home = Home::new();
    let around = |script: &str| -> Command { home.claviger(&["agent", "sh", "-c", script]) };
    for (script, code) in [
        ("exit 0", 0),
        ("exit 7", 7),
        ("kill -TERM $$", 128 + 15),
        ("kill -KILL $$", 128 + 9),
    ] {
        let status = around(script).status().expect("an end");
        assert_eq!(status.code(), Some(code), "{script}");
    }
    let told = "echo $SSH_AUTH_SOCK; kill -0 $SSH_AGENT_PID && test -S $SSH_AUTH_SOCK && echo alive";
    let said = succeed(&mut around(told));
    let (socket, alive) = said.split_once('\n').expect("two lines");
    assert_eq!(alive, "alive\n");
    assert!(
        !fs::exists(socket).expect("its directory"),
        "the agent ended with its command"
    );
    // A login must not fail because an agent runs already.
    let _other = Agent::start(&home);
    succeed(&mut around("exit 0"));
    let missing = home
        .claviger(&["agent", "no-such-program"])
        .output()
        .expect("an end");
    assert_eq!(missing.status.code(), Some(1), "{}", text(&missing));
    assert!(text(&missing).contains("no-such-program"), "{}", text(&missing));
}

#[test]
fn a_signal_to_the_agent_around_a_command_ends_both() {
    let home = Home::new();
    let mut command = home.claviger(&["agent", "sh", "-c", "echo $$ > child; exec sleep 1000"]);
    let mut agent = command.spawn().expect("it starts");
    let child = || {
        fs::read_to_string(home.path("child"))
            .ok()
            .and_then(|pid| pid.trim().parse::<u32>().ok())
    };
    wait_until("the command runs", || child().is_some());
    signal(agent.id(), "TERM");
    agent.wait().expect("its end");
    wait_until("the command is gone", || child().is_some_and(|pid| !exists(pid)));
    assert!(!home.socket().exists());
}

#[test]
fn systemd_can_hold_the_socket() {
    let home = Home::new();
    let key = Key::make(&home, "id_test", KeyKind::Quick);
    let path = home.path("run/activated.sock");
    let listener = UnixListener::bind(&path).expect("a socket");
    let mut command = home.command("sh");
    // What systemd does: the listening socket as descriptor 3, and two variables that say so to this process alone.
    command.args([
        "-c",
        r#"exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec "$@""#,
        "sh",
    ]);
    command
        .arg(claviger())
        .args(["agent", "-D"])
        .stdin(OwnedFd::from(listener))
        .env("SSH_AUTH_SOCK", &path);
    let mut agent = command.spawn().expect("it starts");
    // No line says when it is ready, and none is needed: the socket was there before the agent.
    let listed = succeed(home.command("ssh-add").arg("-l").env("SSH_AUTH_SOCK", &path));
    assert!(listed.contains(&key.fingerprint(&home)), "{listed}");
    assert!(!home.socket().exists(), "it listens nowhere else");
    signal(agent.id(), "TERM");
    assert!(agent.wait().expect("its end").success());
    assert!(path.exists(), "the socket is systemd's");
}
