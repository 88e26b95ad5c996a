//! What real clients say: `ssh-add` against a socket that records its requests and agrees to all of them.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::path::Path;

use crate::tools::{run, text};

/// One request: its type, and its body behind the type.
pub(crate) type Request = (u8, Vec<u8>);

/// Runs `ssh-add ARGUMENTS FILE`; answers its requests in order.
pub(crate) fn ssh_add(arguments: &[&str], file: &Path) -> Vec<Request> {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("agent");
    let listener = UnixListener::bind(&socket).unwrap();
    let recorder = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut requests = Vec::new();
        let mut length = [0; 4];
        while stream.read_exact(&mut length).is_ok() {
            let mut request = vec![0; u32::from_be_bytes(length) as usize];
            stream.read_exact(&mut request).unwrap();
            requests.push((request.remove(0), request));
            const SUCCESS: &[u8] = &[0, 0, 0, 1, 6];
            stream.write_all(SUCCESS).unwrap();
        }
        requests
    });
    let environment = format!("SSH_AUTH_SOCK={}", text(&socket));
    let command = [&[&environment, "ssh-add", "-q"], arguments, &[text(file)]].concat();
    run("env", &command, b"");
    recorder.join().unwrap()
}
