//! Growable bytes in protected pages of their own.

use super::Pages;
use std::ops::Deref;
use zeroize::Zeroize;

/// Bytes in a mapping of their own: secret memory (memfd_secret) or at least locked and not dumped, between two
/// pages that cannot be touched; wiped on drop.
///
/// Has no Debug, Display, Clone or serde on purpose. Growing moves to a new mapping and wipes the old one. The kernel
/// can still read it for `write` or `send`, so it needs no copy to be sent. A buffer without capacity has no mapping.
///
/// It outlives `daemonize` in the child; the parent's handle is then the same memory and must not
/// be written to (dropping it is fine: the parent unmaps without wiping).
pub struct LockedBytes {
    pages: Option<Pages>,
    len: usize,
}

impl LockedBytes {
    /// An empty buffer with room for `capacity` bytes. Never fails: weaker protection is recorded in
    /// [`super::memory_report`].
    pub fn with_capacity(capacity: usize) -> Self {
        let pages = (capacity > 0).then(|| Pages::new(capacity));
        Self { pages, len: 0 }
    }

    /// `len` zero bytes, to be filled through [`Self::as_mut_slice`].
    pub fn zeroed(len: usize) -> Self {
        // Fresh pages are zero, and every byte between `len` and the capacity is kept zero by `truncate`.
        Self {
            len,
            ..Self::with_capacity(len)
        }
    }

    /// Copies `bytes`; the caller wipes its own copy.
    pub fn copy_of(bytes: &[u8]) -> Self {
        let mut copy = Self::zeroed(bytes.len());
        copy.as_mut_slice().copy_from_slice(bytes);
        copy
    }

    /// Bytes that fit without moving.
    pub fn capacity(&self) -> usize {
        self.pages.as_ref().map_or(0, Pages::len)
    }

    /// The bytes, to be written in place.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        match &mut self.pages {
            Some(pages) => &mut pages.bytes_mut()[..self.len],
            None => &mut [],
        }
    }

    /// Appends, growing when needed.
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        let start = self.len;
        self.resize(start + bytes.len());
        self.as_mut_slice()[start..].copy_from_slice(bytes);
    }

    /// Cuts to `len` bytes and wipes what is behind; nothing happens if it is not longer.
    pub fn truncate(&mut self, len: usize) {
        if len < self.len {
            self.as_mut_slice()[len..].zeroize();
            self.len = len;
        }
    }

    /// Grows with zero bytes, or truncates.
    pub fn resize(&mut self, len: usize) {
        if len > self.capacity() {
            // Doubling bounds the number of moves, each of which costs a mapping.
            let mut larger = Self::with_capacity(len.max(self.capacity() * 2));
            larger.len = self.len;
            larger.as_mut_slice().copy_from_slice(self);
            *self = larger;
        }
        self.truncate(len);
        self.len = len;
    }
}

impl Deref for LockedBytes {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match &self.pages {
            Some(pages) => &pages.bytes()[..self.len],
            None => &[],
        }
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::read_own_memory;
    use std::io::{Read, Write};

    #[test]
    fn grows_and_shrinks_like_a_vector_and_wipes_behind_the_cut() {
        let mut bytes = LockedBytes::with_capacity(0);
        assert!(bytes.is_empty());
        let mut expected = Vec::new();
        for round in 0..40u8 {
            bytes.extend_from_slice(&[round; 997]);
            expected.extend_from_slice(&[round; 997]);
            assert_eq!(&*bytes, &*expected);
        }
        bytes.truncate(10);
        bytes.truncate(100);
        assert_eq!(&*bytes, &expected[..10]);
        bytes.resize(2000);
        assert!(
            bytes[10..].iter().all(|&byte| byte == 0),
            "the cut part must not come back"
        );
    }

    #[test]
    fn crosses_threads() {
        fn holds<T: Send + Sync>() {}
        holds::<LockedBytes>();
        let secret = LockedBytes::copy_of(b"opens the door");
        let back = std::thread::spawn(move || secret).join().unwrap();
        assert_eq!(&*back, b"opens the door");
    }

    #[test]
    fn can_be_written_and_read_by_system_calls_without_a_copy() {
        let secret = LockedBytes::copy_of(&[7; 5000]);
        let (mut left, mut right) = std::os::unix::net::UnixStream::pair().unwrap();
        left.write_all(&secret).unwrap();
        let mut back = LockedBytes::zeroed(5000);
        right.read_exact(back.as_mut_slice()).unwrap();
        assert!(*back == *secret);
        let (mut out, mut into) = std::io::pipe().unwrap();
        into.write_all(&secret).unwrap();
        let mut back = LockedBytes::zeroed(5000);
        out.read_exact(back.as_mut_slice()).unwrap();
        assert!(*back == *secret);
    }

    #[test]
    fn dropped_bytes_are_gone_from_the_address_space() {
        let secret = LockedBytes::copy_of(&[0x5A; 300]);
        let address = secret.as_ptr() as usize;
        drop(secret);
        let seen = read_own_memory(address, 300).unwrap_or_default();
        assert!(!seen.windows(8).any(|run| run == [0x5A; 8]));
    }
}
