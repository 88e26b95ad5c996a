//! The directory of a socket: nobody else may put another socket in the place of ours.

use super::EndpointError;
use std::fs::{File, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

/// Another agent needs this at most to take over a dead socket.
const START: Duration = Duration::from_secs(5);

/// Makes the directory (0700) when it is missing, and refuses one where others could replace the socket. A sticky
/// directory such as /tmp lets nobody do that, so it is accepted, as OpenSSH does.
pub(super) fn prepare(dir: &Path) -> Result<(), EndpointError> {
    let refuse = |reason: String| EndpointError::Directory {
        path: dir.to_owned(),
        reason,
    };
    crate::files::private_dir(dir).map_err(|error| refuse(format!("cannot be made: {error}")))?;
    let state = dir.metadata().map_err(|error| refuse(error.to_string()))?;
    let (mode, sticky) = (state.mode() & 0o7777, state.mode() & 0o1000 != 0);
    if state.uid() != rustix::process::geteuid().as_raw() && state.uid() != 0 {
        let owner = state.uid();
        return Err(refuse(format!(
            "belongs to another user (uid {owner}); choose a directory of your own"
        )));
    }
    if mode & 0o022 != 0 && !sticky {
        let remedy = format!("chmod go-w {}", dir.display());
        return Err(refuse(format!(
            "others may write there (mode {mode:04o}): {remedy}"
        )));
    }
    Ok(())
}

/// Locks the directory, so that of two agents that start at once and both find a dead socket exactly one replaces it
/// and the other finds it alive. Lasts until dropped. `None` where a directory cannot be locked (NFS): better an agent
/// that could lose that race than none.
pub(super) fn lock(dir: &Path) -> io::Result<Option<File>> {
    let file = File::open(dir)?;
    let end = Instant::now() + START;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::Error(_)) => return Ok(None),
            Err(TryLockError::WouldBlock) if Instant::now() >= end => {
                let text = format!("another process holds the lock of {}", dir.display());
                return Err(io::Error::new(io::ErrorKind::WouldBlock, text));
            }
            // Bounded, because in a shared directory anybody may hold this lock.
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// A new directory for its owner only, named at random.
pub(super) fn temporary(parent: &Path, prefix: &str, letters: usize) -> io::Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    builder
        .prefix(prefix)
        .rand_bytes(letters)
        .permissions(Permissions::from_mode(0o700));
    builder.tempdir_in(parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_mode(mode: u32) -> (tempfile::TempDir, Result<(), EndpointError>) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), Permissions::from_mode(mode)).unwrap();
        let prepared = prepare(dir.path());
        (dir, prepared)
    }

    #[test]
    fn a_missing_directory_is_made_for_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run/claviger");
        prepare(&path).unwrap();
        assert_eq!(path.metadata().unwrap().mode() & 0o7777, 0o700);
    }

    #[test]
    fn a_directory_where_others_write_is_refused_with_the_remedy_unless_sticky() {
        for mode in [0o777, 0o770, 0o702] {
            let (dir, refused) = with_mode(mode);
            let remedy = format!("chmod go-w {}", dir.path().display());
            assert!(refused.unwrap_err().to_string().ends_with(&remedy));
        }
        for mode in [0o1777, 0o755, 0o700] {
            with_mode(mode).1.unwrap();
        }
    }

    #[test]
    fn a_strangers_directory_is_refused() {
        crate::testing::in_child(|| {
            let owner = tempfile::tempdir().unwrap();
            let dir = if rustix::process::geteuid().is_root() {
                std::os::unix::fs::chown(owner.path(), Some(65533), None).unwrap();
                std::fs::set_permissions(owner.path(), Permissions::from_mode(0o755)).unwrap();
                crate::testing::become_nobody();
                prepare(owner.path())
            } else {
                // Root's own is no stranger's, but this user cannot make anything there.
                prepare(Path::new("/claviger-test"))
            };
            assert!(matches!(dir, Err(EndpointError::Directory { .. })));
            // This child may no longer remove what it made as root; the parent's temporary directory is not used.
            std::mem::forget(owner);
        });
    }
}
