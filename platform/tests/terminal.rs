//! Asking on a real terminal: each test runs again in a child that has a pseudo-terminal, and types into it.
#![expect(clippy::unwrap_used, reason = "a broken fixture is a failed test")]
#![expect(clippy::disallowed_methods, reason = "the child knows its role by a variable")]

#[expect(dead_code, reason = "the terminal asks without a script")]
mod support;

use claviger_platform::prompt::{Means, PromptError, Surroundings};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use support::Terminal;

const ROLE: &str = "TERMINAL_TEST_CHILD";

/// `inside` runs in a child on the terminal, `person` in front of it.
fn on_terminal(test: &str, wrap: &str, inside: impl AsyncFnOnce(Means), person: impl FnOnce(&mut Terminal)) {
    if std::env::var_os(ROLE).is_some() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build();
        let means = Means::new(Surroundings {
            terminal: true,
            ..Surroundings::default()
        });
        return runtime.unwrap().block_on(inside(means));
    }
    let program = std::env::current_exe().unwrap();
    let command = format!("{} --exact {test} --nocapture", program.display());
    let mut terminal = Terminal::start(&wrap.replace("CHILD", &command), &[(ROLE, Path::new("1"))]);
    person(&mut terminal);
    let succeeded = terminal.succeeded();
    assert!(
        succeeded && terminal.shown.contains("1 passed"),
        "{}",
        terminal.shown
    );
}

fn modes() -> String {
    let modes = Command::new("stty")
        .args(["-F", "/dev/tty", "-a"])
        .output()
        .unwrap();
    String::from_utf8(modes.stdout).unwrap()
}

fn echoes() -> bool {
    modes().split_whitespace().any(|mode| mode == "echo")
}

#[test]
fn what_is_typed_is_taken_and_not_shown() {
    on_terminal(
        "what_is_typed_is_taken_and_not_shown",
        "exec CHILD",
        async |means| {
            assert!(means.has_terminal());
            let before = modes();
            let secret = means.passphrase("Passphrase: ").await.unwrap();
            assert_eq!(&*secret, "pä qqq\u{1f511}".as_bytes());
            assert_eq!(modes(), before);
        },
        |terminal| {
            terminal.wait_for("Passphrase: ");
            terminal.type_in("pä qqx\x7fq\u{1f511}\r");
            assert!(terminal.succeeded(), "{}", terminal.shown);
            assert!(!terminal.shown.contains("qq"), "{}", terminal.shown);
        },
    );
}

#[test]
fn control_c_cancels_and_leaves_the_terminal_as_it_was() {
    on_terminal(
        "control_c_cancels_and_leaves_the_terminal_as_it_was",
        "exec CHILD",
        async |means| {
            let answer = means.passphrase("Passphrase: ").await.err();
            assert!(matches!(answer, Some(PromptError::Cancelled)), "{answer:?}");
            assert!(echoes());
        },
        |terminal| {
            terminal.wait_for("Passphrase: ");
            terminal.type_in("half\x03");
        },
    );
}

#[test]
fn a_withdrawn_question_does_not_eat_the_next_answer() {
    on_terminal(
        "a_withdrawn_question_does_not_eat_the_next_answer",
        "exec CHILD",
        async |means| {
            let asker = tokio::time::timeout(Duration::from_millis(300), means.passphrase("First: "));
            assert!(asker.await.is_err());
            assert_eq!(&*means.passphrase("Second: ").await.unwrap(), b"for the second");
            let late = means
                .with_limit(Duration::from_millis(300))
                .passphrase("Third: ")
                .await;
            assert!(matches!(late, Err(PromptError::TimedOut(1))));
            assert!(echoes());
        },
        |terminal| {
            terminal.wait_for("Second: ");
            terminal.type_in("for the second\r");
        },
    );
}

#[test]
fn one_letter_is_chosen_after_a_mistake() {
    on_terminal(
        "one_letter_is_chosen_after_a_mistake",
        "exec CHILD",
        async |means| {
            let choice = means.choose("Keyring, vault, no? ", &['k', 'v', 'n']).await;
            assert_eq!(choice, Some('v'));
            assert_eq!(means.choose("Sure? ", &['y']).await, None);
        },
        |terminal| {
            terminal.wait_for("no? ");
            terminal.type_in("later\n");
            terminal.wait_for("no? ");
            terminal.type_in("V\n");
            terminal.wait_for("Sure? ");
            terminal.type_in("\n");
        },
    );
}

#[test]
fn a_background_process_does_not_touch_the_terminal() {
    on_terminal(
        "a_background_process_does_not_touch_the_terminal",
        "set -m; CHILD & wait $!",
        async |means| {
            assert!(!means.has_terminal());
            let reason = means.passphrase("Passphrase: ").await.err().unwrap().to_string();
            assert!(reason.contains("in the background of its terminal"), "{reason}");
            assert_eq!(means.choose("Sure? ", &['y']).await, None);
        },
        |_| (),
    );
}
