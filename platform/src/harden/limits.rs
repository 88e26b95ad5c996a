//! Resource limits of this process, and giving a child its own back.
//!
//! Hardening lowers the soft core limit and the agent raises its soft file limit. Both are inherited, so what was
//! found first is remembered: a COMMAND under the agent must be able to dump core, and a child that uses `select`
//! must not get descriptors above 1024.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io;
use std::sync::OnceLock;

static CORE_BEFORE: OnceLock<Rlimit> = OnceLock::new();
static FILES_BEFORE: OnceLock<Rlimit> = OnceLock::new();

/// Sets the soft core limit to zero; the hard limit stays, so that a child can have its own back.
pub(super) fn no_core_files() -> io::Result<()> {
    let before = *CORE_BEFORE.get_or_init(|| getrlimit(Resource::Core));
    let none = Rlimit {
        current: Some(0),
        maximum: before.maximum,
    };
    Ok(setrlimit(Resource::Core, none)?)
}

/// Raises the soft limit of open files to the hard one: each client is a descriptor. Returns the limit now in force
/// (`u64::MAX`: none); a refusal only means fewer clients.
pub fn raise_file_limit() -> u64 {
    let before = *FILES_BEFORE.get_or_init(|| getrlimit(Resource::Nofile));
    let raised = Rlimit {
        current: before.maximum,
        maximum: before.maximum,
    };
    let _ = setrlimit(Resource::Nofile, raised);
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Gives the limits found at start back. Runs between fork and exec: system calls only, no allocation, no lock.
pub(crate) fn restore_for_child() -> io::Result<()> {
    for (resource, before) in [(Resource::Core, &CORE_BEFORE), (Resource::Nofile, &FILES_BEFORE)] {
        if let Some(&limit) = before.get() {
            setrlimit(resource, limit)?;
        }
    }
    Ok(())
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::in_child;

    #[test]
    fn the_file_limit_is_raised_and_given_back() {
        in_child(|| {
            let hard = getrlimit(Resource::Nofile).maximum;
            setrlimit(
                Resource::Nofile,
                Rlimit {
                    current: Some(200),
                    maximum: hard,
                },
            )
            .unwrap();
            assert_eq!(raise_file_limit(), hard.unwrap_or(u64::MAX));
            assert_eq!(getrlimit(Resource::Nofile).current, hard);
            restore_for_child().unwrap();
            assert_eq!(getrlimit(Resource::Nofile).current, Some(200));
        });
    }
}
