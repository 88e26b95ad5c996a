//! KeePass databases of the person's: which keys they hold, their private halves, and passphrases of key files.
//!
//! [`Databases`] is the front door: the configured files, each with a session as the embedded vault has one (`session`):
//! its master password is asked for once and stays until [`Databases::close`]. Of an open database only what is not
//! secret is kept ([`Listing`]); each opening of a key decrypts the file anew. Only `editing`, which
//! a person's command runs, writes a database.
//!
//! `file` reads one (KDBX 3.1 and 4, looked over by `guard` first); `entries` finds the keys in it by KeeAgent's settings
//! (`settings`), `source` their bytes, `references` their passphrases; `named` is about files elsewhere whose passphrase an
//! entry holds.

mod editing;
mod entries;
mod file;
mod guard;
mod known;
mod listing;
mod named;
mod references;
mod registry;
mod settings;
mod source;
#[cfg(test)]
mod tests;
mod text;

pub use editing::{Changed, Editor, EntryView, KeyView, NewKey, Removed, SettingsView, Target};
pub use listing::{ListedKey, Listing};
pub use registry::{DatabaseView, Databases};

pub(super) use registry::Given;
