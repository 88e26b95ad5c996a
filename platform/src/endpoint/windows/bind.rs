//! Taking a name: at most one process succeeds, and the other is told who has it.

use super::client::{Reached, reach};
use super::{Bound, EndpointError, full_name, options, server};
use interprocess::os::windows::named_pipe::pipe_mode::Bytes;
use std::ffi::OsString;
use std::os::windows::io::{AsHandle, OwnedHandle};
use std::path::Path;
use std::{fmt, io};

/// See [`Bound::bind`].
pub(super) fn bind(path: &Path) -> Result<Bound, EndpointError> {
    let io = |source| EndpointError::Io {
        path: path.to_owned(),
        source,
    };
    let path = full_name(path).map_err(io)?;
    // The kernel refuses a second first instance (FILE_FLAG_FIRST_PIPE_INSTANCE, which interprocess always asks for);
    // looking before gives the name of the holder, and protects where the flag is ignored, as Wine does.
    if let Some(holder) = holder(&path).map_err(io)? {
        let holder = holder.to_string();
        return Err(EndpointError::InUse { path, holder });
    }
    let first = options(&path).and_then(|options| options.create::<Bytes, Bytes>());
    match first {
        Ok(listener) => Ok(Bound {
            first: OwnedHandle::from(listener),
            path,
            cygwin: None,
        }),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let holder = holder(&path).ok().flatten().unwrap_or(Holder::Unknown);
            let holder = holder.to_string();
            Err(EndpointError::InUse { path, holder })
        }
        Err(error) => Err(io(error)),
    }
}

/// Who serves a pipe.
#[derive(Debug)]
pub(crate) enum Holder {
    /// This process.
    Process(u32),
    /// A process of another user.
    Stranger,
    /// A process that did not tell.
    Unknown,
}

impl Holder {
    /// The file name of its program.
    pub(crate) fn program(&self) -> Option<OsString> {
        match self {
            Self::Process(pid) => crate::process::program_name(*pid),
            Self::Stranger | Self::Unknown => None,
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process(pid) => f.write_str(&crate::process::describe(*pid)),
            Self::Stranger => f.write_str("a process of another user"),
            Self::Unknown => f.write_str("another process"),
        }
    }
}

/// Who serves the pipe; `None` if nobody does.
pub(crate) fn holder(path: &Path) -> io::Result<Option<Holder>> {
    match reach(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(Some(Holder::Stranger)),
        Err(error) => Err(error),
        Ok(Reached::Busy) => Ok(Some(Holder::Unknown)),
        Ok(Reached::Connected(pipe)) => {
            let pid = server(pipe.as_handle());
            Ok(Some(pid.map_or(Holder::Unknown, Holder::Process)))
        }
    }
}
