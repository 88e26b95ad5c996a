//! Accepting clients of the own user and of the system; nobody else.

use super::cygwin::{self, Cygwin, Secret, SocketFile};
use super::window::Window;
use super::{client, options, pageant};
use crate::endpoint::{Peer, Stream};
use crate::windows::wide;
use interprocess::os::windows::named_pipe::local_socket::tokio::Stream as PipeStream;
use interprocess::os::windows::named_pipe::pipe_mode::Bytes;
use interprocess::os::windows::named_pipe::tokio::PipeListener;
use std::io;
use std::os::windows::io::{AsHandle, FromRawHandle, OwnedHandle};
use std::path::Path;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use windows_sys::Win32::Foundation::INVALID_HANDLE_VALUE;
use windows_sys::Win32::Storage::FileSystem::{FILE_FLAG_OVERLAPPED, PIPE_ACCESS_DUPLEX};
use windows_sys::Win32::System::Pipes::{
    CreateNamedPipeW, PIPE_READMODE_BYTE, PIPE_REJECT_REMOTE_CLIENTS, PIPE_TYPE_BYTE,
    PIPE_UNLIMITED_INSTANCES,
};

/// Instances that wait at the same time. A pipe has no queue: a client that finds none free is told that the pipe is
/// busy, and OpenSSH then waits a whole second.
const WAITING: usize = 8;

/// Pause after an accept that failed, so that an instance neither spins nor is lost.
pub(super) const BACK_OFF: Duration = Duration::from_millis(50);

/// `None` for a stranger, or one who had gone before it could be told who it was.
pub(super) type Accepted = io::Result<Option<(Stream, Peer)>>;

/// Accepts clients. Dropping it gives the name up.
#[derive(Debug)]
pub struct Listener {
    accepted: Mutex<mpsc::Receiver<Accepted>>,
    /// Gone before the rest, so that nobody is sent to where nobody is.
    _file: Option<SocketFile>,
    /// One for each waiting instance; they end with it.
    _waiting: JoinSet<()>,
    _window: Option<Window>,
}

impl Listener {
    pub(super) fn new(first: OwnedHandle, path: &Path, cygwin: Option<Cygwin>) -> io::Result<Self> {
        let (tell, accepted) = mpsc::channel(1);
        let mut waiting = JoinSet::new();
        open(first, path, &tell, &mut waiting)?;
        if let Some((first, name)) = pageant::take(path) {
            open(first, &name, &tell, &mut waiting)?;
        }
        let file = cygwin.map(
            |Cygwin {
                 listener,
                 secret,
                 file,
             }| {
                waiting.spawn(beside(listener, secret, tell));
                file
            },
        );
        let window = pageant::is_usual(path).then(|| Window::open(path));
        Ok(Self {
            accepted: Mutex::new(accepted),
            _file: file,
            _waiting: waiting,
            _window: window.and_then(|opened| match opened {
                Ok(window) => Some(window),
                Err(error) => {
                    tracing::warn!("old programs of PuTTY's will not find this agent: {error}");
                    None
                }
            }),
        })
    }

    /// The next client; `None` when a stranger (another user, not the system) was turned away, or one who had gone before
    /// it could be told who it was.
    ///
    /// An error leaves the listener as it was: wait a little and go on.
    pub async fn accept(&self) -> io::Result<Option<(Stream, Peer)>> {
        let accepted = self.accepted.lock().await.recv().await;
        accepted.unwrap_or_else(|| Err(io::ErrorKind::NotConnected.into()))
    }
}

/// Whoever is at the other end of a pipe. One who cannot be identified is a stranger.
fn identified(stream: PipeStream) -> Option<(Stream, Peer)> {
    let (peer, own) = client(stream.inner().as_handle()).ok()?;
    own.then(|| (Stream::Pipe(stream.into()), peer))
}

/// Serves programs of Cygwin's; the pipe is served whatever becomes of that.
async fn beside(listener: std::net::TcpListener, secret: Secret, tell: mpsc::Sender<Accepted>) {
    if let Err(error) = cygwin::serve(listener, secret, tell).await {
        tracing::warn!("programs of Cygwin's are not served: {error}");
    }
}

/// Has `first` and its like wait for clients of the pipe `path`.
fn open(
    first: OwnedHandle,
    path: &Path,
    tell: &mpsc::Sender<Accepted>,
    waiting: &mut JoinSet<()>,
) -> io::Result<()> {
    let mut instances = vec![first];
    for _ in 1..WAITING {
        instances.push(spare(path)?);
    }
    for instance in instances {
        let listener = PipeListener::from_handle_and_options(instance, options(path)?)?;
        waiting.spawn(wait(listener, tell.clone()));
    }
    Ok(())
}

async fn wait(listener: PipeListener<Bytes, Bytes>, tell: mpsc::Sender<Accepted>) {
    loop {
        let accepted = listener
            .accept()
            .await
            .map(|pipe| identified(PipeStream::from(pipe)));
        let failed = accepted.is_err();
        if tell.send(accepted).await.is_err() {
            return;
        }
        if failed {
            tokio::time::sleep(BACK_OFF).await;
        }
    }
}

