//! Unix: what was opened, whose it is, and directories for one person only.

use super::error::{FileError, at};
use rustix::io::Errno;
use std::borrow::Cow;
use std::fs::{DirBuilder, File, FileType, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

#[cfg(target_os = "linux")]
pub(super) use super::linux::{give_name, unnamed};
#[cfg(not(target_os = "linux"))]
pub(super) use super::named::{give_name, unnamed};

/// Opens a regular file and tells its state when opened. A FIFO or a device is refused without ever waiting for it.
pub(super) fn open_regular(path: &Path) -> Result<(File, Metadata), FileError> {
    let not_regular = |what| FileError::NotRegular {
        path: path.to_owned(),
        what,
    };
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path);
    let file = opened.map_err(|error| match Errno::from_io_error(&error) {
        Some(Errno::NXIO) => not_regular("a socket or a device"),
        _ => at(path)(error),
    })?;
    let state = file.metadata().map_err(at(path))?;
    match kind(state.file_type()) {
        None => Ok((file, state)),
        Some(what) => Err(not_regular(what)),
    }
}

/// Unix' calls take each path as it is.
pub(super) fn long(path: &Path) -> Cow<'_, Path> {
    Cow::Borrowed(path)
}

/// What it is; `None` for a regular file.
fn kind(found: FileType) -> Option<&'static str> {
    match found {
        _ if found.is_file() => None,
        _ if found.is_dir() => Some("a directory"),
        _ if found.is_fifo() => Some("a FIFO"),
        _ if found.is_socket() => Some("a socket"),
        _ => Some("a device"),
    }
}

/// Refuses a file that belongs to a stranger or that others may touch. As ssh does, but also for root's files: a
/// key that the whole machine may read is no secret, whoever owns it.
pub(super) fn refuse_shared(path: &Path, _file: &File, state: &Metadata) -> Result<(), FileError> {
    if state.uid() != rustix::process::geteuid().as_raw() && state.uid() != 0 {
        return Err(FileError::Stranger {
            path: path.to_owned(),
        });
    }
    match state.mode() & 0o7777 {
        mode if mode & 0o077 != 0 => Err(FileError::TooOpen {
            path: path.to_owned(),
            mode,
        }),
        _ => Ok(()),
    }
}

/// Mode 0600 exactly: the umask could have taken more away.
pub(super) fn make_private(file: &File, _path: &Path) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(0o600))
}

/// A file to append to, mode 0600 if it is new.
pub(super) fn appending(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
}

/// Exactly this mode, whatever the umask.
pub(super) fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(mode))
}

/// Whether its last name is gone: somebody removed it since it was opened.
pub(super) fn unlinked(file: &File) -> io::Result<bool> {
    Ok(file.metadata()?.nlink() == 0)
}

/// Which file it is: device and inode.
pub(super) fn identity(_path: &Path, state: &Metadata) -> (u64, u64) {
    (state.dev(), state.ino())
}

/// Whether this process may write the file, links followed.
pub(super) fn may_write(path: &Path) -> io::Result<()> {
    Ok(rustix::fs::access(path, rustix::fs::Access::WRITE_OK)?)
}

/// Makes names in `dir` survive a crash.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Makes a directory (and its parents) with mode 0700, whatever the umask. One that exists is left as it is.
pub fn private_dir(path: &Path) -> Result<(), FileError> {
    let made = match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let parent = path.parent().ok_or_else(|| FileError::Missing {
                path: path.to_owned(),
            })?;
            private_dir(parent)?;
            DirBuilder::new().mode(0o700).create(path)
        }
        other => other,
    };
    match made {
        Ok(()) => std::fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(at(path)),
        // Also when another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(at(path)(error)),
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::in_child;

    #[test]
    fn private_directories_ignore_the_umask() {
        let dir = tempfile::tempdir().unwrap();
        for umask in [0o000, 0o277] {
            let top = dir.path().join(format!("{umask}"));
            let deep = top.join("b/c");
            in_child(|| {
                rustix::process::umask(rustix::fs::Mode::from_raw_mode(umask));
                private_dir(&deep).unwrap();
                private_dir(&deep).unwrap();
            });
            for made in [&top, &top.join("b"), &deep] {
                assert_eq!(made.metadata().unwrap().mode() & 0o7777, 0o700);
            }
        }
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(matches!(private_dir(&file), Err(FileError::Io { .. })));
    }

    #[test]
    fn an_existing_directory_keeps_its_mode() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
        private_dir(dir.path()).unwrap();
        assert_eq!(dir.path().metadata().unwrap().mode() & 0o7777, 0o755);
    }
}
