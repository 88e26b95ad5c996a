//! Sockets in a directory that agents left behind when they were killed.

use super::client;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Removes the sockets directly in `dir` whose names begin with `prefix`, that are older than `age`, and that nobody
/// listens on; returns how many. What cannot be looked at or removed stays: whoever put it there may know why.
///
/// # Errors
/// When the directory cannot be read; a missing one has nothing in it.
pub fn remove_stale(dir: &Path, prefix: &str, age: Duration) -> io::Result<usize> {
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let old = |modified: SystemTime| modified.elapsed().is_ok_and(|elapsed| elapsed >= age);
    let mut removed = 0;
    for entry in entries.filter_map(Result::ok) {
        let ours = entry.file_name().as_bytes().starts_with(prefix.as_bytes());
        // Not followed: only the socket itself may go.
        let state = entry.metadata().ok();
        let socket =
            state.is_some_and(|state| state.file_type().is_socket() && state.modified().is_ok_and(old));
        let path = entry.path();
        if ours && socket && refuses(&path) && std::fs::remove_file(&path).is_ok() {
            removed += 1;
        }
    }
    Ok(removed)
}

/// Only a refusal proves that nobody is there; a full queue proves the opposite.
fn refuses(path: &Path) -> bool {
    client::reach(path).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn only_old_dead_sockets_of_that_name_go() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let _alive = UnixListener::bind(at("s.alive")).unwrap();
        for dead in ["s.dead", "t.dead"] {
            drop(UnixListener::bind(at(dead)).unwrap());
        }
        std::fs::write(at("s.file"), "").unwrap();
        std::os::unix::fs::symlink("s.dead", at("s.link")).unwrap();
        let hour = Duration::from_secs(3600);
        assert_eq!(remove_stale(dir.path(), "s.", hour).unwrap(), 0);
        assert_eq!(remove_stale(dir.path(), "s.", Duration::ZERO).unwrap(), 1);
        for left in ["s.alive", "t.dead", "s.file"] {
            assert!(at(left).exists(), "{left}");
        }
        assert!(at("s.link").is_symlink() && !at("s.dead").exists());
        assert_eq!(remove_stale(&at("missing"), "s.", hour).unwrap(), 0);
    }
}
