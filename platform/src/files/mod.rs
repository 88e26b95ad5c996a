//! Files that hold secrets: read only when they are private, written whole or not at all.
//!
//! The contract of an OS: `open_regular` (without blocking, and sure of what was opened), `refuse_shared` (who else may
//! touch it), `make_private`, `set_mode`, `appending`, `may_write`, `unlinked`, `sync_dir`, `identity`, and `unnamed` with `give_name`
//! (files without a name). The calls here block; async callers move them to a blocking thread.

mod error;
mod fresh;
#[cfg(target_os = "linux")]
mod linux;
mod lock;
mod log;
#[cfg(not(target_os = "linux"))]
mod named;
mod read;
mod stamp;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;
mod write;

#[cfg(unix)]
use unix as imp;
#[cfg(windows)]
use windows as imp;

pub use error::FileError;
pub use fresh::{Fresh, refuse_existing, refuse_read_only, replace_keeping_mode};
pub use imp::private_dir;
pub use lock::{FileLock, lock};
pub use log::append_private;
pub use read::{read_exposed, read_head, read_private, read_public};
pub use stamp::{Stamp, stamp};
pub use write::write_atomic;
