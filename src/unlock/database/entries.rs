//! Which entries of a database are keys: those that KeeAgent's settings make so, and where the configuration says it,
//! those that have a private key attached.

use super::file::{self, Opened};
use super::listing::{ListedKey, Listing};
use super::references::passphrases;
use super::settings::{Location, Settings, allows_expired};
use super::source::{self, KeyBytes};
use crate::key::{self, KdfLimits, KeyError, OpenKey};
use crate::wire::report::Problem;
use keepass::Database;
use keepass::db::{CustomDataValue, EntryRef, Times};

/// KeeAgent's attachment; and the field that it used before.
pub(super) const SETTINGS: &str = "KeeAgent.settings";
const SETTINGS_FIELD: &str = "KeeAgent.Settings";

/// An entry's key, as its settings have it.
struct Candidate<'a> {
    entry: EntryRef<'a>,
    settings: Settings,
    location: Location,
}

impl Opened {
    /// What the database tells of its keys. Opens those whose public half is not in clear, which derives a key each.
    pub(super) fn listing(&self, database: &file::Database) -> Listing {
        let mut listing = Listing::default();
        let mut problem = |entry: &EntryRef<'_>, reason: String| {
            listing.problems.push(Problem {
                path: format!("{}, entry {:?}", database.table.path.display(), title(entry)),
                reason,
            });
        };
        for candidate in self.candidates(database, &mut problem) {
            match self.listed(&candidate, database) {
                Ok((key, reason)) => {
                    if let Some(reason) = reason {
                        problem(&candidate.entry, reason);
                    }
                    listing.keys.push(key);
                }
                Err(reason) => problem(&candidate.entry, reason),
            }
        }
        listing
    }

    /// Opens the key with the public blob `blob` of the entry; the error is for the person.
    pub(super) fn open_key(
        &self,
        database: &file::Database,
        entry: &str,
        blob: &[u8],
    ) -> Result<OpenKey, String> {
        let mut reason = String::from("its entry is no longer there, or no longer a key");
        for candidate in self.candidates(database, &mut |_, _| ()) {
            if candidate.entry.id().uuid().to_string() != entry {
                continue;
            }
            let opened = source::read(
                &candidate.entry,
                &candidate.location,
                &database.table.path,
                &database.surroundings,
            )
            .and_then(|bytes| self.opened(&database.limits, &candidate.entry, &bytes));
            match opened {
                Ok(key) if key.public().blob == blob => return Ok(key),
                Ok(_) => reason = String::from("its entry now has another key"),
                Err(error) => reason = error,
            }
        }
        Err(reason)
    }

    fn candidates(
        &self,
        database: &file::Database,
        problem: &mut dyn FnMut(&EntryRef<'_>, String),
    ) -> Vec<Candidate<'_>> {
        let with_expired = self.allows_expired();
        let mut found = Vec::new();
        for entry in in_order(&self.content) {
            let candidates = match settings_of(&entry) {
                Some(Ok(settings)) if !settings.allowed || !settings.at_opening => continue,
                Some(Ok(settings)) => by_settings(entry, settings),
                Some(Err(reason)) => Err((entry, reason.to_owned())),
                None if database.table.attachments => Ok(by_attachments(&self.content, &entry)),
                None => continue,
            };
            match candidates {
                Ok(candidates) => {
                    for candidate in candidates {
                        match has_expired(&candidate.entry) && !with_expired {
                            true => problem(
                                &candidate.entry,
                                "it has expired; give it a later date, or let KeeAgent load expired entries"
                                    .into(),
                            ),
                            false => found.push(candidate),
                        }
                    }
                }
                Err((entry, reason)) => problem(&entry, reason),
            }
        }
        found
    }

    fn allows_expired(&self) -> bool {
        let item = self.content.meta.custom_data.get(SETTINGS_FIELD);
        match item.and_then(|item| item.value.as_ref()) {
            Some(CustomDataValue::String(text)) => allows_expired(text.as_bytes()),
            Some(CustomDataValue::Binary(bytes)) => allows_expired(bytes),
            None => false,
        }
    }

    /// The key as it is listed, and what is wrong beside it.
    fn listed(
        &self,
        candidate: &Candidate<'_>,
        database: &file::Database,
    ) -> Result<(ListedKey, Option<String>), String> {
        let entry = &candidate.entry;
        let bytes = source::read(
            entry,
            &candidate.location,
            &database.table.path,
            &database.surroundings,
        )?;
        let (public, protected, format, comment) =
            match key::inspect(&database.limits, &bytes.private, bytes.public.as_deref()) {
                Ok(key) => (key.public, key.encrypted, key.format, key.comment),
                Err(KeyError::NoPublicHalf) => {
                    let opened = self.opened(&database.limits, entry, &bytes)?;
                    (opened.public().clone(), true, "PEM", Vec::new())
                }
                Err(error) => return Err(error.to_string()),
            };
        let certificate = bytes.certificate.map(|bytes| key::certificate(&bytes, &public));
        let (certificate, reason) = match certificate.transpose() {
            Ok(certificate) => (certificate, None),
            Err(error) => (None, Some(format!("its certificate is left out: {error}"))),
        };
        let title = title(entry);
        let settings = &candidate.settings;
        let key = ListedKey {
            entry: entry.id().uuid().to_string(),
            comment: match comment.is_empty() {
                true => title.replace('\0', "").into_bytes(),
                false => comment,
            },
            title,
            host: entry.get_url().map(host_of).unwrap_or_default(),
            public,
            certificate,
            format: format.to_owned(),
            protected,
            confirm: settings.confirm,
            lifetime: settings.lifetime,
            destinations: settings.destinations.clone(),
            file: bytes.file,
        };
        Ok((key, reason))
    }

    /// Opens the key with the entry's password.
    fn opened(&self, limits: &KdfLimits, entry: &EntryRef<'_>, bytes: &KeyBytes) -> Result<OpenKey, String> {
        let mut result = key::open(limits, &bytes.private, None);
        for passphrase in passphrases(&self.content, entry) {
            if !matches!(result, Err(KeyError::WrongPassphrase)) {
                break;
            }
            result = key::open(limits, &bytes.private, Some(passphrase.as_bytes()));
        }
        result.map_err(|error| match error {
            KeyError::WrongPassphrase => {
                "the entry's password does not open its key; correct it in KeePass".to_owned()
            }
            other => other.to_string(),
        })
    }
}

