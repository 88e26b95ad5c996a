//! Talking with a started program through its pipes: everything at the same time, nothing without bound.

use super::job::Done;
use crate::harden::LockedBytes;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin};

/// How much of a program's standard error is kept for messages, in bytes.
const ERRORS_KEPT: usize = 1024;

/// Why an exchange with a started program ended early.
pub(super) enum Broken {
    /// Its answer is longer than allowed.
    TooMuch,
    /// A pipe failed.
    Io(io::Error),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Writes the input and reads the output at the same time (a full pipe on either side would else stop both), then
/// waits for the end.
pub(super) async fn converse(
    child: &mut Child,
    input: Option<LockedBytes>,
    max_output: usize,
) -> Result<Done, Broken> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let mut output = LockedBytes::with_capacity(max_output.min(4096));
    let mut errors = Vec::new();
    let answer = async {
        let (fed, read) = tokio::join!(feed(stdin, input), read_bounded(stdout, &mut output, max_output));
        read?;
        fed?;
        Ok::<_, Broken>(child.wait().await?)
    };
    // What the program complains of is drained so that it never blocks, but not waited for: a grandchild may hold
    // that pipe open for ever.
    let status = tokio::select! {
        biased;
        () = drain(stderr, &mut errors) => unreachable!("draining never ends"),
        status = answer => status?,
    };
    let errors = String::from_utf8_lossy(&errors);
    let errors = errors
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter });
    Ok(Done {
        code: status.code(),
        output,
        errors: errors.collect::<String>().trim().to_owned(),
    })
}

/// Writes all of `input` and closes. A program that ends without reading it is judged by its answer, not by that.
async fn feed(stdin: Option<ChildStdin>, input: Option<LockedBytes>) -> io::Result<()> {
    let (Some(mut stdin), Some(input)) = (stdin, input) else {
        return Ok(());
    };
    match stdin.write_all(&input).await {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Reads to the end straight into protected memory, at most `max` bytes.
async fn read_bounded(
    source: Option<impl AsyncRead + Unpin>,
    output: &mut LockedBytes,
    max: usize,
) -> Result<(), Broken> {
    let Some(mut source) = source else { return Ok(()) };
    let mut filled = 0;
    loop {
        // One byte beyond the limit tells "exactly the limit" from "more".
        let room = (max + 1 - filled).min(4096);
        output.resize(filled + room);
        let read = source.read(&mut output.as_mut_slice()[filled..]).await?;
        filled += read;
        output.truncate(filled);
        match read {
            0 => return Ok(()),
            _ if filled > max => return Err(Broken::TooMuch),
            _ => (),
        }
    }
}

/// Keeps the first kilobyte and throws the rest away; never ends.
async fn drain(source: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>) {
    let mut chunk = [0; 512];
    if let Some(mut source) = source {
        while let Ok(read @ 1..) = source.read(&mut chunk).await {
            kept.extend_from_slice(&chunk[..read.min(ERRORS_KEPT - kept.len())]);
        }
    }
    std::future::pending().await
}
