//! A helper that stays: this very program in another role, asked again and again, one question at a time.
//!
//! Both ends speak in frames: a length of four bytes (big-endian), then that many bytes. The other end is
//! [`Served`](super::Served). What is asked may be secret and stays in protected memory; what is answered is not.

use super::job::Group;
use crate::harden::LockedBytes;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout, Command};

/// The longest frame in either direction, in bytes.
pub(super) const LONGEST: usize = 1 << 20;
/// How long an ended helper may take to be reaped, so that messages can tell how it ended.
const REAPED: Duration = Duration::from_secs(1);
/// How much of a helper's standard error goes to the log in its life, in bytes.
const LOGGED: usize = 64 * 1024;

/// A running helper. Dropping it kills its whole process group.
pub struct Companion {
    group: Group,
    requests: ChildStdin,
    answers: ChildStdout,
}

/// Why a helper gave no answer. It is of no use afterwards: it may still be busy with what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompanionError {
    /// Could not be started.
    #[error("its helper cannot be started: {0}")]
    Start(#[source] io::Error),
    /// Took longer than its limit.
    #[error("its helper gave no answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// Ended without an answer, killed by a signal or not.
    #[error("its helper ended without an answer ({0})")]
    Ended(String),
    /// A frame longer than both ends allow.
    #[error("its helper was asked or answered more than {LONGEST} bytes")]
    TooMuch,
    /// Pipe trouble.
    #[error("its helper cannot be spoken to: {0}")]
    Io(#[source] io::Error),
}

impl Companion {
    /// Starts this very program again, with `args`, under its own name: what it is called decides what it is, and this
    /// process may have another name. What the helper writes to standard error is logged (debug) as `about`'s.
    ///
    /// # Errors
    /// [`CompanionError::Start`].
    pub fn start(args: &[&str], about: String) -> Result<Self, CompanionError> {
        let mut command = Command::new(super::imp::own_program().map_err(CompanionError::Start)?);
        super::imp::call(&mut command, "claviger");
        command.args(args);
        Self::from_command(command, about)
    }

    fn from_command(mut command: Command, about: String) -> Result<Self, CompanionError> {
        command
            .kill_on_drop(true)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        super::unharden(&mut command);
        super::imp::lead_group(&mut command);
        let child = command.spawn().map_err(CompanionError::Start)?;
        let mut group = Group::new(child);
        let child = &mut group.child;
        let streams = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(requests), Some(answers), Some(errors)) = streams else {
            return Err(CompanionError::Start(io::ErrorKind::BrokenPipe.into()));
        };
        tokio::spawn(log(errors, about));
        Ok(Self {
            group,
            requests,
            answers,
        })
    }

    /// Its process id, while it was not seen to end.
    pub fn pid(&self) -> Option<u32> {
        self.group.child.id()
    }

    /// Asks once. A future that is dropped leaves an answer behind that nobody reads: drop the companion, too.
    ///
    /// # Errors
    /// After any error the companion must be dropped.
    pub async fn ask(&mut self, request: &LockedBytes, limit: Duration) -> Result<Vec<u8>, CompanionError> {
        let exchanged = match tokio::time::timeout(limit, self.exchange(request)).await {
            Ok(exchanged) => exchanged,
            Err(_) => return Err(CompanionError::TimedOut(limit)),
        };
        match exchanged {
            Err(CompanionError::Io(error))
                if matches!(
                    error.kind(),
                    io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe
                ) =>
            {
                Err(CompanionError::Ended(self.end().await))
            }
            other => other,
        }
    }

    async fn exchange(&mut self, request: &LockedBytes) -> Result<Vec<u8>, CompanionError> {
        let length = length(request.len()).ok_or(CompanionError::TooMuch)?;
        self.requests
            .write_all(&length)
            .await
            .map_err(CompanionError::Io)?;
        self.requests
            .write_all(request)
            .await
            .map_err(CompanionError::Io)?;
        let mut length = [0; 4];
        self.answers
            .read_exact(&mut length)
            .await
            .map_err(CompanionError::Io)?;
        let length = bounded(length).ok_or(CompanionError::TooMuch)?;
        let mut answer = vec![0; length];
        self.answers
            .read_exact(&mut answer)
            .await
            .map_err(CompanionError::Io)?;
        Ok(answer)
    }

    async fn end(&mut self) -> String {
        match tokio::time::timeout(REAPED, self.group.child.wait()).await {
            Ok(Ok(status)) => ended(status),
            Ok(Err(error)) => error.to_string(),
            Err(_) => String::from("it closed its pipes"),
        }
    }
}

