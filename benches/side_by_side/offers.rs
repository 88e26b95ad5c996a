//! What choosing keys costs: lists of connections that proved their server, with nothing learnt and with much, and logins
//! as an agent sees them.

use crate::agents::{Agent, Program};
use crate::cases::Row;
use crate::home::{Home, Room};
use crate::measure::{Figures, Lane, Plan, Who, interleave};
use crate::turns::{List, Turn};
use crate::wire::{self, Client};
use crate::{Result, keys};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64ct::{Base64, Encoding};
use claviger::history::{History, Login};
use ssh_encoding::Encode;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Instant;

/// Keys of each agent.
const KEYS: usize = 1000;
/// What a connection is shown of them by default.
const OFFERED: usize = 5;
const HOSTS: usize = 10_000;
const LINES: usize = 100_000;

/// The rows; [`EMPTY`] and [`LEARNT`] are compared by a goal.
pub(crate) const EMPTY: &str = "bound: list, 1000 keys, nothing learnt";
/// The same list with a full history.
pub(crate) const LEARNT: &str = "bound: list, 1000 keys, 10000 hosts learnt";

/// Measures all of it.
pub(crate) fn measure(room: &Room, plan: Plan) -> Result<Vec<Row>> {
    let (plain, learnt, theirs) = (room.home()?, room.home()?, room.home()?);
    let keys = keys::ed25519(&plain.keys(), KEYS)?;
    keys::ed25519(&learnt.keys(), KEYS)?;
    let server = Server::new()?;
    learn(&learnt)?;
    let known_hosts = know(&learnt, &server)?;
    let ours = plain.start(Program::Claviger, &keys)?;
    let knowing = learnt.start(Program::Claviger, &keys)?;
    let theirs = theirs.start(Program::SshAgent, &keys)?;
    let key = keys.last().ok_or("no key")?;
    let mut rows = vec![
        list(plan, EMPTY, &server, &ours, &theirs)?,
        list(plan, LEARNT, &server, &knowing, &theirs)?,
        visit(
            plan,
            "connect, bind, list, sign; nothing learnt",
            &server,
            key,
            &ours,
            &theirs,
        )?,
        visit(
            plan,
            "the same, 10000 hosts learnt, 100000 lines",
            &server,
            key,
            &knowing,
            &theirs,
        )?,
    ];
    let mut figures = Figures::default();
    let mut visit = Visit::new(&knowing, &server, key)?;
    for _ in 0..plan.restarts {
        // Whoever logs in to a new server changes the file.
        fs::OpenOptions::new()
            .append(true)
            .open(&known_hosts)?
            .write_all(b"\n")?;
        let start = Instant::now();
        visit.step()?;
        figures.add(&[start.elapsed()]);
    }
    rows.push(Row {
        what: "the same, after known_hosts changed".into(),
        figures: BTreeMap::from([(Who::Claviger, figures)]),
    });
    Ok(rows)
}

fn list(plan: Plan, what: &str, server: &Server, ours: &Agent, theirs: &Agent) -> Result<Row> {
    let mut lanes = Vec::new();
    for (who, agent, count) in [(Who::Claviger, ours, OFFERED), (Who::SshAgent, theirs, KEYS)] {
        let mut client = agent.connect()?;
        client.call(&server.bind)?;
        lanes.push(Lane {
            who,
            pid: Some(agent.pid()),
            turn: Box::new(List::new(client, count)),
        });
    }
    Ok(Row {
        what: what.into(),
        figures: interleave(plan, lanes)?,
    })
}

fn visit(
    plan: Plan,
    what: &str,
    server: &Server,
    key: &keys::Key,
    ours: &Agent,
    theirs: &Agent,
) -> Result<Row> {
    let mut lanes = Vec::new();
    for (who, agent) in [(Who::Claviger, ours), (Who::SshAgent, theirs)] {
        lanes.push(Lane {
            who,
            pid: Some(agent.pid()),
            turn: Box::new(Visit::new(agent, server, key)?),
        });
    }
    Ok(Row {
        what: what.into(),
        figures: interleave(plan, lanes)?,
    })
}

