//! What the kernel granted, added up over the life of the process, and put into words.

use std::io;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering::Relaxed};

/// How one buffer came to be protected. Higher is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grade {
    /// Left out of core files, but could be swapped out.
    Plain,
    /// Also kept out of swap.
    Locked,
    /// Removed from the kernel's own map: no other process, not even root's, reads it.
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "only Linux has such memory")
    )]
    Secret,
}

static LOCKED: AtomicUsize = AtomicUsize::new(0);
static PLAIN: AtomicUsize = AtomicUsize::new(0);
static SECRET: AtomicUsize = AtomicUsize::new(0);
static WHY_NOT_SECRET: AtomicI32 = AtomicI32::new(0);
static WHY_NOT_LOCKED: AtomicI32 = AtomicI32::new(0);

/// Counts one buffer; the errors (OS codes, zero for none) say why it got no better grade.
pub(super) fn record(grade: Grade, not_secret: i32, not_locked: i32) {
    match grade {
        Grade::Plain => &PLAIN,
        Grade::Locked => &LOCKED,
        Grade::Secret => &SECRET,
    }
    .fetch_add(1, Relaxed);
    if not_secret != 0 {
        WHY_NOT_SECRET.store(not_secret, Relaxed);
    }
    if not_locked != 0 {
        WHY_NOT_LOCKED.store(not_locked, Relaxed);
    }
}

/// How well secrets are protected in this process, for `claviger status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryReport {
    /// Pages are invisible even to root's core images (memfd_secret).
    pub secret_memory: bool,
    /// Pages cannot be swapped out.
    pub locked: bool,
    /// Why it is weaker than wanted, with the remedy.
    pub weakness: Option<String>,
}

/// Reports what the kernel granted so far (probes once if nothing was asked yet). One buffer that got less counts
/// for all: the person wants to know the weakest link.
pub fn memory_report() -> MemoryReport {
    if SECRET.load(Relaxed) + LOCKED.load(Relaxed) + PLAIN.load(Relaxed) == 0 {
        drop(super::LockedBytes::with_capacity(1));
    }
    let plain = PLAIN.load(Relaxed);
    let not_secret = plain + LOCKED.load(Relaxed);
    let reason = |code: &AtomicI32| io::Error::from_raw_os_error(code.load(Relaxed));
    let weakness = if plain > 0 {
        Some(format!(
            "{plain} secret buffers could be swapped out ({}): {}",
            reason(&WHY_NOT_LOCKED),
            super::imp::LOCK_REMEDY
        ))
    } else if not_secret > 0 && cfg!(target_os = "linux") {
        Some(format!(
            "{not_secret} secret buffers are locked but root could read them (memfd_secret: {}): needs Linux 6.5 \
             or newer, or the boot option secretmem.enable=1, and room under `ulimit -l`",
            reason(&WHY_NOT_SECRET)
        ))
    } else {
        None
    };
    MemoryReport {
        secret_memory: not_secret == 0,
        locked: plain == 0,
        weakness,
    }
}
