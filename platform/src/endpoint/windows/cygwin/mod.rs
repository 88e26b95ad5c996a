//! The sockets of Cygwin and MSYS, for their own ssh (Git for Windows has one), which knows no pipes: a file with a port of
//! loopback and a secret, and a greeting on the connection (fhandler/socket_local.cc of Cygwin 3.x).
//!
//! Loopback is everybody's on the machine, so there are three walls. The process at the other end is looked up in the
//! kernel's table of connections, and must be this user's (or the system's) before a byte of it is read. It must know the
//! secret, which is new with each start and in a file that nobody else may read. And it has seconds for that, of which only
//! so many clients may make use at a time. Old MSYS (1.0) told itself by a named event instead; it is not served.

mod accept;
mod file;
mod greeting;
mod owner;
#[cfg(test)]
mod tests;

use super::EndpointError;
use file::Found;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

pub(super) use accept::serve;
pub(super) use file::SocketFile;
pub(super) use greeting::Secret;

/// A socket that its programs can find, not yet tied to a runtime. The file goes when this is dropped.
#[derive(Debug)]
pub(super) struct Cygwin {
    pub(super) listener: TcpListener,
    pub(super) file: SocketFile,
    pub(super) secret: Secret,
}

impl Cygwin {
    /// Listens, and says so in the file `path`. One that a dead agent left is replaced; anything else is left alone.
    pub(super) fn bind(path: &Path) -> Result<Self, EndpointError> {
        let io = |source| EndpointError::Io {
            path: path.to_owned(),
            source,
        };
        match file::look(path).map_err(io)? {
            Found::Nothing => {}
            Found::Foreign => {
                return Err(EndpointError::NotASocket {
                    path: path.to_owned(),
                });
            }
            Found::Socket(port, secret) => {
                if let Some(pid) = live(port, &secret) {
                    return Err(EndpointError::InUse {
                        path: path.to_owned(),
                        holder: crate::process::describe(pid),
                    });
                }
                std::fs::remove_file(path).map_err(io)?;
            }
        }
        // No option to share the port is set, so Windows lets no other user take it beside.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(io)?;
        let secret = Secret::new().map_err(io)?;
        let port = listener.local_addr().map_err(io)?.port();
        Ok(Self {
            file: SocketFile::publish(path, port, &secret).map_err(io)?,
            listener,
            secret,
        })
    }
}

/// The process that serves the socket in a file, if it is alive: whoever has that port now must know the secret. Another
/// program may well have the port of a dead agent; if it is a stranger's, it does not even hear a secret that is worth
/// nothing any more, or it could keep this agent from starting.
fn live(port: u16, secret: &Secret) -> Option<u32> {
    let listens = owner::listener(port).ok().flatten();
    if listens.is_some_and(|pid| !super::is_own(pid).unwrap_or(false)) {
        return None;
    }
    let answers = greeting::ask(port, secret).ok()?;
    listens.or(Some(answers))
}

/// A client or server that is not who it should be.
fn refused(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}
