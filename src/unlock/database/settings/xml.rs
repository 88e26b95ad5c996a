//! The elements of `KeeAgent.settings`, with KeeAgent's defaults where one is missing; unknown ones are passed over.

use serde::{Deserialize, Deserializer};

/// The root, so that another document is an error.
#[derive(Deserialize)]
pub(super) enum Document {
    EntrySettings(Entry),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Entry {
    pub(super) allow_use_of_ssh_key: Flag,
    pub(super) add_at_database_open: Flag,
    pub(super) use_confirm_constraint_when_adding: Flag,
    pub(super) use_lifetime_constraint_when_adding: Flag,
    pub(super) lifetime_constraint_duration: Text,
    pub(super) use_destination_constraint_when_adding: Flag,
    pub(super) destination_constraints: Constraints,
    pub(super) location: Place,
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
pub(super) struct Place {
    pub(super) selected_type: Text,
    pub(super) attachment_name: Text,
    pub(super) file_name: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Constraints {
    #[serde(rename = "Constraint")]
    pub(super) constraints: Vec<Constraint>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Constraint {
    pub(super) from_host: Text,
    pub(super) from_host_keys: Keys,
    pub(super) to_user: Text,
    pub(super) to_host: Text,
    pub(super) to_host_keys: Keys,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Keys {
    #[serde(rename = "KeySpec")]
    pub(super) keys: Vec<KeySpec>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct KeySpec {
    #[serde(rename = "HostKey")]
    pub(super) host_key: Text,
    #[serde(rename = "IsCA")]
    pub(super) is_ca: Flag,
}

/// An element's text; empty where it is empty or nil. Attributes are passed over.
#[derive(Default)]
pub(super) struct Text(pub(super) String);

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
pub(super) struct Flag(pub(super) bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let Text(text) = Text::deserialize(from)?;
        Ok(Self(text.starts_with(['t', 'T', '1'])))
    }
}
