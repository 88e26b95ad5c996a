//! Memory and process hardening: secrets in locked pages, no core dumps, no debuggers, nothing left behind.
//!
//! The contract of an OS: `Pages` (guarded pages in the best protection the kernel grants, wiped when released; `guarded`
//! has them for systems that only map and lock), `deny_inspection` (no core image, no debugger), `no_core_files`,
//! LOCK_REMEDY, and the two halves of a fork where there is one. Everything else here is portable.
//!
//! Nothing here fails for want of protection. A person who may lock no memory still wants to log in, so weaker
//! protection is recorded and [`memory_report`] says it with the remedy, for `claviger status`.

#[cfg(not(target_os = "linux"))]
mod guarded;
#[cfg(unix)]
mod limits;
#[cfg(target_os = "linux")]
mod linux;
mod locked;
#[cfg(target_os = "macos")]
mod macos;
mod report;
mod stack;
#[cfg(windows)]
mod windows;

#[cfg(not(target_os = "linux"))]
use guarded::Pages;
#[cfg(target_os = "linux")]
use linux as imp;
#[cfg(target_os = "linux")]
use linux::Pages;
#[cfg(all(test, target_os = "linux"))]
pub(crate) use linux::forking;
#[cfg(target_os = "macos")]
use macos as imp;
#[cfg(windows)]
use windows as imp;

#[cfg(unix)]
use limits::no_core_files;
#[cfg(unix)]
pub use limits::raise_file_limit;
pub use locked::LockedBytes;
pub use report::{MemoryReport, memory_report};
pub use stack::{scrub_stack, scrub_stack_small, scrubbed};
#[cfg(windows)]
use windows::no_core_files;
#[cfg(windows)]
pub use windows::raise_file_limit;

#[cfg(unix)]
pub(crate) use imp::{forked_child, forked_parent};
#[cfg(unix)]
pub(crate) use limits::restore_for_child;

/// Allocator that wipes what it frees. Libraries copy secrets into ordinary heap (keyring answers, parsed keys) and
/// free them unwiped; this closes all of these leaks at once.
pub type WipingAllocator = zeroizing_alloc::ZeroAlloc<std::alloc::System>;

/// The value for the program's `#[global_allocator]`.
pub const fn wiping_allocator() -> WipingAllocator {
    zeroizing_alloc::ZeroAlloc(std::alloc::System)
}

/// Makes this process not dumpable, not traceable by its own user, without core files. Returns what could not be
/// done, with the reason.
///
/// `no_new_privs` is left alone: it would be inherited, and break `sudo` in a COMMAND that runs under the agent.
pub fn harden_process() -> Vec<String> {
    let mut failed = Vec::new();
    if let Err(error) = imp::deny_inspection() {
        failed.push(format!("debuggers and core dumps are not refused: {error}"));
    }
    if let Err(error) = no_core_files() {
        failed.push(format!("core files are not switched off: {error}"));
    }
    failed
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::in_child;
    use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};

    #[test]
    fn a_hardened_process_leaves_no_core_and_is_not_dumpable() {
        in_child(|| {
            let hard = getrlimit(Resource::Core).maximum;
            assert_eq!(harden_process(), Vec::<String>::new());
            assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
            assert_eq!(getrlimit(Resource::Core).current, Some(0));
            assert_eq!(
                getrlimit(Resource::Core).maximum,
                hard,
                "a child must get its limit back"
            );
        });
    }

    #[test]
    fn another_process_of_the_same_user_cannot_look_into_a_hardened_one() {
        in_child(|| {
            crate::testing::become_nobody();
            harden_process();
            // Not dumpable means that /proc/PID/environ belongs to root and tracing is refused.
            assert!(std::fs::read("/proc/self/environ").is_err());
        });
    }

    #[test]
    fn freed_heap_is_wiped() {
        use std::alloc::{GlobalAlloc, Layout};
        let allocator = wiping_allocator();
        let layout = Layout::from_size_align(4096, 8).unwrap();
        // SAFETY: the layout is not empty; the block is written within its size and freed once with that layout.
        let address = unsafe {
            let block = allocator.alloc(layout);
            block.write_bytes(0xA5, layout.size());
            allocator.dealloc(block, layout);
            block as usize
        };
        // The block's middle: malloc keeps its own links at the beginning of a free block.
        let seen = crate::testing::read_own_memory(address + 64, 1024);
        assert!(seen.map_or(true, |bytes| !bytes.windows(16).any(|run| run == [0xA5; 16])));
    }
}
