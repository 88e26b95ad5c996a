//! Changes the person's own file, `keys.files` in it: comments, order and layout stay.
use super::read::{bytes, expand};
use super::{Config, ConfigError};
use claviger_platform::files;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml_edit::{Array, DocumentMut, Item, Value};

/// Another writer needs milliseconds; one that needs longer is stuck.
const LOCK_LIMIT: Duration = Duration::from_secs(10);

/// Adds (or removes) `file` in `keys.files`, keeping the person's layout and comments; written whole or not at all.
/// False when there was nothing to change. A file that is not valid is left alone, with the error that
/// [`Config::parse`] gives. `home` is written as `~`, so that the file can be shared between machines.
pub fn edit_key_files(path: &Path, home: &Path, file: &Path, add: bool) -> Result<bool, ConfigError> {
    change(path, |old| edited(old, path, home, file, add))
}

/// Replaces the file by what `edited` makes of it; `None` from it means that there is nothing to change.
pub(super) fn change(
    path: &Path,
    edited: impl Fn(&[u8]) -> Result<Option<String>, ConfigError>,
) -> Result<bool, ConfigError> {
    let new = || edited(&bytes(path)?.unwrap_or_default());
    // Looked at twice, so that nothing is touched, not even a lock, where nothing is to change.
    if new()?.is_none() {
        return Ok(false);
    }
    if let Some(directory) = path.parent() {
        files::private_dir(directory)?;
    }
    let _lock = files::lock(path, LOCK_LIMIT)?;
    let Some(new) = new()? else {
        return Ok(false);
    };
    files::write_atomic(path, new.as_bytes())?;
    Ok(true)
}

/// The text, to be changed in place.
pub(super) fn document(old: &[u8], path: &Path) -> Result<DocumentMut, ConfigError> {
    let text = String::from_utf8_lossy(old);
    text.parse().map_err(|error| invalid(path, format!("{error}")))
}

/// A form that is valid, but cannot be edited.
pub(super) fn invalid(path: &Path, reason: String) -> ConfigError {
    ConfigError::Invalid {
        path: path.to_owned(),
        line: 1,
        column: 1,
        reason,
    }
}

/// The new text; `None` when there is nothing to change.
fn edited(
    old: &[u8],
    path: &Path,
    home: &Path,
    file: &Path,
    add: bool,
) -> Result<Option<String>, ConfigError> {
    let listed = Config::parse(old, path, home)?
        .key_files
        .iter()
        .any(|known| known == file);
    if listed == add {
        return Ok(None);
    }
    let mut document = document(old, path)?;
    let files = document
        .entry("keys")
        .or_insert_with(toml_edit::table)
        .as_table_like_mut()
        .map(|keys| {
            keys.entry("files")
                .or_insert_with(|| Item::Value(Array::new().into()))
        })
        .and_then(Item::as_array_mut)
        .ok_or_else(|| invalid(path, "keys.files is not an array".into()))?;
    match add {
        true => push(files, written(file, path, home)?),
        false => remove(files, |text| expand(text, home).is_ok_and(|known| known == file)),
    }
    Ok(Some(document.to_string()))
}

/// How the file is named in the configuration.
fn written(file: &Path, path: &Path, home: &Path) -> Result<String, ConfigError> {
    let name = match file.strip_prefix(home) {
        Ok(below) => PathBuf::from("~").join(below),
        Err(_) => file.to_owned(),
    };
    name.into_os_string()
        .into_string()
        .map_err(|_| ConfigError::Unwritable {
            path: path.to_owned(),
            file: file.to_owned(),
        })
}

/// Appends in the layout of the entry before.
fn push(files: &mut Array, name: String) {
    let mut value = Value::from(name);
    match files
        .iter()
        .last()
        .and_then(|last| last.decor().prefix())
        .cloned()
    {
        // A comment before the last entry is about that entry alone: only its line break and indent are taken over.
        Some(prefix) if files.len() > 1 || prefix.as_str().is_some_and(|text| text.contains('\n')) => {
            let text = prefix.as_str().unwrap_or(" ");
            let indent = text.rfind('\n').map_or(text, |newline| &text[newline..]);
            value.decor_mut().set_prefix(indent);
            files.push_formatted(value);
        }
        _ => files.push(value),
    }
}

