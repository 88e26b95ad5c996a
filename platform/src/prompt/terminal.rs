//! The controlling terminal, for commands that run in one.
//!
//! A background process that reads from its terminal is stopped, all threads of it, so an agent asks only while its
//! process group is in the foreground. A read that waits ends when the asker goes away or the limit is over, with the
//! terminal as it was; therefore the waiting and the echo are handled here, and `rpassword` gets a reader: left to
//! itself it cannot be withdrawn, and kills the process on ^C with the echo still off.
use super::{Attempt, LONGEST, PromptError, Turn};
use crate::harden::LockedBytes;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};
use std::fs::File;
use std::io::{self, ErrorKind, PipeReader, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};
use zeroize::{Zeroize, Zeroizing};

const TERMINAL: &str = "/dev/tty";
const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;

/// Marks the person's (or the asker's) no. Not `UnexpectedEof`: rpassword takes that for the end of the answer.
const CANCELLED: ErrorKind = ErrorKind::ConnectionAborted;

/// Whether this process has a controlling terminal.
pub(super) fn exists() -> bool {
    open().is_ok()
}

/// Columns of the controlling terminal, if there is one and it says.
pub fn width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(open().ok()?).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// Fine while a question can be asked there; else the reason why not.
pub(super) fn usable() -> Result<(), String> {
    let tty = open().map_err(|error| format!("no terminal: {error}"))?;
    match in_foreground(&tty) {
        true => Ok(()),
        false => Err("this process is in the background of its terminal".to_owned()),
    }
}

/// Shows a line.
pub(super) fn show(text: &str) -> io::Result<()> {
    let mut tty = open()?;
    if !in_foreground(&tty) {
        return Err(io::Error::other("in the background of its terminal"));
    }
    tty.write_all(format!("{text}\r\n").as_bytes())
}

/// Asks for a line without showing it.
pub(super) async fn passphrase(question: &str, limit: Duration, turn: &Turn) -> Attempt {
    if let Err(reason) = usable() {
        return Attempt::NotAsked(reason);
    }
    Attempt::Asked(ask(question, limit, turn, read_hidden).await)
}

/// Asks for a line that is no secret.
pub(super) async fn line(question: &str, limit: Duration, turn: &Turn) -> Result<String, PromptError> {
    ask(question, limit, turn, read_shown).await
}

/// Runs `read` on a thread that may block. When this future is dropped, so is `_asker`, and the reader notices.
async fn ask<T: Send + 'static>(
    question: &str,
    limit: Duration,
    turn: &Turn,
    read: fn(&str, Reader) -> io::Result<T>,
) -> Result<T, PromptError> {
    let failed = |error: io::Error| match error.kind() {
        CANCELLED => PromptError::Cancelled,
        ErrorKind::TimedOut => PromptError::TimedOut(limit.as_secs().max(1)),
        _ => PromptError::Failed(format!("terminal: {error}")),
    };
    let (asker_gone, _asker) = io::pipe().map_err(failed)?;
    let (question, turn) = (question.to_owned(), Arc::clone(turn));
    let answer = tokio::task::spawn_blocking(move || {
        let reader = Reader {
            tty: open()?,
            asker_gone,
            deadline: Instant::now() + limit,
            left: LONGEST,
        };
        let answer = read(&question, reader);
        drop(turn);
        answer
    });
    match answer.await {
        Ok(answer) => answer.map_err(failed),
        Err(_) => Err(PromptError::Failed("terminal: its thread ended".to_owned())),
    }
}

fn read_hidden(question: &str, reader: Reader) -> io::Result<LockedBytes> {
    let mut tty = reader.tty.try_clone()?;
    // Before the question is seen: nothing typed in answer to it may show.
    let _restored = Hidden::set(tty.try_clone()?)?;
    tty.write_all(question.as_bytes())?;
    let config = rpassword::ConfigBuilder::new()
        .input_reader(reader)
        .output_discard()
        .build();
    let secret = rpassword::read_password_with_config(config);
    // The line end that the person typed was not shown either.
    let _ = tty.write_all(b"\n");
    let mut secret = secret?;
    let kept = LockedBytes::copy_of(secret.as_bytes());
    secret.zeroize();
    Ok(kept)
}

fn read_shown(question: &str, mut reader: Reader) -> io::Result<String> {
    reader.tty.write_all(question.as_bytes())?;
    let mut line = Vec::new();
    let mut byte = [0];
    while reader.read(&mut byte)? == 1 && byte[0] != b'\n' {
        line.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

fn open() -> io::Result<File> {
    File::options().read(true).write(true).open(TERMINAL)
}

fn in_foreground(tty: &File) -> bool {
    tcgetpgrp(tty).is_ok_and(|group| group == rustix::process::getpgrp())
}

/// The terminal without echo, line editing and signals from keys, until dropped.
struct Hidden {
    tty: File,
    before: Termios,
}

impl Hidden {
    fn set(tty: File) -> io::Result<Self> {
        let before = tcgetattr(&tty)?;
        let mut hidden = before.clone();
        hidden.local_modes &=
            !(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(&tty, OptionalActions::Flush, &hidden)?;
        Ok(Self { tty, before })
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // Whoever took the foreground meanwhile has set the modes it wants, and we would be stopped for trying.
        if in_foreground(&self.tty) {
            let _ = tcsetattr(&self.tty, OptionalActions::Now, &self.before);
        }
    }
}

/// The keys as they come, until the asker is gone, the limit is over, or ^C or ^D cancels.
struct Reader {
    tty: File,
    asker_gone: PipeReader,
    deadline: Instant,
    left: usize,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.wait()?;
        let mut byte = Zeroizing::new([0]);
        // Nothing to read is a terminal that was hung up, or ^D at the beginning of a line that is shown.
        if self.tty.read(&mut *byte)? == 0 || matches!(byte[0], CTRL_C | CTRL_D) {
            return Err(CANCELLED.into());
        }
        self.left = self
            .left
            .checked_sub(1)
            .ok_or_else(|| io::Error::other("the answer is too long"))?;
        let Some(place) = buffer.first_mut() else {
            return Ok(0);
        };
        *place = byte[0];
        Ok(1)
    }
}

impl Reader {
    fn wait(&self) -> io::Result<()> {
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            let left = Timespec::try_from(left).map_err(io::Error::other)?;
            let mut ready = [
                PollFd::new(&self.tty, PollFlags::IN),
                PollFd::new(&self.asker_gone, PollFlags::IN),
            ];
            match poll(&mut ready, Some(&left)) {
                Ok(0) => return Err(ErrorKind::TimedOut.into()),
                Ok(_) if !ready[1].revents().is_empty() => return Err(CANCELLED.into()),
                Ok(_) if in_foreground(&self.tty) => return Ok(()),
                Ok(_) => return Err(io::Error::other("it went to another process")),
                Err(rustix::io::Errno::INTR) => (),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
