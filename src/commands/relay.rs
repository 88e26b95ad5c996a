//! `claviger relay`: messages between standard input and output and an agent, for whoever can start a program but not
//! reach a pipe or a socket: WSL beside Windows, a container, socat.
//!
//! It passes on whole messages, one question and its answer at a time, over one connection: what a client has bound to
//! its connection stays bound to it. Nothing of them is looked at, logged or kept.

use super::context::Context;
use super::output::Failure;
use crate::cli::RelayArgs;
use claviger::wire::{self, Frame};
use claviger_platform::endpoint::{self, ClientStream};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use zeroize::Zeroizing;

/// Bytes of a message's length.
const PREFIX: usize = 4;

pub(crate) fn run(args: &RelayArgs, context: &Context) -> Result<ExitCode, Failure> {
    let limit = Duration::from_secs(args.timeout);
    let socket = args.socket.as_deref().unwrap_or(&context.places.socket);
    // At once and not with the first message: whoever set this up wants to see that there is no agent.
    let mut agent = endpoint::connect(socket, limit).map_err(|error| unreachable(socket, &error))?;
    let (mut questions, mut answers) = (io::stdin().lock(), io::stdout().lock());
    while let Some(question) = message(&mut questions).map_err(broken_input)? {
        let answer = ask(&mut agent, &question).map_err(|error| silent(socket, limit, &error))?;
        answers.write_all(&answer)?;
        answers.flush()?;
    }
    Ok(ExitCode::SUCCESS)
}

fn ask(agent: &mut ClientStream, question: &[u8]) -> io::Result<Zeroizing<Vec<u8>>> {
    agent.write_all(question)?;
    agent.flush()?;
    message(agent)?.ok_or_else(|| ErrorKind::UnexpectedEof.into())
}

/// One whole message with its length; `None` when there are no more. What it announces is bounded before it is read.
fn message(source: &mut impl Read) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut message = Zeroizing::new(vec![0; PREFIX]);
    let mut filled = 0;
    while filled < PREFIX {
        match source.read(&mut message[filled..]) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => (),
            Err(error) => return Err(error),
        }
    }
    let Frame::Partial(whole) = wire::frame(&message) else {
        return Err(ErrorKind::InvalidData.into());
    };
    let mut whole = Zeroizing::new(vec![0; whole]);
    whole[..PREFIX].copy_from_slice(&message);
    source.read_exact(&mut whole[PREFIX..])?;
    Ok(Some(whole))
}

fn unreachable(socket: &Path, error: &io::Error) -> Failure {
    Failure::new(format!(
        "no agent answers at {}: {error}; start one with `claviger agent`, or name its socket or pipe with --socket",
        socket.display()
    ))
}

fn broken_input(error: io::Error) -> Failure {
    Failure::new(match error.kind() {
        ErrorKind::InvalidData => String::from(
            "standard input: not the agent protocol; standard input and output must lead to an ssh client, without \
             a terminal or a line conversion in between",
        ),
        ErrorKind::UnexpectedEof => String::from("standard input: ended in the middle of a message"),
        _ => format!("standard input: {error}"),
    })
}

fn silent(socket: &Path, limit: Duration, error: &io::Error) -> Failure {
    let socket = socket.display();
    Failure::new(match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => format!(
            "the agent at {socket} gave no answer within {} s; is a question of its waiting for you? \
             --timeout SECONDS changes how long is waited",
            limit.as_secs()
        ),
        ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => {
            format!("the agent at {socket} has ended; start it again, and then the relay")
        }
        ErrorKind::InvalidData => format!("what serves {socket} does not speak the agent protocol"),
        _ => format!("the agent at {socket}: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_whole_bounded_and_end_only_between_two() {
        let two = [&[0, 0, 0, 1, 11][..], &[0, 0, 0, 2, 5, 6]].concat();
        let mut source = &*two;
        assert_eq!(
            message(&mut source).unwrap().unwrap().as_slice(),
            [0, 0, 0, 1, 11]
        );
        assert_eq!(
            message(&mut source).unwrap().unwrap().as_slice(),
            [0, 0, 0, 2, 5, 6]
        );
        assert!(message(&mut source).unwrap().is_none());
        for cut in [1, 4] {
            let error = message(&mut &two[..cut]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        }
        for nonsense in [&[0, 0, 0, 0][..], &[255; 4], b"GET / HTTP/1.1"] {
            let error = message(&mut &*nonsense).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidData);
        }
    }
}
