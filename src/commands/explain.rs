//! `claviger explain HOST`: which keys the next login there is offered, in which order and why, and which are left out.
//! The running agent tells it, by the code that offers: nothing is worked out here.
use super::client::Client;
use super::context::Context;
use super::output::{self, Failure, visible};
use crate::cli::ExplainArgs;
use claviger::wire::report::{ExplainReport, ExplainedKey};
use std::process::ExitCode;

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
    lines.extend(
        report
            .offered
            .iter()
            .enumerate()
            .map(|(place, key)| line(place + 1, key)),
    );
    if !report.left_out.is_empty() {
        lines.push(String::from("left out:"));
        let first = report.offered.len() + 1;
        let left_out = report.left_out.iter().enumerate();
        lines.extend(left_out.map(|(place, key)| line(first + place, key)));
    }
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

fn line(place: usize, key: &ExplainedKey) -> String {
    let name = match (key.comment.is_empty(), key.path.is_empty()) {
        (false, _) => key.comment.as_str(),
        (true, false) => key.path.as_str(),
        (true, true) => "without a comment",
    };
    format!("  {place}. {}  {name}: {}", key.fingerprint, key.detail)
}
