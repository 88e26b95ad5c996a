//! Printing: a closed pipe ends quietly, and a failure is one line on standard error.
use std::fmt::{self, Display};
use std::io::{self, Write};

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

/// Text from files, comments and other processes, unable to steer the terminal.
pub(crate) fn visible(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() { '\u{fffd}' } else { letter })
        .collect()
}
