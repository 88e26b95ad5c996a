//! `claviger remove`: forgets the stored passphrase of a key. The key file is never touched.
use super::client::Client;
use super::context::{Context, runtime, secret_from};
use super::names::{known, resolve};
use super::output::{self, Failure, visible};
use crate::cli::RemoveArgs;
use claviger::config::edit_key_files;
use std::process::ExitCode;
use std::sync::Arc;

pub(crate) fn run(args: &RemoveArgs, context: &Context) -> Result<ExitCode, Failure> {
    let master = secret_from(args.vault.vault_passphrase_fd)?;
    let config = context.config()?;
    let client = Client::find(context, args.client.socket.as_deref()).ok();
    let key = resolve(&known(client.as_ref(), &config, &context.notes())?, &args.name)?;
    if config.databases.iter().any(|database| database.path == key.path) {
        return Err(Failure::new(format!(
            "{} is in the database {}, which claviger only reads: remove its entry in KeePass",
            key.fingerprint,
            key.path.display()
        )));
    }
    let name = match key.path.as_os_str().is_empty() {
        true => key.fingerprint.clone(),
        false => visible(&key.path.to_string_lossy()),
    };

    // Each place is tried, whatever became of the one before: what can be forgotten is.
    let mut failures = Vec::new();
    let unlocker = context.unlocker(&config, Arc::new(context.means()), master);
    match runtime()?.block_on(unlocker.forget(&key)) {
        Ok(places) if places.is_empty() => output::line(format!("{name}: no passphrase was stored"))?,
        Ok(places) => output::line(format!("{name}: passphrase removed from {}", places.join(", ")))?,
        Err(error) => failures.push(error.to_string()),
    }
    match edit_key_files(&context.places.config, &context.places.home, &key.path, false) {
        Ok(true) => output::line(format!(
            "{name}: removed from {}",
            context.places.config.display()
        ))?,
        Ok(false) => {}
        Err(error) => failures.push(error.to_string()),
    }
    if let Err(error) = context.notes().mean_nothing(&key.fingerprint) {
        failures.push(error.to_string());
    }
    if let Some(client) = &client {
        let told = client.forget(&key.fingerprint).and_then(|_| client.rescan());
        failures.extend(told.err().map(|failure| failure.to_string()));
    }
    if key.path.exists() {
        output::line(format!(
            "{name}: the file itself stays; delete it yourself if it is not needed"
        ))?;
    }
    match failures.is_empty() {
        true => Ok(ExitCode::SUCCESS),
        false => Err(Failure::new(format!("{name}: {}", failures.join("; ")))),
    }
}
