//! Protected pages where the system has no memory that is secret from everybody: locked, between two guards, wiped when
//! released. The contract: `page_size`, `map` and `unmap`.

use super::imp;
use super::report::{Grade, record};
use std::ptr::NonNull;
use zeroize::Zeroize;

/// Whole readable pages between two guard pages, wiped and unmapped on drop.
pub(super) struct Pages {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: `Pages` owns its mapping alone; shared references only read, and writing needs `&mut`.
unsafe impl Send for Pages {}
// SAFETY: as above.
unsafe impl Sync for Pages {}

impl Pages {
    /// At least `capacity` (not zero) bytes of zeroes, locked if the system allows it now.
    pub(super) fn new(capacity: usize) -> Self {
        let len = capacity.next_multiple_of(imp::page_size());
        let (start, locked) = imp::map(len);
        match locked {
            Ok(()) => record(Grade::Locked, 0, 0),
            Err(error) => record(Grade::Plain, 0, error.raw_os_error().unwrap_or(0)),
        }
        Self { start, len }
    }

    /// Usable bytes.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// All of them.
    pub(super) fn bytes(&self) -> &[u8] {
        // SAFETY: `start` is `len` readable, initialised (zero-filled) bytes for as long as `self` lives.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }

    /// All of them, to be written.
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`; `&mut self` makes this the only access.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        self.bytes_mut().zeroize();
        // SAFETY: these pages come from `map`, and nothing refers to them any more.
        unsafe { imp::unmap(self.start, self.len) };
    }
}

/// Ends the process, as every other allocation does when there is no memory.
pub(super) fn out_of_memory(len: usize) -> ! {
    let layout = std::alloc::Layout::array::<u8>(len).unwrap_or(std::alloc::Layout::new::<u8>());
    std::alloc::handle_alloc_error(layout)
}
