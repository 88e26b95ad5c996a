//! Accepting clients of the own user and of root; nobody else.

use super::{SocketFile, peer};
use crate::endpoint::{Peer, Stream};
use interprocess::local_socket::traits::tokio::Listener as _;
use interprocess::os::unix::uds_local_socket as uds;
use std::io;
use std::os::unix::net::UnixListener;

/// Accepts clients.
#[derive(Debug)]
pub struct Listener {
    /// Before the listener: while there is a file, there is somebody behind it.
    _file: Option<SocketFile>,
    accepting: uds::tokio::Listener,
}

impl Listener {
    pub(super) fn new(listener: UnixListener, file: Option<SocketFile>) -> io::Result<Self> {
        let accepting = uds::Listener::from(listener).try_into()?;
        Ok(Self {
            _file: file,
            accepting,
        })
    }

    /// The next client; `None` when a stranger (another user, not root) was turned away.
    ///
    /// An error (no free descriptor) leaves the listener as it was: wait a little and go on.
    pub async fn accept(&self) -> io::Result<Option<(Stream, Peer)>> {
        let stream = self.accepting.accept().await?;
        // A client that cannot be identified is a stranger.
        let peer = peer(&stream).unwrap_or_default();
        let own = rustix::process::geteuid().as_raw();
        Ok(peer
            .uid
            .filter(|&uid| uid == own || uid == 0)
            .map(|_| (Stream::from(stream), peer)))
    }
}

/// Waits until `stream` has bytes to read, or its end, without needing a buffer for them: a silent client costs none.
///
/// # Errors
/// The OS's, if the connection broke.
pub async fn readable(stream: &Stream) -> io::Result<()> {
    let Stream::UdSocket(socket) = stream;
    socket.inner().readable().await
}

#[cfg(test)]
mod tests {
    use super::super::Bound;
    use super::*;
    use crate::endpoint::connect;
    use crate::testing::{become_user, in_child};
    use std::io::{Read, Write};
    use std::path::Path;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    const LONG: Duration = Duration::from_secs(20);

    /// Serves one client in this process, which may since have become another user.
    fn accept_one(bound: Bound) -> Option<Peer> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = bound.listen().unwrap();
            let (mut stream, peer) = listener.accept().await.unwrap()?;
            let mut asked = [0; 4];
            stream.read_exact(&mut asked).await.unwrap();
            stream.write_all(&asked).await.unwrap();
            Some(peer)
        })
    }

    fn ask(path: &Path) -> io::Result<[u8; 4]> {
        let mut stream = connect(path, LONG)?;
        stream.write_all(b"ping")?;
        let mut answer = [0; 4];
        stream.read_exact(&mut answer)?;
        Ok(answer)
    }

    #[test]
    fn the_own_user_is_answered_and_known_by_pid() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sock");
        let bound = Bound::bind(&path).unwrap();
        let asking = {
            let path = path.clone();
            std::thread::spawn(move || ask(&path).unwrap())
        };
        let peer = accept_one(bound).unwrap();
        assert_eq!(&asking.join().unwrap(), b"ping");
        assert_eq!(peer.pid, Some(std::process::id()));
        assert_eq!(peer.uid, Some(rustix::process::geteuid().as_raw()));
        assert!(!path.exists(), "a listener that ends takes its file along");
    }

    /// Where the tests run as root, an agent of user 65534 is asked by user 65533, who is let through by the modes so
    /// that only the kernel's word about him is left. Elsewhere nobody can be another user, and what is left to see is
    /// that the one and only user is told apart by number.
    #[test]
    fn a_stranger_is_turned_away_even_if_the_modes_let_him_in() {
        if !rustix::process::geteuid().is_root() {
            assert_ne!(rustix::process::geteuid().as_raw(), 65533);
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sock");
        std::os::unix::fs::chown(dir.path(), Some(65534), None).unwrap();
        let stranger = {
            let path = path.clone();
            std::thread::spawn(move || {
                in_child(|| {
                    become_user(65533);
                    // Until the agent is there and its directory open, it is the OS that refuses.
                    let refused = loop {
                        match connect(&path, LONG) {
                            Err(error) if error.raw_os_error().is_none() => break error,
                            Err(_) => std::thread::yield_now(),
                            Ok(_) => panic!("a stranger's agent was trusted"),
                        }
                    };
                    assert!(refused.to_string().contains("another user"), "{refused}");
                });
            })
        };
        in_child(|| {
            use std::os::unix::fs::PermissionsExt;
            become_user(65534);
            let bound = Bound::bind(&path).unwrap();
            let open = std::fs::Permissions::from_mode(0o777);
            std::fs::set_permissions(&path, open.clone()).unwrap();
            std::fs::set_permissions(path.parent().unwrap(), open).unwrap();
            assert!(accept_one(bound).is_none());
        });
        stranger.join().unwrap();
    }

    #[test]
    fn after_a_fork_the_holder_is_the_process_that_listens() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sock");
        in_child(|| {
            let (mut ready, say_ready) = std::io::pipe().unwrap();
            let (mut done, say_done) = std::io::pipe().unwrap();
            let bound = Bound::bind(&path).unwrap();
            match crate::process::daemonize().unwrap() {
                crate::process::Fork::Parent(pid) => {
                    bound.keep();
                    drop((say_ready, done));
                    ready.read_exact(&mut [0]).unwrap();
                    let error = Bound::bind(&path).unwrap_err().to_string();
                    drop(say_done);
                    assert!(error.contains(&format!("pid {pid})")), "{error}");
                }
                crate::process::Fork::Child(mut child) => {
                    child.ready().unwrap();
                    drop(say_done);
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .enable_all()
                        .build()
                        .unwrap();
                    let listener = runtime.block_on(async { bound.listen().unwrap() });
                    (&say_ready).write_all(b"!").unwrap();
                    done.read_exact(&mut [0]).unwrap_err();
                    drop(listener);
                }
            }
        });
    }
}
