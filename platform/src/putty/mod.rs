//! PuTTY's saved sessions: files of lines on Unix, keys of the registry on Windows. What stands in them is the same.
//!
//! The contract of an OS: [`sessions`] (all that PuTTY sees), [`saved`] (those where PuTTY saves new ones), [`entry`] (where
//! it would save one of a name), [`places`] (for messages), and [`Entry`], one session's own place.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as imp;
#[cfg(windows)]
use windows as imp;

pub use imp::{Entry, entry, places, saved, sessions};

use std::collections::BTreeMap;

/// A setting of the sessions that claviger saves itself; PuTTY passes over what it does not know.
pub const SYNCED: &str = "ClavigerSync";

/// Why sessions could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PuttyError {
    /// What the OS said of a file or of a key of the registry.
    #[error("{place}: {source}")]
    Io {
        /// The file or key.
        place: String,
        /// What the OS said.
        source: std::io::Error,
    },
    /// A session's file is none that can be read.
    #[error(transparent)]
    File(#[from] crate::files::FileError),
    /// A name that PuTTY could not read back.
    #[error(
        "{name:?}: PuTTY keeps names of sessions in the system's old code page; choose one in plain letters"
    )]
    Name {
        /// As wanted.
        name: String,
    },
}

/// What stands in a session: names of settings, and their values as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings(BTreeMap<String, String>);

impl Settings {
    /// The value, or nothing.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Sets a value; a later one of the same name does not count, as with PuTTY.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.entry(name.into()).or_insert_with(|| value.into());
        self
    }

    /// Names and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// The form of PuTTY's files on Unix: lines of NAME=VALUE. What is no such line is passed over.
    pub fn parse(file: &[u8]) -> Self {
        let text = String::from_utf8_lossy(file);
        let lines = text.lines().filter_map(|line| line.split_once('='));
        lines.fold(Self::default(), |settings, (name, value)| {
            settings.with(name, value)
        })
    }
}

/// What `%XX` stands for, byte by byte; anything else is itself.
fn unescaped(name: &[u8]) -> Vec<u8> {
    percent_encoding::percent_decode(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_value_of_a_name_counts_and_other_lines_do_not() {
        let settings = Settings::parse(b"HostName=a\nHostName=b\nno line\nUser=x=y\r\nOdd=\xff\n");
        assert_eq!(
            (
                settings.get("HostName"),
                settings.get("User"),
                settings.get("None")
            ),
            ("a", "x=y", "")
        );
        assert_eq!(settings.get("Odd"), "\u{fffd}");
    }
}
