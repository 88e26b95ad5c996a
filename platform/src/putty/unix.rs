//! Unix: a file for each session, whose name is the session's with odd bytes as %XX.

use super::{PuttyError, Settings, unescaped};
use crate::dirs::variable;
use crate::files;
use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Far above every session, in bytes.
const LONGEST: u64 = 1 << 20;

/// One session's file, existing or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry(PathBuf);

impl Entry {
    /// What stands in it; `None` if it is not there.
    pub fn read(&self) -> Result<Option<Settings>, PuttyError> {
        match files::read_public(&self.0, LONGEST) {
            Ok(file) => Ok(Some(Settings::parse(&file))),
            Err(files::FileError::Missing { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Replaces it.
    pub fn write(&self, settings: &Settings) -> Result<(), PuttyError> {
        let line = |(name, value)| format!("{name}={value}\n");
        let text: String = settings.iter().map(line).collect();
        Ok(files::write_atomic(&self.0, text.as_bytes())?)
    }

    /// Removes it.
    pub fn remove(&self) -> Result<(), PuttyError> {
        std::fs::remove_file(&self.0).map_err(at(&self.0))
    }
}

/// Where PuTTY looks, for people.
pub fn places(home: &Path) -> Vec<String> {
    folders(home)
        .iter()
        .map(|folder| folder.display().to_string())
        .collect()
}

/// All sessions by name; one of the same name in a later folder is one that PuTTY does not see.
pub fn sessions(home: &Path) -> Result<BTreeMap<String, Entry>, PuttyError> {
    let mut sessions = BTreeMap::new();
    for folder in folders(home) {
        for (name, entry) in inside(&folder)? {
            sessions.entry(name).or_insert(entry);
        }
    }
    Ok(sessions)
}

/// The sessions where PuTTY saves new ones.
pub fn saved(home: &Path) -> Result<BTreeMap<String, Entry>, PuttyError> {
    inside(&folder(home))
}

/// Where PuTTY would save a session of this name.
pub fn entry(home: &Path, name: &str) -> Result<Entry, PuttyError> {
    Ok(Entry(folder(home).join(escaped(name))))
}

/// The folders of saved sessions, those first that PuTTY itself would read: PUTTYSESSIONS, PUTTYDIR,
/// $XDG_CONFIG_HOME/putty, ~/.config/putty, ~/.putty.
fn folders(home: &Path) -> Vec<PathBuf> {
    let named = |name| {
        variable(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let mut folders: Vec<PathBuf> = named("PUTTYSESSIONS").into_iter().collect();
    let configured = [
        named("PUTTYDIR"),
        named("XDG_CONFIG_HOME").map(|base| base.join("putty")),
        Some(home.join(".config/putty")),
        Some(home.join(".putty")),
    ];
    for folder in configured.into_iter().flatten() {
        let sessions = folder.join("sessions");
        if !folders.contains(&sessions) {
            folders.push(sessions);
        }
    }
    folders
}

/// Where PuTTY saves: the first folder that is there, else the one that it always had.
fn folder(home: &Path) -> PathBuf {
    let is_there = |folder: &PathBuf| folder.parent().is_some_and(Path::exists);
    let usual = || home.join(".putty/sessions");
    folders(home).into_iter().find(is_there).unwrap_or_else(usual)
}

fn inside(folder: &Path) -> Result<BTreeMap<String, Entry>, PuttyError> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        entries => entries.map_err(at(folder))?,
    };
    let mut sessions = BTreeMap::new();
    for entry in entries {
        let entry = entry.map_err(at(folder))?;
        let name = unescaped(entry.file_name().as_bytes());
        sessions.insert(String::from_utf8_lossy(&name).into_owned(), Entry(entry.path()));
    }
    Ok(sessions)
}

/// A session's name as PuTTY names its file (`make_session_filename`).
fn escaped(name: &str) -> String {
    let letter = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() || b"+-.@_".contains(&byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    name.bytes().map(letter).collect()
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> PuttyError {
    let place = path.display().to_string();
    move |source| PuttyError::Io { place, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_settings_come_back_and_the_first_folder_counts() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path();
        assert!(sessions(home).unwrap().is_empty());
        let settings = Settings::default().with("HostName", "a").with("PortNumber", "22");
        let one = entry(home, "Café / lab 100%").unwrap();
        assert_eq!(one.read().unwrap(), None);
        one.write(&settings).unwrap();
        assert!(
            home.join(".putty/sessions/Caf%C3%A9%20%2F%20lab%20100%25")
                .is_file()
        );
        assert_eq!(one.read().unwrap(), Some(settings.clone()));
        assert_eq!(sessions(home).unwrap()["Café / lab 100%"], one);

        std::fs::create_dir_all(home.join(".config/putty")).unwrap();
        let first = entry(home, "Café / lab 100%").unwrap();
        first.write(&settings).unwrap();
        assert_ne!(first, one);
        assert_eq!(
            sessions(home).unwrap()["Café / lab 100%"],
            first,
            "the first folder's"
        );
        assert_eq!(saved(home).unwrap().len(), 1);
        first.remove().unwrap();
        assert!(saved(home).unwrap().is_empty());
    }
}
