//! The client's side: reaching an agent within a bounded time, and making sure whose it is.

use super::peer;
use crate::endpoint::Peer;
use interprocess::os::unix::uds_local_socket;
use rustix::io::Errno;
#[cfg(not(target_os = "macos"))]
use rustix::net::SocketFlags;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// A blocking client connection to an agent, with `limit` on each read and write.
#[derive(Debug)]
pub struct ClientStream(UnixStream);

impl Read for ClientStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for ClientStream {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.0.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Connects to the agent at `path`, waiting at most `limit` when its queue is full, and as long for each later read
/// and write. An agent of another user (not root) is refused: it would be told passphrases. Root may ask anybody's.
pub fn connect(path: &Path, limit: Duration) -> io::Result<ClientStream> {
    let end = Instant::now() + limit;
    let stream = loop {
        match reach(path)? {
            Reached::Connected(stream) => break stream,
            Reached::Busy if Instant::now() >= end => {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the agent accepts no connections",
                ));
            }
            Reached::Busy => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let stream = uds_local_socket::Stream::from(stream);
    trusted(&peer(&stream)?)?;
    let stream = UnixStream::from(OwnedFd::from(stream));
    stream.set_nonblocking(false)?;
    // Zero would mean "no limit" and is refused by the standard library.
    let limit = Some(limit.max(Duration::from_millis(1)));
    stream.set_read_timeout(limit)?;
    stream.set_write_timeout(limit)?;
    Ok(ClientStream(stream))
}

/// Refuses an agent of another user, but root's; root itself may ask anybody's.
pub(super) fn trusted(server: &Peer) -> io::Result<()> {
    let own = rustix::process::geteuid();
    if own.is_root() || server.uid.is_some_and(|uid| uid == own.as_raw() || uid == 0) {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        "the agent there belongs to another user",
    ))
}

/// What became of one attempt to connect.
pub(super) enum Reached {
    /// Connected, in non-blocking mode.
    Connected(UnixStream),
    /// Somebody listens, but the queue of connections is full.
    Busy,
}

#[cfg(not(target_os = "macos"))]
fn socket() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(rustix::net::socket_with(
        AddressFamily::UNIX,
        SocketType::STREAM,
        flags,
        None,
    )?)
}

/// Here both flags are set afterwards; a child that is started in between inherits a socket without a peer.
#[cfg(target_os = "macos")]
fn socket() -> io::Result<OwnedFd> {
    let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&socket, true)?;
    Ok(socket)
}

/// Tries once, without ever waiting: a blocking connect would wait for ever on an agent that is stopped.
pub(super) fn reach(path: &Path) -> io::Result<Reached> {
    let socket = socket()?;
    match rustix::net::connect(&socket, &SocketAddrUnix::new(path)?) {
        Ok(()) => Ok(Reached::Connected(UnixStream::from(socket))),
        Err(Errno::AGAIN) => Ok(Reached::Busy),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Bound;
    use super::*;
    use crate::endpoint::EndpointError;

    const SOON: Duration = Duration::from_millis(50);

    #[test]
    fn a_silent_agent_is_waited_for_no_longer_than_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sock");
        let _bound = Bound::bind(&path).unwrap();
        let mut stream = connect(&path, SOON).unwrap();
        let silence = stream.read(&mut [0]).unwrap_err().kind();
        assert!(
            matches!(silence, io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut),
            "{silence}"
        );
        let full = std::iter::repeat_with(|| stream.write(&[0; 65536]))
            .find_map(Result::err)
            .unwrap();
        assert!(
            matches!(full.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut),
            "{full}"
        );
    }

    #[test]
    fn an_agent_with_a_full_queue_is_alive_but_not_waited_for_without_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sock");
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        rustix::net::listen(&listener, 0).unwrap();
        let mut waiting = Vec::new();
        while let Reached::Connected(stream) = reach(&path).unwrap() {
            waiting.push(stream);
        }
        assert_eq!(connect(&path, SOON).unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(matches!(Bound::bind(&path), Err(EndpointError::InUse { .. })));
    }

    #[test]
    fn nobody_there_is_told_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sock");
        assert_eq!(connect(&path, SOON).unwrap_err().kind(), io::ErrorKind::NotFound);
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert_eq!(
            connect(&path, SOON).unwrap_err().kind(),
            io::ErrorKind::ConnectionRefused
        );
    }
}
