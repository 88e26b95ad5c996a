//! Taking a name: at most one process succeeds, and the other is told who has it.

use super::client::{Reached, reach};
use super::{Bound, EndpointError, full_name, options, server};
use interprocess::os::windows::named_pipe::pipe_mode::Bytes;
use std::io;
use std::os::windows::io::{AsHandle, OwnedHandle};
use std::path::Path;

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
        return Err(EndpointError::InUse { path, holder });
    }
    let first = options(&path).and_then(|options| options.create::<Bytes, Bytes>());
    match first {
        Ok(listener) => Ok(Bound {
            first: OwnedHandle::from(listener),
            path,
        }),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let holder = holder(&path).ok().flatten();
            let holder = holder.unwrap_or_else(|| "another process".to_owned());
            Err(EndpointError::InUse { path, holder })
        }
        Err(error) => Err(io(error)),
    }
}

/// Who serves the pipe; `None` if nobody does.
fn holder(path: &Path) -> io::Result<Option<String>> {
    match reach(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Ok(Some("a process of another user".to_owned()))
        }
        Err(error) => Err(error),
        Ok(Reached::Busy) => Ok(Some("another process, which is busy".to_owned())),
        Ok(Reached::Connected(pipe)) => {
            let pid = server(pipe.as_handle());
            Ok(Some(pid.map_or_else(
                || "another process".to_owned(),
                crate::process::describe,
            )))
        }
    }
}
