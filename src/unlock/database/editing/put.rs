//! Putting a key in: the file as an attachment, its passphrase as the entry's password, and KeeAgent's settings.

use super::holder::{Holder, holder};
use super::settings::{self, Terms};
use super::view::{self, EntryView};
use crate::secret::Secret;
use crate::unlock::database::entries::{SETTINGS, settings_bytes};
use crate::unlock::database::file::Database;
use crate::unlock::vault::{VaultError, text};
use keepass::Database as Content;
use keepass::db::{Entry, EntryId, GroupId, History, Times, Value, fields};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// A key to be put into a database. It has been opened with its passphrase.
pub struct NewKey {
    /// "SHA256:…"
    pub fingerprint: String,
    /// The key file's name, which the attachment gets.
    pub name: String,
    /// The key file.
    pub file: Arc<Zeroizing<Vec<u8>>>,
    /// Its public half in a line, for the attachment beside it.
    pub public: Vec<u8>,
    /// Its certificate's file.
    pub certificate: Option<Vec<u8>>,
    /// What opens it; none if nothing has to.
    pub passphrase: Option<Secret>,
    /// Its comment: the entry's user name.
    pub comment: String,
    /// The entry's title, instead of the file's name; of an entry that is replaced, instead of its own.
    pub title: Option<String>,
    /// Groups, separated by `/`, below the root; made where they are missing.
    pub group: Option<String>,
    /// Asked at each use.
    pub confirm: bool,
    /// Leaves the agent after that.
    pub lifetime: Option<Duration>,
    /// Whether an entry that has this key is changed, with its old version in its history.
    pub replace: bool,
}

pub(super) fn put(content: &mut Content, database: &Database, key: &NewKey) -> Result<EntryView, VaultError> {
    let passphrase = match &key.passphrase {
        Some(passphrase) => text(passphrase, "the passphrase")?,
        None => "",
    };
    let terms = Terms {
        confirm: key.confirm,
        lifetime: key.lifetime,
    };
    let mut settings = settings::of_attachment(&key.name, terms);
    let id = match holder(content, database, key)? {
        Some(holder) if !key.replace => {
            return Err(VaultError::Refused(format!(
                "its entry {:?} has this key already; --replace changes that, and keeps its old version in the history",
                holder.name
            )));
        }
        Some(holder) => {
            if let Some(kept) = kept(content, &holder, key, terms)? {
                settings = kept;
            }
            keep_version(content, holder.id)?;
            holder.id
        }
        None => {
            let group = group(content, key.group.as_deref().unwrap_or_default())?;
            let mut group = content.group_mut(group).ok_or_else(gone)?;
            let mut entry = group.add_entry();
            entry.set_unprotected(fields::TITLE, key.title.as_deref().unwrap_or(&key.name));
            entry.set_unprotected(fields::USERNAME, key.comment.as_str());
            // What claviger finds the passphrase of the same key in a file by.
            entry.set_unprotected(fields::URL, format!("ssh-key:{}", key.fingerprint));
            entry.set_unprotected(fields::NOTES, "");
            entry.id()
        }
    };
    let mut entry = content.entry_mut(id).ok_or_else(gone)?;
    if let Some(title) = &key.title {
        entry.set_unprotected(fields::TITLE, title.as_str());
    }
    entry.set_protected(fields::PASSWORD, passphrase);
    entry.times.last_modification = Some(Times::now());
    let mut attachments = BTreeMap::from([
        (key.name.clone(), Value::protected(key.file.to_vec())),
        (
            format!("{}.pub", key.name),
            Value::unprotected(key.public.clone()),
        ),
        (SETTINGS.to_owned(), Value::unprotected(settings)),
    ]);
    if let Some(certificate) = &key.certificate {
        attachments.insert(
            format!("{}-cert.pub", key.name),
            Value::unprotected(certificate.clone()),
        );
    }
    attach(content, id, attachments)?;
    let entry = content.entry(id).ok_or_else(gone)?;
    Ok(view::view(&entry, database))
}

/// The settings of the entry, changed for the key; none if it has none.
fn kept(
    content: &Content,
    holder: &Holder,
    key: &NewKey,
    terms: Terms,
) -> Result<Option<Vec<u8>>, VaultError> {
    let entry = content.entry(holder.id).ok_or_else(gone)?;
    let old = settings_bytes(&entry);
    let new = old.map(|old| settings::kept(&old, &key.name, terms));
    new.transpose().map_err(|reason| {
        VaultError::Refused(format!(
            "its entry {:?} is not changed: {reason}; correct the entry's settings in KeePassXC or KeeAgent, or remove them",
            holder.name
        ))
    })
}

/// The group of that path.
fn group(content: &mut Content, path: &str) -> Result<GroupId, VaultError> {
    let mut id = content.root().id();
    for name in path.split('/').filter(|name| !name.is_empty()) {
        let mut parent = content.group_mut(id).ok_or_else(gone)?;
        let below = parent.as_ref().group_by_name(name).map(|group| group.id());
        id = match below {
            Some(id) => id,
            None => {
                let mut group = parent.add_group();
                group.name = name.to_owned();
                group.id()
            }
        };
    }
    Ok(id)
}

/// Puts the entry as it is at the end of its history, where KeePass has the newest version.
fn keep_version(content: &mut Content, id: EntryId) -> Result<(), VaultError> {
    let mut entry = content.entry_mut(id).ok_or_else(gone)?;
    let mut version: Entry = (*entry).clone();
    let older = version.history.take();
    let mut history = History::default();
    // Each goes to the front.
    history.add_entry(version);
    for version in older.iter().flat_map(|older| older.get_entries().iter().rev()) {
        history.add_entry(version.clone());
    }
    entry.history = Some(history);
    Ok(())
}

/// Gives the entry these attachments beside those that it has.
///
/// The KDBX crate takes an attachment that is replaced away from the entry's older versions too, and from other names that
/// share it. A stand-in that shares all of them keeps them there meanwhile.
fn attach(
    content: &mut Content,
    id: EntryId,
    new: BTreeMap<String, Value<Vec<u8>>>,
) -> Result<(), VaultError> {
    let entry = content.entry(id).ok_or_else(gone)?;
    let old: Vec<(String, Value<Vec<u8>>)> = entry
        .attachments_named()
        .filter(|(name, _)| !new.contains_key(*name))
        .map(|(name, attachment)| (name.to_owned(), attachment.data.clone()))
        .collect();
    let whole: Entry = (*entry).clone();
    let mut stand_in = content.root_mut().add_entry().id();
    if let Some(mut entry) = content.entry_mut(stand_in) {
        let mut version = whole;
        let mut history = version.history.take().unwrap_or_default();
        history.add_entry(version);
        entry.history = Some(history);
        stand_in = entry.id();
    }
    content.remove_unused_attachments();
    let mut entry = content.entry_mut(id).ok_or_else(gone)?;
    for (name, data) in new {
        entry.add_attachment(name, data);
    }
    for (name, data) in old {
        if entry.as_ref().attachment_by_name(&name).is_none() {
            entry.add_attachment(name, data);
        }
    }
    if let Some(mut entry) = content.entry_mut(stand_in) {
        entry.history = None;
        entry.remove();
    }
    content.remove_unused_attachments();
    Ok(())
}

fn gone() -> VaultError {
    VaultError::Save("the entry vanished while it was changed".to_owned())
}
