//! The socket as programs of Cygwin's use it, honest ones and others. The client here is written from Cygwin's
//! fhandler/socket_local.cc, and shares nothing with the code that it is tried on.

use super::accept::MOST;
use crate::endpoint::windows::{Listener, random};
use crate::endpoint::{Bound, EndpointError, Peer, Stream};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A folder with an odd name, and the socket's file in it.
fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::Builder::new()
        .prefix("Größe mit Platz ")
        .tempdir()
        .unwrap();
    let path = folder.path().join("ssh ägent.sock");
    (folder, path)
}

fn bound(path: &Path) -> Result<Bound, EndpointError> {
    let pipe = format!(r"\\.\pipe\claviger-test.{}", random(12));
    Bound::bind(Path::new(&pipe))?.with_cygwin(path)
}

/// Port and secret, as sscanf of "%hu %c %08x-%08x-%08x-%08x" reads them.
fn file(path: &Path) -> (u16, Vec<u8>) {
    let text = std::fs::read_to_string(path).unwrap();
    let mut words = text
        .trim_end_matches('\0')
        .strip_prefix("!<socket >")
        .unwrap()
        .split(' ');
    let port = words.next().unwrap().parse().unwrap();
    assert_eq!(words.next(), Some("s"));
    let numbers = words.next().unwrap().split('-');
    let secret = numbers.flat_map(|number| u32::from_str_radix(number, 16).unwrap().to_ne_bytes());
    (port, secret.collect())
}

fn connect(path: &Path) -> (TcpStream, Vec<u8>) {
    let (port, secret) = file(path);
    (TcpStream::connect(("127.0.0.1", port)).unwrap(), secret)
}

/// What connect(2) does in Cygwin.
fn greeted(path: &Path) -> io::Result<TcpStream> {
    let (mut stream, secret) = connect(path);
    stream.write_all(&secret)?;
    let mut said = [0; 16];
    stream.read_exact(&mut said)?;
    assert_eq!(said[..], secret[..]);
    let credentials = [77_u32, 197_609, 197_121].map(u32::to_ne_bytes).concat();
    stream.write_all(&credentials)?;
    let mut theirs = [0; 12];
    stream.read_exact(&mut theirs)?;
    assert_eq!(theirs[..4], std::process::id().to_ne_bytes());
    assert_eq!(theirs[4..], credentials[4..], "the same user");
    Ok(stream)
}

/// A client's side, on a thread of its own.
async fn by<T: Send + 'static>(client: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(client).await.unwrap()
}

async fn next(listener: &Listener) -> (Stream, Peer) {
    loop {
        // One who had gone before it could be told who it was counts as a stranger.
        if let Some(client) = listener.accept().await.unwrap() {
            return client;
        }
    }
}

