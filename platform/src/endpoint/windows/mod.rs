//! Named pipes: owned by one process at a time, answered to one user. Beside them, where asked for, a socket of Cygwin's.
//!
//! Three walls. The name belongs to whoever creates its first instance, and we ask for nothing but the first. The
//! descriptor lets in this user, LocalSystem and administrators. And of each client the process is looked up, and whose
//! it is. Clients from other machines are refused by the kernel.

mod accept;
mod bind;
mod client;
mod cygwin;
mod dial;
mod pageant;
mod stream;
mod window;

pub use accept::{Listener, readable};
pub(crate) use bind::{Holder, holder};
pub use client::{ClientStream, connect};
pub use dial::{dial, is_quiet};
pub use stream::Stream;

use super::{EndpointError, Peer};
use crate::windows::{descriptor, done, sid};
use cygwin::Cygwin;
use interprocess::os::windows::named_pipe::{PipeListenerOptions, WaitTimeout};
use interprocess::os::windows::security_descriptor::SecurityDescriptor;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::windows::io::{AsRawHandle, BorrowedHandle, OwnedHandle};
use std::path::{Path, PathBuf};
use std::time::Duration;
use widestring::U16CString;
use windows_sys::Win32::System::Pipes::{GetNamedPipeClientProcessId, GetNamedPipeServerProcessId};

/// What every pipe's name begins with.
const PIPES: &str = r"\\.\pipe\";

/// Longest name of a pipe in characters, with what it begins with.
const MAX_NAME: usize = 256;

/// Sizes of the kernel's buffers in bytes: a list of thirty keys fits.
const BUFFER: u32 = 16 * 1024;

/// An owned and listening endpoint, not yet tied to a runtime. The name ends with its last instance.
#[derive(Debug)]
pub struct Bound {
    /// The first instance, which holds the name.
    first: OwnedHandle,
    path: PathBuf,
    /// For programs that know no pipes.
    cygwin: Option<Cygwin>,
}

impl Bound {
    /// Takes the pipe `path`; if somebody serves it already, an error that names them.
    pub fn bind(path: &Path) -> Result<Self, EndpointError> {
        bind::bind(path)
    }

    /// Takes the pipe `path`, which nobody may serve (`AddrInUse`).
    ///
    /// # Errors
    /// The OS's; [`TooLong`] inside of `InvalidFilename`.
    pub fn create(path: &Path) -> io::Result<Self> {
        Self::bind(path).map_err(|error| match error {
            EndpointError::InUse { .. } => io::ErrorKind::AddrInUse.into(),
            EndpointError::Io { source, .. } => source,
            other => io::Error::other(other),
        })
    }

    /// Takes a pipe at `prefix` and ten random letters; pipes have no directories.
    pub fn create_in(_dir: &Path, prefix: &str) -> io::Result<Self> {
        Self::create(Path::new(&format!("{PIPES}{prefix}{}", random(10))))
    }

    /// Takes a pipe whose name begins with `ssh-` and twelve random letters, and ends with `name`.
    pub fn create_below(_parent: &Path, name: &str) -> io::Result<Self> {
        Self::create(Path::new(&format!("{PIPES}ssh-{}.{name}", random(12))))
    }

    /// Nobody hands pipes over.
    pub fn inherited() -> Result<Option<Self>, EndpointError> {
        Ok(None)
    }

    /// Serves programs of Cygwin and MSYS too, which find it by the file `path`. The file goes with the endpoint.
    ///
    /// # Errors
    /// Where an agent is alive behind that file, or something else is in its place.
    pub fn with_cygwin(mut self, path: &Path) -> Result<Self, EndpointError> {
        self.cygwin = Some(Cygwin::bind(path)?);
        Ok(self)
    }

    /// Its name.
    pub fn path(&self) -> Option<&Path> {
        Some(&self.path)
    }

    /// Lets go of the endpoint: there is no other side that could serve it.
    pub fn keep(self) {}

    /// Starts accepting in the current tokio runtime.
    pub fn listen(self) -> io::Result<Listener> {
        Listener::new(self.first, &self.path, self.cygwin)
    }
}

/// Nobody hands pipes over.
pub fn is_handed_over() -> bool {
    false
}

/// A pipe's name goes with its last instance, so none is ever left behind.
pub fn remove_stale(_dir: &Path, _prefix: &str, _age: Duration) -> io::Result<usize> {
    Ok(0)
}

/// A name that no pipe can have.
#[derive(Debug, thiserror::Error)]
#[error("{0} characters, and a pipe's name may have {MAX_NAME}: choose a shorter one")]
pub struct TooLong(usize);

/// The name in the form that the kernel compares: `//./pipe/x` is `\\.\pipe\x`.
fn full_name(path: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    let name = path.to_string_lossy();
    let inside = name
        .get(..PIPES.len())
        .filter(|begin| begin.eq_ignore_ascii_case(PIPES))
        .map(|_| &name[PIPES.len()..]);
    if inside.is_none_or(str::is_empty) {
        let text = r"not a pipe: a name begins with \\.\pipe\ (or //./pipe/)";
        return Err(io::Error::new(io::ErrorKind::InvalidFilename, text));
    }
    match name.encode_utf16().count() {
        length if length > MAX_NAME => Err(io::Error::new(io::ErrorKind::InvalidFilename, TooLong(length))),
        _ => Ok(path),
    }
}

/// How every instance is made: bytes, not messages; not inherited; nobody from another machine.
fn options(path: &Path) -> io::Result<PipeListenerOptions<'static>> {
    let list = U16CString::from_str_truncate(descriptor::private(false)?);
    let mut options = PipeListenerOptions::new();
    options.security_descriptor = Some(SecurityDescriptor::deserialize(&list)?);
    options.accept_remote = false;
    options.input_buffer_size_hint = BUFFER;
    options.output_buffer_size_hint = BUFFER;
    options.wait_timeout = WaitTimeout::DEFAULT;
    options.path(path.as_os_str().to_owned()).to_owned()
}

/// Letters for a name that nobody else has; not a secret.
fn random(letters: usize) -> String {
    let mut number = 0;
    let mut letter = |at: usize| {
        if at.is_multiple_of(8) {
            number = RandomState::new().build_hasher().finish();
        }
        let letter = b'a' + u8::try_from(number % 26).unwrap_or(0);
        number /= 26;
        char::from(letter)
    };
    (0..letters).map(&mut letter).collect()
}

/// The process at the client's end, and whether it is this user's, or the system's.
fn client(pipe: BorrowedHandle<'_>) -> io::Result<(Peer, bool)> {
    let mut pid = 0;
    // SAFETY: the handle is open.
    done(unsafe { GetNamedPipeClientProcessId(pipe.as_raw_handle(), &mut pid) })?;
    let peer = Peer {
        pid: Some(pid),
        uid: None,
    };
    Ok((peer, is_own(pid)?))
}

/// Whether a process is this user's, or the system's.
fn is_own(pid: u32) -> io::Result<bool> {
    let whose = sid::of(pid)?;
    Ok(whose == sid::own()? || whose == sid::SYSTEM)
}

/// The process at the server's end.
fn server(pipe: BorrowedHandle<'_>) -> Option<u32> {
    let mut pid = 0;
    // SAFETY: the handle is open.
    done(unsafe { GetNamedPipeServerProcessId(pipe.as_raw_handle(), &mut pid) }).ok()?;
    Some(pid).filter(|&pid| pid != 0)
}
