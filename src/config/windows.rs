//! `[windows]`: what only Windows has.

use super::Config;
use super::read::{Fault, checked, expand, unplaced};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use toml::Spanned;

/// The table as TOML has it.
#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Windows {
    #[serde(skip_serializing_if = "Option::is_none")]
    cygwin_socket: Option<Spanned<String>>,
}

impl From<&Config> for Windows {
    fn from(config: &Config) -> Self {
        let file = config.cygwin_socket.as_ref();
        Self {
            cygwin_socket: file.map(|file| unplaced(file.to_string_lossy().into_owned())),
        }
    }
}

impl Windows {
    /// Whether it says nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.cygwin_socket.is_none()
    }
}

/// The file of the socket for Cygwin, if one is wanted.
pub(super) fn cygwin_socket(table: &Windows, home: &Path) -> Result<Option<PathBuf>, Fault> {
    let read = |value| checked("windows.cygwin_socket", value, |text| expand(text, home));
    table.cygwin_socket.as_ref().map(read).transpose()
}
