//! What ends it, how, and what it leaves.
use crate::drop_in::{DropIn, Front, answers};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;

#[test]
fn in_front_each_of_three_signals_ends_it_with_2_and_removes_the_socket() {
    for (signal, number) in [("TERM", 15), ("HUP", 1), ("INT", 2)] {
        for mode in ["-D", "-d"] {
            let home = DropIn::new();
            let agent = home.front(&[mode], 2);
            let socket = agent.socket();
            assert!(answers(&home, &socket));
            let (status, errors) = agent.end(signal);
            assert_eq!(status, 2, "{signal} {mode}");
            assert!(
                errors.ends_with(&format!("exiting on signal {number}\r\n")),
                "{errors}"
            );
            assert!(mode == "-d" || errors.lines().count() == 1, "{errors}");
            assert!(!socket.exists());
        }
    }
}

/// An agent with one key that a client added.
fn with_a_key(home: &DropIn, args: &[&str]) -> Front {
    let agent = home.front(args, 2);
    let key = home.path("key");
    let mut make = home.program("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f"]);
    assert!(make.arg(&key).status().unwrap().success());
    let mut add = home.program("ssh-add", &["-q"]);
    add.arg(&key).env("SSH_AUTH_SOCK", agent.socket());
    assert!(add.status().unwrap().success());
    agent
}

#[test]
fn sigusr1_drops_every_key_and_ends_nothing() {
    let home = DropIn::new();
    let mut agent = with_a_key(&home, &["-d"]);
    assert!(!answers(&home, &agent.socket()));
    crate::drop_in::kill(agent.child.id(), "USR1");
    agent.says("all keys removed by signal");
    assert!(answers(&home, &agent.socket()));
}

#[test]
fn the_default_lifetime_drops_keys() {
    let home = DropIn::new();
    let mut agent = with_a_key(&home, &["-d", "-t", "1s"]);
    agent.says("its lifetime is over");
    assert!(answers(&home, &agent.socket()));
}

/// Starts it as a service manager does: the socket at descriptor 3, and its own pid in the environment.
fn activated(home: &DropIn, args: &str, fds: &str, lines: usize) -> (UnixListener, Front) {
    let listener = UnixListener::bind(home.path("managed")).unwrap();
    let script = format!("LISTEN_PID=$$ LISTEN_FDS={fds} exec ./ssh-agent {args} 3<&0 </dev/null");
    let mut command = home.program("sh", &["-c", &script]);
    command.stdin(OwnedFd::from(listener.try_clone().unwrap()));
    let front = Front::start(&mut command, lines);
    (listener, front)
}

#[test]
fn an_activated_agent_is_silent_and_leaves_the_managers_socket() {
    for (signal, status) in [("TERM", 0), ("HUP", 2)] {
        let home = DropIn::new();
        let (_listener, agent) = activated(&home, "-D", "1", 0);
        // The socket exists already, so only an answer proves that it serves.
        assert!(answers(&home, &home.path("managed")));
        assert_eq!(agent.end(signal).0, status);
        assert!(home.path("managed").exists());
    }
}

#[test]
fn a_socket_of_its_own_goes_before_a_handed_over_one() {
    let home = DropIn::new();
    let (_listener, agent) = activated(&home, "-D -a own", "1", 2);
    assert_eq!(agent.lines[0], "SSH_AUTH_SOCK=own; export SSH_AUTH_SOCK;\n");
    assert!(answers(&home, &home.path("own")));
    assert_eq!(agent.end("TERM").0, 2);
}

#[test]
fn an_odd_hand_over_is_refused() {
    let home = DropIn::new();
    let (_listener, mut agent) = activated(&home, "-D", "2", 0);
    assert_eq!(agent.child.wait().unwrap().code(), Some(255));
    let script = "LISTEN_PID=$$ LISTEN_FDS=1 exec ./ssh-agent -D 3<&-";
    let closed = home.program("sh", &["-c", script]).output().unwrap();
    assert_eq!(closed.status.code(), Some(255));
    assert_eq!(closed.stderr, b"LISTEN_FDS set but fd 3 unavailable\r\n");
    let strange = home
        .command(&["-D"])
        .env("LISTEN_FDS", "1")
        .env("LISTEN_PID", "1")
        .output()
        .unwrap();
    assert_eq!(strange.status.code(), Some(255));
}
