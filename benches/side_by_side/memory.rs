//! Memory: the proportional set size (PSS) of each agent, alone of its program, from `/proc/PID/smaps_rollup`.

use crate::agents::{Agent, Program};
use crate::home::Room;
use crate::turns::{Order, Sign};
use crate::{Result, keys};
use serde_json::{Value, json};
use std::fs;

/// Keys in the loaded agent.
pub(crate) const KEYS: usize = 1000;

/// PSS of one program, in kB.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    /// No key, one list answered.
    pub(crate) empty: u64,
    one: Loaded,
    /// 1,000 keys.
    pub(crate) thousand: Loaded,
}

/// PSS of one program with keys, in kB.
#[derive(Clone, Copy)]
pub(crate) struct Loaded {
    /// Keys listed; claviger has opened none of them, `ssh-agent` holds all open.
    pub(crate) listed: u64,
    /// The same after one signature with each key.
    pub(crate) used: u64,
}

impl Memory {
    /// kB per further key that is listed. "Further" leaves out the code that the first key brings into memory.
    pub(crate) fn per_listed(self) -> f64 {
        per_key(self.one.listed, self.thousand.listed)
    }

    /// kB per further key that has signed.
    pub(crate) fn per_used(self) -> f64 {
        per_key(self.one.used, self.thousand.used)
    }

    /// For programs; kB.
    pub(crate) fn json(self) -> Value {
        json!({
            "empty": self.empty, "listed_1000": self.thousand.listed, "used_1000": self.thousand.used,
            "per_further_listed": self.per_listed(), "per_further_used": self.per_used(),
        })
    }
}

fn per_key(one: u64, thousand: u64) -> f64 {
    thousand.saturating_sub(one) as f64 / (KEYS - 1) as f64
}

/// claviger's figures, then `ssh-agent`'s. `None` for a program whose memory map this user may not read: both agents
/// close it to all but root.
pub(crate) fn measure(room: &Room) -> Result<[Option<Memory>; 2]> {
    Ok([one(room, Program::Claviger)?, one(room, Program::SshAgent)?])
}

fn one(room: &Room, program: Program) -> Result<Option<Memory>> {
    let empty = room.home()?.start(program, &[])?;
    let Some(at_start) = pss(&empty) else {
        return Ok(None);
    };
    drop(empty);
    Ok(Some(Memory {
        empty: at_start,
        one: loaded(room, program, 1)?,
        thousand: loaded(room, program, KEYS)?,
    }))
}

fn loaded(room: &Room, program: Program, count: usize) -> Result<Loaded> {
    let home = room.home()?;
    let keys = keys::ed25519(&home.keys(), count)?;
    let agent = home.start(program, &keys)?;
    let read = || pss(&agent).ok_or("a memory map that can no longer be read");
    let listed = read()?;
    for key in &keys {
        Sign::new(agent.connect()?, Order::new(&key.blob, "ssh-ed25519", 0)?)?;
    }
    Ok(Loaded {
        listed,
        used: read()?,
    })
}

fn pss(agent: &Agent) -> Option<u64> {
    let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", agent.pid())).ok()?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.split_whitespace().next()?.parse().ok()
}
