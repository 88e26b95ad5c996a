//! GnuPG's pinentry. The crate that speaks its protocol starts the program itself and blocks, so it runs inside a
//! helper, which is this very program started through the one door: bounded, killable, outside a later sandbox.
use super::{Attempt, LONGEST, PromptError, unanswered};
use crate::harden::LockedBytes;
use crate::process::{Job, run};
use pinentry::{Error, PassphraseInput, unix::Options};
use secrecy::ExposeSecret;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

/// The helper's exit code when the person closed the question.
const CANCELLED: i32 = 1;
/// The helper's exit code when pinentry did not work; standard error says why.
const FAILED: i32 = 2;

/// The most bytes of a question on the wire. The protocol allows lines of 1000, the crate panics beyond that.
const LONGEST_LINE: usize = 900;

/// Whether a program named pinentry is in PATH.
pub(super) fn installed() -> bool {
    PassphraseInput::with_default_binary().is_some()
}

/// Asks through `helper`, which must end up in [`helper`](self::helper) when called as `helper pinentry`.
pub(super) async fn ask(helper: &Path, question: &str, limit: Duration) -> Attempt {
    let job = Job {
        program: helper.to_owned(),
        args: vec!["helper".into(), "pinentry".into()],
        env: Vec::new(),
        input: Some(LockedBytes::copy_of(question.as_bytes())),
        limit,
        max_output: LONGEST,
    };
    match run(job).await {
        Ok(done) => match done.code {
            Some(0) => Attempt::Asked(Ok(done.output)),
            Some(CANCELLED) => Attempt::Asked(Err(PromptError::Cancelled)),
            _ => Attempt::NotAsked(format!("pinentry: {}", done.errors)),
        },
        Err(error) => unanswered(error),
    }
}

/// The helper's whole life, for a hidden verb of the program: reads the question from standard input, asks, writes
/// the passphrase to standard output. Returns the exit code: 0 answered, 1 cancelled, 2 failed.
pub fn helper() -> i32 {
    match converse() {
        Ok(()) => 0,
        Err(Error::Cancelled) => CANCELLED,
        Err(error) => {
            let _ = write_all(io::stderr(), error.to_string().as_bytes());
            FAILED
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "GPG_TTY is pinentry's own rule")]
fn converse() -> pinentry::Result<()> {
    let mut question = String::new();
    io::stdin().take(64 * 1024).read_to_string(&mut question)?;
    let question = fitted(question.trim_end().trim_end_matches(':'), LONGEST_LINE);
    let tty = std::env::var("GPG_TTY")
        .ok()
        .filter(|tty| tty.len() < LONGEST_LINE);
    let mut input = PassphraseInput::with_default_binary()
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no pinentry in PATH"))?;
    input.with_description(&question).with_prompt("Passphrase:");
    if let Some(tty) = &tty {
        input.with_unix_options(Options::builder().tty_name(tty).build());
    }
    let secret = input.interact()?;
    Ok(write_all(io::stdout(), secret.expose_secret().as_bytes())?)
}

/// Writes past the buffer of the standard library, which would keep a copy.
fn write_all(stream: impl std::os::fd::AsFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = rustix::io::retry_on_intr(|| rustix::io::write(&stream, bytes))?;
        bytes = &bytes[written..];
    }
    Ok(())
}

/// `text`, with its middle left out when it would take more than `limit` bytes encoded: a long path is told apart
/// by its beginning and its end.
fn fitted(text: &str, limit: usize) -> String {
    // Percent signs and line ends take three bytes each.
    let cost = |letter: char| {
        if matches!(letter, '%' | '\n' | '\r') {
            3
        } else {
            letter.len_utf8()
        }
    };
    if text.chars().map(cost).sum::<usize>() <= limit {
        return text.to_owned();
    }
    let half = (limit - '…'.len_utf8()) / 2;
    let within = |letters: &mut dyn Iterator<Item = char>| {
        let mut used = 0;
        let fits = |letter: &char| {
            used += cost(*letter);
            used <= half
        };
        letters.take_while(fits).collect::<Vec<_>>()
    };
    let head = within(&mut text.chars());
    let tail = within(&mut text.chars().rev());
    head.into_iter()
        .chain(['…'])
        .chain(tail.into_iter().rev())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_question_loses_its_middle_and_fits_when_encoded() {
        assert_eq!(fitted("short", 900), "short");
        assert_eq!(fitted("abcdefghijkl", 9), "abc…jkl");
        for letter in ['a', '%', 'é', '\u{1f511}', '\n'] {
            let text: String = std::iter::repeat_n(letter, 5000).collect();
            let fitted = fitted(&text, 900);
            let encoded = fitted.replace('%', "%25").replace('\n', "%0A");
            assert!(
                (880..=900).contains(&encoded.len()),
                "{letter}: {}",
                encoded.len()
            );
        }
    }
}
