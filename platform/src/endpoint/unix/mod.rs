//! Unix sockets: bound by one process at a time, answered to one user.

mod accept;
mod bind;
mod client;
mod dial;
mod directory;
mod fresh;
#[cfg(any(target_os = "linux", target_os = "macos"))]
mod handed;
#[cfg(target_os = "linux")]
mod inherited;
#[cfg(target_os = "macos")]
#[path = "launchd.rs"]
mod inherited;
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
#[path = "not_inherited.rs"]
mod inherited;
mod stale;

pub use accept::{Listener, readable};
pub use client::{ClientStream, connect};
pub use dial::{dial, is_quiet};
pub use inherited::is_handed_over;
pub use stale::remove_stale;

/// One connected client.
pub use interprocess::local_socket::tokio::Stream;

use super::{EndpointError, Peer};
use interprocess::local_socket::PeerCreds;
use interprocess::local_socket::traits::StreamCommon;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

/// Longest path of a Unix socket in bytes: `sun_path` of unix(7) without its final zero.
const MAX_PATH: usize = if cfg!(target_os = "macos") { 103 } else { 107 };

/// Connections that may wait to be accepted: a build that starts a thousand logins at once is not refused.
const BACKLOG: i32 = 4096;

/// A bound and listening endpoint, not yet tied to a runtime (so that a process may still fork).
/// Dropping it removes its file, if the file is still its own.
#[derive(Debug)]
pub struct Bound {
    listener: UnixListener,
    /// Where it listens.
    path: Option<PathBuf>,
    /// The file to remove; none for a socket that somebody else made.
    file: Option<SocketFile>,
}

impl Bound {
    /// Binds at `path`: directory made 0700 when missing, socket 0600 from the start (no chmod after bind),
    /// a dead socket replaced, a live one an error that names its holder.
    pub fn bind(path: &Path) -> Result<Self, EndpointError> {
        bind::bind(path)
    }

    /// The socket handed over by systemd (LISTEN_FDS=1, LISTEN_PID = own pid) or by launchd (`Listeners` in its property
    /// list), if there is one. Call it before going to the background, which changes the pid, and once: it takes
    /// the descriptor over.
    pub fn inherited() -> Result<Option<Self>, EndpointError> {
        inherited::inherited()
    }

    /// Programs of Cygwin are where Windows is.
    ///
    /// # Errors
    /// Always.
    pub fn with_cygwin(self, path: &Path) -> Result<Self, EndpointError> {
        Err(EndpointError::Unsupported {
            path: path.to_owned(),
            what: "sockets for Cygwin are served on Windows only; leave --cygwin-socket and windows.cygwin_socket out here",
        })
    }

    /// Where it listens, if that is a path.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Lets go of the endpoint without removing its file: the other side of a fork serves it.
    pub fn keep(mut self) {
        if let Some(file) = self.file.take() {
            file.leave();
        }
    }

    /// Starts accepting in the current tokio runtime.
    pub fn listen(self) -> io::Result<Listener> {
        // Again, because the kernel tells a client who listened last: after a fork that must be this process.
        rustix::net::listen(&self.listener, BACKLOG)?;
        Listener::new(self.listener, self.file)
    }
}

/// A socket file that is removed when the endpoint closes, unless somebody else has put another in its place.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    /// Device and inode when it was bound.
    identity: (u64, u64),
    /// Made for it alone, and removed with it.
    directory: Option<PathBuf>,
    leave: bool,
}

impl SocketFile {
    fn at(path: &Path) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            identity: identity(path)?,
            directory: None,
            leave: false,
        })
    }

    fn leave(mut self) {
        self.leave = true;
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if !self.leave && identity(&self.path).is_ok_and(|now| now == self.identity) {
            // Whoever removed it in between wanted the same.
            let _ = std::fs::remove_file(&self.path);
            let _ = self.directory.take().map(std::fs::remove_dir);
        }
    }
}

/// A path that no Unix socket can have.
#[derive(Debug, thiserror::Error)]
#[error("{0} bytes, and a socket's path may have {MAX_PATH}: choose a shorter one")]
pub struct TooLong(usize);

impl TooLong {
    fn check(path: &Path) -> io::Result<()> {
        match path.as_os_str().len() {
            length if length > MAX_PATH => Err(io::Error::new(io::ErrorKind::InvalidFilename, Self(length))),
            _ => Ok(()),
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let state = path.symlink_metadata()?;
    Ok((state.dev(), state.ino()))
}

/// Who is at the other end of `stream`.
fn peer(stream: &(impl StreamCommon + AsFd)) -> io::Result<Peer> {
    let credentials = stream.peer_creds()?;
    // Zero stands for a process of another pid namespace.
    let pid = pid(stream, &credentials).filter(|&pid| pid != 0);
    Ok(Peer {
        pid,
        uid: credentials.euid(),
    })
}

#[cfg(not(target_os = "macos"))]
fn pid(_stream: &impl AsFd, credentials: &PeerCreds) -> Option<u32> {
    credentials.pid().and_then(|pid| u32::try_from(pid).ok())
}

/// macOS tells the process apart from the user (LOCAL_PEERPID).
#[cfg(target_os = "macos")]
fn pid(stream: &impl AsFd, _credentials: &PeerCreds) -> Option<u32> {
    use std::os::fd::AsRawFd;
    let mut pid: libc::pid_t = 0;
    let mut size = size_of_val(&pid) as libc::socklen_t;
    // SAFETY: an open socket, and a place of the size that is told.
    let told = unsafe {
        let socket = stream.as_fd().as_raw_fd();
        libc::getsockopt(
            socket,
            libc::SOL_LOCAL,
            libc::LOCAL_PEERPID,
            (&raw mut pid).cast(),
            &mut size,
        )
    };
    (told == 0).then(|| u32::try_from(pid).ok()).flatten()
}
