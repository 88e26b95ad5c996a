//! A client that speaks the agent protocol byte by byte, so that it can also speak it wrong.

use super::LIMIT;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// One connection to an agent.
pub(crate) struct Client {
    stream: UnixStream,
}

impl Client {
    /// Connects; every wait for an answer is bounded.
    pub(crate) fn connect(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).unwrap_or_else(|e| panic!("{}: {e}", socket.display()));
        stream.set_read_timeout(Some(LIMIT)).expect("a time limit");
        Self { stream }
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("bytes sent");
    }

    /// From now on nothing waits for the agent.
    pub(crate) fn never_wait(&mut self) {
        self.stream.set_nonblocking(true).expect("its mode");
    }

    /// Sends bytes as they are; false when the agent does not take them.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// The next answer's body; `None` when the agent closed the connection.
    pub(crate) fn answer(&mut self) -> Option<Vec<u8>> {
        let mut length = [0; 4];
        if self.stream.read_exact(&mut length).is_err() {
            return None;
        }
        let mut body = vec![0; u32::from_be_bytes(length) as usize];
        self.stream.read_exact(&mut body).expect("a whole answer");
        Some(body)
    }

    /// Sends one message and waits for its answer.
    pub(crate) fn ask(&mut self, body: &[u8]) -> Option<Vec<u8>> {
        self.send(&frame(body));
        self.answer()
    }
}

/// A message with its length in front.
pub(crate) fn frame(body: &[u8]) -> Vec<u8> {
    string(body)
}

/// An SSH string: its length in front.
pub(crate) fn string(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).expect("a length");
    [&length.to_be_bytes(), bytes].concat()
}

/// A list request.
pub(crate) const LIST: [u8; 1] = [11];

/// A sign request.
pub(crate) fn sign(blob: &[u8], data: &[u8], flags: u32) -> Vec<u8> {
    [&[13][..], &string(blob), &string(data), &flags.to_be_bytes()].concat()
}

/// An extension request.
pub(crate) fn extension(name: &str, body: &[u8]) -> Vec<u8> {
    [&[27][..], &string(name.as_bytes()), body].concat()
}
