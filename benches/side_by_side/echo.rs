//! The do-nothing peer: a process that answers each request with bytes made beforehand. Its round trip is what the
//! socket and two wake-ups cost, whatever an agent does in between.

use crate::Result;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Turns this program into the peer: `--echo SOCKET REQUEST:ANSWER…`, lengths in bytes, frame headers included.
pub(crate) const FLAG: &str = "--echo";

/// A running peer; ended on drop.
pub(crate) struct Echo {
    child: Child,
    socket: PathBuf,
}

impl Echo {
    /// Starts a peer that answers a request of `sizes[i].0` bytes with `sizes[i].1` bytes.
    pub(crate) fn start(socket: PathBuf, sizes: &[(usize, usize)]) -> Result<Self> {
        let peer = Self::spawn(socket, sizes)?;
        crate::agents::wait(&peer.socket, || Ok(UnixStream::connect(&peer.socket).is_ok()))?;
        Ok(peer)
    }

    /// Starts it without waiting until it listens.
    pub(crate) fn spawn(socket: PathBuf, sizes: &[(usize, usize)]) -> Result<Self> {
        let child = Command::new(std::env::current_exe()?)
            .arg(FLAG)
            .arg(&socket)
            .args(
                sizes
                    .iter()
                    .map(|(request, answer)| format!("{request}:{answer}")),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        Ok(Self { child, socket })
    }

    /// Where it listens.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        // Only an already ended peer can fail here, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The peer itself: one client at a time, until it is killed.
pub(crate) fn serve(arguments: &[String]) -> Result<()> {
    let (socket, sizes) = arguments.split_first().ok_or("--echo needs a socket")?;
    let mut answers = Vec::new();
    for size in sizes {
        let (request, answer) = size.split_once(':').ok_or("--echo needs REQUEST:ANSWER")?;
        answers.push((request.parse()?, frame(answer.parse()?)?));
    }
    let listener = UnixListener::bind(socket)?;
    loop {
        let (client, _) = listener.accept()?;
        attend(client, &answers)?;
    }
}

/// A frame of `size` bytes in all, header included.
fn frame(size: usize) -> Result<Vec<u8>> {
    let mut frame = vec![0_u8; size];
    let body = size.checked_sub(4).ok_or("a frame has at least 4 bytes")?;
    frame[..4].copy_from_slice(&u32::try_from(body)?.to_be_bytes());
    Ok(frame)
}

fn attend(mut client: UnixStream, answers: &[(usize, Vec<u8>)]) -> Result<()> {
    let mut buffer = [0_u8; 4096];
    loop {
        let read = match client.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let (_, answer) = answers
            .iter()
            .find(|(request, _)| *request == read)
            .ok_or_else(|| format!("no answer for a request of {read} bytes"))?;
        client.write_all(answer)?;
    }
}
