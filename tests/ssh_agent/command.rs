//! Around a command: the command is the process that was started, the agent its child.
use crate::drop_in::{DropIn, Tie};
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

/// A script around which the agent runs, and the lines that it prints.
fn around(home: &DropIn, args: &[&str], script: &str) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut child = home
        .command(&[args, &["sh", "-c", script]].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

/// Lets a script go on that waits for a line.
fn go_on(child: &mut Child) {
    child.stdin.take().unwrap().write_all(b"go on\n").unwrap();
}

#[test]
fn the_command_takes_the_place_of_what_was_started() {
    let home = DropIn::new();
    let script = "echo $$ $PPID; ssh-add -l; grep PPid: /proc/$SSH_AGENT_PID/status; echo $SSH_AUTH_SOCK; \
        read -r line; exit 9";
    let (mut child, lines) = around(&home, &[], script);
    let lines: Vec<_> = lines.take(4).map(Result::unwrap).collect();
    let (pid, own) = (child.id(), std::process::id());
    assert_eq!(
        lines[0],
        format!("{pid} {own}"),
        "the command is the process that was started"
    );
    assert_eq!(lines[1], "The agent has no identities.");
    assert_eq!(lines[2], format!("PPid:\t{pid}"));
    let socket = Path::new(&lines[3]);
    let tie = Tie::to(socket);
    go_on(&mut child);
    assert_eq!(child.wait().unwrap().code(), Some(9));
    tie.wait();
    assert!(!socket.exists());
}

#[test]
fn its_agent_ends_also_when_the_command_is_killed_and_outlives_its_children() {
    let home = DropIn::new();
    let script = "echo $SSH_AUTH_SOCK; read -r line; sleep 300 2>/dev/null & echo $!; kill -9 $$";
    let (mut child, mut lines) = around(&home, &["-T"], script);
    let socket = lines.next().unwrap().unwrap();
    let socket = Path::new(&socket);
    let tie = Tie::to(socket);
    go_on(&mut child);
    // Not waited for until the agent is gone: a zombie is no parent.
    tie.wait();
    assert!(!socket.exists() && !socket.parent().unwrap().exists());
    assert_eq!(child.wait().unwrap().code(), None);
    // Else it would hold the test run's own output open.
    let left = lines.next().unwrap().unwrap();
    let ended = Command::new("kill").arg(left).status().unwrap();
    assert!(ended.success(), "the command's child was still there");
}
