//! `claviger status`: the agent's state; without an agent, what can be said all the same.
use super::client::Client;
use super::context::Context;
use super::output::{self, Failure, visible};
use crate::cli::ReportArgs;
use claviger::wire::report::{ActivityReport, MemoryStatus, StatusReport};
use serde_json::json;
use std::fmt::Write;
use std::process::ExitCode;
use std::time::Duration;

pub(crate) fn run(args: &ReportArgs, context: &Context) -> Result<ExitCode, Failure> {
    let status = Client::find(context, args.client.socket.as_deref()).and_then(|client| client.status());
    let config = context.config().err().map(|failure| failure.to_string());
    let exit = if status.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    };
    match (args.json, status) {
        (true, Ok(status)) => output::json(&with_running(&status)?)?,
        (true, Err(failure)) => output::json(&json!({
            "running": false,
            "reason": failure.to_string(),
            "config": context.places.config.to_string_lossy(),
            "config_error": config,
            "vault": context.vault().to_string_lossy(),
            "vault_exists": context.vault().exists(),
        }))?,
        (false, Ok(status)) => output::line(running(&status, config).trim_end())?,
        (false, Err(failure)) => output::line(absent(&failure, context, config).trim_end())?,
    }
    Ok(exit)
}

/// The agent's report as it is, and the one field that is there in every case.
fn with_running(status: &StatusReport) -> Result<serde_json::Value, Failure> {
    let mut value = serde_json::to_value(status)?;
    if let Some(fields) = value.as_object_mut() {
        fields.insert("running".into(), true.into());
    }
    Ok(value)
}

/// A name in its column, then the value.
fn row(text: &mut String, name: &str, value: &str) {
    let _ = writeln!(text, "{name:<9}{}", visible(value));
}

fn running(status: &StatusReport, config: Option<String>) -> String {
    let mut text = String::new();
    let agent = format!(
        "claviger {}, pid {}, at {}",
        status.version, status.pid, status.socket
    );
    row(&mut text, "agent", &agent);
    let idle = status
        .idle_seconds
        .map_or("never sealed for idleness".into(), |seconds| {
            format!(
                "sealed after {} without use",
                humantime::format_duration(Duration::from_secs(seconds))
            )
        });
    row(
        &mut text,
        "keys",
        &format!("{} listed, {} open; {idle}", status.keys, status.open),
    );
    activity(&mut text, &status.activity);
    row(&mut text, "clients", &status.clients.to_string());
    for (number, source) in status.sources.iter().enumerate() {
        let name = if number == 0 { "sources" } else { "" };
        let detail = if source.detail.is_empty() { "" } else { ": " };
        row(
            &mut text,
            name,
            &format!("{} {}{detail}{}", source.source, source.state, source.detail),
        );
    }
    for (number, upstream) in status.upstreams.iter().enumerate() {
        let name = if number == 0 { "behind" } else { "" };
        let state = match upstream.reachable {
            true => format!("{} keys", upstream.keys),
            false => upstream.detail.clone(),
        };
        row(&mut text, name, &format!("{}: {state}", upstream.socket));
    }
    row(&mut text, "memory", &memory(&status.memory));
    for weakness in &status.memory.weaknesses {
        row(&mut text, "", &format!("weaker: {weakness}"));
    }
    for problem in &status.problems {
        row(
            &mut text,
            "problem",
            &format!("{}: {}", problem.path, problem.reason),
        );
    }
    if let Some(error) = config {
        row(
            &mut text,
            "problem",
            &format!("{error} (the agent keeps what it read before)"),
        );
    }
    text
}

/// An agent of an older version says nothing of it.
fn activity(text: &mut String, activity: &ActivityReport) {
    let rows = [
        ("activity", "the screen's lock seals", &activity.screen_lock),
        ("", "sleep seals", &activity.sleep),
        ("", "being away for lock.idle seals", &activity.input),
    ];
    for (name, effect, watched) in rows {
        match watched.state.as_str() {
            "watched" => row(text, name, &format!("{effect} (told by {})", watched.detail)),
            "unknown" => row(
                text,
                name,
                &format!("{effect}, but nobody tells: {}", watched.detail),
            ),
            "off" => row(text, name, &format!("{effect}: switched off")),
            _ => {}
        }
    }
}

fn memory(memory: &MemoryStatus) -> String {
    let swap = if memory.locked {
        "never swapped out"
    } else {
        "may be swapped out"
    };
    let images = match memory.secret_memory {
        true => "left out even of root's core images",
        false => "visible in root's core images while a key is open",
    };
    format!("secrets are {swap}, {images}")
}

fn absent(failure: &Failure, context: &Context, config: Option<String>) -> String {
    let mut text = String::new();
    row(&mut text, "agent", &failure.to_string());
    let path = context.places.config.display();
    let config = config.unwrap_or_else(|| match context.places.config.exists() {
        true => format!("{path}: valid"),
        false => format!("{path}: no such file; the defaults hold"),
    });
    row(&mut text, "config", &config);
    let vault = context.vault();
    let made = if vault.exists() {
        "there"
    } else {
        "not made yet; `claviger add` makes it when it needs one"
    };
    row(&mut text, "vault", &format!("{}: {made}", vault.display()));
    text
}
