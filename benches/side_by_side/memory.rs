//! Memory: the proportional set size (PSS) of each agent, alone of its program, from `/proc/PID/smaps_rollup`.

use crate::agents::{Agent, Program};
use crate::home::Room;
use crate::turns::{Order, Sign};
use crate::{Result, keys};
use std::fs;

/// Keys in the loaded agent.
pub(crate) const KEYS: usize = 1000;

/// PSS of one program, in kB.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    /// No key, one list answered.
    pub(crate) empty: u64,
    /// 1,000 keys listed; claviger has opened none of them, `ssh-agent` holds all open.
    pub(crate) listed: u64,
    /// The same after one signature with each key.
    pub(crate) used: u64,
}

impl Memory {
    /// kB per key that is listed.
    pub(crate) fn per_listed(self) -> f64 {
        per_key(self.empty, self.listed)
    }

    /// kB per key that has signed.
    pub(crate) fn per_used(self) -> f64 {
        per_key(self.empty, self.used)
    }
}

fn per_key(empty: u64, full: u64) -> f64 {
    full.saturating_sub(empty) as f64 / KEYS as f64
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

    let home = room.home()?;
    let keys = keys::ed25519(&home.keys(), KEYS)?;
    let full = home.start(program, &keys)?;
    let listed = pss(&full).ok_or("a memory map that can no longer be read")?;
    for key in &keys {
        Sign::new(full.connect()?, Order::new(&key.blob, "ssh-ed25519", 0)?)?;
    }
    let used = pss(&full).ok_or("a memory map that can no longer be read")?;
    Ok(Some(Memory {
        empty: at_start,
        listed,
        used,
    }))
}

fn pss(agent: &Agent) -> Option<u64> {
    let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", agent.pid())).ok()?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.split_whitespace().next()?.parse().ok()
}
