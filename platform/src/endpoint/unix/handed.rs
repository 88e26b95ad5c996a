//! A socket that a service manager made: taken over if it is the only one, and one that an agent can serve.
//!
//! Its file belongs to the manager, which goes on listening when we end, so it is not ours to remove. Whose it is and
//! what it is are checked here; who connects is checked as at any other socket of ours.

use super::{Bound, EndpointError};
use rustix::net::{SocketType, sockopt};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

/// Takes over the only one of `given`; none if there is none. `remedy` is what the manager's file may say.
pub(super) fn take(
    given: impl IntoIterator<Item = OwnedFd>,
    remedy: &str,
) -> Result<Option<Bound>, EndpointError> {
    // All of them now: the rest is to be closed.
    let mut given: Vec<_> = given.into_iter().collect();
    let Some(fd) = given.pop() else {
        return Ok(None);
    };
    if !given.is_empty() {
        return Err(unfit(format!("more than one socket was handed over; {remedy}")));
    }
    if !listens(&fd) {
        let what = "the descriptor handed over is not a listening Unix stream socket";
        return Err(unfit(format!("{what}; {remedy}")));
    }
    // launchd does not say whether it did, and whatever is started by us must not hold the agent's socket.
    rustix::io::fcntl_setfd(&fd, rustix::io::FdFlags::CLOEXEC).map_err(|error| failed(error.into()))?;
    let listener = UnixListener::from(fd);
    let address = listener.local_addr().map_err(failed)?;
    let path = address.as_pathname().map(PathBuf::from);
    if let Some(path) = &path {
        judge(path)?;
    }
    Ok(Some(Bound {
        listener,
        path,
        file: None,
    }))
}

/// What went wrong with what the manager gave.
pub(super) fn failed(source: io::Error) -> EndpointError {
    EndpointError::Io {
        path: PathBuf::from("socket from the service manager"),
        source,
    }
}

fn unfit(text: String) -> EndpointError {
    failed(io::Error::new(io::ErrorKind::InvalidInput, text))
}

/// A socket file of another user is that user's to replace, and what clients then reach is not this agent. Modes that
/// let others connect are only told: launchd's are so, behind a directory that is private, and strangers are
/// turned away by what the kernel says of them.
fn judge(path: &Path) -> Result<(), EndpointError> {
    let Ok(state) = path.symlink_metadata() else {
        // Removed since: those who are connected, or were told the number, may still be served.
        return Ok(());
    };
    let own = rustix::process::geteuid().as_raw();
    if state.uid() != own && state.uid() != 0 {
        return Err(unfit(format!(
            "{} belongs to user {}; the service must make it for the user whose agent this is",
            path.display(),
            state.uid()
        )));
    }
    let others = |path: &Path| path.metadata().is_ok_and(|state| state.mode() & 0o011 != 0);
    if state.mode() & 0o022 != 0 && path.parent().is_none_or(others) {
        tracing::warn!(
            path = %path.display(),
            "others may connect to the socket that the service manager made; they are turned away"
        );
    }
    Ok(())
}

#[cfg(not(target_os = "macos"))]
fn listens(fd: impl AsFd) -> bool {
    let unix = sockopt::socket_domain(&fd).is_ok_and(|domain| domain == rustix::net::AddressFamily::UNIX);
    unix && is_stream(&fd) && sockopt::socket_acceptconn(&fd).is_ok_and(|listens| listens)
}

/// Here the kernel says neither family nor state: the family is told by the address, and what cannot listen refuses to.
#[cfg(target_os = "macos")]
fn listens(fd: impl AsFd) -> bool {
    let unix = rustix::net::getsockname(&fd)
        .is_ok_and(|address| address.address_family() == rustix::net::AddressFamily::UNIX);
    unix && is_stream(&fd) && rustix::net::listen(&fd, super::BACKLOG).is_ok()
}

fn is_stream(fd: impl AsFd) -> bool {
    sockopt::socket_type(fd).is_ok_and(|kind| kind == SocketType::STREAM)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::connect;
    use crate::testing::{become_user, in_child};
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    fn one(fd: impl Into<OwnedFd>) -> Result<Option<Bound>, EndpointError> {
        take([fd.into()], "say ListenStream=PATH")
    }

    #[test]
    fn the_only_socket_is_served_its_file_left_and_not_inherited() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("agent.sock");
        let listener = UnixListener::bind(&path).unwrap();
        rustix::io::fcntl_setfd(&listener, rustix::io::FdFlags::empty()).unwrap();
        let bound = one(listener).unwrap().unwrap();
        assert_eq!(bound.path(), Some(&*path));
        let flags = rustix::io::fcntl_getfd(&bound.listener).unwrap();
        assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
        connect(&path, Duration::from_secs(20)).unwrap();
        drop(bound);
        assert!(path.exists());
    }

    #[test]
    fn none_is_no_error_and_two_are_one() {
        assert!(take([], "").unwrap().is_none());
        let dir = tempfile::tempdir().unwrap();
        let bind = |name: &str| OwnedFd::from(UnixListener::bind(dir.path().join(name)).unwrap());
        let error = take([bind("a"), bind("b")], "say one").unwrap_err().to_string();
        assert!(
            error.contains("more than one") && error.contains("say one"),
            "{error}"
        );
    }

    #[test]
    fn what_does_not_listen_is_refused_with_the_remedy() {
        let (stream, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        let network = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let datagrams = std::os::unix::net::UnixDatagram::unbound().unwrap();
        for refused in [one(stream), one(network), one(datagrams)] {
            let error = refused.unwrap_err().to_string();
            assert!(error.contains("say ListenStream=PATH"), "{error}");
        }
    }

    /// Only root can make a file that belongs to somebody else; elsewhere there is only one's own to see.
    #[test]
    fn a_socket_that_another_user_could_replace_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("agent.sock");
        let listener = UnixListener::bind(&path).unwrap();
        if !rustix::process::geteuid().is_root() {
            assert!(one(listener).unwrap().is_some());
            return;
        }
        std::os::unix::fs::chown(&path, Some(65533), None).unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        in_child(|| {
            become_user(65534);
            let error = one(listener.try_clone().unwrap()).unwrap_err().to_string();
            assert!(error.contains("belongs to user 65533"), "{error}");
        });
    }
}