/// A server's key, and the proof that a connection leads to it.
struct Server {
    /// As in known_hosts.
    line: String,
    /// A framed session-bind@openssh.com (PROTOCOL.agent, 1) for the session of [`wire::login_data`].
    bind: Vec<u8>,
}

impl Server {
    fn new() -> Result<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[9; 32])?;
        let blob = ed25519_blob(pair.public_key().as_ref())?;
        let mut signature = Vec::new();
        "ssh-ed25519".encode(&mut signature)?;
        pair.sign(&wire::SESSION).as_ref().encode(&mut signature)?;
        let mut body = vec![27];
        "session-bind@openssh.com".encode(&mut body)?;
        blob.as_slice().encode(&mut body)?;
        wire::SESSION.as_slice().encode(&mut body)?;
        signature.as_slice().encode(&mut body)?;
        body.push(0);
        let mut bind = u32::try_from(body.len())?.to_be_bytes().to_vec();
        bind.extend(body);
        Ok(Self {
            line: format!("here.example ssh-ed25519 {}\n", Base64::encode_string(&blob)),
            bind,
        })
    }
}

fn ed25519_blob(public: &[u8]) -> Result<Vec<u8>> {
    let mut blob = Vec::new();
    "ssh-ed25519".encode(&mut blob)?;
    public.encode(&mut blob)?;
    Ok(blob)
}

/// A history as after years.
fn learn(home: &Home) -> Result<()> {
    let (history, _) = History::open(&home.state().join("history.sqlite3"))?;
    for number in 0..HOSTS {
        let login = Login {
            host: &format!("SHA256:host{number:039}"),
            authority: None,
            names: &[format!("host{number}.example")],
            key: &format!("SHA256:key{:040}", number % KEYS),
            user: "me",
            path: "",
        };
        history.worked(&login, number as u64);
    }
    history.settle();
    Ok(())
}

/// A large known_hosts, with the server in it.
fn know(home: &Home, server: &Server) -> Result<PathBuf> {
    let mut lines = server.line.clone();
    for number in 0..LINES {
        let mut public = [7_u8; 32];
        public[..8].copy_from_slice(&(number as u64).to_be_bytes());
        let blob = Base64::encode_string(&ed25519_blob(&public)?);
        writeln!(lines, "host{number}.example,192.0.2.{number} ssh-ed25519 {blob}")?;
    }
    let folder = home.path(".ssh");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("known_hosts"), lines)?;
    Ok(folder.join("known_hosts"))
}

/// A login as an agent sees it: connect, bind, list, sign, close.
struct Visit<'a> {
    socket: PathBuf,
    bind: &'a [u8],
    blob: &'a [u8],
    data: Vec<u8>,
    request: Vec<u8>,
    buffer: Vec<u8>,
    answer: Vec<u8>,
}

impl<'a> Visit<'a> {
    /// Makes one visit, which opens the key and reads known_hosts.
    fn new(agent: &Agent, server: &'a Server, key: &'a keys::Key) -> Result<Self> {
        let data = wire::login_data(&key.blob, "ssh-ed25519")?;
        let mut visit = Self {
            socket: agent.socket().into(),
            bind: &server.bind,
            blob: &key.blob,
            request: wire::sign_request(&key.blob, &data, 0)?,
            data,
            buffer: vec![0; 4 + 256 * 1024],
            answer: Vec::new(),
        };
        visit.step()?;
        visit.check()?;
        Ok(visit)
    }
}

impl Turn for Visit<'_> {
    fn step(&mut self) -> Result<()> {
        let mut client = Client::with_buffer(&self.socket, std::mem::take(&mut self.buffer))?;
        client.call(self.bind)?;
        client.call(&wire::LIST)?;
        let answer = client.call(&self.request)?;
        self.answer.clear();
        self.answer.extend_from_slice(answer);
        self.buffer = client.close();
        Ok(())
    }

    fn check(&mut self) -> Result<()> {
        keys::verify(self.blob, &self.data, &self.answer)
    }
}
