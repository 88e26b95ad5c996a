//! One connection to another agent, for one client: frames out, bounded frames in, one answer for each request.

use super::UpstreamError;
use crate::wire::{self, Frame};
use claviger_platform::endpoint::{self, Stream};
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// REQUEST_IDENTITIES.
const LIST: &[u8] = &[11];
/// How much is read at once.
const STEP: usize = 4096;

/// A connection. Once an answer was not waited for to its end, it is of no use any more.
pub(super) struct Link {
    stream: Stream,
    /// How many of the client's binds went over it.
    bound: usize,
    /// The answer's body to the last list; empty before the first.
    listing: Vec<u8>,
}

impl Link {
    /// Connects. An agent is never its own upstream, whatever path leads to it.
    pub(super) async fn open(socket: &Path) -> Result<Self, UpstreamError> {
        let (stream, server) = endpoint::dial(socket).await.map_err(UpstreamError::Unreachable)?;
        if server.pid == Some(std::process::id()) {
            return Err(UpstreamError::Itself);
        }
        Ok(Self::over(stream))
    }

    /// A connection that is there.
    pub(super) fn over(stream: Stream) -> Self {
        Self {
            stream,
            bound: 0,
            listing: Vec::new(),
        }
    }

    /// Whether the next frame from there will be the answer to the next request: it is open, and said nothing unasked.
    pub(super) fn is_in_step(&self) -> bool {
        endpoint::is_quiet(&self.stream)
    }

    /// Asks for the keys. An agent that refuses (as some do while they are locked) has none.
    pub(super) async fn list(&mut self, binds: &[Arc<[u8]>]) -> Result<(), UpstreamError> {
        self.listing.clear();
        let answer = self.ask(binds, LIST).await?;
        if wire::is_failure(&answer) {
            return Ok(());
        }
        if wire::identities_answer(&answer).is_none() {
            return Err(UpstreamError::Garbled("its list of keys"));
        }
        self.listing = answer;
        Ok(())
    }

    /// The (blob, comment) pairs of the last list.
    pub(super) fn identities(&self) -> Vec<(&[u8], &[u8])> {
        wire::identities_answer(&self.listing).unwrap_or_default()
    }

    /// Whether the last list had `blob`.
    pub(super) fn lists(&self, blob: &[u8]) -> bool {
        self.identities().iter().any(|(listed, _)| *listed == blob)
    }

    /// Passes a sign request on; its framed answer, or `None` when that agent refuses.
    pub(super) async fn sign(
        &mut self,
        binds: &[Arc<[u8]>],
        request: &[u8],
    ) -> Result<Option<Vec<u8>>, UpstreamError> {
        let answer = self.ask(binds, request).await?;
        if wire::is_failure(&answer) {
            return Ok(None);
        }
        match wire::is_signature(&answer) {
            true => Ok(Some(wire::string(&answer))),
            false => Err(UpstreamError::Garbled("its signature")),
        }
    }

    /// Sends the binds that it was not told yet, and the request, in one go; returns the answer to the request. What
    /// the binds were answered is that agent's matter: it will show and sign what it sees fit.
    async fn ask(&mut self, binds: &[Arc<[u8]>], request: &[u8]) -> Result<Vec<u8>, UpstreamError> {
        let new = binds.get(self.bound..).unwrap_or_default();
        let mut frames = new.concat();
        frames.extend(wire::string(request));
        (&self.stream)
            .write_all(&frames)
            .await
            .map_err(UpstreamError::Broken)?;
        let mut buffer = Vec::new();
        for _ in new {
            self.answer(&mut buffer).await?;
        }
        self.bound = binds.len();
        let answer = self.answer(&mut buffer).await?;
        match buffer.is_empty() {
            true => Ok(answer),
            false => Err(UpstreamError::Garbled("more answers than requests")),
        }
    }

    /// The next answer's body. Bytes behind it stay in `buffer`.
    async fn answer(&mut self, buffer: &mut Vec<u8>) -> Result<Vec<u8>, UpstreamError> {
        loop {
            match wire::frame(buffer) {
                Frame::Whole(length) => {
                    let body = buffer[4..4 + length].to_vec();
                    buffer.drain(..4 + length);
                    return Ok(body);
                }
                Frame::Invalid(_) => return Err(UpstreamError::Garbled("the length of its answer")),
                Frame::Partial(_) => {
                    buffer.reserve(STEP);
                    match (&self.stream).read_buf(buffer).await {
                        Ok(0) => return Err(UpstreamError::Broken(io::ErrorKind::UnexpectedEof.into())),
                        Ok(_) => (),
                        Err(error) => return Err(UpstreamError::Broken(error)),
                    }
                }
            }
        }
    }
}
