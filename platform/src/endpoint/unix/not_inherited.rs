//! Systems without a service manager that hands sockets over.

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
