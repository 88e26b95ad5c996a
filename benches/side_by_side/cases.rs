//! The cases that are requests or starts: what each compares, and with what limit.

use crate::agents::{Agent, Program};
use crate::echo::Echo;
use crate::home::{Home, Room};
use crate::measure::{Figures, Lane, Plan, Who, interleave};
use crate::turns::{List, Order, Raw, RoundTrip, Sign, Visit};
use crate::wire::{self, Client};
use crate::{Result, keys};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{Ed25519KeyPair, RSA_PKCS1_SHA512, RsaKeyPair};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;

/// One line of the report.
pub(crate) struct Row {
    /// What was done.
    pub(crate) what: String,
    /// What each peer needed. The limit is the sum of `Who::Echo` and `Who::Raw`.
    pub(crate) figures: BTreeMap<Who, Figures>,
}

/// Both agents on one set of keys, each in its own home.
struct Pair {
    keys: Vec<keys::Key>,
    claviger: Agent,
    ssh_agent: Agent,
}

impl Pair {
    fn start(room: &Room, make: impl Fn(&Home) -> Result<Vec<keys::Key>>) -> Result<Self> {
        let (ours, theirs) = (room.home()?, room.home()?);
        let keys = make(&ours)?;
        let claviger = ours.start(Program::Claviger, &keys)?;
        let ssh_agent = theirs.start(Program::SshAgent, &keys)?;
        Ok(Self {
            keys,
            claviger,
            ssh_agent,
        })
    }

    fn each(&self) -> [(Who, &Agent); 2] {
        [(Who::Claviger, &self.claviger), (Who::SshAgent, &self.ssh_agent)]
    }
}

/// Lists of 1, 100 and 1,000 keys, signatures, and whole visits.
pub(crate) fn requests(room: &Room, plan: Plan) -> Result<Vec<Row>> {
    let ed25519 = |count| move |home: &Home| keys::ed25519(&home.keys(), count);
    let one = Pair::start(room, ed25519(1))?;
    let mut rows = vec![list(room, plan, &one)?];
    rows.push(list(room, plan, &Pair::start(room, ed25519(100))?)?);
    let thousand = Pair::start(room, ed25519(1000))?;
    rows.push(list(room, plan, &thousand)?);

    rows.push(sign_ed25519(room, plan, &one, "sign, Ed25519")?);
    rows.push(sign_ed25519(
        room,
        plan,
        &thousand,
        "sign, Ed25519, last of 1000 keys",
    )?);
    drop(thousand);
    let rsa = Pair::start(room, |home| Ok(vec![keys::rsa_3072(&home.keys())?]))?;
    rows.push(sign_rsa(room, plan, &rsa)?);
    rows.push(visit(room, plan, &one)?);
    Ok(rows)
}

fn list(room: &Room, plan: Plan, pair: &Pair) -> Result<Row> {
    let mut lanes = Vec::new();
    let mut size = 0;
    for (who, agent) in pair.each() {
        let mut client = agent.connect()?;
        size = client.call(&wire::LIST)?.len();
        let turn = Box::new(List::new(client, pair.keys.len()));
        lanes.push(Lane {
            who,
            pid: Some(agent.pid()),
            turn,
        });
    }
    let echo = Echo::start(room.fresh(), &[(wire::LIST.len(), size)])?;
    lanes.push(round_trip(&echo, wire::LIST.len(), size)?);
    let plural = if pair.keys.len() == 1 { "" } else { "s" };
    Ok(Row {
        what: format!("list, {} key{plural}", pair.keys.len()),
        figures: interleave(plan, lanes)?,
    })
}

fn round_trip(echo: &Echo, request: usize, answer: usize) -> Result<Lane<'static>> {
    let turn = Box::new(RoundTrip::new(Client::connect(echo.socket())?, request, answer));
    Ok(Lane {
        who: Who::Echo,
        pid: Some(echo.pid()),
        turn,
    })
}

fn sign_ed25519(room: &Room, plan: Plan, pair: &Pair, what: &str) -> Result<Row> {
    let key = pair.keys.last().ok_or("no key to sign with")?;
    let order = Order::new(&key.blob, "ssh-ed25519", 0)?;
    let raw = raw_ed25519(order.clone())?;
    sign(room, plan, pair, what, order, raw)
}

fn raw_ed25519(order: Order) -> Result<Lane<'static>> {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32])?;
    let sign = move |data: &[u8]| {
        black_box(pair.sign(black_box(data)));
        Ok(())
    };
    Ok(Lane {
        who: Who::Raw,
        pid: None,
        turn: Box::new(Raw::new(order, sign)),
    })
}

