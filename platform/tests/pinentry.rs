//! Asking through pinentry. No test harness: this very program is the helper that speaks with pinentry, as the real
//! one is, and a harness would write to its standard output.
#![expect(clippy::unwrap_used, reason = "a broken fixture is a failed test")]

#[expect(dead_code, reason = "the helper ends by itself")]
mod support;

use claviger_platform::prompt::{Means, PromptError, Surroundings, pinentry_helper};
use std::path::Path;
use std::process::Command;
use support::{Terminal, script};

/// Speaks pinentry's protocol: keeps the description, gives the prepared answer.
const FAKE: &str = r#"
echo OK ready
while read -r command rest; do
    case $command in
        SETDESC) printf '%s\n' "$rest" >DIR/description; echo OK;;
        GETPIN) cat DIR/answer;;
        BYE) echo OK; exit 0;;
        *) echo OK;;
    esac
done"#;

fn main() {
    if std::env::args().skip(1).eq(["helper", "pinentry"]) {
        std::process::exit(pinentry_helper());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        a_passphrase_comes_through_unharmed().await;
        a_long_question_is_shortened_and_not_fatal().await;
        a_closed_dialog_is_cancelled().await;
        a_pinentry_that_fails_is_told().await;
        the_real_pinentry_asks_on_the_terminal_that_gpg_tty_names().await;
    });
}

/// Asks with `dir` first in PATH, and this program as the helper.
async fn ask(dir: &Path, env: &str, question: &str) -> Result<Vec<u8>, PromptError> {
    let program = std::env::current_exe().unwrap();
    let start = format!(
        "PATH={}:$PATH {env} exec {} \"$@\"",
        dir.display(),
        program.display()
    );
    let mut means = Means::new(Surroundings {
        display: true,
        pinentry: true,
        ..Surroundings::default()
    });
    means.helper = Some(script(dir, "helper", &start));
    means.passphrase(question).await.map(|secret| secret.to_vec())
}

async fn ask_fake(answer: &str, question: &str) -> (Result<Vec<u8>, PromptError>, String) {
    let dir = tempfile::tempdir().unwrap();
    script(
        dir.path(),
        "pinentry",
        &FAKE.replace("DIR", dir.path().to_str().unwrap()),
    );
    std::fs::write(dir.path().join("answer"), answer).unwrap();
    let answer = ask(dir.path(), "", question).await;
    let description = std::fs::read_to_string(dir.path().join("description")).unwrap();
    (answer, description)
}

async fn a_passphrase_comes_through_unharmed() {
    let (answer, description) =
        ask_fake("D 100%25 p\u{e4}ss \u{1f511}\nOK\n", "Passphrase for 50% of /k: ").await;
    assert_eq!(answer.unwrap(), "100% päss \u{1f511}".as_bytes());
    assert_eq!(description, "Passphrase for 50%25 of /k\n");
}

async fn a_long_question_is_shortened_and_not_fatal() {
    let question = format!("Passphrase for {}/end", "/%é\n".repeat(1500));
    let (answer, description) = ask_fake("OK\n", &question).await;
    assert_eq!(answer.unwrap(), b"");
    assert!(
        description.starts_with("Passphrase for /%25é%0A"),
        "{description}"
    );
    assert!(
        description.contains('…') && description.ends_with("/end\n"),
        "{description}"
    );
}

async fn a_closed_dialog_is_cancelled() {
    let (answer, _) = ask_fake("ERR 83886179 Operation cancelled <Pinentry>\n", "Question? ").await;
    assert!(matches!(answer, Err(PromptError::Cancelled)));
}

async fn a_pinentry_that_fails_is_told() {
    let dir = tempfile::tempdir().unwrap();
    script(dir.path(), "pinentry", "echo ERR 83886340 no display");
    let reason = ask(dir.path(), "", "Question? ").await.unwrap_err();
    assert!(matches!(reason, PromptError::Unavailable(_)));
    assert!(reason.to_string().contains("no display"), "{reason}");
}

async fn the_real_pinentry_asks_on_the_terminal_that_gpg_tty_names() {
    let dir = tempfile::tempdir().unwrap();
    let found = Command::new("sh")
        .args(["-c", "command -v pinentry-tty"])
        .output()
        .unwrap();
    let real = String::from_utf8(found.stdout).unwrap();
    assert!(found.status.success(), "pinentry-tty is not installed");
    std::os::unix::fs::symlink(real.trim(), dir.path().join("pinentry")).unwrap();
    // Holds a terminal open without reading from it.
    let mut terminal = Terminal::start("tty; exec sleep 300", &[]);
    let tty = terminal.wait_for("\n").trim().to_owned();
    let person = tokio::task::spawn_blocking(move || {
        terminal.wait_for("Passphrase:");
        terminal.type_in("typed secret\r");
        // Given back: dropped now, it would hang up before the answer is read.
        terminal
    });
    let env = format!("GPG_TTY={tty}");
    let answer = ask(dir.path(), &env, "Enter passphrase for key /home/k: ").await;
    assert_eq!(answer.unwrap(), b"typed secret");
    assert!(
        person
            .await
            .unwrap()
            .shown
            .contains("Enter passphrase for key /home/k")
    );
}
