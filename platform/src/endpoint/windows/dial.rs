//! Reaching another agent from an agent: without ever waiting in the kernel, and sure whose it is.

use super::client::{Reached, reach, trusted};
use super::{full_name, server};
use crate::endpoint::{Peer, Stream};
use interprocess::os::windows::named_pipe::local_socket::tokio::Stream as PipeStream;
use std::io;
use std::os::windows::io::AsHandle;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Duration;
use tokio::io::{AsyncRead, ReadBuf};

/// Between two attempts at an agent that has no free instance.
const AGAIN: Duration = Duration::from_millis(5);

/// Connects to the agent at `path`, in the current tokio runtime, and says who serves it. Waits while that agent has no
/// free instance: how long is for the caller to bound.
///
/// # Errors
/// The OS's; and an agent of another user (not the system) is refused: it would be shown what is signed.
pub async fn dial(path: &Path) -> io::Result<(Stream, Peer)> {
    let path = full_name(path)?;
    let pipe = loop {
        match reach(&path)? {
            Reached::Connected(pipe) => break pipe,
            Reached::Busy => tokio::time::sleep(AGAIN).await,
        }
    };
    trusted(pipe.as_handle())?;
    let peer = Peer {
        pid: server(pipe.as_handle()),
        uid: None,
    };
    let stream = PipeStream::try_from(pipe).map_err(|error| io::Error::other(error.to_string()))?;
    Ok((Stream::Pipe(stream.into()), peer))
}

/// Whether the other side has neither closed the connection nor said anything that was not read yet. A pipe is read ahead
/// here, so it can be told by reading only: of a connection that was not quiet, a byte is gone.
pub fn is_quiet(mut stream: &Stream) -> bool {
    let mut byte = [0];
    let mut context = Context::from_waker(Waker::noop());
    Pin::new(&mut stream)
        .poll_read(&mut context, &mut ReadBuf::new(&mut byte))
        .is_pending()
}
