//! The accept loop, one task per client, frames in and out, shutdown: the only room that touches streams.
//!
//! A client costs nothing while it is silent, is read only as far as the frame that it announced, and is not read
//! at all while its last answer has not been taken: nobody can make the agent hold more than a frame and an answer.

use crate::session::{Agent, Session};
use crate::wire::{self, Frame};
use claviger_platform::endpoint::{self, Listener, Peer, Stream};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use zeroize::Zeroize;

/// A silent client keeps at most this much buffer.
const IDLE_BUFFER: usize = 4096;
/// How much is read at once; larger frames are read in several steps.
const STEP: usize = 4096;
/// Pause after an accept that failed (no free descriptors), so that the loop neither spins nor ends.
const BACK_OFF: Duration = Duration::from_millis(50);

/// Serves clients until `shutdown` resolves; then every connection is closed and every key sealed.
pub async fn run(listener: Listener, agent: Arc<Agent>, shutdown: impl Future<Output = ()>) {
    let mut clients = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => accepted,
            // Ended tasks are collected here, or the set would grow with every client ever seen.
            Some(_) = clients.join_next() => continue,
        };
        match accepted {
            Ok(Some((stream, peer))) => {
                clients.spawn(client(stream, peer, agent.clone()));
            }
            Ok(None) => tracing::warn!("a process of another user was turned away"),
            Err(error) => {
                tracing::warn!("no client accepted: {error}");
                tokio::time::sleep(BACK_OFF).await;
            }
        }
    }
    // First, so that whoever sees its connection end may start another agent at the same place.
    drop(listener);
    clients.shutdown().await;
    agent.seal_all();
    agent.settle();
}

async fn client(stream: Stream, peer: Peer, agent: Arc<Agent>) {
    let _counted = agent.count_client();
    let pid = peer.pid;
    let mut session = Session::new(agent, peer);
    if let Err(error) = converse(&stream, &mut session).await {
        tracing::debug!(pid, "client gone: {error}");
    }
}

/// Reads frames and answers them in order, until the client closes or announces a frame that cannot be.
async fn converse(mut stream: &Stream, session: &mut Session) -> io::Result<()> {
    let mut buffer = Buffer::default();
    loop {
        match wire::frame(buffer.pending()) {
            Frame::Whole(length) => {
                let answer = session.answer(&buffer.pending()[4..4 + length]).await;
                buffer.consume(4 + length);
                stream.write_all(answer.bytes()).await?;
            }
            Frame::Partial(_) => {
                if buffer.read_from(&mut stream).await? == 0 {
                    return Ok(());
                }
            }
            Frame::Invalid(length) => {
                tracing::debug!(length, "impossible frame length; connection closed");
                return Ok(());
            }
        }
    }
}

/// Bytes that came in and are not yet answered. Consumed bytes are wiped: frames may carry passphrases.
#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    start: usize,
}

impl Buffer {
    fn pending(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    fn consume(&mut self, length: usize) {
        self.bytes[self.start..self.start + length].zeroize();
        self.start += length;
        if self.start == self.bytes.len() {
            self.bytes.clear();
            self.start = 0;
            if self.bytes.capacity() > IDLE_BUFFER {
                self.bytes = Vec::new();
            }
        }
    }

    async fn read_from(&mut self, stream: &mut &Stream) -> io::Result<usize> {
        if self.bytes.capacity() == 0 {
            endpoint::readable(stream).await?;
        }
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.reserve(STEP);
        stream.read_buf(&mut self.bytes).await
    }
}
