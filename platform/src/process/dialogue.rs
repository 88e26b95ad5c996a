//! A program that a person may have to answer (ssh asking for a password), and that this process talks with meanwhile.
//!
//! It keeps the terminal: it stays in this process's group, its standard error is ours, and what it asks it asks
//! there. Its standard input and output are pipes to us. Each wait is bounded, and so is what is read.

use std::ffi::OsString;
use std::io;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// The longest line that is given out, in bytes; what is longer comes in pieces.
const LONGEST_LINE: usize = 4096;
/// How much is read in all: more is noise without an end.
const MOST: usize = 256 * 1024;
/// How long a program may take to end after it closed its output.
const ENDING: Duration = Duration::from_secs(20);

/// A running program. Dropping it kills it.
pub struct Dialogue {
    child: Child,
    input: Option<ChildStdin>,
    output: ChildStdout,
    pending: Vec<u8>,
    read: usize,
}

/// What came before the limit.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// A line, without its end; bytes that are not UTF-8 are replaced.
    Line(String),
    /// The program closed its output.
    End,
    /// Nothing more within the limit, or more than anybody reads.
    Silence,
}

impl Dialogue {
    /// Starts it; a program that does not exist is `NotFound`.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(program: &str, args: &[OsString]) -> io::Result<Self> {
        let mut command = Command::new(program);
        command
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        super::unharden(&mut command);
        let mut child = command.spawn()?;
        match (child.stdin.take(), child.stdout.take()) {
            (input @ Some(_), Some(output)) => Ok(Self {
                child,
                input,
                output,
                pending: Vec::new(),
                read: 0,
            }),
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// The next line.
    ///
    /// # Errors
    /// The pipe failed.
    pub async fn line(&mut self, limit: Duration) -> io::Result<Heard> {
        match tokio::time::timeout(limit, self.next_line()).await {
            Ok(heard) => heard,
            Err(_) => Ok(Heard::Silence),
        }
    }

    // What was read before a limit struck stays in `pending`.
    async fn next_line(&mut self) -> io::Result<Heard> {
        let mut chunk = [0; 1024];
        loop {
            let end = self.pending.iter().position(|byte| *byte == b'\n');
            if end.is_some() || self.pending.len() >= LONGEST_LINE {
                let rest = end.map_or(LONGEST_LINE, |end| end + 1);
                let line: Vec<u8> = self.pending.drain(..rest).collect();
                return Ok(Heard::Line(shown(&line)));
            }
            if self.read > MOST {
                return Ok(Heard::Silence);
            }
            match self.output.read(&mut chunk).await? {
                0 if self.pending.is_empty() => return Ok(Heard::End),
                0 => {
                    let line = std::mem::take(&mut self.pending);
                    return Ok(Heard::Line(shown(&line)));
                }
                count => {
                    self.pending.extend_from_slice(&chunk[..count]);
                    self.read += count;
                }
            }
        }
    }

    /// Writes all that is to be said, and closes the program's input. One that does not listen is judged by what it
    /// says and by its end.
    ///
    /// # Errors
    /// It did not take it within `limit`.
    pub async fn say(&mut self, text: &[u8], limit: Duration) -> io::Result<()> {
        let Some(mut input) = self.input.take() else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        match tokio::time::timeout(limit, input.write_all(text)).await {
            Ok(Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            Ok(_) => Ok(()),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    /// Its exit code, once its output has ended; `None` if a signal ended it, or if it did not end.
    pub async fn end(mut self) -> Option<i32> {
        self.input = None;
        let status = tokio::time::timeout(ENDING, self.child.wait()).await;
        status.ok()?.ok()?.code()
    }
}

fn shown(line: &[u8]) -> String {
    String::from_utf8_lossy(line)
        .trim_end_matches(['\r', '\n'])
        .to_owned()
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn shell(script: &str) -> Dialogue {
        Dialogue::start("sh", &["-c".into(), script.into()]).unwrap()
    }

    #[tokio::test]
    async fn lines_come_one_by_one_and_the_end_tells_the_code() {
        let mut talk = shell("printf 'one\\r\\ntwo\\n'; cat; printf end; exit 7");
        assert_eq!(talk.line(LONG).await.unwrap(), Heard::Line("one".into()));
        talk.say(b"said\n", LONG).await.unwrap();
        for line in ["two", "said", "end"] {
            assert_eq!(talk.line(LONG).await.unwrap(), Heard::Line(line.into()));
        }
        assert_eq!(talk.line(LONG).await.unwrap(), Heard::End);
        assert_eq!(talk.end().await, Some(7));
    }

    #[tokio::test]
    async fn silence_and_noise_have_a_bound() {
        let mut silent = shell("exec sleep 300");
        let heard = silent.line(Duration::from_millis(50)).await.unwrap();
        assert_eq!(heard, Heard::Silence);
        let mut noise = shell("exec yes");
        let mut lines = 0;
        while noise.line(LONG).await.unwrap() != Heard::Silence {
            lines += 1;
        }
        assert!(lines < MOST);
        let mut endless = shell("exec tr '\\0' x </dev/zero");
        while endless.line(LONG).await.unwrap() != Heard::Silence {}
    }

    #[tokio::test]
    async fn one_that_does_not_listen_is_no_error() {
        let mut deaf = shell("exec <&-; echo deaf");
        assert_eq!(deaf.line(LONG).await.unwrap(), Heard::Line("deaf".into()));
        deaf.say(&[b'x'; 1 << 20], LONG).await.unwrap();
        assert_eq!(deaf.end().await, Some(0));
    }

    #[tokio::test]
    async fn it_shares_this_processs_group() {
        let mut talk = shell("ps -o pgid= -p $$ -p $PPID | tr -d ' ' | sort -u");
        let Heard::Line(_) = talk.line(LONG).await.unwrap() else {
            panic!("no group");
        };
        assert_eq!(talk.line(LONG).await.unwrap(), Heard::End, "one group for both");
    }
}
