//! A lock between processes, so that two writers do not undo each other's change.

use super::error::{FileError, at};
use super::imp;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// An exclusive lock between processes, held until dropped (or until the process dies): `<path>.lock`.
///
/// It is a file of its own because the protected one is replaced, and with it a lock on it. It is never removed:
/// between opening and locking it, another process could lock a new one of the same name.
pub struct FileLock {
    _held: File,
}

/// Takes the lock beside `path`, waiting at most `limit`; makes the directory when it is missing. Blocks the thread.
pub fn lock(path: &Path, limit: Duration) -> Result<FileLock, FileError> {
    if let Some(dir) = path.parent() {
        imp::private_dir(dir)?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&name)
        .map_err(at(&name))?;
    // Only its owner may take it, or another user could keep this one from ever writing.
    imp::make_private(&file, &name).map_err(at(&name))?;
    let end = Instant::now() + limit;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(FileLock { _held: file }),
            Err(TryLockError::Error(source)) => return Err(at(&name)(source)),
            Err(TryLockError::WouldBlock) if Instant::now() >= end => {
                return Err(FileError::Locked {
                    path: path.to_owned(),
                });
            }
            // The kernel's waiting lock knows no time-out.
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time_and_the_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/vault.kdbx");
        let held = lock(&path, Duration::ZERO).unwrap();
        let refused = lock(&path, Duration::from_millis(30)).err().unwrap();
        assert!(matches!(&refused, FileError::Locked { path: named } if *named == path));
        let waiting = {
            let path = path.clone();
            std::thread::spawn(move || lock(&path, Duration::from_secs(30)).is_ok())
        };
        drop(held);
        assert!(waiting.join().unwrap());
    }

    #[test]
    fn a_killed_holder_leaves_nothing_locked() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("vault");
        crate::testing::in_child(|| std::mem::forget(lock(&path, Duration::ZERO).unwrap()));
        assert!(lock(&path, Duration::ZERO).is_ok());
    }
}
