//! Reaching another agent from an agent: without ever waiting in the kernel, and sure whose it is.

use super::client::{Reached, reach, trusted};
use super::peer;
use crate::endpoint::{Peer, Stream};
use interprocess::os::unix::uds_local_socket as uds;
use rustix::net::RecvFlags;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

/// Between two attempts at an agent whose queue of connections is full.
const AGAIN: Duration = Duration::from_millis(5);

/// Connects to the agent at `path`, in the current tokio runtime, and says who serves it. Waits while that agent's queue
/// is full: how long is for the caller to bound.
///
/// # Errors
/// The OS's; and an agent of another user (not root) is refused, unless root asks: it would be shown what is signed.
pub async fn dial(path: &Path) -> io::Result<(Stream, Peer)> {
    let connected = loop {
        match reach(path)? {
            Reached::Connected(stream) => break stream,
            Reached::Busy => tokio::time::sleep(AGAIN).await,
        }
    };
    let stream = uds::tokio::Stream::try_from(OwnedFd::from(connected))?;
    let server = peer(&stream)?;
    trusted(&server)?;
    Ok((Stream::from(stream), server))
}

/// Whether the other side has neither closed the connection nor said anything that was not read yet.
pub fn is_quiet(stream: &Stream) -> bool {
    let Stream::UdSocket(socket) = stream;
    let seen = rustix::net::recv(
        socket.inner(),
        &mut [0_u8; 1],
        RecvFlags::PEEK | RecvFlags::DONTWAIT,
    );
    matches!(seen, Err(rustix::io::Errno::AGAIN))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::net::UnixListener;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    }

    #[test]
    fn a_connection_is_quiet_until_the_other_side_speaks_or_goes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sock");
        let listener = UnixListener::bind(&path).unwrap();
        runtime().block_on(async {
            let (stream, server) = dial(&path).await.unwrap();
            assert_eq!(server.pid, Some(std::process::id()));
            let (mut other, _) = listener.accept().unwrap();
            assert!(is_quiet(&stream));
            other.write_all(b"!").unwrap();
            assert!(!is_quiet(&stream));

            let (stream, _) = dial(&path).await.unwrap();
            drop(listener.accept().unwrap());
            assert!(!is_quiet(&stream));
        });
    }

    #[test]
    fn nobody_there_is_told_at_once_and_a_full_queue_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sock");
        runtime().block_on(async {
            assert_eq!(dial(&path).await.unwrap_err().kind(), io::ErrorKind::NotFound);
            let listener = UnixListener::bind(&path).unwrap();
            rustix::net::listen(&listener, 0).unwrap();
            let mut waiting = Vec::new();
            while let Reached::Connected(stream) = reach(&path).unwrap() {
                waiting.push(stream);
            }
            let accepting = std::thread::spawn(move || listener.accept().map(|_| listener));
            dial(&path).await.unwrap();
            accepting.join().unwrap().unwrap();
        });
    }
}