/// One more instance of a pipe whose first is ours.
fn spare(path: &Path) -> io::Result<OwnedHandle> {
    let name = wide(path)?;
    let list = crate::windows::descriptor::private(false)?;
    let descriptor = crate::windows::descriptor::Descriptor::parse(&list)?;
    // SAFETY: the name is terminated, the descriptor alive.
    let handle = unsafe {
        CreateNamedPipeW(
            name.as_ptr(),
            PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED,
            PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_REJECT_REMOTE_CLIENTS,
            PIPE_UNLIMITED_INSTANCES,
            super::BUFFER,
            super::BUFFER,
            0,
            &descriptor.attributes(),
        )
    };
    if handle == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: just made, owned by nobody else.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

/// Returns at once: a pipe can be waited for only with a buffer to read into, so a silent client costs one here.
pub async fn readable(_stream: &Stream) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Bound, connect, dial, is_quiet, random};
    use super::*;
    use crate::endpoint::EndpointError;
    use crate::windows::descriptor::{Kind, parts, read, strangers};
    use crate::windows::sid;
    use std::io::{Read, Write};
    use std::os::windows::io::AsRawHandle;
    use std::path::PathBuf;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use windows_sys::Win32::Security::LABEL_SECURITY_INFORMATION;

    const SOON: Duration = Duration::from_secs(20);

    fn name() -> PathBuf {
        PathBuf::from(format!(r"\\.\pipe\claviger-test.{}", random(12)))
    }

    /// Answers each byte with the next one, for every client.
    async fn serve(listener: Listener) {
        loop {
            let Some((stream, peer)) = listener.accept().await.unwrap() else {
                continue;
            };
            assert_eq!(peer.pid, Some(std::process::id()));
            tokio::spawn(async move {
                let mut stream = &stream;
                while let Ok(byte) = stream.read_u8().await {
                    stream.write_u8(byte.wrapping_add(1)).await.unwrap();
                }
            });
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn many_clients_at_once_are_answered() {
        let name = name();
        let serving = tokio::spawn(serve(Bound::bind(&name).unwrap().listen().unwrap()));
        let clients: Vec<_> = (0..40_u8)
            .map(|number| {
                let name = name.clone();
                tokio::task::spawn_blocking(move || {
                    let mut stream = connect(&name, SOON).unwrap();
                    for round in 0..5 {
                        stream.write_all(&[number + round]).unwrap();
                        let mut answer = [0];
                        stream.read_exact(&mut answer).unwrap();
                        assert_eq!(answer, [number + round + 1]);
                    }
                })
            })
            .collect();
        for client in clients {
            client.await.unwrap();
        }
        serving.abort();
    }

    #[tokio::test]
    async fn only_one_takes_a_name_and_the_other_is_told_who() {
        let name = name();
        let bound = Bound::bind(&name).unwrap();
        let forward = name.to_string_lossy().replace('\\', "/");
        let refused = Bound::bind(Path::new(&forward)).unwrap_err();
        let own = format!("(pid {})", std::process::id());
        assert!(
            matches!(&refused, EndpointError::InUse { holder, .. } if holder.contains(&own)),
            "{refused}"
        );
        let taken = Bound::create(&name).unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
        drop(bound);
        drop(Bound::bind(&name).unwrap().listen().unwrap());
    }

    #[tokio::test]
    async fn every_instance_is_for_this_user_and_the_system() {
        let name = name();
        let bound = Bound::bind(&name).unwrap();
        let own = sid::own().unwrap();
        let spare = spare(&name).unwrap();
        for pipe in [&bound.first, &spare] {
            let list = read(pipe.as_raw_handle(), Kind::Pipe).unwrap();
            assert!(list.starts_with("O:") && list.contains("D:P"), "{list}");
            assert_eq!(strangers(&list, &own), Vec::<String>::new(), "{list}");
            // No label of its own, even when made by an elevated agent: Windows then takes it for one of medium
            // integrity, which this user's other programs have and sandboxed ones have not.
            let label = parts(pipe.as_raw_handle(), Kind::Pipe, LABEL_SECURITY_INFORMATION).unwrap();
            assert!(!label.contains("ML;"), "{label}");
        }
    }

    #[tokio::test]
    async fn a_silent_server_is_given_up_and_its_end_noticed() {
        let name = name();
        let listener = Bound::bind(&name).unwrap().listen().unwrap();
        let client = tokio::task::spawn_blocking({
            let name = name.clone();
            move || {
                let mut stream = connect(&name, Duration::from_millis(50)).unwrap();
                stream.read(&mut [0]).unwrap_err().kind()
            }
        });
        let (stream, _) = listener.accept().await.unwrap().unwrap();
        assert_eq!(client.await.unwrap(), io::ErrorKind::TimedOut);
        drop((stream, listener));
        // Its tasks end when the runtime comes to them.
        while !matches!(Bound::bind(&name), Ok(_)) {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn another_agent_is_dialled_and_seen_to_be_quiet_until_it_speaks() {
        let name = name();
        let listener = Bound::bind(&name).unwrap().listen().unwrap();
        let (dialled, accepted) = tokio::join!(dial(&name), listener.accept());
        let ((client, server), (stream, _)) = (dialled.unwrap(), accepted.unwrap().unwrap());
        assert_eq!(server.pid, Some(std::process::id()));
        assert!(is_quiet(&client));
        (&stream).write_all(b"!").await.unwrap();
        while is_quiet(&client) {
            tokio::task::yield_now().await;
        }
        let (dialled, accepted) = tokio::join!(dial(&name), listener.accept());
        let (client, (stream, _)) = (dialled.unwrap().0, accepted.unwrap().unwrap());
        assert!(is_quiet(&client));
        drop(stream);
        while is_quiet(&client) {
            tokio::task::yield_now().await;
        }
    }

    #[test]
    fn what_is_no_pipe_is_refused_with_the_reason() {
        for path in [r"C:\agent.sock", "agent", r"\\.\pipe\"] {
            let refused = Bound::bind(Path::new(path)).unwrap_err();
            assert!(refused.to_string().contains("not a pipe"), "{refused}");
        }
        let long = format!(r"\\.\pipe\{}", "x".repeat(300));
        assert!(
            Bound::bind(Path::new(&long))
                .unwrap_err()
                .to_string()
                .contains("shorter")
        );
    }
}
