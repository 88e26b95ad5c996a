//! Memory and process hardening: secrets in locked pages, no core dumps, no debuggers.
use std::ops::Deref;

/// Bytes in a mapping of their own: secret memory (memfd_secret) or at least locked and not dumped; wiped on drop.
///
/// Has no Debug, Display, Clone or serde on purpose. Growing moves to a new mapping and wipes the old one.
pub struct LockedBytes(Vec<u8>);

impl LockedBytes {
    /// An empty buffer with room for `capacity` bytes. Never fails: weaker protection is recorded in [`memory_report`].
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }
    /// Copies `bytes`; the caller wipes its own copy.
    pub fn copy_of(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
    /// Appends, growing when needed.
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
    /// Cuts to `len` bytes and wipes what is behind.
    pub fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }
}

impl Deref for LockedBytes {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// How well secrets are protected in this process, for `claviger status`.
pub struct MemoryReport {
    /// Pages are invisible even to root's core images (memfd_secret).
    pub secret_memory: bool,
    /// Pages cannot be swapped out.
    pub locked: bool,
    /// Why it is weaker than wanted, with the remedy.
    pub weakness: Option<String>,
}

/// Reports what the kernel granted so far (probes once if nothing was asked yet).
pub fn memory_report() -> MemoryReport {
    todo!()
}

/// Makes this process not dumpable, not traceable, without core files. Returns what could not be done, with the reason.
pub fn harden_process() -> Vec<String> {
    todo!()
}

/// Overwrites the dead part of this thread's stack, where library frames may have left secrets.
pub fn scrub_stack() {
    todo!()
}

/// As [`scrub_stack`], for the shallow frames of one fast signature.
pub fn scrub_stack_small() {
    todo!()
}

/// Raises the soft limit of open files to the hard one.
pub fn raise_file_limit() {
    todo!()
}
