//! Where an entry's key is: attached to it, or in a file that it names; and what lies beside it.

use super::settings::Location;
use claviger_platform::files;
use keepass::db::EntryRef;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Larger key files are refused, as elsewhere.
const MAX_KEY: usize = 1 << 20;

/// What names of files in a database are relative to.
#[derive(Clone)]
pub(super) struct Surroundings {
    pub(super) home: PathBuf,
    /// An environment variable.
    pub(super) variable: fn(&str) -> Option<OsString>,
}

/// A key's bytes and those beside it.
pub(super) struct KeyBytes {
    pub(super) private: Zeroizing<Vec<u8>>,
    pub(super) public: Option<Vec<u8>>,
    pub(super) certificate: Option<Vec<u8>>,
    /// None: an attachment.
    pub(super) file: Option<PathBuf>,
}

/// Reads what `location` names; the error is for the person, and quotes nothing of the key.
pub(super) fn read(
    entry: &EntryRef<'_>,
    location: &Location,
    database: &Path,
    surroundings: &Surroundings,
) -> Result<KeyBytes, String> {
    match location {
        Location::Attachment(name) => attached(entry, name),
        Location::File(name) => in_file(expanded(name, database, surroundings)?),
    }
}

fn attached(entry: &EntryRef<'_>, name: &str) -> Result<KeyBytes, String> {
    let bytes = |name: &str| {
        let attachment = entry.attachment_by_name(name)?;
        (attachment.data.len() <= MAX_KEY).then(|| Zeroizing::new(attachment.data.to_vec()))
    };
    let private = bytes(name)
        .ok_or_else(|| format!("it has no attachment {name:?} of at most 1 MiB, which is to be its key"))?;
    let beside = |ending: &str| bytes(&format!("{name}{ending}")).map(|bytes| bytes.to_vec());
    Ok(KeyBytes {
        private,
        public: beside(".pub"),
        certificate: beside("-cert.pub"),
        file: None,
    })
}

fn in_file(path: PathBuf) -> Result<KeyBytes, String> {
    let limit = MAX_KEY as u64;
    let private = files::read_private(&path, limit).map_err(|error| error.to_string())?;
    let beside = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        files::read_public(Path::new(&name), limit).ok()
    };
    Ok(KeyBytes {
        private,
        public: beside(".pub"),
        certificate: beside("-cert.pub"),
        file: Some(path),
    })
}

/// The path that `name` means: `~/` is the home, `$NAME`, `${NAME}` and `%NAME%` are variables, and what is relative is
/// beside the database, so that both can be moved together.
pub(super) fn expanded(name: &str, database: &Path, surroundings: &Surroundings) -> Result<PathBuf, String> {
    let text = with_variables(name, surroundings)?;
    let path = match text.strip_prefix('~') {
        Some("") => surroundings.home.clone(),
        Some(rest) if rest.starts_with(['/', '\\']) => {
            surroundings.home.join(rest.trim_start_matches(['/', '\\']))
        }
        _ => PathBuf::from(&text),
    };
    Ok(match database.parent() {
        Some(folder) => folder.join(path),
        None => path,
    })
}

fn with_variables(name: &str, surroundings: &Surroundings) -> Result<String, String> {
    let mut text = String::new();
    let mut rest = name;
    while let Some(at) = rest.find(['$', '%']) {
        text.push_str(&rest[..at]);
        let (found, behind) = variable(&rest[at..]);
        match found {
            Some(variable) => {
                let value = (surroundings.variable)(variable).and_then(|value| value.into_string().ok());
                let value = value.ok_or_else(|| {
                    format!(
                        "the name of its key's file {name:?} has the variable {variable}, which is not set"
                    )
                })?;
                text.push_str(&value);
            }
            None => text.push_str(&rest[at..rest.len() - behind.len()]),
        }
        rest = behind;
    }
    text.push_str(rest);
    Ok(text)
}

/// The variable at the beginning, and what is behind it; without one, what is behind the sign.
fn variable(text: &str) -> (Option<&str>, &str) {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let delimited = |inside: &'_ str, end: char| {
        inside
            .find(end)
            .filter(|&at| at > 0 && inside[..at].chars().all(is_name))
    };
    let behind = &text[1..];
    if text.starts_with('%') {
        return match delimited(behind, '%') {
            Some(end) => (Some(&behind[..end]), &behind[end + 1..]),
            None => (None, behind),
        };
    }
    if let Some(inside) = behind.strip_prefix('{') {
        return match delimited(inside, '}') {
            Some(end) => (Some(&inside[..end]), &inside[end + 1..]),
            None => (None, behind),
        };
    }
    match behind.find(|c| !is_name(c)).unwrap_or(behind.len()) {
        0 => (None, behind),
        end => (Some(&behind[..end]), &behind[end..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_expanded_as_the_person_wrote_them() {
        let surroundings = Surroundings {
            home: PathBuf::from("/home/ü"),
            variable: |name| (name == "KEYS").then(|| "/keys".into()),
        };
        let path = |name: &str| expanded(name, Path::new("/sync/a.kdbx"), &surroundings);
        for (name, expected) in [
            ("id", "/sync/id"),
            ("sub/id a", "/sync/sub/id a"),
            ("/abs/id", "/abs/id"),
            ("~/.ssh/id", "/home/ü/.ssh/id"),
            ("$KEYS/id", "/keys/id"),
            ("${KEYS}x", "/keysx"),
            ("%KEYS%/id", "/keys/id"),
            ("100%", "/sync/100%"),
            ("a$/b", "/sync/a$/b"),
            ("~bob", "/sync/~bob"),
        ] {
            assert_eq!(path(name).unwrap(), Path::new(expected), "{name}");
        }
        assert!(path("$NONE/id").unwrap_err().contains("NONE"));
        assert!(path("%NONE%/id").is_err());
    }
}
