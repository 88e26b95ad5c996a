//! `claviger hosts`: which key worked on which host, as it was learnt; pins, and forgetting. Needs no agent.
//!
//! The history knows hosts by their key's fingerprint only; names come from known_hosts, as far as they stand there in
//! clear.
mod forget;
mod graph;
mod pin;
mod resolve;

use super::context::Context;
use super::output::{self, Failure, visible};
use super::table;
use crate::cli::{HostsArgs, HostsVerb};
use claviger::history::{History, Use};
use claviger::known_hosts::KnownHosts;
use serde::Serialize;
use std::process::ExitCode;
use std::time::{Duration, UNIX_EPOCH};

const HEAD: [&str; 7] = [
    "HOST",
    "USER",
    "REPOSITORY",
    "KEY",
    "TIMES",
    "LAST",
    "NOT TAKEN SINCE",
];

/// One line of the listing. Field names are stable.
#[derive(Serialize)]
struct Row {
    /// Names of the host, from known_hosts.
    names: Vec<String>,
    /// Fingerprint of the host key.
    host_key: String,
    user: String,
    /// The repository that was asked for; empty for a shell.
    path: String,
    /// Fingerprint of the key that worked.
    key: String,
    first_used: String,
    last_used: String,
    times: u64,
    /// Offers in a row since then that the key was in and was not taken from.
    misses: u32,
}

pub(crate) fn run(args: &HostsArgs, context: &Context) -> Result<ExitCode, Failure> {
    match &args.verb {
        Some(HostsVerb::Pin { host, keys, client }) => return pin::pin(host, keys, client, context),
        Some(HostsVerb::Unpin { host, client }) => return pin::unpin(host, client, context),
        Some(HostsVerb::Forget { host, client, .. }) => {
            return forget::run(host.as_deref(), client, context);
        }
        None => {}
    }
    let uses = learnt(context)?;
    let known = context.known_hosts();
    if args.graph || args.dot {
        return graph::run(args, &uses, &known, context);
    }
    let rows: Vec<Row> = uses.into_iter().map(|one| row(one, &known)).collect();
    match (args.json, rows.is_empty()) {
        (true, _) => output::json(&rows)?,
        (false, true) => output::line("nothing was learnt yet; a login through claviger teaches it")?,
        (false, false) => output::line(table::lines(HEAD, rows.iter().map(cells)))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Every use, latest first. Makes no file where there is none.
pub(super) fn learnt(context: &Context) -> Result<Vec<Use>, Failure> {
    let file = context.history();
    if !file.exists() {
        return Ok(Vec::new());
    }
    let (history, warning) = History::open(&file)?;
    if let Some(warning) = warning {
        output::error(&warning);
    }
    Ok(history.uses())
}

fn time(seconds: u64) -> String {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
}

fn row(one: Use, known: &KnownHosts) -> Row {
    Row {
        names: known.names_of(&one.host),
        first_used: time(one.first),
        last_used: time(one.last),
        host_key: one.host,
        user: one.user,
        path: one.path,
        key: one.key,
        times: one.times,
        misses: one.misses,
    }
}

/// For people, who know a host by its first name.
fn cells(row: &Row) -> [String; 7] {
    let host = row.names.first().unwrap_or(&row.host_key);
    let or_none = |text: String| if text.is_empty() { String::from("-") } else { text };
    [
        visible(host),
        visible(&row.user),
        or_none(visible(&row.path)),
        row.key.clone(),
        row.times.to_string(),
        row.last_used.clone(),
        or_none(if row.misses == 0 {
            String::new()
        } else {
            row.misses.to_string()
        }),
    ]
}