fn sign_rsa(room: &Room, plan: Plan, pair: &Pair) -> Result<Row> {
    let key = pair.keys.last().ok_or("no key to sign with")?;
    let order = Order::new(&key.blob, "rsa-sha2-512", wire::RSA_SHA2_512)?;
    // Another key of the same size: the cost is the same, and the file need not be taken apart here.
    let raw = RsaKeyPair::generate(KeySize::Rsa3072)?;
    let random = SystemRandom::new();
    let mut signature = vec![0; raw.public_modulus_len()];
    let make =
        move |data: &[u8]| Ok(raw.sign(&RSA_PKCS1_SHA512, &random, black_box(data), &mut signature)?);
    let raw = Lane {
        who: Who::Raw,
        pid: None,
        turn: Box::new(Raw::new(order.clone(), make)),
    };
    sign(room, plan, pair, "sign, RSA-3072 with SHA-512", order, raw)
}

fn sign(room: &Room, plan: Plan, pair: &Pair, what: &str, order: Order, raw: Lane<'_>) -> Result<Row> {
    let mut lanes = vec![raw];
    let mut size = 0;
    for (who, agent) in pair.each() {
        let turn = Sign::new(agent.connect()?, order.clone()).map_err(|error| format!("{who:?}: {error}"))?;
        size = turn.answer_size();
        lanes.push(Lane {
            who,
            pid: Some(agent.pid()),
            turn: Box::new(turn),
        });
    }
    let echo = Echo::start(room.fresh(), &[(order.size(), size)])?;
    lanes.push(round_trip(&echo, order.size(), size)?);
    Ok(Row {
        what: what.into(),
        figures: interleave(plan, lanes)?,
    })
}

fn visit(room: &Room, plan: Plan, pair: &Pair) -> Result<Row> {
    let key = pair.keys.last().ok_or("no key to sign with")?;
    let order = Order::new(&key.blob, "ssh-ed25519", 0)?;
    let mut lanes = vec![raw_ed25519(order.clone())?];
    let (mut listed, mut signed) = (0, 0);
    for (who, agent) in pair.each() {
        listed = agent.connect()?.call(&wire::LIST)?.len();
        signed = Sign::new(agent.connect()?, order.clone())?.answer_size();
        let turn = Box::new(Visit::new(agent.socket().into(), order.clone(), true));
        lanes.push(Lane {
            who,
            pid: Some(agent.pid()),
            turn,
        });
    }
    let echo = Echo::start(
        room.fresh(),
        &[(wire::LIST.len(), listed), (order.size(), signed)],
    )?;
    let turn = Box::new(Visit::new(echo.socket().into(), order, false));
    lanes.push(Lane {
        who: Who::Echo,
        pid: Some(echo.pid()),
        turn,
    });
    Ok(Row {
        what: "connect, list, sign Ed25519, close".into(),
        figures: interleave(plan, lanes)?,
    })
}

/// From starting the program to its first answered list, without keys and with 1,000. claviger finds its keys as
/// files; for `ssh-agent` the time of `ssh-add` on the same files is part of it, since that is what a person waits for.
pub(crate) fn starts(room: &Room, plan: Plan) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (count, restarts) in [(0, plan.restarts), (1000, plan.restarts.min(5))] {
        let (ours, theirs) = (room.home()?, room.home()?);
        let keys = keys::ed25519(&ours.keys(), count)?;
        let mut figures: BTreeMap<Who, Figures> = BTreeMap::new();
        for _ in 0..restarts {
            for (who, home, program) in [
                (Who::Claviger, &ours, Program::Claviger),
                (Who::SshAgent, &theirs, Program::SshAgent),
            ] {
                let start = Instant::now();
                let agent = home.start(program, &keys)?;
                figures.entry(who).or_default().add(&[start.elapsed()]);
                drop(agent);
            }
            let start = Instant::now();
            let echo = Echo::start(room.fresh(), &[(wire::LIST.len(), 9)])?;
            Client::connect(echo.socket())?.call(&wire::LIST)?;
            figures.entry(Who::Echo).or_default().add(&[start.elapsed()]);
        }
        let what = if count == 0 {
            "exec to first list, no key"
        } else {
            "exec to first list, 1000 keys"
        };
        rows.push(Row {
            what: what.into(),
            figures,
        });
    }
    Ok(rows)
}

/// Median of one peer, in microseconds.
pub(crate) fn p50(figures: &BTreeMap<Who, Figures>, who: Who) -> Option<f64> {
    figures.get(&who).map(Figures::p50)
}

/// What the machine itself needs: the do-nothing peer's time plus the bare computation, whichever of them the case has.
pub(crate) fn limit(figures: &BTreeMap<Who, Figures>) -> Option<f64> {
    let parts: Vec<f64> = [Who::Echo, Who::Raw]
        .iter()
        .filter_map(|who| p50(figures, *who))
        .collect();
    (!parts.is_empty()).then(|| parts.iter().sum())
}

/// A ratio of what was measured.
pub(crate) fn divide(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    Some(a? / b?)
}
