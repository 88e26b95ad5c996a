//! What is known of a database's keys without opening it: nothing secret.

use crate::key::{CertificateFile, PublicHalf};
use crate::wire::Destination;
use crate::wire::report::Problem;
use std::path::PathBuf;
use std::time::Duration;

/// What a database told when it was last read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Its keys, in the order of its groups and entries.
    pub keys: Vec<ListedKey>,
    /// Entries whose key cannot be listed, each with the reason.
    pub problems: Vec<Problem>,
}

/// The key of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedKey {
    /// The entry's UUID.
    pub entry: String,
    /// The entry's title.
    pub title: String,
    /// The host in the entry's URL; empty if there is none.
    pub host: String,
    /// The public half.
    pub public: PublicHalf,
    /// The certificate attached beside it.
    pub certificate: Option<CertificateFile>,
    /// Its comment, else the entry's title; any bytes but NUL.
    pub comment: Vec<u8>,
    /// Name of its format.
    pub format: String,
    /// Whether a passphrase protects it inside the database.
    pub protected: bool,
    /// Whether the person is asked at each use.
    pub confirm: bool,
    /// How long it stays after the database was opened.
    pub lifetime: Option<Duration>,
    /// Where it may be used; empty: anywhere.
    pub destinations: Vec<Destination>,
    /// The file that it is in, if it is not an attachment.
    pub file: Option<PathBuf>,
}
