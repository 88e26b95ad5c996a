//! What claviger promises beside the limit of the machine, and what came of it in this run.

use crate::cases::{Row, divide, limit, p50};
use crate::measure::Who;
use crate::memory::Memory;
use crate::offers;
use serde_json::{Value, json};

/// A promise, and what came of it.
pub(crate) struct Goal {
    what: &'static str,
    most: f64,
    found: Option<f64>,
}

/// Judges a run; `memory` is claviger's.
pub(crate) fn of(rows: &[Row], memory: Option<Memory>) -> Vec<Goal> {
    let times_limit = |what: &str| {
        let figures = &rows.iter().find(|row| row.what == what)?.figures;
        divide(p50(figures, Who::Claviger), limit(figures))
    };
    let ours = |what: &str| p50(&rows.iter().find(|row| row.what == what)?.figures, Who::Claviger);
    let goal = |what, most, found| Goal { what, most, found };
    vec![
        goal(
            "list of 1000 keys, times the echo of the same bytes",
            2.0,
            times_limit("list, 1000 keys"),
        ),
        goal(
            "Ed25519 signature, times the limit",
            1.5,
            times_limit("sign, Ed25519"),
        ),
        goal(
            "list of a bound connection, 10000 hosts learnt, times nothing learnt",
            2.0,
            divide(ours(offers::LEARNT), ours(offers::EMPTY)),
        ),
        goal(
            "PSS without keys, MB",
            8.0,
            memory.map(|memory| memory.empty as f64 / 1000.0),
        ),
        goal(
            "PSS per further key listed, kB",
            1.5,
            memory.map(Memory::per_listed),
        ),
        goal("PSS per further key used, kB", 1.5, memory.map(Memory::per_used)),
    ]
}

impl Goal {
    fn reached(&self) -> Option<bool> {
        self.found.map(|found| found <= self.most)
    }

    /// For people.
    pub(crate) fn sentence(&self) -> String {
        let Self { what, most, found } = self;
        match (found, self.reached()) {
            (Some(found), Some(true)) => format!("goal reached: {what}: {found:.2}, at most {most}"),
            (Some(found), _) => format!("goal MISSED: {what}: {found:.2}, at most {most}"),
            (None, _) => format!("goal not measured: {what}"),
        }
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        json!({"goal": self.what, "at_most": self.most, "found": self.found, "reached": self.reached()})
    }
}
