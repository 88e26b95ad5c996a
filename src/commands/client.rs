//! The running agent, as claviger's own verbs talk to it: one question and one answer for each connection.
//!
//! Framing is done here, because an answer is read from another process and must be bounded; the messages are
//! ssh-agent-lib's. A passphrase that is handed over passes through that crate's plain buffers: they live for one
//! exchange, and the program's allocator wipes them when they are freed. Requests are never logged.
use super::context::Context;
use super::output::Failure;
use claviger::secret::Secret;
use claviger::wire::identities_answer;
use claviger::wire::report::{
    self, ExplainReport, ExplainRequest, ForgetHosts, KeyName, KeyReport, Outcome, StatusReport,
    UnlockRequest,
};
use claviger_platform::endpoint;
use serde::Serialize;
use serde::de::DeserializeOwned;
use ssh_agent_lib::proto::{Extension, Request, Response};
use ssh_agent_lib::ssh_encoding::{Decode, Encode};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What an agent answers at once, bounded questions to the OS keyring included.
const SOON: Duration = Duration::from_secs(30);
/// What may wait for a person at the agent's askpass.
const PATIENT: Duration = Duration::from_secs(600);
/// A listing of tens of thousands of keys.
const MAX_ANSWER: usize = 16 << 20;
/// SSH_AGENTC_REQUEST_IDENTITIES (RFC 9987).
const REQUEST_IDENTITIES: u8 = 11;

/// An agent that answered.
pub(crate) struct Client {
    socket: PathBuf,
}

impl Client {
    /// Finds the agent: the one that was named, else this shell's when it is claviger's, else the usual one.
    pub(crate) fn find(context: &Context, named: Option<&Path>) -> Result<Self, Failure> {
        let usual = Self {
            socket: named.unwrap_or(&context.places.socket).to_owned(),
        };
        if named.is_none()
            && !context.socket_named
            && let Some(socket) = &context.ssh_auth_sock
        {
            let shells = Self {
                socket: socket.clone(),
            };
            if shells.status().is_ok() {
                return Ok(shells);
            }
        }
        match endpoint::connect(&usual.socket, SOON) {
            Ok(_) => Ok(usual),
            Err(error) => Err(Failure::new(format!(
                "no agent answers at {}: {error}; start one with `claviger agent`, \
                 or run a command under one with `claviger agent COMMAND`",
                usual.socket.display()
            ))),
        }
    }

    /// Whoever listens there, if anybody does.
    pub(crate) fn at(socket: &Path) -> Self {
        Self {
            socket: socket.to_owned(),
        }
    }

    /// Where it listens.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// The agent's state.
    pub(crate) fn status(&self) -> Result<StatusReport, Failure> {
        self.ask(report::STATUS, Vec::new(), SOON)
    }

    /// The same, for a shorter time.
    pub(crate) fn status_within(&self, limit: Duration) -> Result<StatusReport, Failure> {
        self.ask(report::STATUS, Vec::new(), limit)
    }

    /// The agent's keys.
    pub(crate) fn list(&self) -> Result<Vec<KeyReport>, Failure> {
        self.ask(report::LIST, Vec::new(), SOON)
    }

    /// The public blobs of its keys, certificates too, as every client gets them.
    pub(crate) fn identities(&self) -> Result<Vec<Vec<u8>>, Failure> {
        let failure = |why: &str| Failure::new(format!("the agent at {}: {why}", self.socket.display()));
        // Raw: ssh-agent-lib gives up a whole list for one key whose type it does not know.
        let answer = raw_exchange(&self.socket, &[0, 0, 0, 1, REQUEST_IDENTITIES], SOON)
            .map_err(|error| failure(&error.to_string()))?;
        let keys = identities_answer(&answer).ok_or_else(|| failure("its list of keys is not understood"))?;
        Ok(keys.into_iter().map(|(blob, _)| blob.to_vec()).collect())
    }

    /// Whether an agent's list comes from there within this time, whosever agent it is.
    pub(crate) fn lists(&self, limit: Duration) -> bool {
        let answer = raw_exchange(&self.socket, &[0, 0, 0, 1, REQUEST_IDENTITIES], limit);
        answer.is_ok_and(|answer| identities_answer(&answer).is_some())
    }

    /// Seals every key and closes the vault; says how many were open.
    pub(crate) fn seal(&self) -> Result<String, Failure> {
        self.order(report::SEAL, Vec::new(), SOON)
    }

    /// Has the configured places read again.
    pub(crate) fn rescan(&self) -> Result<String, Failure> {
        self.order(report::RESCAN, Vec::new(), SOON)
    }

    /// What a login at `host` would be offered.
    pub(crate) fn explain(&self, host: &str) -> Result<ExplainReport, Failure> {
        let host = host.to_owned();
        self.ask(report::EXPLAIN, json(&ExplainRequest { host })?, SOON)
    }

