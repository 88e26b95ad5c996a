//! What a client said of where its connection leads, kept byte for byte for agents that are connected to later.
//!
//! Nothing is left out, also not what failed here: the other agent judges by itself, and for it, too, a connection on
//! which a bind was tried is no local one. A client that says more than fits gets no keys of other agents any more:
//! to forget a part would show it as nearer than it is.

use crate::wire::{self, MAX_FRAME};
use std::sync::Arc;

/// OpenSSH takes 16 binds of a connection; some may be doubled or refused.
const MOST: usize = 64;
/// Bytes of all of them; a bind by an ML-DSA host certificate has about 10,000.
const MOST_BYTES: usize = MAX_FRAME;

/// The binds of one client's connection, in order.
#[derive(Default)]
pub(super) struct Binds {
    /// Framed.
    messages: Vec<Arc<[u8]>>,
    bytes: usize,
    overflown: bool,
}

impl Binds {
    /// Keeps the body of a session-bind message.
    pub(super) fn keep(&mut self, message: &[u8]) {
        self.bytes = self.bytes.saturating_add(message.len());
        self.overflown |= self.messages.len() == MOST || self.bytes > MOST_BYTES;
        match self.overflown {
            true => self.messages = Vec::new(),
            false => self.messages.push(wire::string(message).into()),
        }
    }

    /// The frames to send; `None` when some could not be kept.
    pub(super) fn frames(&self) -> Option<&[Arc<[u8]>]> {
        (!self.overflown).then_some(&self.messages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_came_in_order() {
        let mut binds = Binds::default();
        assert!(binds.frames().unwrap().is_empty());
        binds.keep(b"first");
        binds.keep(b"first");
        binds.keep(b"x");
        let frames: Vec<&[u8]> = binds.frames().unwrap().iter().map(|frame| &frame[..]).collect();
        assert_eq!(
            frames,
            [&b"\0\0\0\x05first"[..], b"\0\0\0\x05first", b"\0\0\0\x01x"]
        );
    }

    #[test]
    fn a_part_is_worse_than_nothing() {
        let mut many = Binds::default();
        (0..MOST).for_each(|_| many.keep(b"bind"));
        assert_eq!(many.frames().unwrap().len(), MOST);
        many.keep(b"bind");
        assert!(many.frames().is_none());

        let mut long = Binds::default();
        long.keep(&vec![27; MAX_FRAME]);
        assert!(long.frames().is_some());
        long.keep(b"");
        long.keep(b"x");
        assert!(long.frames().is_none());
        long.keep(b"");
        assert!(long.frames().is_none(), "for good");
    }
}
