//! `KeeAgent.settings`: what KeePass's plugin KeeAgent and KeePassXC note of an entry's key, read as they read it.
//!
//! Elements that are missing have KeeAgent's defaults: KeePassXC writes all of them, so that only old files of KeeAgent
//! lack some. Unknown elements are passed over. A text that is no such XML is an error, never a default: it may have
//! held a limit on the key.

mod destinations;
#[cfg(test)]
mod tests;
mod xml;

use super::text::decoded;
use crate::wire::Destination;
use destinations::destinations;
use serde::Deserialize;
use std::time::Duration;
use xml::{Document, Flag, Place, Text};

/// A larger attachment holds no settings.
const MAX_BYTES: usize = 1 << 20;

/// The settings of one entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Settings {
    /// Whether its key may be used at all.
    pub(super) allowed: bool,
    /// Whether it is to be there as soon as the database is open.
    pub(super) at_opening: bool,
    pub(super) confirm: bool,
    pub(super) lifetime: Option<Duration>,
    /// Empty: anywhere.
    pub(super) destinations: Vec<Destination>,
    pub(super) location: Option<Location>,
}

/// Where the key is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Location {
    /// An attachment of the entry.
    Attachment(String),
    /// A file, as the person wrote its name.
    File(String),
}

impl Settings {
    /// Those of an entry without any, whose attachment is a key all the same.
    pub(super) fn none() -> Self {
        Self {
            allowed: true,
            at_opening: true,
            confirm: false,
            lifetime: None,
            destinations: Vec::new(),
            location: None,
        }
    }

    /// Reads the attachment; the error says what is wrong with it, and quotes nothing of it.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        if bytes.len() > MAX_BYTES {
            return Err("KeeAgent.settings is larger than 1 MiB");
        }
        let text = decoded(bytes).ok_or("KeeAgent.settings is neither UTF-8 nor UTF-16 text")?;
        let Document::EntrySettings(entry) =
            quick_xml::de::from_str(&text).map_err(|_| "KeeAgent.settings is not the XML of KeeAgent")?;
        let Text(duration) = entry.lifetime_constraint_duration;
        let lifetime = match entry.use_lifetime_constraint_when_adding {
            Flag(false) => None,
            Flag(true) => Some(Duration::from_secs(
                duration
                    .parse::<u32>()
                    .map_err(|_| "its lifetime is not a number of seconds")?
                    .into(),
            )),
        };
        let destinations = match entry.use_destination_constraint_when_adding {
            Flag(false) => Vec::new(),
            Flag(true) => destinations(&entry.destination_constraints.constraints)?,
        };
        Ok(Self {
            allowed: entry.allow_use_of_ssh_key.0,
            at_opening: entry.add_at_database_open.0,
            confirm: entry.use_confirm_constraint_when_adding.0,
            lifetime,
            destinations,
            location: location(entry.location),
        })
    }
}

/// The key's place; none where nothing was selected, or what was has no name.
fn location(place: Place) -> Option<Location> {
    let named = |Text(name): Text| (!name.is_empty()).then_some(name);
    match place.selected_type.0.as_str() {
        "attachment" => named(place.attachment_name).map(Location::Attachment),
        "file" => named(place.file_name).map(Location::File),
        _ => None,
    }
}

/// Whether the database's own settings let keys of expired entries be used.
pub(super) fn allows_expired(bytes: &[u8]) -> bool {
    #[derive(Deserialize)]
    enum Document {
        DatabaseSettings(Database),
    }
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "PascalCase", default)]
    struct Database {
        allow_auto_load_expired_entry_key: Flag,
    }
    let read = decoded(bytes).and_then(|text| quick_xml::de::from_str(&text).ok());
    read.is_some_and(|Document::DatabaseSettings(database)| database.allow_auto_load_expired_entry_key.0)
}
