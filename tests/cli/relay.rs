//! `claviger relay`: an ssh client's messages over standard input and output.
use crate::home::{Home, KEY, MASTER};
use crate::verbs::Agent;
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::process::{Child, Output, Stdio};

const LIST: [u8; 5] = [0, 0, 0, 1, 11];

fn relay(home: &Home, args: &[&str]) -> Child {
    home.command(&[&["relay"], args].concat(), KEY, MASTER)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn told(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn one_connection_carries_question_after_question() {
    let home = Home::new();
    home.keygen(".ssh/id_a", KEY);
    let _agent = Agent::start(&home, &[]);
    let mut relay = relay(&home, &[]);
    let (mut into, mut out) = (relay.stdin.take().unwrap(), relay.stdout.take().unwrap());
    for _ in 0..3 {
        // In two pieces, as a slow pipe would.
        into.write_all(&LIST[..2]).unwrap();
        into.write_all(&LIST[2..]).unwrap();
        let mut length = [0; 4];
        out.read_exact(&mut length).unwrap();
        let mut answer = vec![0; u32::from_be_bytes(length) as usize];
        out.read_exact(&mut answer).unwrap();
        assert_eq!(answer[..5], [12, 0, 0, 0, 1]);
    }
    drop(into);
    let ended = relay.wait_with_output().unwrap();
    assert!(ended.status.success() && ended.stderr.is_empty());
}

#[test]
fn without_an_agent_it_says_so_at_once() {
    let home = Home::new();
    // Its standard input stays open: the message must not wait for a question.
    let mut relay = relay(&home, &["--socket", "/nonexistent/agent.sock"]);
    let into = relay.stdin.take();
    let output = relay.wait_with_output().unwrap();
    drop(into);
    let told = told(&output);
    assert!(
        told.contains("no agent answers at /nonexistent/agent.sock") && told.contains("--socket"),
        "{told}"
    );
}

#[test]
fn a_silent_agent_and_one_that_hangs_up_are_told_apart() {
    let home = Home::new();
    let socket = home.path("silent.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let named = ["--socket", socket.to_str().unwrap(), "--timeout", "1"];
    let ask = || {
        let mut relay = relay(&home, &named);
        relay.stdin.as_mut().unwrap().write_all(&LIST).unwrap();
        let client = listener.accept().unwrap().0;
        (relay, client)
    };
    let (waiting, held) = ask();
    let silent = told(&waiting.wait_with_output().unwrap());
    assert!(
        silent.contains("no answer within 1 s") && silent.contains("--timeout"),
        "{silent}"
    );
    drop(held);
    let (waiting, held) = ask();
    drop(held);
    let gone = told(&waiting.wait_with_output().unwrap());
    assert!(gone.contains("has ended"), "{gone}");
}

#[test]
fn what_is_no_message_is_not_passed_on() {
    let home = Home::new();
    let _agent = Agent::start(&home, &[]);
    for (input, expected) in [
        (&b"GET / HTTP/1.1\r\n"[..], "not the agent protocol"),
        (&[0, 0, 0, 9, 11], "in the middle of a message"),
    ] {
        let mut relay = relay(&home, &[]);
        relay.stdin.take().unwrap().write_all(input).unwrap();
        let told = told(&relay.wait_with_output().unwrap());
        assert!(told.contains(expected), "{told}");
    }
}
