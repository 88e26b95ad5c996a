//! Windows: a key of the registry for each session, whose name is the session's with odd bytes of the system's code page as
//! %XX (PuTTY's windows/utils/escape_registry_key.c). Texts are texts there, numbers and switches are numbers.

use super::{PuttyError, Settings, unescaped};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::ptr::null_mut;
use windows_registry::{CURRENT_USER, Key, Type};
use windows_sys::Win32::Foundation::ERROR_FILE_NOT_FOUND;
use windows_sys::Win32::Globalization::{CP_ACP, MultiByteToWideChar};

/// Below the current user's.
const SESSIONS: &str = r"Software\SimonTatham\PuTTY\Sessions";
/// What PuTTY keeps as numbers, of the settings that are ever written here.
const NUMBERS: [&str; 3] = ["Present", "PortNumber", crate::putty::SYNCED];

/// One session's key, existing or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry(String);

impl Entry {
    /// What stands in it; `None` if it is not there.
    pub fn read(&self) -> Result<Option<Settings>, PuttyError> {
        let Some(key) = open(&self.path())? else {
            return Ok(None);
        };
        let values = key.values().map_err(at(&self.path()))?;
        let settings = values.fold(Settings::default(), |settings, (name, value)| {
            let text = match value.ty() {
                Type::U32 => u32::try_from(value).ok().map(|number| number.to_string()),
                Type::String | Type::ExpandString => String::try_from(value).ok(),
                _ => None,
            };
            match text {
                Some(text) => settings.with(&name, &text),
                None => settings,
            }
        });
        Ok(Some(settings))
    }

    /// Replaces it.
    pub fn write(&self, settings: &Settings) -> Result<(), PuttyError> {
        let path = self.path();
        let key = CURRENT_USER.create(&path).map_err(at(&path))?;
        for (name, value) in settings.iter() {
            let written = match value.parse() {
                Ok(number) if NUMBERS.contains(&name) => key.set_u32(name, number),
                _ => key.set_string(name, value),
            };
            written.map_err(at(&path))?;
        }
        let old = key.values().map_err(at(&path))?;
        let gone: Vec<String> = old
            .map(|(name, _)| name)
            .filter(|name| settings.get(name).is_empty())
            .collect();
        for name in gone {
            key.remove_value(&name).map_err(at(&path))?;
        }
        Ok(())
    }

    /// Removes it.
    pub fn remove(&self) -> Result<(), PuttyError> {
        CURRENT_USER.remove_tree(self.path()).map_err(at(&self.path()))
    }

    fn path(&self) -> String {
        format!(r"{SESSIONS}\{}", self.0)
    }
}

/// Where PuTTY looks, for people.
pub fn places(_home: &Path) -> Vec<String> {
    vec![format!(r"HKEY_CURRENT_USER\{SESSIONS}")]
}

/// All sessions by name.
pub fn sessions(_home: &Path) -> Result<BTreeMap<String, Entry>, PuttyError> {
    let Some(key) = open(SESSIONS)? else {
        return Ok(BTreeMap::new());
    };
    let keys = key.keys().map_err(at(SESSIONS))?;
    Ok(keys.map(|name| (shown(&name), Entry(name))).collect())
}

/// There is one place only.
pub fn saved(home: &Path) -> Result<BTreeMap<String, Entry>, PuttyError> {
    sessions(home)
}

/// Where PuTTY would save a session of this name.
pub fn entry(_home: &Path, name: &str) -> Result<Entry, PuttyError> {
    match name.is_ascii() {
        true => Ok(Entry(escaped(name))),
        false => Err(PuttyError::Name { name: name.into() }),
    }
}

fn open(path: &str) -> Result<Option<Key>, PuttyError> {
    match CURRENT_USER.open(path).map_err(failure) {
        Ok(key) => Ok(Some(key)),
        Err(error) if error.raw_os_error() == Some(ERROR_FILE_NOT_FOUND.cast_signed()) => Ok(None),
        Err(source) => Err(PuttyError::Io {
            place: format!(r"HKEY_CURRENT_USER\{path}"),
            source,
        }),
    }
}

