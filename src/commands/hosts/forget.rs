//! `claviger hosts forget`: what was learnt of a host, gone from the running agent and from the file.
use super::resolve;
use crate::cli::ClientArgs;
use crate::commands::client::Client;
use crate::commands::context::Context;
use crate::commands::output::{self, Failure, visible};
use claviger::history::History;
use claviger::wire::report::ForgetHosts;
use std::process::ExitCode;

/// `None` is every host.
pub(super) fn run(host: Option<&str>, client: &ClientArgs, context: &Context) -> Result<ExitCode, Failure> {
    let uses = super::learnt(context)?;
    let (name, wanted) = match host {
        None => (
            String::from("all hosts"),
            ForgetHosts {
                hosts: Vec::new(),
                all: true,
            },
        ),
        Some(text) => {
            let learnt: Vec<String> = uses.iter().map(|one| one.host.clone()).collect();
            let host = resolve::host(text, &context.known_hosts(), &learnt)?;
            if host.keys.is_empty() {
                return Err(Failure::new(format!(
                    "{}: known_hosts has no host key under this name; give its fingerprint, as `claviger hosts --json` shows it",
                    visible(&host.name)
                )));
            }
            let wanted = ForgetHosts {
                hosts: host.keys,
                all: false,
            };
            (visible(&host.name), wanted)
        }
    };
    let gone = uses
        .iter()
        .filter(|one| wanted.all || wanted.hosts.contains(&one.host))
        .count();
    // The agent first: it must not write down again what it remembers. Then the file, which the agent may not have.
    if let Ok(client) = Client::find(context, client.socket.as_deref()) {
        client.forget_hosts(&wanted)?;
    }
    forget(&wanted, context)?;
    output::line(match gone {
        0 => format!("{name}: nothing was learnt"),
        1 => format!("{name}: one entry forgotten"),
        gone => format!("{name}: {gone} entries forgotten"),
    })?;
    Ok(ExitCode::SUCCESS)
}

fn forget(wanted: &ForgetHosts, context: &Context) -> Result<(), Failure> {
    let file = context.history();
    if file.exists() {
        let (history, _) = History::open(&file)?;
        if wanted.all {
            history.forget(None)?;
        }
        for host in &wanted.hosts {
            history.forget(Some(host))?;
        }
    }
    let mut damaged = file.into_os_string();
    damaged.push(".damaged");
    match wanted.all {
        true => remove(damaged.as_ref()),
        false => Ok(()),
    }
}

/// A damaged file that was set aside may still be read.
fn remove(file: &std::path::Path) -> Result<(), Failure> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Failure::new(format!(
            "{}: {error}; delete it yourself",
            file.display()
        ))),
        _ => Ok(()),
    }
}
