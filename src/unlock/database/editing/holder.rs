//! Which entry has a key already: by every private key that is attached to it, and by the file that its settings name.
//!
//! Keys are compared by their public halves, which most files show without a passphrase; the others by their bytes.

use super::put::NewKey;
use super::{find, view};
use crate::key::{self, PublicHalf};
use crate::unlock::database::entries::in_order;
use crate::unlock::database::file::Database;
use crate::unlock::vault::VaultError;
use keepass::Database as Content;
use keepass::db::{EntryId, EntryRef};

/// An entry that has the key.
pub(super) struct Holder {
    pub(super) id: EntryId,
    /// Its groups and title.
    pub(super) name: String,
    /// How to say that the key is beside the entry's own one.
    other: Option<String>,
}

/// The entry that has the key; of several, the only one whose own key it is.
///
/// # Errors
/// It is to be replaced, and no one entry is the one.
pub(super) fn holder(
    content: &Content,
    database: &Database,
    key: &NewKey,
) -> Result<Option<Holder>, VaultError> {
    let entries = in_order(content);
    let mut found: Vec<Holder> = entries
        .iter()
        .filter_map(|entry| held(entry, database, key))
        .collect();
    // The entries whose own key it is come first, the others in the order in which KeePass shows them.
    found.sort_by_key(|holder| holder.other.is_some());
    if !key.replace {
        return Ok(found.into_iter().next());
    }
    let own = found.iter().filter(|holder| holder.other.is_none()).count();
    match (own, found.first()) {
        (0, Some(Holder { name, other, .. })) => {
            let other = other.as_deref().unwrap_or_default();
            Err(VaultError::Refused(format!(
                "its entry {name:?} is not changed: {other}, and an entry has one password; take that attachment out with KeePassXC"
            )))
        }
        (0 | 1, _) => Ok(found.into_iter().next()),
        _ => {
            let names: Vec<String> = found[..own]
                .iter()
                .map(|holder| format!("{:?}", holder.name))
                .collect();
            Err(VaultError::Refused(format!(
                "several of its entries have this key ({}); remove all but one, or change them in KeePassXC",
                names.join(", ")
            )))
        }
    }
}

/// The entry, if it has the key.
fn held(entry: &EntryRef<'_>, database: &Database, key: &NewKey) -> Option<Holder> {
    let view = view::view(entry, database);
    let name = find::path(&view);
    let holder = |other| {
        Some(Holder {
            id: entry.id(),
            name: name.clone(),
            other,
        })
    };
    let own = view.key.as_ref();
    if own.is_some_and(|own| own.fingerprint == key.fingerprint) {
        return holder(None);
    }
    let mut attachments = entry.attachments_named();
    let (name, _) = attachments.find(|(name, attachment)| is(key, entry, name, &attachment.data))?;
    holder(own.map(|own| {
        format!(
            "its key is {:?}, and this one only its attachment {name:?}",
            own.name
        )
    }))
}

/// Whether the attachment `name` with these bytes is the key.
fn is(key: &NewKey, entry: &EntryRef<'_>, name: &str, bytes: &[u8]) -> bool {
    if !key::looks_like_private_key(bytes) {
        return false;
    }
    let beside = entry.attachment_by_name(&format!("{name}.pub"));
    let public = key::public_file(bytes, beside.as_ref().map(|beside| &beside.data[..]));
    let half = public
        .ok()
        .and_then(|public| PublicHalf::parse(&public.blob).ok());
    half.is_some_and(|half| half.fingerprint == key.fingerprint) || bytes == &key.file[..]
}