fn ended(status: ExitStatus) -> String {
    status.to_string()
}

/// A frame's length, if a frame may be that long.
pub(super) fn length(bytes: usize) -> Option<[u8; 4]> {
    let length = u32::try_from(bytes).ok().filter(|_| bytes <= LONGEST)?;
    Some(length.to_be_bytes())
}

/// The length that a frame announces, if it may be that long.
pub(super) fn bounded(length: [u8; 4]) -> Option<usize> {
    usize::try_from(u32::from_be_bytes(length))
        .ok()
        .filter(|&bytes| bytes <= LONGEST)
}

/// Logs what a helper complains of, up to [`LOGGED`], and throws the rest away, so that it never waits for a reader.
/// At debug only: what a library that we do not know writes there may be anything.
async fn log(errors: ChildStderr, about: String) {
    let mut errors = BufReader::new(errors);
    let (mut chunk, mut left) = ([0; 512], LOGGED);
    while let Ok(read @ 1..) = errors.read(&mut chunk).await {
        let kept = read.min(left);
        left -= kept;
        let text = String::from_utf8_lossy(&chunk[..kept]);
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let line: String = line.chars().filter(|letter| !letter.is_control()).collect();
            tracing::debug!(about, "it says: {line}");
        }
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Companion {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Companion::from_command(command, "test".into()).unwrap()
    }

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn is_asked_again_and_again() {
        let mut echo = shell("exec cat");
        // Not more than a pipe holds: `cat` answers before it has read all.
        for text in [&b""[..], b"once", &[7; 4000]] {
            assert!(echo.ask(&LockedBytes::copy_of(text), LONG).await.unwrap() == text);
        }
        let too_much = LockedBytes::zeroed(LONGEST + 1);
        assert!(matches!(
            echo.ask(&too_much, LONG).await,
            Err(CompanionError::TooMuch)
        ));
    }

    #[tokio::test]
    async fn an_answer_too_long_is_refused_before_it_is_read() {
        let mut liar = shell("printf '\\377\\377\\377\\377'; exec cat >/dev/null");
        let asked = liar.ask(&LockedBytes::copy_of(b"?"), LONG).await;
        assert!(matches!(asked, Err(CompanionError::TooMuch)));
    }

    #[tokio::test]
    async fn a_crash_tells_its_signal() {
        let mut crashing = shell("read -r _; echo dying >&2; kill -SEGV $$");
        let asked = crashing.ask(&LockedBytes::copy_of(b"line\n"), LONG).await;
        let text = asked.unwrap_err().to_string();
        assert!(text.contains("signal: 11"), "{text}");
    }

    #[tokio::test]
    async fn a_hang_ends_at_the_limit_and_a_drop_kills_the_group() {
        let dir = tempfile::tempdir().unwrap();
        let note = dir.path().join("pid");
        let script = format!(
            "sleep 300 & echo $! > {0}.new; mv {0}.new {0}; wait",
            note.display()
        );
        let mut hanging = shell(&script);
        let asked = hanging
            .ask(&LockedBytes::copy_of(b"?"), Duration::from_millis(100))
            .await;
        assert!(matches!(asked, Err(CompanionError::TimedOut(_))));
        while !note.exists() {
            tokio::task::yield_now().await;
        }
        drop(hanging);
        let grandchild = std::fs::read_to_string(&note).unwrap().trim().parse().unwrap();
        let gone = async {
            while crate::process::alive(grandchild) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), gone).await.unwrap();
    }
}