fn remove(files: &mut Array, is_it: impl Fn(&str) -> bool) {
    let first = files
        .iter()
        .next()
        .and_then(|value| value.decor().prefix())
        .cloned();
    files.retain(|value| !value.as_str().is_some_and(&is_it));
    if let (Some(first), Some(value)) = (first, files.get_mut(0))
        && value.decor().prefix().and_then(|prefix| prefix.as_str()) == Some(" ")
    {
        value.decor_mut().set_prefix(first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: &str = "/home/Zoë Q";

    fn edit(old: &str, file: &str, add: bool) -> Option<String> {
        edited(
            old.as_bytes(),
            Path::new("/c"),
            Path::new(HOME),
            Path::new(file),
            add,
        )
        .unwrap()
    }

    #[test]
    fn an_empty_file_gets_its_table() {
        assert_eq!(edit("", "/k/id", true).unwrap(), "[keys]\nfiles = [\"/k/id\"]\n");
    }

    #[test]
    fn comments_and_layout_stay() {
        let old = "# mine\n[lock]   # about locks\nidle = '1h'\n\n[keys]\ndirs = [ '/a' ] # one\nfiles = [\n    # work\n    \"/w\", # daily\n]\n";
        let new = edit(old, "/home/Zoë Q/a \"b\"", true).unwrap();
        let line = "    \"/w\", # daily\n";
        assert!(new.starts_with(&old[..old.find(line).unwrap()]), "{new}");
        assert!(new.contains("# daily"), "{new}");
        let config = Config::parse(new.as_bytes(), Path::new("/c"), Path::new(HOME)).unwrap();
        assert_eq!(
            config.key_files,
            [Path::new("/w"), Path::new("/home/Zoë Q/a \"b\"")]
        );
        assert!(new.contains("~/a"), "{new}");
        let back = edit(&new, "/home/Zoë Q/a \"b\"", false).unwrap();
        assert!(back.contains("# daily") && back.contains("# work"), "{back}");
        let config = Config::parse(back.as_bytes(), Path::new("/c"), Path::new(HOME)).unwrap();
        assert_eq!(config.key_files, [Path::new("/w")]);
    }

    #[test]
    fn one_line_stays_one_line() {
        let one = edit("keys.files = ['/a', '/b']\n", "/c", true).unwrap();
        assert_eq!(one, "keys.files = ['/a', '/b', \"/c\"]\n");
        assert_eq!(edit(&one, "/a", false).unwrap(), "keys.files = ['/b', \"/c\"]\n");
        assert_eq!(
            edit("keys = { files = [] }", "/c", true).unwrap(),
            "keys = { files = [\"/c\"] }\n"
        );
    }

    #[test]
    fn what_is_there_already_changes_nothing() {
        assert_eq!(edit("keys.files = ['~/id']", "/home/Zoë Q/id", true), None);
        assert_eq!(edit("keys.files = ['~/id']", "/home/Zoë Q/other", false), None);
        assert_eq!(edit("", "/x", false), None);
    }

    #[test]
    fn nothing_is_touched_where_nothing_is_to_change() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("claviger/config.toml");
        let edit = |add| edit_key_files(&path, Path::new(HOME), Path::new("/k/id"), add).unwrap();
        assert!(!edit(false));
        assert!(!path.parent().unwrap().exists());
        assert!(edit(true) && !edit(true));
        assert!(edit(false) && !edit(false));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "[keys]\nfiles = []\n");
    }

    #[test]
    fn an_invalid_file_is_left_alone() {
        let error = edited(
            b"\n[kesy]\n",
            Path::new("/c"),
            Path::new(HOME),
            Path::new("/k"),
            true,
        )
        .unwrap_err();
        assert!(error.to_string().starts_with("/c:2:2: "), "{error}");
    }
}
