//! Systems whose service manager hands sockets over in another way than by LISTEN_FDS, which is not served yet.

use super::{Bound, EndpointError};

/// None.
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
pub(super) fn inherited() -> Result<Option<Bound>, EndpointError> {
    Ok(None)
}

/// Never.
pub fn is_handed_over() -> bool {
    false
}