    /// Opens a key, or the vault when `name` is empty; without a passphrase the agent looks in its sources and asks.
    pub(crate) fn unlock(&self, name: &str, passphrase: Option<&Secret>) -> Result<String, Failure> {
        let passphrase = match passphrase.map(|secret| std::str::from_utf8(secret)) {
            None => None,
            Some(Ok(text)) => Some(text.to_owned()),
            Some(Err(_)) => {
                let text = "a passphrase that is not UTF-8 cannot be handed to the agent; store it with `claviger add`";
                return Err(Failure::new(text));
            }
        };
        let request = UnlockRequest {
            name: name.to_owned(),
            passphrase,
        };
        self.order(report::UNLOCK, json(&request)?, PATIENT)
    }

    /// Seals one key and has the agent forget what it remembers of it.
    pub(crate) fn forget(&self, name: &str) -> Result<String, Failure> {
        self.order(
            report::FORGET,
            json(&KeyName {
                name: name.to_owned(),
            })?,
            SOON,
        )
    }

    /// Has the agent forget what it learnt of these hosts, or of all.
    pub(crate) fn forget_hosts(&self, wanted: &ForgetHosts) -> Result<String, Failure> {
        self.order(report::FORGET_HOST, json(wanted)?, SOON)
    }

    /// Has the agent forget the master passphrase of the vault or database at `path`. One that it does not read it cannot
    /// hold.
    pub(crate) fn close(&self, path: &Path) -> Result<(), Failure> {
        let name = path.to_string_lossy();
        match self.forget(&name) {
            Err(failure) if !failure.to_string().contains("no key is called") => Err(failure),
            _ => Ok(()),
        }
    }

    /// A request that is done or refused, with a sentence.
    fn order(&self, name: &str, details: Vec<u8>, limit: Duration) -> Result<String, Failure> {
        let outcome: Outcome = self.ask(name, details, limit)?;
        match outcome.ok {
            true => Ok(outcome.message),
            false => Err(Failure::new(outcome.message)),
        }
    }

    fn ask<T: DeserializeOwned>(&self, name: &str, details: Vec<u8>, limit: Duration) -> Result<T, Failure> {
        let failure = |why: &str| Failure::new(format!("the agent at {}: {why}", self.socket.display()));
        let request = Request::Extension(Extension {
            name: name.to_owned(),
            details: details.into(),
        });
        match exchange(&self.socket, &request, limit).map_err(|error| failure(&error.to_string()))? {
            Response::ExtensionResponse(answer) if answer.name == name => {
                serde_json::from_slice(answer.details.as_ref())
                    .map_err(|error| failure(&format!("an answer that is not understood: {error}")))
            }
            _ => Err(failure(
                "refused; it is not claviger's, or of another version, or this connection is forwarded",
            )),
        }
    }
}

fn json(request: &impl Serialize) -> Result<Vec<u8>, Failure> {
    Ok(serde_json::to_vec(request)?)
}

fn exchange(socket: &Path, request: &Request, limit: Duration) -> io::Result<Response> {
    let mut frame = Vec::new();
    request.encode_prefixed(&mut frame).map_err(io::Error::other)?;
    response(&raw_exchange(socket, &frame, limit)?)
}

fn raw_exchange(socket: &Path, frame: &[u8], limit: Duration) -> io::Result<Vec<u8>> {
    let mut stream = endpoint::connect(socket, limit)?;
    stream.write_all(frame)?;
    stream.flush()?;
    body(&mut stream)
}

fn response(mut body: &[u8]) -> io::Result<Response> {
    Response::decode(&mut body).map_err(io::Error::other)
}

/// Reads one whole answer, and no more memory is taken than an answer may need.
fn body(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > MAX_ANSWER {
        return Err(io::Error::other(format!(
            "an answer of {length} bytes is too long"
        )));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use claviger::wire;

    fn read(mut bytes: &[u8]) -> io::Result<Response> {
        response(&body(&mut bytes)?)
    }

    #[test]
    fn an_answer_carries_its_bytes_as_they_are() {
        let frame = wire::extension_response("list@claviger", b"[]");
        let Ok(Response::ExtensionResponse(answer)) = read(&frame) else {
            panic!("not understood");
        };
        assert_eq!(
            (answer.name.as_str(), answer.details.as_ref()),
            ("list@claviger", &b"[]"[..])
        );
    }

    #[test]
    fn refusals_are_told_apart_from_answers() {
        assert!(matches!(read(&wire::FAILURE), Ok(Response::Failure)));
        assert!(matches!(
            read(&wire::EXTENSION_FAILURE),
            Ok(Response::ExtensionFailure)
        ));
    }

    #[test]
    fn bad_answers_are_errors_and_take_no_memory() {
        for bytes in [
            &b""[..],
            &[0, 0],
            &[0, 0, 0, 0],
            &[0, 0, 0, 9, 29, 0, 0],
            &[0, 0, 0, 5, 29, 255, 255, 255, 255],
            &[0, 0, 0, 1, 99],
            &[255, 255, 255, 255, 29],
        ] {
            assert!(read(bytes).is_err(), "{bytes:?}");
        }
    }
}
