//! Printing: a closed pipe ends quietly, and a failure is one line on standard error.
use std::fmt::{self, Display};
use std::io::{self, IsTerminal, Write};

/// What a person is told when a verb fails: what failed, why, what to do.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    /// The whole sentence.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Every error of the rooms below already names file or field, reason and remedy.
impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// Prints a line to standard output. A reader that went away (`claviger list | head -1`) is no failure.
pub(crate) fn line(text: impl Display) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure(format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Prints `value` as indented JSON.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<(), Failure> {
    line(serde_json::to_string_pretty(value)?)
}

/// Prints an error line. Nobody is left to tell when standard error itself fails.
pub(crate) fn error(text: &impl Display) {
    let _ = writeln!(io::stderr().lock(), "claviger: {text}");
}

/// Tells something on standard error that is no failure, so that standard output stays what was asked for.
pub(crate) fn note(text: &impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Writes control sequences to the terminal, whichever stream is one.
pub(crate) fn terminal(sequence: &str) -> Result<(), Failure> {
    let (mut out, mut error) = (io::stdout(), io::stderr());
    let done = match (error.is_terminal(), out.is_terminal()) {
        (true, _) => error.write_all(sequence.as_bytes()).and_then(|()| error.flush()),
        (false, true) => out.write_all(sequence.as_bytes()).and_then(|()| out.flush()),
        (false, false) => return Err(Failure::new("no terminal that could be told; run it in one")),
    };
    done.map_err(|error| Failure(format!("terminal: {error}")))
}

/// Text from files, comments and other processes, unable to steer the terminal.
pub(crate) fn visible(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() { '\u{fffd}' } else { letter })
        .collect()
}
