//! The console, for commands that run in one. Keys are read as events: nothing is shown that is not written back, a
//! wait ends when the asker is gone or the limit is over, and no mode has to be restored.

use super::dialog::utf8;
use super::{Attempt, LONGEST, PromptError, Turn};
use crate::harden::LockedBytes;
use crate::windows::done;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::windows::io::AsRawHandle;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use windows_sys::Win32::Foundation::WAIT_OBJECT_0;
use windows_sys::Win32::System::Console::{
    CONSOLE_SCREEN_BUFFER_INFO, GetConsoleScreenBufferInfo, INPUT_RECORD, KEY_EVENT, ReadConsoleInputW,
};
use windows_sys::Win32::System::Threading::WaitForSingleObject;
use zeroize::Zeroizing;

const ENTER: u16 = 13;
const NEW_LINE: u16 = 10;
const BACKSPACE: u16 = 8;
const CTRL_C: u16 = 3;
const CTRL_D: u16 = 4;

/// How often a reader looks whether its asker is still there, in milliseconds.
const LOOK: u32 = 100;

/// Marks the person's (or the asker's) no.
const CANCELLED: ErrorKind = ErrorKind::ConnectionAborted;

/// Whether this process has a console.
pub(super) fn exists() -> bool {
    Console::open().is_ok()
}

/// Columns of the console, if there is one and it says.
pub fn width() -> Option<usize> {
    let console = Console::open().ok()?;
    let mut info = CONSOLE_SCREEN_BUFFER_INFO::default();
    // SAFETY: the handle is open, `info` a place for the answer.
    done(unsafe { GetConsoleScreenBufferInfo(console.screen.as_raw_handle(), &mut info) }).ok()?;
    let window = info.srWindow;
    usize::try_from(i32::from(window.Right) - i32::from(window.Left) + 1)
        .ok()
        .filter(|columns| *columns > 0)
}

/// Fine while a question can be asked there; else the reason why not.
pub(super) fn usable() -> Result<(), String> {
    Console::open()
        .map(drop)
        .map_err(|error| format!("no console: {error}"))
}

/// Shows a line.
pub(super) fn show(text: &str) -> io::Result<()> {
    Console::open()?
        .screen
        .write_all(format!("{text}\r\n").as_bytes())
}

/// Asks for a line without showing it.
pub(super) async fn passphrase(question: &str, limit: Duration, turn: &Turn) -> Attempt {
    if let Err(reason) = usable() {
        return Attempt::NotAsked(reason);
    }
    Attempt::Asked(ask(question, limit, turn, false).await)
}

/// Asks for a line that is no secret.
pub(super) async fn line(question: &str, limit: Duration, turn: &Turn) -> Result<String, PromptError> {
    let line = ask(question, limit, turn, true).await?;
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// Tells the reader that nobody waits for the answer any more.
struct Asker(Arc<AtomicBool>);

impl Drop for Asker {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

async fn ask(question: &str, limit: Duration, turn: &Turn, echo: bool) -> Result<LockedBytes, PromptError> {
    let gone = Arc::new(AtomicBool::new(false));
    let _asker = Asker(Arc::clone(&gone));
    let (question, turn) = (question.to_owned(), Arc::clone(turn));
    let answer = tokio::task::spawn_blocking(move || {
        let mut console = Console::open()?;
        console.screen.write_all(question.as_bytes())?;
        let answer = console.read(Instant::now() + limit, &gone, echo);
        let _ = console.screen.write_all(b"\r\n");
        drop(turn);
        answer
    });
    match answer.await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(match error.kind() {
            CANCELLED => PromptError::Cancelled,
            ErrorKind::TimedOut => PromptError::TimedOut(limit.as_secs().max(1)),
            _ => PromptError::Failed(format!("console: {error}")),
        }),
        Err(_) => Err(PromptError::Failed("console: its thread ended".to_owned())),
    }
}

/// The console itself, wherever the standard streams lead.
struct Console {
    keys: File,
    screen: File,
}

impl Console {
    fn open() -> io::Result<Self> {
        let open = |name| File::options().read(true).write(true).open(name);
        Ok(Self {
            keys: open("CONIN$")?,
            screen: open("CONOUT$")?,
        })
    }

    fn read(&mut self, deadline: Instant, gone: &AtomicBool, echo: bool) -> io::Result<LockedBytes> {
        // Its whole room from the start: growing would leave unwiped pieces behind.
        let mut typed = Zeroizing::new(Vec::with_capacity(LONGEST));
        loop {
            match self.key(deadline, gone)? {
                ENTER | NEW_LINE => return Ok(utf8(&typed)),
                CTRL_C | CTRL_D => return Err(CANCELLED.into()),
                BACKSPACE => {
                    if typed.pop().is_some() && echo {
                        self.screen.write_all(b"\x08 \x08")?;
                    }
                }
                _ if typed.len() == LONGEST => return Err(io::Error::other("the answer is too long")),
                key => {
                    typed.push(key);
                    if echo {
                        self.screen.write_all(&utf8(&[key]))?;
                    }
                }
            }
        }
    }

    /// The next key that stands for a letter.
    fn key(&self, deadline: Instant, gone: &AtomicBool) -> io::Result<u16> {
        let keys = self.keys.as_raw_handle();
        loop {
            if gone.load(Ordering::Relaxed) {
                return Err(CANCELLED.into());
            }
            if Instant::now() >= deadline {
                return Err(ErrorKind::TimedOut.into());
            }
            // SAFETY: the handle is open.
            if unsafe { WaitForSingleObject(keys, LOOK) } != WAIT_OBJECT_0 {
                continue;
            }
            let mut record = INPUT_RECORD::default();
            let mut count = 0;
            // SAFETY: the handle is open; there is room for the one record that is asked for.
            done(unsafe { ReadConsoleInputW(keys, &mut record, 1, &mut count) })?;
            if count == 1 && u32::from(record.EventType) == KEY_EVENT {
                // SAFETY: the type says which of the union's fields is meant, and likewise below: the W call gives
                // UTF-16.
                let (down, unit) = unsafe {
                    let key = record.Event.KeyEvent;
                    (key.bKeyDown != 0, key.uChar.UnicodeChar)
                };
                if down && unit != 0 {
                    return Ok(unit);
                }
            }
        }
    }
}
