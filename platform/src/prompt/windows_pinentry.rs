//! GnuPG's pinentry is not asked on Windows, which has a dialog of its own.

use super::Attempt;
use std::path::Path;
use std::time::Duration;

/// Never.
pub(super) fn installed() -> bool {
    false
}

/// Never asked.
#[expect(clippy::unused_async, reason = "elsewhere it waits")]
pub(super) async fn ask(_helper: &Path, _question: &str, _limit: Duration) -> Attempt {
    Attempt::NotAsked("pinentry is not asked on Windows".to_owned())
}

/// The hidden verb of other systems: failed.
pub fn helper() -> i32 {
    2
}
