//! Which entries of a KDBX database hold the passphrase of a key, and what a new one looks like.

use keepass::Database;
use keepass::db::{EntryRef, GroupId, fields};
use std::collections::BTreeSet;

/// The group that new entries go to.
pub(super) const GROUP: &str = "SSH passphrases";

/// Entries of the key `fingerprint`, wherever KeePassXC moved them to, except into its recycle bin. A person who makes
/// an entry by hand need only put the fingerprint into the user name.
pub(super) fn of<'a>(database: &'a Database, fingerprint: &str) -> impl Iterator<Item = EntryRef<'a>> {
    let url = url(fingerprint);
    let bin = database.recycle_bin().map(|group| group.id());
    database.iter_all_entries().filter(move |entry| {
        let named =
            entry.get_url() == Some(url.as_str()) || entry.get_username() == url.strip_prefix(URL_SCHEME);
        named && !ancestors(database, entry.parent().id()).any(|group| Some(group) == bin)
    })
}

/// The entry of the key `fingerprint` that counts: the one changed last.
pub(super) fn newest<'a>(database: &'a Database, fingerprint: &str) -> Option<EntryRef<'a>> {
    of(database, fingerprint).max_by_key(|entry| entry.times.last_modification)
}

/// Whether this can be the name of a key: stores know keys by SHA-256 fingerprints. In a vault it may be anything that a
/// person typed, so it is bounded too.
pub(super) fn is_name(name: &str) -> bool {
    name.len() <= 64 && name.starts_with("SHA256:")
}

/// Names of keys for which [`of`] may find something, at most `limit` of them.
pub(super) fn names(database: &Database, limit: usize) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for entry in database.iter_all_entries() {
        let of_url = entry.get_url().and_then(|url| url.strip_prefix(URL_SCHEME));
        for name in [of_url, entry.get_username()].into_iter().flatten() {
            if names.len() < limit && is_name(name) {
                names.insert(name.to_owned());
            }
        }
    }
    names
}

/// Adds an entry that [`of`] finds.
pub(super) fn add(database: &mut Database, fingerprint: &str, title: &str, passphrase: &str) {
    let group = database
        .root()
        .groups()
        .find(|group| group.name == GROUP)
        .map(|group| group.id());
    let group = group.unwrap_or_else(|| {
        let mut root = database.root_mut();
        let mut group = root.add_group();
        group.name = GROUP.to_owned();
        group.id()
    });
    if let Some(mut group) = database.group_mut(group) {
        let mut entry = group.add_entry();
        entry.set_unprotected(fields::TITLE, title);
        entry.set_unprotected(fields::USERNAME, fingerprint);
        entry.set_protected(fields::PASSWORD, passphrase);
        entry.set_unprotected(fields::URL, url(fingerprint));
    }
}

const URL_SCHEME: &str = "ssh-key:";

fn url(fingerprint: &str) -> String {
    format!("{URL_SCHEME}{fingerprint}")
}

/// The group and those above it, up to the root.
fn ancestors(database: &Database, group: GroupId) -> impl Iterator<Item = GroupId> + '_ {
    let parent = |id: &GroupId| database.group(*id)?.parent().map(|group| group.id());
    std::iter::successors(Some(group), parent)
}