fn by_settings(
    entry: EntryRef<'_>,
    mut settings: Settings,
) -> Result<Vec<Candidate<'_>>, (EntryRef<'_>, String)> {
    match settings.location.take() {
        Some(location) => Ok(vec![Candidate {
            entry,
            settings,
            location,
        }]),
        None => Err((
            entry,
            "KeeAgent's settings select neither an attachment nor a file as its key".to_owned(),
        )),
    }
}

/// Every attachment that begins as a private key does.
fn by_attachments<'a>(database: &'a Database, entry: &EntryRef<'_>) -> Vec<Candidate<'a>> {
    let mut names: Vec<String> = entry
        .attachments_named()
        .filter(|(_, attachment)| key::looks_like_private_key(&attachment.data))
        .map(|(name, _)| name.to_owned())
        .collect();
    names.sort();
    let candidate = |name| {
        Some(Candidate {
            entry: database.entry(entry.id())?,
            settings: Settings::none(),
            location: Location::Attachment(name),
        })
    };
    names.into_iter().filter_map(candidate).collect()
}

pub(super) fn settings_of(entry: &EntryRef<'_>) -> Option<Result<Settings, &'static str>> {
    settings_bytes(entry).map(|bytes| Settings::parse(&bytes))
}

/// The text of its settings: the attachment, else the field.
pub(super) fn settings_bytes(entry: &EntryRef<'_>) -> Option<Vec<u8>> {
    match entry.attachment_by_name(SETTINGS) {
        Some(attachment) => Some(attachment.data.to_vec()),
        None => entry.get(SETTINGS_FIELD).map(|text| text.as_bytes().to_vec()),
    }
}

pub(super) fn has_expired(entry: &EntryRef<'_>) -> bool {
    entry.times.expires == Some(true) && entry.times.expiry <= Times::now()
}

/// The host that a URL leads to: nothing else of it is remembered, as people keep secrets in URLs too.
fn host_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let inner = host.strip_prefix('[').and_then(|inner| inner.split_once(']'));
    let host = inner.map_or_else(|| host.split(':').next().unwrap_or_default(), |(inner, _)| inner);
    host.to_owned()
}

pub(super) fn title(entry: &EntryRef<'_>) -> String {
    entry.get_title().unwrap_or_default().to_owned()
}

/// The entries as KeePass shows them: a group's own, then those of the groups in it; without those in the recycle bin.
pub(super) fn in_order(database: &Database) -> Vec<EntryRef<'_>> {
    let bin = database.recycle_bin().map(|group| group.id());
    let mut entries = Vec::new();
    let mut groups = vec![database.root().id()];
    while let Some(id) = groups.pop() {
        let Some(group) = database.group(id).filter(|_| Some(id) != bin) else {
            continue;
        };
        entries.extend(group.entry_ids().filter_map(|id| database.entry(id)));
        let below: Vec<_> = group.group_ids().collect();
        groups.extend(below.into_iter().rev());
    }
    entries
}