/// A session's name as the registry has it. A dot may not come first.
fn escaped(name: &str) -> String {
    let letter = |(at, byte): (usize, u8)| match byte {
        b' ' | b'\\' | b'*' | b'?' | b'%' => format!("%{byte:02X}"),
        b'.' if at == 0 => "%2E".into(),
        0x21..=0x7e => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    name.bytes().enumerate().map(letter).collect()
}

/// The name as PuTTY shows it.
fn shown(key: &str) -> String {
    let bytes = unescaped(key.as_bytes());
    match bytes.is_ascii() || !key.is_ascii() {
        true => String::from_utf8_lossy(&bytes).into_owned(),
        false => wide(&bytes),
    }
}

/// Bytes of the system's code page as text.
fn wide(bytes: &[u8]) -> String {
    let length = i32::try_from(bytes.len()).unwrap_or(i32::MAX);
    // No code page has bytes that make more than two units.
    let mut units = vec![0_u16; 2 * bytes.len()];
    let room = i32::try_from(units.len()).unwrap_or(i32::MAX);
    // SAFETY: both buffers have the lengths that are told; nothing is written where one is empty.
    let made = unsafe {
        let place = if units.is_empty() {
            null_mut()
        } else {
            units.as_mut_ptr()
        };
        MultiByteToWideChar(CP_ACP, 0, bytes.as_ptr(), length, place, room)
    };
    let made = usize::try_from(made).unwrap_or(0);
    String::from_utf16_lossy(&units[..made])
}

fn at<E: Into<io::Error>>(path: &str) -> impl FnOnce(E) -> PuttyError {
    let place = format!(r"HKEY_CURRENT_USER\{path}");
    move |error| PuttyError::Io {
        place,
        source: failure(error),
    }
}

/// The system's own number of a failure, out of the COM one around it.
fn failure<E: Into<io::Error>>(error: E) -> io::Error {
    let error = error.into();
    match error.raw_os_error() {
        Some(number) => io::Error::from_raw_os_error(number & 0xffff),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A session that is removed again.
    struct Made(Entry);

    impl Drop for Made {
        fn drop(&mut self) {
            let _ = self.0.remove();
        }
    }

    fn named(what: &str) -> String {
        format!("claviger test {what} {}", std::process::id())
    }

    #[test]
    fn what_is_written_has_puttys_kinds_and_comes_back() {
        let (home, name) = (Path::new(""), named("100%"));
        let made = Made(entry(home, &name).unwrap());
        assert_eq!(made.0.read().unwrap(), None);
        let settings = Settings::default()
            .with("HostName", "1234")
            .with("PortNumber", "2222")
            .with("PublicKeyFile", r"C:\Größe mit Platz\id.ppk");
        made.0.write(&settings).unwrap();
        assert_eq!(made.0.read().unwrap(), Some(settings.clone()));
        let key = CURRENT_USER.create(made.0.path()).unwrap();
        assert_eq!(key.get_u32("PortNumber").unwrap(), 2222);
        assert_eq!(key.get_string("HostName").unwrap(), "1234", "a text of digits");
        assert_eq!(sessions(home).unwrap()[&name], made.0);

        // What PuTTY would not have expected is passed over; what is not wanted any more goes.
        key.set_bytes("Odd", Type::Bytes, &[1, 2, 3]).unwrap();
        key.set_string("Old", "x").unwrap();
        assert_eq!(made.0.read().unwrap(), Some(settings.clone().with("Old", "x")));
        made.0.write(&settings).unwrap();
        assert!(key.get_string("Old").is_err());
        made.0.remove().unwrap();
        assert_eq!(made.0.read().unwrap(), None);
        assert!(!sessions(home).unwrap().contains_key(&name));
    }

    #[test]
    fn names_are_escaped_as_putty_does_it() {
        assert_eq!(escaped("a b\\c*?%d~.e"), "a%20b%5Cc%2A%3F%25d~.e");
        assert_eq!(escaped(".hidden\u{7f}"), "%2Ehidden%7F");
        for name in ["a b\\c*?%d~.e", ".hidden", "host:22"] {
            assert_eq!(shown(&escaped(name)), name);
        }
        // The euro is where it is in most code pages that have it; at any rate it is one letter.
        assert_eq!(shown("B%80ro").chars().count(), 4);
        assert!(matches!(
            entry(Path::new(""), "Büro"),
            Err(PuttyError::Name { .. })
        ));
    }
}
