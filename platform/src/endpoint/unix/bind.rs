//! Taking a path for our socket: at most one process succeeds, and only a dead socket is replaced.

use super::client::{self, Reached};
use super::{BACKLOG, Bound, EndpointError, SocketFile, TooLong, directory, peer};
use interprocess::local_socket::{GenericFilePath, ListenerOptions, prelude::*};
#[cfg(not(target_os = "macos"))]
use interprocess::os::unix::local_socket::ListenerOptionsExt;
use interprocess::os::unix::uds_local_socket;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixListener;
use std::path::Path;

/// See [`Bound::bind`].
pub(super) fn bind(path: &Path) -> Result<Bound, EndpointError> {
    let io = |source| EndpointError::Io {
        path: path.to_owned(),
        source,
    };
    // The background process changes its directory, and must still find what to remove.
    let path = std::path::absolute(path).map_err(io)?;
    TooLong::check(&path).map_err(io)?;
    let dir = path
        .parent()
        .ok_or_else(|| EndpointError::NotASocket { path: path.clone() })?;
    directory::prepare(dir)?;
    let _alone = directory::lock(dir).map_err(io)?;
    remove_dead(&path)?;
    let listener = make(&path).map_err(io)?;
    let file = SocketFile::at(&path).map_err(io)?;
    Ok(Bound {
        listener,
        path: Some(path),
        file: Some(file),
    })
}

/// Removes a socket that nobody listens on. Connecting is the only proof of life: a pid file can lie.
fn remove_dead(path: &Path) -> Result<(), EndpointError> {
    let io = |source| EndpointError::Io {
        path: path.to_owned(),
        source,
    };
    match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io(error)),
        Ok(state) if !state.file_type().is_socket() => {
            return Err(EndpointError::NotASocket {
                path: path.to_owned(),
            });
        }
        Ok(_) => (),
    }
    let holder = match client::reach(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            return std::fs::remove_file(path).map_err(io);
        }
        Err(error) => return Err(io(error)),
        Ok(Reached::Busy) => None,
        Ok(Reached::Connected(stream)) => peer(&uds_local_socket::Stream::from(stream)).map_err(io)?.pid,
    };
    let holder = holder.map_or_else(|| "another process".to_owned(), crate::process::describe);
    Err(EndpointError::InUse {
        path: path.to_owned(),
        holder,
    })
}

/// The mode is set on the socket before it has a name, so there is no moment at which others could connect.
pub(super) fn make(path: &Path) -> io::Result<UnixListener> {
    let options = ListenerOptions::new()
        .name(path.to_fs_name::<GenericFilePath>()?)
        // We remove it ourselves, and only if it is still ours.
        .reclaim_name(false);
    #[cfg(not(target_os = "macos"))]
    let options = options.mode(0o600);
    let listener: UnixListener = options.create_sync_as::<uds_local_socket::Listener>()?.into();
    // macOS cannot do it before; there the directory, 0700 and made before, is the wall.
    #[cfg(target_os = "macos")]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    rustix::net::listen(&listener, BACKLOG)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::super::MAX_PATH;
    use super::*;
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::net::UnixStream;

    fn home() -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("claviger/agent.sock");
        (dir, path)
    }

    #[test]
    fn the_socket_is_private_from_the_start_and_goes_with_its_owner() {
        let (_dir, path) = home();
        crate::testing::in_child(|| {
            rustix::process::umask(rustix::fs::Mode::empty());
            let bound = Bound::bind(&path).unwrap();
            assert_eq!(bound.path(), Some(&*path));
            assert_eq!(path.metadata().unwrap().mode() & 0o7777, 0o600);
            assert_eq!(path.parent().unwrap().metadata().unwrap().mode() & 0o7777, 0o700);
            UnixStream::connect(&path).unwrap();
            drop(bound);
            assert!(!path.exists());
        });
    }

    #[test]
    fn a_live_socket_is_left_alone_and_its_holder_named() {
        let (_dir, path) = home();
        let _first = Bound::bind(&path).unwrap();
        let error = Bound::bind(&path).unwrap_err();
        let holder = crate::process::describe(std::process::id());
        assert!(
            matches!(&error, EndpointError::InUse { holder: named, .. } if *named == holder),
            "{error}"
        );
        UnixStream::connect(&path).unwrap();
    }

    #[test]
    fn a_dead_socket_is_replaced() {
        let (_dir, path) = home();
        crate::testing::in_child(|| Bound::bind(&path).unwrap().keep());
        assert!(UnixStream::connect(&path).is_err());
        let _second = Bound::bind(&path).unwrap();
        UnixStream::connect(&path).unwrap();
    }

    #[test]
    fn what_is_no_socket_is_never_removed() {
        let (_dir, path) = home();
        std::fs::create_dir(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "x").unwrap();
        assert!(matches!(
            Bound::bind(&path),
            Err(EndpointError::NotASocket { .. })
        ));
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(matches!(
            Bound::bind(&path),
            Err(EndpointError::NotASocket { .. })
        ));
        assert!(path.is_dir());
        let dangling = path.with_file_name("link");
        std::os::unix::fs::symlink("nowhere", &dangling).unwrap();
        assert!(matches!(
            Bound::bind(&dangling),
            Err(EndpointError::NotASocket { .. })
        ));
    }

    #[test]
    fn an_endpoint_that_lost_its_name_does_not_remove_its_successor() {
        let (_dir, path) = home();
        let first = Bound::bind(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let _second = Bound::bind(&path).unwrap();
        drop(first);
        UnixStream::connect(&path).unwrap();
    }

    #[test]
    fn a_socket_for_cygwin_is_refused_with_the_remedy_and_leaves_nothing() {
        let (_dir, path) = home();
        let bound = Bound::bind(&path).unwrap();
        let refused = bound.with_cygwin(&path.with_file_name("cygwin")).unwrap_err();
        assert!(matches!(refused, EndpointError::Unsupported { .. }));
        assert!(
            refused.to_string().contains("leave --cygwin-socket") && !path.exists(),
            "{refused}"
        );
    }

    #[test]
    fn a_path_that_is_too_long_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x".repeat(120));
        assert!(
            Bound::bind(&path)
                .unwrap_err()
                .to_string()
                .contains("may have 107")
        );
        let fits = dir
            .path()
            .join("x".repeat(MAX_PATH - dir.path().as_os_str().len() - 1));
        Bound::bind(&fits).unwrap();
    }

    #[test]
    fn of_many_that_start_at_once_over_a_dead_socket_exactly_one_wins() {
        let (_dir, path) = home();
        for _ in 0..10 {
            crate::testing::in_child(|| Bound::bind(&path).unwrap().keep());
            let results: Vec<_> = std::thread::scope(|scope| {
                let start = || scope.spawn(|| Bound::bind(&path));
                let started: Vec<_> = (0..8).map(|_| start()).collect();
                started.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
            let lost = results.iter().filter_map(|result| result.as_ref().err());
            for error in lost {
                assert!(matches!(error, EndpointError::InUse { .. }), "{error}");
            }
            UnixStream::connect(&path).unwrap();
        }
    }
}
