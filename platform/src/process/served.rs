//! The helper's end of a [`Companion`](super::Companion): questions in, answers out, and nothing of the helper's own
//! business in between.

use super::companion::{bounded, length};
use crate::harden::LockedBytes;
use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, sync_channel};

/// The questions of whoever started this process, and the way back to them.
pub struct Served {
    requests: Receiver<LockedBytes>,
    answers: File,
}

impl Served {
    /// Takes the standard streams over. From here on, what this process writes to its standard output goes to its
    /// standard error, and its standard input is empty: a library that it loads may use either.
    ///
    /// A thread reads ahead. When whoever asks has gone, it ends the process at once, whatever the other threads
    /// are waiting for: an orphan that hangs in a library would else stay for good.
    ///
    /// # Errors
    /// The OS's.
    pub fn new() -> io::Result<Self> {
        let (mut source, answers) = super::imp::take_streams()?;
        let (read, requests) = sync_channel(0);
        std::thread::Builder::new().spawn(move || {
            while let Ok(request) = frame(&mut source) {
                if read.send(request).is_err() {
                    break;
                }
            }
            super::imp::end_at_once();
        })?;
        Ok(Self { requests, answers })
    }

    /// The next question; `None` when there will be no more.
    pub fn question(&mut self) -> Option<LockedBytes> {
        self.requests.recv().ok()
    }

    /// Answers it.
    ///
    /// # Errors
    /// The OS's, or an answer longer than a frame may be.
    pub fn answer(&mut self, answer: &[u8]) -> io::Result<()> {
        let length = length(answer.len()).ok_or(io::ErrorKind::InvalidInput)?;
        self.answers.write_all(&[&length, answer].concat())
    }
}

fn frame(source: &mut File) -> io::Result<LockedBytes> {
    let mut length = [0; 4];
    source.read_exact(&mut length)?;
    let mut frame = LockedBytes::zeroed(bounded(length).ok_or(io::ErrorKind::InvalidData)?);
    source.read_exact(frame.as_mut_slice())?;
    Ok(frame)
}
