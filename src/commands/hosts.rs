//! `claviger hosts`: which key worked on which host, as it was learnt. Needs no agent.
//!
//! The history knows hosts by their key's fingerprint only; names come from known_hosts, as far as they stand there in
//! clear.
use super::context::Context;
use super::output::{self, Failure, visible};
use crate::cli::HostsArgs;
use claviger::history::{History, Use};
use claviger::known_hosts::KnownHosts;
use serde::Serialize;
use std::process::ExitCode;
use std::time::{Duration, UNIX_EPOCH};

/// One line of the listing. Field names are stable.
#[derive(Serialize)]
struct Row {
    /// Names of the host, from known_hosts.
    names: Vec<String>,
    /// Fingerprint of the host key.
    host_key: String,
    user: String,
    /// Fingerprint of the key that worked.
    key: String,
    first_used: String,
    last_used: String,
    times: u64,
}

pub(crate) fn run(args: &HostsArgs, context: &Context) -> Result<ExitCode, Failure> {
    let file = context.history();
    let uses = match file.exists() {
        true => {
            let (history, warning) = History::open(&file)?;
            if let Some(warning) = warning {
                output::error(&warning);
            }
            history.uses()
        }
        false => Vec::new(),
    };
    let known = context.known_hosts();
    let rows: Vec<Row> = uses.into_iter().map(|one| row(one, &known)).collect();
    match (args.json, rows.is_empty()) {
        (true, _) => output::json(&rows)?,
        (false, true) => output::line("nothing was learnt yet; a login through claviger teaches it")?,
        (false, false) => {
            for row in &rows {
                output::line(line(row))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn row(one: Use, known: &KnownHosts) -> Row {
    let time =
        |seconds| humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds)).to_string();
    Row {
        names: known.names_of(&one.host),
        first_used: time(one.first),
        last_used: time(one.last),
        host_key: one.host,
        user: one.user,
        key: one.key,
        times: one.times,
    }
}

fn line(row: &Row) -> String {
    let host = match row.names.first() {
        Some(name) => name.as_str(),
        None => row.host_key.as_str(),
    };
    let times = if row.times == 1 { "time" } else { "times" };
    visible(&format!(
        "{}@{host}  {}  {} {times}, last {}",
        row.user, row.key, row.times, row.last_used
    ))
}
