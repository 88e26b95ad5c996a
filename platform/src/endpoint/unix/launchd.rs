//! The socket that launchd made and listens on until we start (launch_activate_socket(3)).

use super::{Bound, EndpointError, handed};
use raunch::Error;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

/// Its name under `Sockets` in the property list (platform/units).
const NAME: &str = "Listeners";

/// See [`Bound::inherited`]. Where launchd did not start us, or its property list has no such socket, there is none.
pub(super) fn inherited() -> Result<Option<Bound>, EndpointError> {
    let numbers = match raunch::activate_socket(NAME) {
        Ok(numbers) => numbers,
        Err(Error::NotManaged | Error::NotInPlist) => return Ok(None),
        Err(Error::Unknown(code)) => return Err(handed::failed(io::Error::from_raw_os_error(code))),
        Err(other) => return Err(handed::failed(io::Error::other(other.to_string()))),
    };
    // SAFETY: launchd's promise: these descriptors are open, and ours alone, as it gives them out once.
    let own = |number| unsafe { OwnedFd::from_raw_fd(number) };
    let remedy =
        "the property list may have one socket named Listeners, with SecureSocketWithKey or SockPathName";
    handed::take(numbers.into_iter().map(own), remedy)
}

/// Never: this is about LISTEN_FDS, which launchd does not use.
pub fn is_handed_over() -> bool {
    false
}
