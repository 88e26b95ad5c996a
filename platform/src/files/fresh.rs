//! Making a file that must not exist yet: it appears whole, or not at all, and never in the place of another.
//!
//! Where the kernel can (Linux: `O_TMPFILE`), the file has no name while it is written, so that a writer that is killed
//! leaves nothing behind and nobody who watches the directory sees a half. Elsewhere it has a temporary name, which
//! the next writer of the same name removes.

use super::error::{FileError, at};
use super::{imp, write};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A whole file that waits for its name. Dropped, it is gone.
pub struct Fresh {
    body: Body,
    path: PathBuf,
}

enum Body {
    Unnamed(File),
    Temporary(NamedTempFile),
}

impl Fresh {
    /// Writes `bytes`, synced, with exactly this mode, to be named `path`.
    ///
    /// # Errors
    /// [`FileError::Exists`] when something (a dangling link too) has that name, and whatever writing there meets.
    pub fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<Self, FileError> {
        let path = &*imp::long(path);
        refuse_existing(path)?;
        let dir = parent(path);
        let name = path
            .file_name()
            .ok_or_else(|| at(path)(io::ErrorKind::InvalidFilename.into()))?;
        let body = match imp::unnamed(dir).map_err(at(dir))? {
            Some(file) => Body::Unnamed(file),
            None => Body::Temporary(write::create(dir, name).map_err(at(dir))?),
        };
        let mut file = match &body {
            Body::Unnamed(file) => file,
            Body::Temporary(file) => file.as_file(),
        };
        file.write_all(bytes)
            .and_then(|()| imp::set_mode(file, mode))
            .and_then(|()| file.sync_all())
            .map_err(at(path))?;
        Ok(Self {
            body,
            path: path.to_owned(),
        })
    }

    /// Gives it its name, also on disk.
    ///
    /// # Errors
    /// As [`Fresh::write`]: somebody may have been faster.
    pub fn publish(self) -> Result<(), FileError> {
        let Self { body, path } = self;
        let named = match body {
            Body::Unnamed(file) => imp::give_name(&file, &path),
            Body::Temporary(file) => file
                .persist_noclobber(&path)
                .map(drop)
                .map_err(|error| error.error),
        };
        named.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => FileError::Exists { path: path.clone() },
            _ => at(&path)(error),
        })?;
        imp::sync_dir(parent(&path)).map_err(at(&path))
    }
}

/// Replaces the file that `path` names, links followed, whole or not at all, and keeps its mode; a new one gets 0600.
///
/// # Errors
/// As [`write_atomic`](super::write_atomic).
pub fn replace_keeping_mode(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let mode = std::fs::metadata(path).ok().map(|state| state.permissions());
    write::replace(path, bytes, mode)
}

/// Refuses an existing file that is not to be written: by its mode, which tells what its owner wants even of root, or by what
/// holds it. Replacing would need neither.
///
/// # Errors
/// [`FileError::ReadOnly`].
pub fn refuse_read_only(path: &Path) -> Result<(), FileError> {
    let Ok(state) = std::fs::metadata(path) else {
        return Ok(());
    };
    let may = match state.permissions().readonly() {
        true => Err(io::ErrorKind::PermissionDenied.into()),
        false => imp::may_write(path),
    };
    may.map_err(|source| FileError::ReadOnly {
        path: path.to_owned(),
        source,
    })
}

/// Refuses a name that is taken, by whatever.
///
/// # Errors
/// [`FileError::Exists`].
pub fn refuse_existing(path: &Path) -> Result<(), FileError> {
    match std::fs::symlink_metadata(path) {
        Ok(_) => Err(FileError::Exists {
            path: path.to_owned(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(at(path)(error)),
    }
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::in_child;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    fn count(dir: &Path) -> usize {
        fs::read_dir(dir).unwrap().count()
    }

    #[test]
    fn appears_whole_with_its_mode_whatever_the_umask() {
        let dir = tempfile::tempdir().unwrap();
        for (name, mode) in [("key", 0o600), ("key.pub", 0o644)] {
            let path = dir.path().join(name);
            in_child(|| {
                rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o277));
                let fresh = Fresh::write(&path, b"whole", mode).unwrap();
                assert!(!path.exists());
                fresh.publish().unwrap();
            });
            assert_eq!(fs::read(&path).unwrap(), b"whole");
            assert_eq!(path.metadata().unwrap().mode() & 0o7777, mode);
        }
        assert_eq!(count(dir.path()), 2);
    }

    #[test]
    fn nothing_is_ever_replaced_and_nothing_left_behind() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let late = Fresh::write(&path, b"late", 0o600).unwrap();
        Fresh::write(&path, b"dropped", 0o600).map(drop).unwrap();
        assert_eq!(count(dir.path()), 0, "what has no name leaves nothing");
        Fresh::write(&path, b"first", 0o600).unwrap().publish().unwrap();
        assert!(matches!(late.publish(), Err(FileError::Exists { .. })));
        assert!(matches!(
            Fresh::write(&path, b"again", 0o600),
            Err(FileError::Exists { .. })
        ));
        assert_eq!(fs::read(&path).unwrap(), b"first");
        let dangling = dir.path().join("dangling");
        symlink("nowhere", &dangling).unwrap();
        assert!(matches!(
            Fresh::write(&dangling, b"x", 0o600),
            Err(FileError::Exists { .. })
        ));
        assert_eq!(count(dir.path()), 2);
    }

    #[test]
    fn without_unnamed_files_it_is_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let temporary = |bytes: &[u8]| {
            let mut file = write::create(dir.path(), path.file_name().unwrap()).unwrap();
            file.write_all(bytes).unwrap();
            Fresh {
                body: Body::Temporary(file),
                path: path.clone(),
            }
        };
        drop(temporary(b"dropped"));
        let late = temporary(b"late");
        temporary(b"first").publish().unwrap();
        assert!(matches!(late.publish(), Err(FileError::Exists { .. })));
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(count(dir.path()), 1);
    }

    #[test]
    fn a_file_that_nobody_is_to_write_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        refuse_read_only(&path).unwrap();
        fs::write(&path, "x").unwrap();
        refuse_read_only(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
        let refused = refuse_read_only(&path);
        assert!(matches!(refused, Err(FileError::ReadOnly { .. })), "{refused:?}");
    }

    #[test]
    fn a_missing_directory_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let error = Fresh::write(&dir.path().join("none/key"), b"x", 0o600)
            .err()
            .unwrap();
        assert!(error.to_string().contains("none"), "{error}");
    }

    #[test]
    fn a_replaced_file_keeps_its_mode_and_its_link() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real"), dir.path().join("link"));
        fs::write(&real, "old").unwrap();
        fs::set_permissions(&real, Permissions::from_mode(0o640)).unwrap();
        symlink("real", &link).unwrap();
        replace_keeping_mode(&link, b"new").unwrap();
        assert_eq!(fs::read(&real).unwrap(), b"new");
        assert_eq!(real.metadata().unwrap().mode() & 0o7777, 0o640);
        assert!(link.is_symlink());
        replace_keeping_mode(&dir.path().join("made"), b"new").unwrap();
        let made = dir.path().join("made").metadata().unwrap();
        assert_eq!(made.mode() & 0o7777, 0o600);
    }
}
