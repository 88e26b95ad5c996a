//! `claviger hosts pin` and `unpin`: one rule in the person's configuration, and a running agent told of it.
use super::resolve;
use crate::cli::ClientArgs;
use crate::commands::client::Client;
use crate::commands::context::Context;
use crate::commands::names;
use crate::commands::output::{self, Failure, visible};
use claviger::config::{self, Config};
use std::process::ExitCode;

pub(super) fn pin(
    host: &str,
    keys: &[String],
    client: &ClientArgs,
    context: &Context,
) -> Result<ExitCode, Failure> {
    let settings = context.config()?;
    let client = Client::find(context, client.socket.as_deref()).ok();
    let listed = names::everywhere(client.as_ref(), &settings, &context.notes())?;
    let mut fingerprints: Vec<String> = Vec::new();
    for key in keys {
        let fingerprint = names::resolve(&listed, key)?.fingerprint;
        if !fingerprints.contains(&fingerprint) {
            fingerprints.push(fingerprint);
        }
    }
    let host = resolve::host(host, &context.known_hosts(), &[])?;
    let (path, home) = (&context.places.config, &context.places.home);
    let name = visible(&host.name);
    match config::pin(path, home, &host.name, &fingerprints)? {
        true => output::line(format!(
            "{name}: pinned to {} in {}",
            fingerprints.join(", "),
            path.display()
        ))?,
        false => output::line(format!("{name}: pinned to that already"))?,
    }
    if host.keys.is_empty() {
        output::error(&format!(
            "{name}: known_hosts has no host key under this name yet; the pin holds from the first login there on"
        ));
    }
    tell(client.as_ref())
}

pub(super) fn unpin(host: &str, client: &ClientArgs, context: &Context) -> Result<ExitCode, Failure> {
    let settings = context.config()?;
    // As it was written, or as it is known.
    let name = match pins(&settings, host) {
        true => host.to_owned(),
        false => resolve::host(host, &context.known_hosts(), &[])?.name,
    };
    let path = &context.places.config;
    if !config::unpin(path, &context.places.home, &name)? {
        return Err(Failure::new(format!(
            "{}: not pinned in {}; rules with more in them than one host and keys are yours to change there",
            visible(&name),
            path.display()
        )));
    }
    output::line(format!("{}: no longer pinned", visible(&name)))?;
    tell(Client::find(context, client.socket.as_deref()).ok().as_ref())
}

fn pins(settings: &Config, host: &str) -> bool {
    settings.hosts.iter().any(|rule| rule.pins(host))
}

/// The agent reads its configuration anew.
fn tell(client: Option<&Client>) -> Result<ExitCode, Failure> {
    if let Some(client) = client {
        client.rescan()?;
    }
    Ok(ExitCode::SUCCESS)
}
