//! What may be shown of an entry: nothing that is secret.

use crate::key::{self, PublicHalf};
use crate::unlock::database::entries::{has_expired, in_order, settings_of, title};
use crate::unlock::database::file::{Database, Opened};
use crate::unlock::database::settings::{Location, Settings};
use crate::unlock::database::source;
use keepass::db::{EntryRef, GroupRef, fields};
use serde::Serialize;

/// One entry. Field names are stable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EntryView {
    /// The entry's UUID.
    pub uuid: String,
    /// The groups that it is in, from the root's children on, separated by `/`.
    pub group: String,
    /// Its title.
    pub title: String,
    /// Its user name.
    pub user: String,
    /// Its URL.
    pub url: String,
    /// Names of its attachments.
    pub attachments: Vec<String>,
    /// Names of its fields beside the usual ones; not their values.
    pub fields: Vec<String>,
    /// Earlier versions of it.
    pub history: usize,
    /// Whether it has a password.
    pub password: bool,
    /// Whether it has expired.
    pub expired: bool,
    /// The key that it holds or names.
    pub key: Option<KeyView>,
    /// KeeAgent's settings.
    pub settings: Option<SettingsView>,
    /// Why the key or the settings are not read.
    pub problem: Option<String>,
}

/// A key's public side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyView {
    /// "SHA256:…"
    pub fingerprint: String,
    /// Algorithm name.
    #[serde(rename = "type")]
    pub kind: String,
    /// Size in bits.
    pub bits: u32,
    /// Its comment, else the entry's title.
    pub comment: String,
    /// The attachment or file.
    pub name: String,
    /// Whether it is in a file, and not attached.
    pub in_file: bool,
    /// The line of authorized_keys.
    pub public: String,
}

/// KeeAgent's settings in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SettingsView {
    /// Whether an agent may have the key.
    pub allowed: bool,
    /// Whether it is there from the database's opening on.
    pub at_opening: bool,
    /// Whether each use is asked for.
    pub confirm: bool,
    /// Seconds after which it leaves the agent.
    pub lifetime: Option<u64>,
    /// How many places it is limited to; 0: none.
    pub destinations: usize,
}

/// All entries but those in the recycle bin, in the order in which KeePass shows them.
pub(super) fn all(opened: &Opened, database: &Database) -> Vec<EntryView> {
    let entries = in_order(&opened.content);
    entries.iter().map(|entry| view(entry, database)).collect()
}

/// What may be shown of `entry`.
pub(super) fn view(entry: &EntryRef<'_>, database: &Database) -> EntryView {
    let mut problem = None;
    let settings = settings_of(entry).and_then(|settings| {
        let failed = |reason: &str| problem = Some(reason.to_owned());
        settings.map_err(failed).ok()
    });
    let key = match key(entry, settings.as_ref(), database) {
        Ok(key) => key,
        Err(reason) => {
            problem = Some(reason);
            None
        }
    };
    let text = |name: &str| entry.get(name).unwrap_or_default().to_owned();
    let usual = [
        fields::TITLE,
        fields::USERNAME,
        fields::PASSWORD,
        fields::URL,
        fields::NOTES,
    ];
    EntryView {
        uuid: entry.id().uuid().to_string(),
        group: group(entry.parent()),
        title: title(entry),
        user: text(fields::USERNAME),
        url: text(fields::URL),
        attachments: sorted(entry.attachments_named().map(|(name, _)| name)),
        fields: sorted(
            entry
                .fields
                .keys()
                .map(String::as_str)
                .filter(|name| !usual.contains(name)),
        ),
        history: entry
            .history
            .as_ref()
            .map_or(0, |history| history.get_entries().len()),
        password: entry.get_password().is_some_and(|password| !password.is_empty()),
        expired: has_expired(entry),
        key,
        settings: settings.as_ref().map(|settings| SettingsView {
            allowed: settings.allowed,
            at_opening: settings.at_opening,
            confirm: settings.confirm,
            lifetime: settings.lifetime.map(|time| time.as_secs()),
            destinations: settings.destinations.len(),
        }),
        problem,
    }
}

/// The key that its settings select, else the first attachment that begins as a private key does.
fn key(
    entry: &EntryRef<'_>,
    settings: Option<&Settings>,
    database: &Database,
) -> Result<Option<KeyView>, String> {
    let attached = || {
        let names = entry
            .attachments_named()
            .filter(|(_, attachment)| key::looks_like_private_key(&attachment.data))
            .map(|(name, _)| name);
        sorted(names).into_iter().next().map(Location::Attachment)
    };
    let location = match settings.and_then(|settings| settings.location.as_ref()) {
        Some(Location::Attachment(name)) => Some(Location::Attachment(name.clone())),
        Some(Location::File(name)) => Some(Location::File(name.clone())),
        None => attached(),
    };
    let Some(location) = location else { return Ok(None) };
    let bytes = source::read(entry, &location, &database.table.path, &database.surroundings)?;
    let public =
        key::public_file(&bytes.private, bytes.public.as_deref()).map_err(|error| error.to_string())?;
    let half = PublicHalf::parse(&public.blob).map_err(|error| error.to_string())?;
    let comment = match public.comment.is_empty() {
        true => title(entry).replace('\0', "").into_bytes(),
        false => public.comment,
    };
    let (name, in_file) = match location {
        Location::Attachment(name) => (name, false),
        Location::File(name) => (name, true),
    };
    Ok(Some(KeyView {
        public: String::from_utf8_lossy(&key::authorized_line(&half.blob, &comment)).into_owned(),
        fingerprint: half.fingerprint,
        kind: half.algorithm,
        bits: half.bits,
        comment: String::from_utf8_lossy(&comment).into_owned(),
        name,
        in_file,
    }))
}

fn group(group: GroupRef<'_>) -> String {
    let mut names = Vec::new();
    let mut id = Some(group.id());
    while let Some(group) = id.and_then(|id| group.database().group(id)) {
        id = group.parent().map(|parent| parent.id());
        if id.is_some() {
            names.push(group.name.clone());
        }
    }
    names.reverse();
    names.join("/")
}

fn sorted<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort();
    names
}
