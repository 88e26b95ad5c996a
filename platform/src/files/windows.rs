//! Windows: access lists where Unix has modes. "Private" is: this user, LocalSystem and administrators, nothing inherited.

use super::error::{FileError, at};
use crate::windows::descriptor::{self, Descriptor, Kind};
use crate::windows::{done, sid, wide};
use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::{MetadataExt, OpenOptionsExt};
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, CreateDirectoryW, FILE_FLAG_BACKUP_SEMANTICS, FILE_TYPE_DISK,
    GetFileInformationByHandle, GetFileType,
};

pub(super) use super::named::{give_name, unnamed};
pub(super) use crate::windows::long;

/// Opens a regular file and tells its state when opened. A pipe or a device such as `CON` is refused before it is read.
pub(super) fn open_regular(path: &Path) -> Result<(File, Metadata), FileError> {
    let not_regular = |what| FileError::NotRegular {
        path: path.to_owned(),
        what,
    };
    let opened = File::open(path);
    let file = match opened {
        // A directory cannot be opened as a file, and the error says nothing of the reason.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && path.is_dir() => {
            return Err(not_regular("a directory"));
        }
        opened => opened.map_err(at(path))?,
    };
    // SAFETY: the handle is open.
    if unsafe { GetFileType(file.as_raw_handle()) } != FILE_TYPE_DISK {
        return Err(not_regular("a pipe or a device"));
    }
    let state = file.metadata().map_err(at(path))?;
    if state.is_dir() {
        return Err(not_regular("a directory"));
    }
    Ok((file, state))
}

/// Refuses a file that belongs to a stranger or whose access list lets others in, as ssh for Windows does.
pub(super) fn refuse_shared(path: &Path, file: &File, _state: &Metadata) -> Result<(), FileError> {
    let own = sid::own().map_err(at(path))?;
    let owner = descriptor::owner(file.as_raw_handle(), Kind::File).map_err(at(path))?;
    if ![own.as_str(), sid::SYSTEM, sid::ADMINISTRATORS].contains(&owner.as_str()) {
        return Err(FileError::Stranger {
            path: path.to_owned(),
        });
    }
    let list = descriptor::read(file.as_raw_handle(), Kind::File).map_err(at(path))?;
    let strangers = descriptor::strangers(&list, &own);
    if strangers.is_empty() {
        return Ok(());
    }
    Err(FileError::Shared {
        path: path.to_owned(),
        who: strangers
            .iter()
            .map(|who| named(who))
            .collect::<Vec<_>>()
            .join(", "),
        remedy: format!("icacls \"{}\" /inheritance:r /grant:r *{own}:F", path.display()),
    })
}

/// SDDL's short names of the groups that are met, in words.
pub(super) fn named(who: &str) -> &str {
    match who {
        "WD" | "S-1-1-0" => "everyone",
        "BU" | "S-1-5-32-545" => "all users",
        "AU" | "S-1-5-11" => "all who have logged in",
        "IU" => "all who are logged in",
        "AN" => "guests",
        other => other,
    }
}

/// Takes away whatever access was inherited.
pub(super) fn make_private(_file: &File, path: &Path) -> io::Result<()> {
    Descriptor::parse(&descriptor::private(false)?)?.set_on_file(path)
}

/// A file to append to. It gets its access list from its directory, which is private.
pub(super) fn appending(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

/// Modes say nothing here: what is made is private, and a public key that only its owner reads harms nobody.
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
pub(super) fn set_mode(_file: &File, _mode: u32) -> io::Result<()> {
    Ok(())
}

/// Whether its last name is gone: somebody removed it since it was opened.
pub(super) fn unlinked(file: &File) -> io::Result<bool> {
    Ok(information(file)?.nNumberOfLinks == 0)
}

/// Which file it is: volume and number; without them (a file that may not be opened now) when it was made.
pub(super) fn identity(path: &Path, state: &Metadata) -> (u64, u64) {
    // No access is asked for, so that nobody's lock is in the way. Directories need the flag.
    let opened = OpenOptions::new()
        .access_mode(0)
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS)
        .open(path);
    match opened.and_then(|file| information(&file)) {
        Ok(found) => (
            u64::from(found.dwVolumeSerialNumber),
            u64::from(found.nFileIndexHigh) << 32 | u64::from(found.nFileIndexLow),
        ),
        Err(_) => (0, state.creation_time()),
    }
}

/// Whether this process may write the file, links followed. Nothing but opening tells what an access list amounts to.
pub(super) fn may_write(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).open(path).map(drop)
}

