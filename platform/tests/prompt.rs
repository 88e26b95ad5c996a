//! Asking through askpass programs: OpenSSH's rules, refusals, and programs that misbehave.
#![expect(clippy::unwrap_used, reason = "a broken fixture is a failed test")]

#[expect(dead_code, reason = "nobody types here")]
mod support;

use claviger_platform::process::alive;
use claviger_platform::prompt::{Means, PromptError, Require, Surroundings};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use support::script;
use tempfile::TempDir;

fn means(askpass: PathBuf) -> Means {
    Means::new(Surroundings {
        askpass: Some(askpass),
        require: Require::Force,
        ..Surroundings::default()
    })
}

fn askpass(body: &str) -> (TempDir, Means) {
    let dir = tempfile::tempdir().unwrap();
    let body = body.replace("DIR", dir.path().to_str().unwrap());
    let means = means(script(dir.path(), "askpass", &body));
    (dir, means)
}

async fn answer(body: &str) -> Result<Vec<u8>, PromptError> {
    let (_dir, means) = askpass(body);
    means.passphrase("Question? ").await.map(|secret| secret.to_vec())
}

/// Waits until the process that wrote its number to `note` is gone.
async fn gone(note: &Path) {
    let pid = std::fs::read_to_string(note).unwrap().trim().parse().unwrap();
    while alive(pid) {
        tokio::task::yield_now().await;
    }
}

/// Leaves a grandchild behind that holds everything open, and notes its number before that is visible.
const HANGS: &str = "sleep 300 & echo $! >DIR/new; mv DIR/new DIR/pid; wait";

#[tokio::test]
async fn the_question_is_the_only_argument_and_asks_for_a_passphrase() {
    let (dir, means) = askpass("echo \"$#:$1:${SSH_ASKPASS_PROMPT-unset}\" >DIR/seen; echo secret");
    assert_eq!(&*means.passphrase("for key \x1b/k é: ").await.unwrap(), b"secret");
    let seen = std::fs::read_to_string(dir.path().join("seen")).unwrap();
    assert_eq!(seen, "1:for key ?/k é: :unset\n");
}

#[tokio::test]
async fn the_answer_is_the_first_line_byte_by_byte() {
    assert_eq!(answer("printf 'no end'").await.unwrap(), b"no end");
    assert_eq!(answer("printf ' spaces \\r\\n'").await.unwrap(), b" spaces ");
    assert_eq!(answer("printf 'first\\nsecond\\n'").await.unwrap(), b"first");
    assert_eq!(answer("printf '\\377\\001\\n'").await.unwrap(), b"\xff\x01");
    assert_eq!(answer("echo").await.unwrap(), b"");
}

#[tokio::test]
async fn a_refusal_is_cancelled_and_a_crash_is_not() {
    let refused = answer("echo ignored; exit 1").await.unwrap_err();
    assert!(matches!(refused, PromptError::Cancelled));
    let crashed = answer("kill -9 $$").await.unwrap_err();
    assert!(matches!(crashed, PromptError::Failed(_)));
}

#[tokio::test]
async fn an_endless_answer_is_refused() {
    let endless = answer("yes").await.unwrap_err();
    assert!(
        endless.to_string().contains("longer than 4096 bytes"),
        "{endless}"
    );
}

#[tokio::test]
async fn a_hanging_program_is_killed_with_its_children() {
    let (dir, means) = askpass(HANGS);
    let late = means
        .with_limit(Duration::from_secs(1))
        .passphrase("Question? ")
        .await
        .err();
    assert!(matches!(late, Some(PromptError::TimedOut(1))), "{late:?}");
    gone(&dir.path().join("pid")).await;
}

#[tokio::test]
async fn a_question_whose_asker_went_away_is_withdrawn() {
    let (dir, means) = askpass(HANGS);
    let note = dir.path().join("pid");
    let asked = async {
        while !note.exists() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = means.passphrase("Question? ") => panic!("nobody answers"),
        () = asked => (),
    }
    gone(&note).await;
}

#[tokio::test]
async fn a_program_that_cannot_be_started_gives_way_to_the_next() {
    let missing = Path::new("/nonexistent/askpass");
    let reason = means(missing.to_owned())
        .passphrase("Question? ")
        .await
        .err()
        .unwrap();
    assert!(matches!(reason, PromptError::Unavailable(_)));
    assert!(
        reason
            .to_string()
            .contains("/nonexistent/askpass: cannot be started"),
        "{reason}"
    );

    let dir = tempfile::tempdir().unwrap();
    let mut means = Means::new(Surroundings {
        askpass: Some(missing.to_owned()),
        display: true,
        pinentry: true,
        ..Surroundings::default()
    });
    means.helper = Some(script(dir.path(), "helper", "printf from-pinentry"));
    assert_eq!(&*means.passphrase("Question? ").await.unwrap(), b"from-pinentry");
}

#[tokio::test]
async fn without_any_way_the_reason_is_told() {
    let nothing = Means::new(Surroundings::default());
    let reason = nothing.passphrase("Question? ").await.err().unwrap();
    assert!(matches!(reason, PromptError::Unavailable(_)));
    assert!(reason.to_string().contains("set DISPLAY"), "{reason}");
    assert_eq!(nothing.choose("Which? ", &['a']).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_questions_are_asked_one_at_a_time() {
    let (dir, means) = askpass(
        "mkdir DIR/busy || echo overlap >>DIR/overlaps\necho >>DIR/asked\nsleep 0.02\nrmdir DIR/busy\necho \"$1\"",
    );
    let means = Arc::new(means);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 10..30 {
        let means = Arc::clone(&means);
        tasks.spawn(async move {
            let question = number.to_string();
            assert_eq!(&*means.passphrase(&question).await.unwrap(), question.as_bytes());
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    assert!(!dir.path().join("overlaps").exists());
    let asked = std::fs::read_to_string(dir.path().join("asked")).unwrap();
    assert_eq!(asked.lines().count(), 20);
}

#[tokio::test]
async fn a_new_passphrase_must_be_entered_twice_alike_and_not_empty() {
    let take_one = "echo \"$1\" >>DIR/asked; head -n1 DIR/answers; sed -i 1d DIR/answers";
    let (dir, means) = askpass(take_one);
    let twice = async |answers: &str| {
        std::fs::write(dir.path().join("answers"), answers).unwrap();
        let _ = std::fs::remove_file(dir.path().join("asked"));
        let answer = means.passphrase_twice("New: ", "Again: ").await;
        let asked = std::fs::read_to_string(dir.path().join("asked")).unwrap();
        (answer.map(|secret| secret.to_vec()), asked)
    };
    let (answer, asked) = twice("one\none\n").await;
    assert_eq!((answer.unwrap(), &*asked), (b"one".to_vec(), "New: \nAgain: \n"));

    let (answer, asked) = twice("\none\nother\ntwo\ntwo\n").await;
    assert_eq!(answer.unwrap(), b"two");
    assert!(
        asked.contains("must not be empty") && asked.contains("differ"),
        "{asked}"
    );

    let (answer, _) = twice("a\nb\nc\nd\ne\nf\n").await;
    assert!(matches!(answer, Err(PromptError::Failed(_))));
}
