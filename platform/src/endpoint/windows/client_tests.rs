//! What a client of ours gives away to a server that it does not know yet.

use super::super::{Bound, Listener, dial, random};
use super::*;
use crate::endpoint::Stream;
use interprocess::local_socket::tokio::Stream as LocalStream;
use std::os::windows::fs::OpenOptionsExt;
use std::path::PathBuf;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use windows_sys::Win32::Security::{
    GetTokenInformation, RevertToSelf, SECURITY_IMPERSONATION_LEVEL, SecurityIdentification, TOKEN_QUERY,
    TokenImpersonationLevel,
};
use windows_sys::Win32::System::Pipes::ImpersonateNamedPipeClient;
use windows_sys::Win32::System::Threading::{GetCurrentThread, OpenThreadToken};

const SOON: Duration = Duration::from_secs(20);

/// How far the server at this end of a pipe could go in its client's name.
fn level(server: BorrowedHandle<'_>) -> SECURITY_IMPERSONATION_LEVEL {
    let mut token = null_mut();
    let (mut level, mut length) = (-1, 0);
    // SAFETY: the handles are open, the places of the size that is told. This thread is itself again whatever happens.
    unsafe {
        done(ImpersonateNamedPipeClient(server.as_raw_handle())).unwrap();
        let opened = done(OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, 1, &mut token));
        done(RevertToSelf()).unwrap();
        opened.unwrap();
        let token = OwnedHandle::from_raw_handle(token);
        done(GetTokenInformation(
            token.as_raw_handle(),
            TokenImpersonationLevel,
            (&raw mut level).cast(),
            4,
            &mut length,
        ))
        .unwrap();
    }
    level
}

/// How far the server can go in the name of a client that `client` connects, which has to say something.
async fn granted<T>(listener: &Listener, client: impl Future<Output = T>) -> SECURITY_IMPERSONATION_LEVEL {
    let server = async {
        let (stream, _) = listener.accept().await.unwrap().unwrap();
        // Windows lets nobody be impersonated who has not said anything.
        assert_eq!((&stream).read_u8().await.unwrap(), 11);
        stream
    };
    let (_client, server) = tokio::join!(client, server);
    let Stream::Pipe(LocalStream::NamedPipe(server)) = &server else {
        panic!("not a pipe: {server:?}");
    };
    level(server.inner().as_handle())
}

#[tokio::test]
async fn a_server_may_learn_who_its_client_is_and_not_act_as_it() {
    let name = PathBuf::from(format!(r"\\.\pipe\claviger-test.{}", random(12)));
    let listener = Bound::bind(&name).unwrap().listen().unwrap();
    let blocking = |connect: fn(&Path) -> Box<dyn Write + Send>| {
        let name = name.clone();
        tokio::task::spawn_blocking(move || {
            let mut client = connect(&name);
            client.write_all(&[11]).unwrap();
            client
        })
    };
    let known = |name: &Path| -> Box<dyn Write + Send> {
        let mut options = std::fs::OpenOptions::new();
        options.security_qos_flags(SECURITY_IDENTIFICATION);
        Box::new(options.read(true).write(true).open(name).unwrap())
    };
    if granted(&listener, blocking(known)).await != SecurityIdentification {
        // Past the test harness, which shows nothing of what passes.
        let text = b"!! NOT CHECKED: what a client grants a server; this system (Wine) grants all, whatever is asked for\n";
        io::stderr().write_all(text).unwrap();
        return;
    }
    let ours = |name: &Path| -> Box<dyn Write + Send> { Box::new(connect(name, SOON).unwrap()) };
    assert_eq!(granted(&listener, blocking(ours)).await, SecurityIdentification);
    let dialled = async {
        let (client, _) = dial(&name).await.unwrap();
        (&client).write_u8(11).await.unwrap();
        client
    };
    assert_eq!(granted(&listener, dialled).await, SecurityIdentification);
}
