//! The agent's endpoint: a Unix socket (later a Windows named pipe) that only its owner can reach.
use std::path::{Path, PathBuf};
use std::time::Duration;

/// One connected client.
pub use interprocess::local_socket::tokio::Stream;

/// Who is at the other end, as the kernel says.
#[derive(Clone, Debug, Default)]
pub struct Peer {
    /// Process id, where the OS tells it.
    pub pid: Option<u32>,
    /// Effective user id.
    pub uid: Option<u32>,
}

/// Why an endpoint could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// Another live process answers there.
    #[error("{} is already served by {holder}", path.display())]
    InUse { path: PathBuf, holder: String },
    /// Something that is not a socket is in the way; it is left alone.
    #[error("{} exists and is not a socket", path.display())]
    NotASocket { path: PathBuf },
    /// The directory is missing, or others could write there.
    #[error("{}: {reason}", path.display())]
    Directory { path: PathBuf, reason: String },
    /// Anything else.
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
}

/// A bound and listening endpoint, not yet tied to a runtime (so that a process may still fork).
/// Dropping it removes its file, if the file is still its own.
pub struct Bound {}

impl Bound {
    /// Binds at `path`: directory made 0700 when missing, socket 0600 from the start (no chmod after bind),
    /// a dead socket replaced, a live one an error that names its holder.
    pub fn bind(path: &Path) -> Result<Self, EndpointError> {
        let _ = path;
        todo!()
    }
    /// The socket handed over by systemd (LISTEN_FDS=1, LISTEN_PID = own pid), if there is one.
    pub fn inherited() -> Result<Option<Self>, EndpointError> {
        todo!()
    }
    /// Where it listens, if that is a path.
    pub fn path(&self) -> Option<&Path> {
        todo!()
    }
    /// Lets go of the endpoint without removing its file: the other side of a fork serves it.
    pub fn keep(self) {
        todo!()
    }
    /// Starts accepting in the current tokio runtime.
    pub fn listen(self) -> std::io::Result<Listener> {
        todo!()
    }
}

/// Accepts clients.
pub struct Listener {}

impl Listener {
    /// The next client; `None` when a stranger (another user, not root) was turned away.
    pub async fn accept(&self) -> std::io::Result<Option<(Stream, Peer)>> {
        todo!()
    }
}

/// A blocking client connection to an agent, with `limit` on each read and write.
pub struct ClientStream {}

impl std::io::Read for ClientStream {
    fn read(&mut self, _buf: &mut [u8]) -> std::io::Result<usize> {
        todo!()
    }
}
impl std::io::Write for ClientStream {
    fn write(&mut self, _buf: &[u8]) -> std::io::Result<usize> {
        todo!()
    }
    fn flush(&mut self) -> std::io::Result<()> {
        todo!()
    }
}

/// Connects to the agent at `path`.
pub fn connect(path: &Path, limit: Duration) -> std::io::Result<ClientStream> {
    let _ = (path, limit);
    todo!()
}
