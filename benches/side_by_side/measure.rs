//! Gives several peers the same work turn by turn, so that whatever else the machine does meets all of them.

use crate::Result;
use crate::turns::Turn;
use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

/// Untimed steps at the start of each turn: caches and branch predictors forget a peer while others run.
const WARM_UP: usize = 20;
/// Every Nth answer is checked.
const CHECK_EVERY: usize = 50;
/// Bounds memory and time of the fastest cases.
const MOST_STEPS: usize = 20_000;
const LEAST_STEPS: usize = 5;

/// How much is measured.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    /// Turns of each peer in a case.
    pub(crate) rounds: usize,
    /// Length of one turn.
    pub(crate) turn: Duration,
    /// Starts of each program.
    pub(crate) restarts: usize,
    /// Times that all sealed keys are opened.
    pub(crate) sealed_rounds: usize,
}

/// Who does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    /// The agent of this tree.
    Claviger,
    /// OpenSSH's agent.
    SshAgent,
    /// The do-nothing peer.
    Echo,
    /// The load process itself.
    Raw,
}

/// One peer of a case.
pub(crate) struct Lane<'a> {
    /// Who it is.
    pub(crate) who: Who,
    /// The process whose CPU time counts, if it is another one.
    pub(crate) pid: Option<u32>,
    /// Its work.
    pub(crate) turn: Box<dyn Turn + 'a>,
}

/// What one peer needed.
#[derive(Clone, Default)]
pub(crate) struct Figures {
    /// Every timed step, in nanoseconds.
    samples: Vec<u64>,
    /// Median of each turn, in nanoseconds.
    turns: Vec<u64>,
    cpu: u64,
    steps: u64,
    checked: u64,
}

impl Figures {
    /// Adds samples in nanoseconds that were taken in one turn.
    pub(crate) fn add(&mut self, turn: &[Duration]) {
        let nanos: Vec<u64> = turn
            .iter()
            .map(|one| u64::try_from(one.as_nanos()).unwrap_or(u64::MAX))
            .collect();
        self.turns.push(percentile(&nanos, 50));
        self.samples.extend(nanos);
    }

    /// Median of all steps, in microseconds.
    pub(crate) fn p50(&self) -> f64 {
        micros(percentile(&self.samples, 50))
    }

    /// 99th percentile of all steps, in microseconds.
    pub(crate) fn p99(&self) -> f64 {
        micros(percentile(&self.samples, 99))
    }

    /// Lowest and highest median of a turn, in microseconds: how steady the machine was.
    pub(crate) fn spread(&self) -> (f64, f64) {
        let (low, high) = (self.turns.iter().min(), self.turns.iter().max());
        (
            micros(low.copied().unwrap_or(0)),
            micros(high.copied().unwrap_or(0)),
        )
    }

    /// CPU time of the peer's process per step, in microseconds.
    pub(crate) fn cpu(&self) -> Option<f64> {
        (self.cpu > 0).then(|| micros(self.cpu) / self.steps as f64)
    }

    /// How many answers were checked.
    pub(crate) fn checked(&self) -> u64 {
        self.checked
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "durations of hours would be needed to lose a microsecond"
)]
fn micros(nanos: u64) -> f64 {
    nanos as f64 / 1000.0
}

fn percentile(samples: &[u64], percent: usize) -> u64 {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or(0)
}

/// Runs the turns; who goes first moves on by one each round.
pub(crate) fn interleave(plan: Plan, mut lanes: Vec<Lane<'_>>) -> Result<BTreeMap<Who, Figures>> {
    let mut figures: BTreeMap<Who, Figures> = BTreeMap::new();
    for round in 0..plan.rounds {
        for position in 0..lanes.len() {
            let at = (round + position) % lanes.len();
            let lane = &mut lanes[at];
            let outcome = one_turn(plan, lane, figures.entry(lane.who).or_default());
            outcome.map_err(|error| format!("{:?}: {error}", lane.who))?;
        }
    }
    Ok(figures)
}

fn one_turn(plan: Plan, lane: &mut Lane<'_>, figures: &mut Figures) -> Result<()> {
    for _ in 0..WARM_UP {
        lane.turn.step()?;
    }
    let mut samples = Vec::with_capacity(MOST_STEPS);
    let cpu = lane.pid.map(cpu_nanos);
    let end = Instant::now() + plan.turn;
    while samples.len() < LEAST_STEPS || (samples.len() < MOST_STEPS && Instant::now() < end) {
        let start = Instant::now();
        lane.turn.step()?;
        samples.push(start.elapsed());
        if samples.len() % CHECK_EVERY == 1 {
            lane.turn.check()?;
            figures.checked += 1;
        }
    }
    if let (Some(pid), Some(before)) = (lane.pid, cpu) {
        figures.cpu += cpu_nanos(pid).saturating_sub(before);
    }
    figures.steps += samples.len() as u64;
    figures.add(&samples);
    Ok(())
}

/// Time on a CPU of all threads of a process, from the scheduler's own nanosecond count; 0 where it keeps none.
fn cpu_nanos(pid: u32) -> u64 {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return 0;
    };
    threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("schedstat")).ok())
        .filter_map(|line| line.split_whitespace().next()?.parse::<u64>().ok())
        .sum()
}
