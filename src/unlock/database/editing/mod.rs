//! What a person's command does with a KDBX file: look, make, put, remove, change its master password.
//!
//! [`Editor`] is one file, a KeePass database or the embedded vault, behind a session as the agent has one. Only what is not
//! secret comes out ([`EntryView`]). A change keeps whatever else is in the file, or is refused (`book`, `fidelity`).

mod book;
mod editor;
mod fidelity;
mod find;
mod holder;
mod merge;
mod put;
mod remove;
mod settings;
#[cfg(test)]
mod tests;
mod view;

pub use book::Changed;
pub use editor::{Editor, Target};
pub use put::NewKey;
pub use remove::Removed;
pub use view::{EntryView, KeyView, SettingsView};

use crate::unlock::UnlockError;
use crate::unlock::session::SessionError;
use crate::unlock::vault::VaultError;
use std::path::Path;

/// The error of a session as it is told: with the file, which is named once.
fn told(path: &Path, is_vault: bool, error: &SessionError) -> UnlockError {
    let text = match error {
        SessionError::Vault(VaultError::File(error)) => error.to_string(),
        other => other.to_string(),
    };
    let own = format!("{}: ", path.display());
    let reason = text.strip_prefix(&own).unwrap_or(&text).to_owned();
    let path = path.to_owned();
    match is_vault {
        true => UnlockError::Vault { path, reason },
        false => UnlockError::Database { path, reason },
    }
}
