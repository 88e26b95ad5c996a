//! Taking an entry out.

use super::{find, view};
use crate::unlock::database::entries::in_order;
use crate::unlock::database::file::Database;
use crate::unlock::vault::VaultError;
use keepass::Database as Content;
use keepass::db::{EntryId, GroupId, Times};

/// The name that KeePassXC gives a recycle bin, and its picture.
const BIN: &str = "Recycle Bin";
const BIN_ICON: usize = 43;

/// What became of an entry.
pub struct Removed {
    /// Its groups and title.
    pub name: String,
    /// Whether it is in the recycle bin.
    pub in_bin: bool,
}

pub(super) fn remove(content: &mut Content, database: &Database, name: &str) -> Result<Removed, VaultError> {
    let (id, name) = found(content, database, name)?;
    let bin = match content.meta.recyclebin_enabled {
        Some(false) => None,
        _ => Some(bin(content)),
    };
    let Some(mut entry) = content.entry_mut(id) else {
        return Err(VaultError::Refused("the entry is not there any more".to_owned()));
    };
    match bin {
        Some(bin) => {
            entry
                .move_to(bin)
                .map_err(|error| VaultError::Save(error.to_string()))?;
            entry.times.location_changed = Some(Times::now());
        }
        None => entry.track_changes().remove(),
    }
    Ok(Removed {
        name,
        in_bin: bin.is_some(),
    })
}

/// The entry and its name.
fn found(content: &Content, database: &Database, name: &str) -> Result<(EntryId, String), VaultError> {
    let entries = in_order(content);
    let views: Vec<_> = entries.iter().map(|entry| view::view(entry, database)).collect();
    let one = find::one(&views, name)?;
    let entry = entries
        .iter()
        .find(|entry| entry.id().uuid().to_string() == one.uuid);
    let gone = || VaultError::Refused("the entry is not there any more".to_owned());
    Ok((entry.ok_or_else(gone)?.id(), find::path(one)))
}

/// The recycle bin, which is made when it is wanted for the first time, as KeePassXC does.
fn bin(content: &mut Content) -> GroupId {
    if let Some(bin) = content.recycle_bin() {
        return bin.id();
    }
    let mut root = content.root_mut();
    let mut group = root.add_group();
    group.name = BIN.to_owned();
    group.set_icon_builtin(BIN_ICON);
    group.enable_searching = Some(false);
    group.enable_autotype = Some(false);
    let id = group.id();
    content.meta.recyclebin_uuid = Some(id.uuid());
    content.meta.recyclebin_changed = Some(Times::now());
    id
}
