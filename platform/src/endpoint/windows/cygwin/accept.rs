//! Accepting Cygwin's programs: whose the process is comes first, then the greeting, each client for itself and in bounded
//! time, so that nobody waits for a slow one.

use super::greeting::Secret;
use super::{greeting, owner};
use crate::endpoint::windows::accept::{Accepted, BACK_OFF};
use crate::endpoint::windows::is_own;
use crate::endpoint::{Peer, Stream};
use std::io;
use std::net::{SocketAddr, SocketAddrV4};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// How long a client may take for each half of the greeting, which a program does in one go.
const PATIENCE: Duration = Duration::from_secs(5);
/// Clients that are not past it yet, at a time. Processes of others are turned away before they count for long.
pub(super) const MOST: usize = 32;

/// Hands over whoever is past the greeting. Ends when nobody listens to `tell` any more.
pub(in super::super) async fn serve(
    listener: std::net::TcpListener,
    secret: Secret,
    tell: mpsc::Sender<Accepted>,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let SocketAddr::V4(own) = listener.local_addr()? else {
        return Err(io::ErrorKind::AddrNotAvailable.into());
    };
    let mut greeting = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = greeting.join_next() => continue,
            () = tell.closed() => return Ok(()),
        };
        match accepted {
            Ok((stream, SocketAddr::V4(from))) if greeting.len() < MOST => {
                greeting.spawn(greet(stream, from, own, secret.clone(), tell.clone()));
            }
            Ok((_, from)) => {
                tracing::warn!(%from, "turned away: {MOST} clients are connected that did not say the secret yet");
            }
            Err(error) => {
                tracing::warn!("no program of Cygwin's accepted: {error}");
                tokio::time::sleep(BACK_OFF).await;
            }
        }
    }
}

/// One client, from its connection to where it is handed over or turned away.
async fn greet(
    stream: TcpStream,
    from: SocketAddrV4,
    own: SocketAddrV4,
    secret: Secret,
    tell: mpsc::Sender<Accepted>,
) {
    let first = identify(own, from).await;
    if matches!(first, Whose::Stranger) {
        // That one was turned away is said where this is heard.
        let _ = tell.send(Ok(None)).await;
        return;
    }
    let pid = first.pid();
    match greeted(stream, (own, from), first, &secret).await {
        Ok(accepted) => {
            let _ = tell.send(Ok(accepted)).await;
        }
        Err(error) => tracing::warn!(pid, "a client of the socket for Cygwin was turned away: {error}"),
    }
}

/// The greeting. Who was not known at first has to be known before anything is answered.
async fn greeted(
    mut stream: TcpStream,
    (own, from): (SocketAddrV4, SocketAddrV4),
    first: Whose,
    secret: &Secret,
) -> io::Result<Option<(Stream, Peer)>> {
    bounded(greeting::hear(&mut stream, secret)).await?;
    let whose = match first {
        Whose::Unknown => identify(own, from).await,
        known => known,
    };
    let Whose::Own(pid) = whose else {
        return Ok(None);
    };
    bounded(greeting::answer(&mut stream, secret)).await?;
    // A question and its answer are small, and each waits for the other.
    stream.set_nodelay(true)?;
    let peer = Peer {
        pid: Some(pid),
        uid: None,
    };
    Ok(Some((Stream::Loopback(stream), peer)))
}

/// Waits for a part of the greeting as long as it may take.
async fn bounded(part: impl Future<Output = io::Result<()>>) -> io::Result<()> {
    let late = |_| {
        let text = format!("nothing came for {} s that ends the greeting", PATIENCE.as_secs());
        io::Error::new(io::ErrorKind::TimedOut, text)
    };
    tokio::time::timeout(PATIENCE, part).await.map_err(late)?
}

/// Whose a process is.
#[derive(Clone, Copy)]
enum Whose {
    /// This user's, or the system's.
    Own(u32),
    Stranger,
    /// The kernel does not say yet, or not any more.
    Unknown,
}

impl Whose {
    fn pid(self) -> Option<u32> {
        match self {
            Self::Own(pid) => Some(pid),
            Self::Stranger | Self::Unknown => None,
        }
    }
}

/// Whose the process at the other end is.
async fn identify(own: SocketAddrV4, from: SocketAddrV4) -> Whose {
    // The table is long on a busy machine, and nobody else should wait while it is read.
    let found = tokio::task::spawn_blocking(move || {
        let pid = owner::client(own, from)?;
        pid.map(|pid| is_own(pid).map(|own| (pid, own))).transpose()
    });
    match found.await {
        Ok(Ok(Some((pid, true)))) => Whose::Own(pid),
        Ok(Ok(None)) => Whose::Unknown,
        // A process that may not be asked is not this user's.
        Ok(Ok(Some((_, false))) | Err(_)) | Err(_) => Whose::Stranger,
    }
}
