//! What takes too long, or would take too long to wait for in a test of the whole program.
#![cfg(unix)]

use super::link::Link;
use super::target::Target;
use super::{Registry, Upstreams};
use crate::wire;
use claviger_platform::endpoint;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

const SOON: Duration = Duration::from_millis(50);
const REQUEST: &[u8] = b"\x0dwhatever it asks";

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(test);
}

/// A view with one agent, connected to; and that agent's end.
async fn connected(folder: &Path) -> (Upstreams, UnixStream) {
    let socket = folder.join("agent");
    let listener = UnixListener::bind(&socket).unwrap();
    let (stream, _) = endpoint::dial(&socket).await.unwrap();
    let mut upstreams = Upstreams::new([Target::new(socket)].into());
    upstreams.links = vec![Some(Link::over(stream))];
    (upstreams, listener.accept().await.unwrap().0)
}

async fn heard(agent: &mut UnixStream) -> Vec<u8> {
    let mut request = vec![0; agent.read_u32().await.unwrap() as usize];
    agent.read_exact(&mut request).await.unwrap();
    request
}

/// Lists one key, `blob`.
async fn listed(upstreams: &mut Upstreams, agent: &mut UnixStream, blob: &[u8]) {
    let answer = wire::identities([(blob, &b""[..])].into_iter());
    let link = upstreams.links[0].as_mut().unwrap();
    let (listed, ()) = tokio::join!(link.list(&[]), async {
        assert_eq!(heard(agent).await, [11]);
        agent.write_all(&answer).await.unwrap();
    });
    listed.unwrap();
}

#[test]
fn a_signature_is_not_waited_for_without_end_and_its_connection_is_not_used_again() {
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let (mut upstreams, mut agent) = connected(folder.path()).await;
        listed(&mut upstreams, &mut agent, b"key").await;
        upstreams.sign_limit = SOON;
        assert_eq!(upstreams.sign(b"key", REQUEST).await, None);
        assert_eq!(heard(&mut agent).await, REQUEST);
        assert_eq!(agent.read(&mut [0]).await.unwrap(), 0, "closed");
        assert_eq!(upstreams.keys().count(), 0);
    });
}

#[test]
fn an_answer_that_comes_in_pieces_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    run(async {
        let (mut upstreams, mut agent) = connected(folder.path()).await;
        listed(&mut upstreams, &mut agent, b"key").await;
        let signature = wire::signature(&[7; 9000]);
        let (signed, ()) = tokio::join!(upstreams.sign(b"key", REQUEST), async {
            assert_eq!(heard(&mut agent).await, REQUEST);
            for piece in signature.chunks(1500) {
                agent.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
        });
        assert_eq!(signed, Some(signature));
    });
}

#[test]
fn a_view_without_agents_connects_and_keeps_nothing() {
    let registry = Registry::new(PathBuf::from("/own"), Box::new(|| Ok(Vec::new()))).unwrap();
    let mut upstreams = registry.connect();
    upstreams.bind(&vec![27; 1 << 20]);
    assert!(upstreams.are_none());
    run(async {
        upstreams.list().await;
        assert_eq!(upstreams.sign(b"key", REQUEST).await, None);
    });
}

#[test]
fn what_is_known_of_an_agent_outlives_a_new_look() {
    let sockets = || Ok(vec![PathBuf::from("/nowhere/agent")]);
    let registry = Registry::new(PathBuf::from("/own"), Box::new(sockets)).unwrap();
    run(async {
        assert!(!registry.report().await[0].reachable);
        let before = registry.connect();
        registry.reload().unwrap();
        assert!(before.shares_with(&registry.connect()));
    });
}
