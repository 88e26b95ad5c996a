//! Files that hold secrets: read only when they are private, written whole or not at all.
//!
//! The contract of an OS: `open_regular` (without blocking, and sure of what was opened), `refuse_shared` (who else may
//! touch it), `make_private`, `set_mode`, `appending`, `may_write`, `unlinked`, `sync_dir`, `identity`, `long` (a path of any length
//! as all calls take it), `unnamed` with `give_name` (files without a name), and what `access` names. The calls here block; async
//! callers move them to a blocking thread.

mod access;
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
#[cfg(unix)]
mod unix_access;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
mod windows_access;
mod write;

#[cfg(unix)]
use unix as imp;
#[cfg(unix)]
use unix_access as access_imp;
#[cfg(windows)]
use windows as imp;
#[cfg(windows)]
use windows_access as access_imp;

pub use access::{Access, Mend, Owner};
pub use access_imp::{access, mend, mending};
pub use error::FileError;
pub use fresh::{Fresh, refuse_existing, refuse_read_only, replace_keeping_mode};
pub use imp::private_dir;
pub use lock::{FileLock, lock};
pub use log::append_private;
pub use read::{read_exposed, read_head, read_private, read_public};
pub use stamp::{Stamp, stamp};
pub use write::write_atomic;
