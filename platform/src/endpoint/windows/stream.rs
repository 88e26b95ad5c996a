//! One connection, whichever way it came: through a pipe, or over loopback from a program of Cygwin's.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// One connected client. Read and written through references, as both kinds can be.
#[derive(Debug)]
pub enum Stream {
    /// A named pipe.
    Pipe(interprocess::local_socket::tokio::Stream),
    /// Loopback, past the greeting of Cygwin's sockets.
    Loopback(TcpStream),
}

impl AsyncRead for &Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match *self {
            Stream::Pipe(pipe) => Pin::new(&mut &*pipe).poll_read(context, buffer),
            Stream::Loopback(stream) => loop {
                ready!(stream.poll_read_ready(context))?;
                match stream.try_read(buffer.initialize_unfilled()) {
                    // That it was ready was old news; the next question waits.
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Poll::Ready(Err(error)),
                    Ok(count) => {
                        buffer.advance(count);
                        return Poll::Ready(Ok(()));
                    }
                }
            },
        }
    }
}

impl AsyncWrite for &Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match *self {
            Stream::Pipe(pipe) => Pin::new(&mut &*pipe).poll_write(context, bytes),
            Stream::Loopback(stream) => loop {
                ready!(stream.poll_write_ready(context))?;
                match stream.try_write(bytes) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    written => return Poll::Ready(written),
                }
            },
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {
            Stream::Pipe(pipe) => Pin::new(&mut &*pipe).poll_flush(context),
            // What was written is with the kernel.
            Stream::Loopback(_) => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {
            Stream::Pipe(pipe) => Pin::new(&mut &*pipe).poll_shutdown(context),
            // It ends when it is dropped.
            Stream::Loopback(_) => Poll::Ready(Ok(())),
        }
    }
}
