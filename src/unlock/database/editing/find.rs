//! Which entry a person means.

use super::view::EntryView;
use crate::unlock::vault::VaultError;

/// The one entry of that name. What it names exactly goes before what it begins.
pub(super) fn one<'a>(entries: &'a [EntryView], name: &str) -> Result<&'a EntryView, VaultError> {
    let ways: [&dyn Fn(&EntryView) -> bool; 4] = [
        &|entry| entry.uuid.eq_ignore_ascii_case(name) || names_key(entry, |fingerprint| fingerprint == name),
        &|entry| path(entry) == name.trim_start_matches('/'),
        &|entry| entry.title == name,
        &|entry| {
            let start = name.trim_start_matches("SHA256:");
            !start.is_empty()
                && names_key(entry, |fingerprint| {
                    fingerprint.trim_start_matches("SHA256:").starts_with(start)
                })
        },
    ];
    for way in ways {
        let found: Vec<&EntryView> = entries.iter().filter(|entry| way(entry)).collect();
        match found.as_slice() {
            [] => {}
            [one] => return Ok(one),
            many => {
                let names = many
                    .iter()
                    .map(|entry| format!("\n  {} {}", entry.uuid, path(entry)));
                let names: String = names.collect();
                return Err(VaultError::Refused(format!(
                    "{name:?} means several entries; give the UUID of one:{names}"
                )));
            }
        }
    }
    Err(VaultError::Refused(format!(
        "no entry is called {name:?}; `claviger vault list` shows them"
    )))
}

/// Groups and title.
pub(super) fn path(entry: &EntryView) -> String {
    match entry.group.as_str() {
        "" => entry.title.clone(),
        group => format!("{group}/{}", entry.title),
    }
}

/// Whether its key, or the key whose passphrase it has, is one of these.
fn names_key(entry: &EntryView, is: impl Fn(&str) -> bool) -> bool {
    let of_key = entry.key.as_ref().map(|key| key.fingerprint.as_str());
    let of_user = entry.user.starts_with("SHA256:").then_some(entry.user.as_str());
    [of_key, of_user].into_iter().flatten().any(is)
}
