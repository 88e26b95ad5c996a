//! `claviger explain HOST`: which keys the next login there is offered, in which order and why, and which are left out.
//! The running agent tells it, by the code that offers: nothing is worked out here.
use super::client::Client;
use super::context::Context;
use super::output::{self, Failure, visible};
use crate::cli::ExplainArgs;
use claviger::wire::report::{ExplainReport, ExplainedKey};
use std::process::ExitCode;

/// Letters of a fingerprint that are shown: enough for `claviger` to know the key by; `--json` has all.
const SHORT: usize = 7 + 12;
/// A longer name does not move the reasons of all others.
const WIDEST: usize = 40;

pub(crate) fn run(args: &ExplainArgs, context: &Context) -> Result<ExitCode, Failure> {
    let report = Client::find(context, args.client.socket.as_deref())?.explain(&args.host)?;
    match args.json {
        true => output::json(&report)?,
        false => output::line(text(&report))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn text(report: &ExplainReport) -> String {
    let mut lines = vec![head(report)];
    let keys = report.host_keys.iter().map(|key| format!("  host key {key}"));
    lines.extend(keys);
    let authority = report.authority.iter();
    lines.extend(authority.map(|key| format!("  authority {key}")));
    if let Some(rule) = &report.rule {
        let asks = if report.confirm {
            ", which has you asked before each use"
        } else {
            ""
        };
        lines.push(format!("  rule for {rule}{asks}"));
    }
    lines.push(match (report.whole, report.max) {
        (true, _) => String::from("offered, all of them because ssh takes only what it is told to:"),
        (false, 0) => String::from("offered, without a limit:"),
        (false, max) => format!("offered, at most {max}:"),
    });
    // One table for both, so that the columns stand below each other.
    let mut rows = table(report).into_iter();
    lines.extend(rows.by_ref().take(report.offered.len()));
    if !report.left_out.is_empty() {
        lines.push(String::from("left out:"));
    }
    lines.extend(rows);
    lines.push(format!("next time: {}", report.next));
    lines
        .iter()
        .map(|line| visible(line))
        .collect::<Vec<_>>()
        .join("\n")
}

fn head(report: &ExplainReport) -> String {
    let user = report
        .user
        .iter()
        .map(|user| format!("{user}@"))
        .collect::<String>();
    let others: Vec<&str> = report
        .names
        .iter()
        .map(String::as_str)
        .filter(|name| *name != report.host)
        .collect();
    match (report.host_keys.is_empty(), others.is_empty()) {
        (true, _) => format!("{user}{}, which known_hosts does not have", report.host),
        (false, true) => format!("{user}{}", report.host),
        (false, false) => format!("{user}{} ({})", report.host, others.join(", ")),
    }
}

/// A line for each key: its place, as much of its fingerprint as `claviger` knows it by, its name, and why.
fn table(report: &ExplainReport) -> Vec<String> {
    let keys = report.offered.iter().chain(&report.left_out);
    let rows: Vec<[String; 3]> = keys
        .map(|key| {
            let short = key.fingerprint.chars().take(SHORT).collect();
            [short, visible(name(key)), visible(&key.detail)]
        })
        .collect();
    let wide = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let (digits, widest) = (rows.len().to_string().len(), wide(1).min(WIDEST));
    let line = |(place, [short, name, why]): (usize, &[String; 3])| {
        format!("  {:>digits$}. {short}  {name:widest$}  {why}", place + 1)
    };
    rows.iter().enumerate().map(line).collect()
}

fn name(key: &ExplainedKey) -> &str {
    match (key.comment.is_empty(), key.path.is_empty()) {
        (false, _) => &key.comment,
        (true, false) => &key.path,
        (true, true) => "without a comment",
    }
}
