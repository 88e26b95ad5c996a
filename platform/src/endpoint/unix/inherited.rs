//! A socket that the service manager made and listens on until we start (sd_listen_fds(3)).

use super::{Bound, EndpointError, handed};
use std::os::fd::{FromRawFd, OwnedFd};

/// SD_LISTEN_FDS_START.
const FIRST: i32 = 3;

/// See [`Bound::inherited`].
pub(super) fn inherited() -> Result<Option<Bound>, EndpointError> {
    let numbers = sd_notify::listen_fds().map_err(handed::failed)?;
    // SAFETY: the manager's promise in LISTEN_FDS and LISTEN_PID: these descriptors are open, and ours alone.
    let own = |number| unsafe { OwnedFd::from_raw_fd(number) };
    handed::take(numbers.map(own), "the unit may have one ListenStream=PATH")
}

/// Whether there is anything at the descriptor that LISTEN_FDS=1 means.
pub fn is_handed_over() -> bool {
    // SAFETY: a query by number.
    unsafe { libc::fcntl(FIRST, libc::F_GETFD) != -1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::in_child;
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixListener;

    /// What a process finds that was started with `sockets` as systemd does it.
    fn given(sockets: &[&dyn AsRawFd], check: impl FnOnce(Result<Option<Bound>, EndpointError>)) {
        in_child(|| {
            // Out of the way first: one of the sockets may itself be number 3 or 4.
            let spare = |socket: &&dyn AsRawFd| {
                // SAFETY: a copy of an open descriptor.
                unsafe { libc::fcntl(socket.as_raw_fd(), libc::F_DUPFD, 100) }
            };
            let spares: Vec<_> = sockets.iter().map(spare).collect();
            for (number, spare) in (3..).zip(spares) {
                // SAFETY: whatever the test program had there is not used in this child.
                unsafe { libc::dup2(spare, number) };
            }
            // SAFETY: this child has a single thread.
            #[expect(clippy::disallowed_methods, reason = "the child has a single thread")]
            unsafe {
                std::env::set_var("LISTEN_PID", std::process::id().to_string());
                std::env::set_var("LISTEN_FDS", sockets.len().to_string());
            }
            check(inherited());
        });
    }

    #[test]
    fn a_handed_over_socket_is_used_and_its_file_left() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("agent.sock");
        let listener = UnixListener::bind(&path).unwrap();
        given(&[&listener], |found| {
            let bound = found.unwrap().unwrap();
            assert_eq!(bound.path(), Some(&*path));
            drop(bound);
            assert!(path.exists());
        });
    }

    #[test]
    fn nothing_handed_over_is_no_error() {
        given(&[], |found| assert!(found.unwrap().is_none()));
    }

    #[test]
    fn what_does_not_listen_or_is_too_much_is_refused_with_the_remedy() {
        let (stream, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        given(&[&stream], |found| {
            assert!(found.unwrap_err().to_string().contains("ListenStream=PATH"))
        });
        let network = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        given(&[&network], |found| {
            assert!(found.unwrap_err().to_string().contains("ListenStream=PATH"))
        });
        given(&[&network, &stream], |found| {
            assert!(found.unwrap_err().to_string().contains("more than one"))
        });
    }
}
