//! Passphrases of key files elsewhere: an entry gives that of the file that it names.
//!
//! An entry names a file by its title, its URL, or the file in KeeAgent's settings: as a path (also with `~` or
//! `file://`), as a file name, or by the key's SHA256 fingerprint; the embedded vault's way of naming (the fingerprint as
//! user name, `ssh-key:` as URL) counts too. Of an open database the digests of these names are kept, so that one that
//! names nothing of the kind is not decrypted for it.

use super::entries::{in_order, settings_of};
use super::file::{Database, Opened};
use super::references::passphrases;
use super::settings::Location;
use super::source::expanded;
use crate::secret::Secret;
use crate::unlock::Wanted;
use aws_lc_rs::digest::{SHA256, digest};
use keepass::db::EntryRef;
use std::collections::HashSet;
use std::path::Path;

/// Entries that are tried for one key.
const MOST: usize = 4;

/// Digests of names.
pub(super) type Names = HashSet<[u8; 32]>;

/// What an entry may call the key's file, the most exact first.
pub(super) fn forms(wanted: &Wanted, home: &Path) -> Vec<String> {
    let mut forms = vec![
        wanted.fingerprint.clone(),
        format!("ssh-key:{}", wanted.fingerprint),
    ];
    if let Some(path) = wanted.path.to_str().filter(|path| !path.is_empty()) {
        forms.extend([path.to_owned(), format!("file://{path}")]);
    }
    if let Ok(inside) = wanted.path.strip_prefix(home) {
        forms.push(format!("~/{}", inside.display()));
    }
    if let Some(name) = wanted.path.file_name().and_then(|name| name.to_str()) {
        forms.push(name.to_owned());
    }
    forms
}

/// Whether one of `forms` is among `names`.
pub(super) fn are_named(names: &Names, forms: &[String]) -> bool {
    forms.iter().any(|form| names.contains(&hashed(form)))
}

fn hashed(name: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, name.as_bytes()).as_ref());
    hash
}

impl Opened {
    /// Digests of everything that entries may mean a file by.
    pub(super) fn names(&self, database: &Database) -> Names {
        let entries = in_order(&self.content);
        let names = entries.iter().flat_map(|entry| names_of(entry, database));
        names.map(|name| hashed(&name)).collect()
    }

    /// What may open the file that is called one of `forms`: of the entries that name it most exactly, of the newest.
    pub(super) fn passphrases(&self, database: &Database, forms: &[String]) -> Vec<Secret> {
        let mut found: Vec<(usize, EntryRef<'_>)> = in_order(&self.content)
            .into_iter()
            .filter_map(|entry| {
                let ranks = names_of(&entry, database).into_iter();
                let ranks = ranks.filter_map(|name| forms.iter().position(|form| *form == name));
                Some((ranks.min()?, entry))
            })
            .collect();
        found.sort_by_key(|(rank, entry)| (*rank, std::cmp::Reverse(entry.times.last_modification)));
        let texts = found
            .iter()
            .take(MOST)
            .flat_map(|(_, entry)| passphrases(&self.content, entry));
        let texts = texts.filter(|text| !text.is_empty());
        texts.map(|text| Secret::copy_of(text.as_bytes())).collect()
    }
}

fn names_of(entry: &EntryRef<'_>, database: &Database) -> Vec<String> {
    let written = [entry.get_title(), entry.get_url(), entry.get_username()];
    let mut names: Vec<String> = written
        .into_iter()
        .enumerate()
        .filter_map(|(place, name)| Some((place, name?.trim())))
        // A user name is a person's on some host, so it names a key by its fingerprint only.
        .filter(|(place, name)| *place != 2 || name.starts_with("SHA256:"))
        .map(|(_, name)| name.to_owned())
        .collect();
    if let Some(Ok(settings)) = settings_of(entry)
        && let Some(Location::File(name)) = settings.location
        && let Ok(path) = expanded(&name, &database.table.path, &database.surroundings)
    {
        names.push(path.to_string_lossy().into_owned());
    }
    names
}
