//! Measures claviger and OpenSSH's `ssh-agent` on the same work, turn by turn in one run, and prints both beside the
//! least that this machine allows. Run it through `benches/run`; `benches/README.md` tells the method.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a report to a terminal is what this program is for"
)]

mod agents;
mod cases;
mod echo;
mod goals;
mod home;
mod keys;
mod logins;
mod measure;
mod memory;
mod offers;
mod report;
mod sealed;
mod turns;
mod wire;

use measure::Plan;
use std::process::ExitCode;
use std::time::Duration;

/// Any failure ends the run with one line: a benchmark that goes on without a peer would compare nothing.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(at) = arguments.iter().position(|argument| argument == echo::FLAG) {
        return finish(echo::serve(&arguments[at + 1..]));
    }
    // `cargo bench` adds the flag; `cargo test --all-targets` starts this program without it and wants no figures.
    if !arguments.iter().any(|argument| argument == "--bench") {
        println!("nothing measured: start it with benches/run or cargo bench");
        return ExitCode::SUCCESS;
    }
    finish(run(&arguments))
}

fn finish(outcome: Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("side_by_side: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    let (mut plan, mut json) = (Plan::FULL, false);
    for argument in arguments {
        match argument.as_str() {
            "--bench" => {}
            "--json" => json = true,
            "--quick" => plan = Plan::QUICK,
            other => return Err(format!("unknown argument {other}; known are --json and --quick").into()),
        }
    }
    let room = home::Room::new()?;
    let progress = |what: &str| eprintln!("measuring {what}");

    // Memory first, one agent at a time: pages that several processes of one program share count less for each.
    progress("memory");
    let memory = memory::measure(&room)?;
    let mut rows = Vec::new();
    progress("start");
    rows.extend(cases::starts(&room, plan)?);
    progress("lists, signatures and visits");
    rows.extend(cases::requests(&room, plan)?);
    progress("choosing keys");
    rows.extend(offers::measure(&room, plan)?);
    progress("logins");
    rows.extend(logins::measure(&room, plan)?);
    progress("first use of sealed keys");
    rows.extend(sealed::measure(&room, plan)?);

    let report = report::Report::new(rows, memory, plan)?;
    if json {
        println!("{}", report.json()?);
    } else {
        print!("{}", report.table());
    }
    Ok(())
}

impl Plan {
    const FULL: Self = Self {
        rounds: 9,
        turn: Duration::from_millis(120),
        restarts: 15,
        sealed_rounds: 3,
    };
    const QUICK: Self = Self {
        rounds: 2,
        turn: Duration::from_millis(20),
        restarts: 2,
        sealed_rounds: 1,
    };
}
