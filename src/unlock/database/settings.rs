//! `KeeAgent.settings`: what KeePass's plugin KeeAgent and KeePassXC note of an entry's key, read as they read it.
//!
//! Elements that are missing have KeeAgent's defaults: KeePassXC writes all of them, so that only old files of KeeAgent
//! lack some. Unknown elements are passed over. A text that is no such XML is an error, never a default: it may have
//! held a limit on the key.

use super::text::decoded;
use crate::key;
use crate::wire::{Destination, Hop};
use serde::{Deserialize, Deserializer};
use std::time::Duration;

/// A larger attachment holds no settings.
const MAX_BYTES: usize = 1 << 20;
/// As OpenSSH has it for one key.
const MAX_DESTINATIONS: usize = 1024;

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

/// The root, so that another document is an error.
#[derive(Deserialize)]
enum Document {
    EntrySettings(Entry),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Entry {
    allow_use_of_ssh_key: Flag,
    add_at_database_open: Flag,
    use_confirm_constraint_when_adding: Flag,
    use_lifetime_constraint_when_adding: Flag,
    lifetime_constraint_duration: Text,
    use_destination_constraint_when_adding: Flag,
    destination_constraints: Constraints,
    location: Place,
}

impl Default for Entry {
    fn default() -> Self {
        Self {
            allow_use_of_ssh_key: Flag(false),
            add_at_database_open: Flag(true),
            use_confirm_constraint_when_adding: Flag(false),
            use_lifetime_constraint_when_adding: Flag(false),
            lifetime_constraint_duration: Text("600".to_owned()),
            use_destination_constraint_when_adding: Flag(false),
            destination_constraints: Constraints::default(),
            location: Place::default(),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Place {
    selected_type: Text,
    attachment_name: Text,
    file_name: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Constraints {
    #[serde(rename = "Constraint")]
    constraints: Vec<Constraint>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Constraint {
    from_host: Text,
    from_host_keys: Keys,
    to_user: Text,
    to_host: Text,
    to_host_keys: Keys,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Keys {
    #[serde(rename = "KeySpec")]
    keys: Vec<KeySpec>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct KeySpec {
    #[serde(rename = "HostKey")]
    host_key: Text,
    #[serde(rename = "IsCA")]
    is_ca: Flag,
}

/// An element's text; empty where it is empty or nil. Attributes are passed over.
#[derive(Default)]
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Element {
            #[serde(rename = "$text", default)]
            text: String,
        }
        Ok(Self(Element::deserialize(from)?.text.trim().to_owned()))
    }
}

/// True is what begins with a "t", as KeePassXC has it, and XML's other word for it, "1".
#[derive(Default)]
struct Flag(bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let Text(text) = Text::deserialize(from)?;
        Ok(Self(text.starts_with(['t', 'T', '1'])))
    }
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

/// A list that could not be held as it is meant would let the key go further than its owner allows, so it is an error.
fn destinations(constraints: &[Constraint]) -> Result<Vec<Destination>, &'static str> {
    if constraints.is_empty() || constraints.len() > MAX_DESTINATIONS {
        return Err("it is for certain destinations only, but names none, or more than 1024");
    }
    constraints.iter().map(destination).collect()
}

fn destination(constraint: &Constraint) -> Result<Destination, &'static str> {
    let from = Hop {
        user: Vec::new(),
        host: constraint.from_host.0.clone().into_bytes(),
        keys: host_keys(&constraint.from_host_keys)?,
    };
    let to = Hop {
        user: constraint.to_user.0.clone().into_bytes(),
        host: constraint.to_host.0.clone().into_bytes(),
        keys: host_keys(&constraint.to_host_keys)?,
    };
    if from.host.is_empty() != from.keys.is_empty() || to.host.is_empty() || to.keys.is_empty() {
        return Err("one of its destinations lacks a host or the host's keys");
    }
    Ok(Destination { from, to })
}

fn host_keys(keys: &Keys) -> Result<Vec<(Vec<u8>, bool)>, &'static str> {
    let blob = |spec: &KeySpec| {
        let blob = key::blob_of_line(spec.host_key.0.as_bytes()).filter(|blob| key::is_whole(blob));
        blob.map(|blob| (blob, spec.is_ca.0))
            .ok_or("one of its destinations names a host by what is no key")
    };
    keys.keys.iter().map(blob).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

    fn document(inside: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"utf-16\"?>\r\n<EntrySettings \
             xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\r\n{inside}\r\n</EntrySettings>"
        )
    }

    fn parsed(inside: &str) -> Result<Settings, &'static str> {
        Settings::parse(document(inside).as_bytes())
    }