fn information(file: &File) -> io::Result<BY_HANDLE_FILE_INFORMATION> {
    let mut found = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is open, `found` a place for the answer.
    done(unsafe { GetFileInformationByHandle(file.as_raw_handle(), &mut found) })?;
    Ok(found)
}

/// Directories cannot be synced here: the file system's journal keeps the order of their changes.
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
pub(super) fn sync_dir(_dir: &Path) -> io::Result<()> {
    Ok(())
}

/// Makes a directory (and its parents) private from the start. One that exists is left as it is.
pub fn private_dir(path: &Path) -> Result<(), FileError> {
    // The root of a drive cannot be made, and says so in a misleading way.
    if path.is_dir() {
        return Ok(());
    }
    let descriptor = descriptor::private(true)
        .and_then(|text| Descriptor::parse(&text))
        .map_err(at(path))?;
    make(path, &descriptor)
}

fn make(path: &Path, descriptor: &Descriptor) -> Result<(), FileError> {
    let create = || {
        let name = wide(&*long(path))?;
        // SAFETY: the text is terminated, the descriptor alive.
        done(unsafe { CreateDirectoryW(name.as_ptr(), &descriptor.attributes()) })
    };
    let made = match create() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let parent = path.parent().ok_or_else(|| FileError::Missing {
                path: path.to_owned(),
            })?;
            make(parent, descriptor)?;
            create()
        }
        other => other,
    };
    match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        other => other.map_err(at(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::{FileError, Fresh, lock, read_exposed, read_private, stamp, write_atomic};
    use std::time::Duration;

    fn list(path: &Path) -> String {
        descriptor::read(File::open(path).unwrap().as_raw_handle(), Kind::File).unwrap()
    }

    #[test]
    fn what_is_written_is_private_and_can_be_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("Größe mit Platz/deep/vault");
        for text in ["old", "new"] {
            write_atomic(&path, text.as_bytes()).unwrap();
            assert_eq!(read_private(&path, 100).unwrap().as_slice(), text.as_bytes());
        }
        let strangers = descriptor::strangers(&list(&path), &sid::own().unwrap());
        assert_eq!(strangers, Vec::<String>::new(), "{}", list(&path));
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_path_of_any_length_is_made_written_and_read() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("Größe mit Platz/".repeat(30));
        let (old, fresh) = (deep.join("old"), deep.join("fresh"));
        for text in ["one", "two"] {
            write_atomic(&old, text.as_bytes()).unwrap();
            assert_eq!(read_private(&old, 100).unwrap().as_slice(), text.as_bytes());
        }
        Fresh::write(&fresh, b"new", 0o600).unwrap().publish().unwrap();
        assert_eq!(read_private(&fresh, 100).unwrap().as_slice(), b"new");
        assert!(stamp(&fresh).is_some() && lock(&old, Duration::ZERO).is_ok());
    }

    #[test]
    fn a_key_that_everyone_may_read_is_refused_with_the_remedy() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("id");
        std::fs::write(&path, "key").unwrap();
        let open = Descriptor::parse("D:P(A;;FA;;;WD)").unwrap();
        open.set_on_file(&path).unwrap();
        let refused = read_private(&path, 100).unwrap_err();
        assert!(
            matches!(&refused, FileError::Shared { who, .. } if who.contains("everyone")),
            "{refused}"
        );
        assert!(refused.to_string().contains("icacls"));
        assert!(read_exposed(&path, 100).unwrap().1);
    }

    #[test]
    fn directories_pipes_and_devices_are_no_files() {
        let dir = tempfile::tempdir().unwrap();
        for path in [dir.path(), Path::new("NUL")] {
            let refused = read_private(path, 100).unwrap_err();
            assert!(matches!(refused, FileError::NotRegular { .. }), "{refused}");
        }
        let missing = read_private(&dir.path().join("none"), 100).unwrap_err();
        assert!(matches!(missing, FileError::Missing { .. }), "{missing}");
    }

    #[test]
    fn nothing_is_overwritten_and_a_replaced_file_is_another() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("id");
        Fresh::write(&path, b"one", 0o600).unwrap().publish().unwrap();
        let before = stamp(&path).unwrap();
        assert!(matches!(
            Fresh::write(&path, b"two", 0o600),
            Err(FileError::Exists { .. })
        ));
        assert_eq!(stamp(&path), Some(before));
        write_atomic(&path, b"two").unwrap();
        assert_ne!(stamp(&path), Some(before));
    }

    #[test]
    fn one_holder_of_a_lock_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("vault");
        let held = lock(&path, Duration::ZERO).unwrap();
        assert!(matches!(
            lock(&path, Duration::ZERO),
            Err(FileError::Locked { .. })
        ));
        drop(held);
        assert!(lock(&path, Duration::ZERO).is_ok());
    }
}
