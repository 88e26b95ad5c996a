//! Around a command: the command is the process that was started, the agent its child.
use crate::drop_in::{DropIn, Ran, gone};
use std::path::Path;
use std::process::Stdio;

#[test]
fn the_command_takes_the_place_of_what_was_started() {
    let home = DropIn::new();
    let script =
        "echo $$ $PPID; ssh-add -l; grep PPid: /proc/$SSH_AGENT_PID/status; echo $SSH_AUTH_SOCK; exit 9";
    let child = home
        .command(&["sh", "-c", script])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = child.id();
    let ran: Ran = child.wait_with_output().unwrap().into();
    let lines: Vec<_> = ran.out.lines().collect();
    let own = std::process::id();
    assert_eq!(
        lines[0],
        format!("{pid} {own}"),
        "the command is the process that was started"
    );
    assert_eq!(lines[1], "The agent has no identities.");
    assert_eq!(lines[2], format!("PPid:\t{pid}"));
    assert_eq!(ran.code, 9);
    gone(Path::new(lines[3]));
}

#[test]
fn its_agent_ends_also_when_the_command_is_killed_and_outlives_its_children() {
    let home = DropIn::new();
    let script = "echo $SSH_AUTH_SOCK; sleep 300 & kill -9 $$";
    let mut child = home
        .command(&["-T", "sh", "-c", script])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut socket = String::new();
    let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut out, &mut socket).unwrap();
    // Not waited for until the agent is gone: a zombie is no parent.
    gone(Path::new(socket.trim()));
    gone(Path::new(socket.trim()).parent().unwrap());
    assert_eq!(child.wait().unwrap().code(), None);
}