    #[test]
    fn what_keeagent_writes_is_read() {
        let settings = parsed(
            "  <AllowUseOfSshKey>true</AllowUseOfSshKey>\n  <AddAtDatabaseOpen>true</AddAtDatabaseOpen>\n  \
             <RemoveAtDatabaseClose>true</RemoveAtDatabaseClose>\n  \
             <UseConfirmConstraintWhenAdding>true</UseConfirmConstraintWhenAdding>\n  \
             <UseLifetimeConstraintWhenAdding>true</UseLifetimeConstraintWhenAdding>\n  \
             <LifetimeConstraintDuration>90</LifetimeConstraintDuration>\n  \
             <UseDestinationConstraintWhenAdding>false</UseDestinationConstraintWhenAdding>\n  \
             <DestinationConstraints />\n  <Future><Deep a=\"1\">x</Deep></Future>\n  <Location>\n    \
             <SelectedType>attachment</SelectedType>\n    <AttachmentName>id ü</AttachmentName>\n    \
             <SaveAttachmentToTempFile>true</SaveAttachmentToTempFile>\n    <FileName />\n  </Location>",
        );
        let expected = Settings {
            allowed: true,
            at_opening: true,
            confirm: true,
            lifetime: Some(Duration::from_secs(90)),
            destinations: Vec::new(),
            location: Some(Location::Attachment("id ü".into())),
        };
        assert_eq!(parsed_ok(settings), expected);
    }

    fn parsed_ok(settings: Result<Settings, &'static str>) -> Settings {
        settings.unwrap()
    }

    #[test]
    fn what_is_missing_has_keeagents_defaults() {
        let settings = parsed("").unwrap();
        assert!(!settings.allowed && settings.at_opening && !settings.confirm);
        assert_eq!((settings.lifetime, settings.location), (None, None));
        let lifetime = parsed("<UseLifetimeConstraintWhenAdding>True</UseLifetimeConstraintWhenAdding>");
        assert_eq!(lifetime.unwrap().lifetime, Some(Duration::from_secs(600)));
    }

    #[test]
    fn a_location_is_a_selected_type_with_a_name() {
        let location = |inside: &str| {
            parsed(&format!("<Location>{inside}</Location>"))
                .unwrap()
                .location
        };
        let names = "<AttachmentName>a</AttachmentName><FileName>~/k &amp; l</FileName>";
        for (selected, expected) in [
            (
                "<SelectedType>file</SelectedType>",
                Some(Location::File("~/k & l".into())),
            ),
            (
                "<SelectedType> attachment </SelectedType>",
                Some(Location::Attachment("a".into())),
            ),
            ("<SelectedType xsi:nil=\"true\" />", None),
            ("", None),
        ] {
            assert_eq!(location(&format!("{selected}{names}")), expected, "{selected}");
        }
        assert_eq!(location("<SelectedType>file</SelectedType><FileName/>"), None);
    }

    #[test]
    fn destinations_are_read_or_the_entry_is_refused() {
        let list = |inside: &str| {
            parsed(&format!(
                "<UseDestinationConstraintWhenAdding>true</UseDestinationConstraintWhenAdding>\
                 <DestinationConstraints>{inside}</DestinationConstraints>"
            ))
        };
        let keys = |name: &str, ca: bool| {
            format!("<{name}><KeySpec><HostKey>{KEY}</HostKey><IsCA>{ca}</IsCA></KeySpec></{name}>")
        };
        let local = format!(
            "<Constraint><FromHost /><FromHostKeys /><ToUser>u</ToUser><ToHost>h</ToHost>{}</Constraint>",
            keys("ToHostKeys", false)
        );
        let hop = format!(
            "<Constraint><FromHost>h</FromHost>{}<ToHost>i</ToHost>{}</Constraint>",
            keys("FromHostKeys", false),
            keys("ToHostKeys", true)
        );
        let read = list(&format!("{local}\n{hop}")).unwrap().destinations;
        assert_eq!(
            (read[0].to.user.as_slice(), read[0].to.host.as_slice()),
            (&b"u"[..], &b"h"[..])
        );
        assert!(read[0].from.keys.is_empty() && !read[0].to.keys[0].1 && read[1].to.keys[0].1);
        for wrong in ["", "<Constraint/>", "<Constraint><ToHost>h</ToHost></Constraint>"] {
            assert!(list(wrong).is_err(), "{wrong}");
        }
        assert!(list(&local.replace("AAAAC3", "BBBBC3")).is_err());
        assert!(list(&local.replace("<FromHost />", "<FromHost>x</FromHost>")).is_err());
    }

    #[test]
    fn what_is_not_keeagents_xml_is_an_error() {
        for text in [
            "",
            "AllowUseOfSshKey",
            "<EntrySettings>",
            "<EntrySettings><AllowUseOfSshKey>true</EntrySettings>",
            "<Other><AllowUseOfSshKey>true</AllowUseOfSshKey></Other>",
            "<EntrySettings><UseLifetimeConstraintWhenAdding>true</UseLifetimeConstraintWhenAdding>\
             <LifetimeConstraintDuration>soon</LifetimeConstraintDuration></EntrySettings>",
        ] {
            assert!(Settings::parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(Settings::parse(&vec![b' '; MAX_BYTES + 1]).is_err());
    }

    #[test]
    fn a_database_says_whether_expired_entries_count() {
        let flag = |value: &str| {
            format!(
                "<DatabaseSettings><AllowAutoLoadExpiredEntryKey>{value}</AllowAutoLoadExpiredEntryKey></DatabaseSettings>"
            )
        };
        assert!(allows_expired(flag("true").as_bytes()));
        assert!(!allows_expired(flag("false").as_bytes()) && !allows_expired(b"<x") && !allows_expired(b""));
    }
}
