//! The least of an agent client: one request, one answer, on a blocking socket. One write and, for answers that the
//! peer sends whole, one read, so that the load's own share is the same for every peer.

use crate::Result;
use ssh_encoding::Encode;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// SSH_AGENTC_REQUEST_IDENTITIES, framed.
pub(crate) const LIST: [u8; 5] = [0, 0, 0, 1, 11];
/// SSH_AGENT_RSA_SHA2_512 (RFC 9987).
pub(crate) const RSA_SHA2_512: u32 = 4;

const SIGN: u8 = 13;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_RESPONSE: u8 = 14;
const LARGEST: usize = 4 + 256 * 1024;

/// A connection to an agent.
pub(crate) struct Client {
    stream: UnixStream,
    buffer: Vec<u8>,
}

impl Client {
    /// Connects; the buffer is made here, so that no request pays for it.
    pub(crate) fn connect(socket: &Path) -> Result<Self> {
        Self::with_buffer(socket, vec![0; LARGEST])
    }

    /// Connects with the buffer of an earlier connection: a visit must not be charged for clearing 256 KiB.
    pub(crate) fn with_buffer(socket: &Path, buffer: Vec<u8>) -> Result<Self> {
        let stream = UnixStream::connect(socket).map_err(|error| format!("{}: {error}", socket.display()))?;
        Ok(Self { stream, buffer })
    }

    /// Closes the connection and hands the buffer back.
    pub(crate) fn close(self) -> Vec<u8> {
        self.buffer
    }

    /// Sends one framed request and returns the whole framed answer.
    pub(crate) fn call(&mut self, request: &[u8]) -> Result<&[u8]> {
        self.stream.write_all(request)?;
        let mut filled = 0;
        loop {
            let read = self.stream.read(&mut self.buffer[filled..])?;
            if read == 0 {
                return Err("the peer hung up".into());
            }
            filled += read;
            if let Some((length, _)) = self.buffer[..filled].split_first_chunk::<4>() {
                let whole = 4 + u32::from_be_bytes(*length) as usize;
                if filled == whole {
                    return Ok(&self.buffer[..filled]);
                }
                if filled > whole || whole > LARGEST {
                    return Err(format!("the peer sent {filled} bytes of a frame of {whole}").into());
                }
            }
        }
    }
}

/// A framed SIGN_REQUEST.
pub(crate) fn sign_request(blob: &[u8], data: &[u8], flags: u32) -> Result<Vec<u8>> {
    let mut frame = vec![0, 0, 0, 0, SIGN];
    blob.encode(&mut frame)?;
    data.encode(&mut frame)?;
    flags.encode(&mut frame)?;
    let length = u32::try_from(frame.len() - 4)?;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    Ok(frame)
}

/// The session of [`login_data`].
pub(crate) const SESSION: [u8; 32] = [0x5a; 32];

/// What `ssh` asks an agent to sign for a login (RFC 4252, 7), with an invented session id.
pub(crate) fn login_data(blob: &[u8], algorithm: &str) -> Result<Vec<u8>> {
    let mut data = Vec::new();
    SESSION.as_slice().encode(&mut data)?;
    50_u8.encode(&mut data)?;
    for text in ["someone", "ssh-connection", "publickey"] {
        text.encode(&mut data)?;
    }
    1_u8.encode(&mut data)?;
    algorithm.encode(&mut data)?;
    blob.encode(&mut data)?;
    Ok(data)
}

/// How many keys an IDENTITIES_ANSWER holds.
pub(crate) fn count(answer: &[u8]) -> Result<usize> {
    match answer.get(4..9) {
        Some([IDENTITIES_ANSWER, count @ ..]) => {
            Ok(count.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
        }
        _ => Err("the peer did not answer with a list".into()),
    }
}

/// The signature of a SIGN_RESPONSE: string of (string algorithm, string blob).
pub(crate) fn signature(answer: &[u8]) -> Result<&[u8]> {
    match answer.get(4) {
        Some(&SIGN_RESPONSE) => answer
            .get(9..)
            .ok_or_else(|| "the peer sent a signature cut short".into()),
        _ => Err("the peer refused to sign".into()),
    }
}