/// Whether the other side closed the connection without a word.
fn closed(mut stream: &TcpStream) -> bool {
    matches!(stream.read(&mut [0; 64]), Ok(0) | Err(_))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_client_is_served_and_its_process_named() {
    let (_folder, path) = place();
    let listener = bound(&path).unwrap().listen().unwrap();
    let question = vec![7; 70_000];
    let client = tokio::spawn(by({
        let (path, question) = (path.clone(), question.clone());
        move || {
            let mut stream = greeted(&path).unwrap();
            stream.write_all(&question).unwrap();
            let mut answer = vec![0; question.len()];
            stream.read_exact(&mut answer).unwrap();
            answer
        }
    }));
    let (stream, peer) = next(&listener).await;
    assert_eq!(peer.pid, Some(std::process::id()));
    let mut stream = &stream;
    let mut heard = vec![0; question.len()];
    stream.read_exact(&mut heard).await.unwrap();
    assert_eq!(heard, question);
    stream.write_all(&heard).await.unwrap();
    assert_eq!(client.await.unwrap(), question);
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0, "its end is noticed");
    drop(listener);
    assert!(!path.exists(), "gone with the endpoint");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_know_the_secret_hears_nothing() {
    let (_folder, path) = place();
    let listener = bound(&path).unwrap().listen().unwrap();
    let serving = tokio::spawn(async move {
        let (_, peer) = next(&listener).await;
        (peer, listener)
    });
    by(move || {
        for wrong in 0..16 {
            let (mut stream, mut secret) = connect(&path);
            secret[wrong] ^= 1;
            stream.write_all(&secret).unwrap();
            assert!(closed(&stream), "{wrong}");
        }
        // What a port scanner says, and one who goes in the middle.
        let (mut stream, _) = connect(&path);
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        assert!(closed(&stream));
        let (mut stream, secret) = connect(&path);
        stream.write_all(&secret[..9]).unwrap();
        drop(stream);
        let (mut stream, secret) = connect(&path);
        stream.write_all(&secret).unwrap();
        drop(stream);
        // The first who is handed over is the first honest one.
        greeted(&path).unwrap();
    })
    .await;
    let (peer, _listener) = serving.await.unwrap();
    assert_eq!(peer.pid, Some(std::process::id()));
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_clients_hold_nobody_up_and_are_given_up() {
    let (_folder, path) = place();
    let listener = bound(&path).unwrap().listen().unwrap();
    let serving = tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    by(move || {
        let silent: Vec<TcpStream> = (0..MOST - 1).map(|_| connect(&path).0).collect();
        greeted(&path).unwrap();
        // Of those that are too many each is turned away, and so is every silent one in the end.
        let more: Vec<TcpStream> = (0..4).map(|_| connect(&path).0).collect();
        assert!(silent.iter().chain(&more).all(closed));
        greeted(&path).unwrap();
    })
    .await;
    serving.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_agents_file_is_replaced_and_no_other() {
    let (folder, path) = place();
    // An agent that was killed leaves its file; by now nobody has its port, or another program.
    drop(bound(&path).unwrap());
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    std::thread::spawn(move || while other.accept().is_ok() {});
    for port in [1, port] {
        let stale = format!("!<socket >{port} s 00000001-00000002-00000003-00000004\0");
        std::fs::write(&path, &stale).unwrap();
        let bound = bound(&path).unwrap();
        assert_ne!(std::fs::read_to_string(&path).unwrap(), stale);
        drop(bound);
    }

    let listener = bound(&path).unwrap().listen().unwrap();
    let serving = tokio::spawn(async move {
        while listener.accept().await.is_ok() {}
        drop(listener);
    });
    let refused = by({
        let path = path.clone();
        move || bound(&path).unwrap_err()
    })
    .await;
    let own = format!("(pid {})", std::process::id());
    assert!(
        matches!(&refused, EndpointError::InUse { holder, .. } if holder.contains(&own)),
        "{refused}"
    );
    by(move || greeted(&path).unwrap()).await;
    serving.abort();

    let notes = folder.path().join("notes");
    std::fs::write(&notes, "mine").unwrap();
    for foreign in [notes.as_path(), folder.path()] {
        let refused = bound(foreign).unwrap_err();
        assert!(matches!(refused, EndpointError::NotASocket { .. }), "{refused}");
    }
    assert_eq!(std::fs::read_to_string(&notes).unwrap(), "mine");
}

/// Only Wine lets a process be started that Windows knows nothing of; a real Windows would need a second user's password.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_not_the_users_is_a_stranger_whatever_it_knows() {
    let unix = Path::new(r"Z:\bin\bash");
    if !unix.exists() {
        eprintln!("NOT CHECKED: there is no process here that is not this user's");
        return;
    }
    let (_folder, path) = place();
    let listener = bound(&path).unwrap().listen().unwrap();
    let (port, secret) = file(&path);
    let secret: String = secret.iter().map(|byte| format!("\\x{byte:02x}")).collect();
    let script = tempfile::Builder::new()
        .prefix("claviger-test-")
        .tempdir_in(r"Z:\tmp")
        .unwrap();
    let lines = format!("exec 3<>/dev/tcp/127.0.0.1/{port}\nprintf '{secret}' >&3\ncat <&3\n");
    std::fs::write(script.path().join("client"), lines).unwrap();
    let folder = script.path().file_name().unwrap().to_str().unwrap();
    let started = std::process::Command::new("start.exe")
        .args(["/unix", "/bin/bash", &format!("/tmp/{folder}/client")])
        .status()
        .unwrap();
    assert!(started.success());
    assert!(listener.accept().await.unwrap().is_none(), "handed over");
    let client = tokio::spawn(by(move || greeted(&path).map(drop)));
    next(&listener).await;
    client.await.unwrap().unwrap();
}
