//! `claviger keygen`: makes a key, protects it, writes both files, and has the agent know it.
//!
//! Order of effects, so that a failure or a kill at any moment leaves everything whole: both files are written without
//! a name; then a generated passphrase is stored, read back, and tried on what was written; only then do the files get
//! their names, the private one first, which is complete without the other. What a kill before that can leave behind
//! is an entry in a store for a key that does not exist, never a key whose passphrase nobody has.
mod protection;
mod recipe;
mod report;

use super::client::Client;
use super::context::{Context, Secrets, runtime};
use super::names::known_place;
use super::output::{self, Failure};
use super::progress;
use super::ssh_config::HostBlock;
use crate::cli::KeygenArgs;
use claviger::config::{Config, edit_key_files};
use claviger::key::{self, FileBytes, Format, KdfLimits, OpenKey};
use claviger::unlock::Wanted;
use claviger_platform::files::Fresh;
use protection::Protection;
use recipe::Recipe;
use report::{Agent, Report};
use std::process::ExitCode;
use std::sync::Arc;

/// The modes that ssh-keygen gives.
const PRIVATE: u32 = 0o600;
const PUBLIC: u32 = 0o644;

pub(crate) fn run(args: &KeygenArgs, context: &Context) -> Result<ExitCode, Failure> {
    let (report, failures) = create(args, context)?;
    match args.json {
        true => output::json(&report)?,
        false => output::line(&report)?,
    }
    for failure in &failures {
        output::error(&format!("the key was made, but {failure}"));
    }
    Ok(match failures.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Makes the key; what failed once it was there is told beside it.
pub(super) fn create(args: &KeygenArgs, context: &Context) -> Result<(Report, Vec<Failure>), Failure> {
    let secrets = Secrets::read(&args.key, &args.vault)?;
    let config = context.config()?;
    let recipe = Recipe::read(args, context)?;
    let block = args
        .host
        .ssh_config
        .then(|| HostBlock::read(&args.host, &recipe.path, context))
        .transpose()?;
    let runtime = runtime()?;
    let (mut report, protection) = runtime.block_on(async {
        let mut protection = Protection::choose(args, context, &config, &recipe, secrets).await?;
        let report = make(&recipe, config.limits, &mut protection).await?;
        Ok::<_, Failure>((report, protection))
    })?;
    // The key is there: whatever fails from now on is told beside it, and does not hide it.
    let mut failures = Vec::new();
    if let Some(host) = &args.host.host {
        let meant = context
            .notes()
            .mean(&report.fingerprint, std::slice::from_ref(host));
        failures.extend(meant.err().map(Failure::from));
    }
    match announce(args, context, &config, &recipe, &protection, &report) {
        Ok(agent) => report.agent = agent,
        Err(failure) => failures.push(failure),
    }
    if let Some(block) = block {
        match block.write(args.host.include) {
            Ok(written) => report.ssh_config = Some(written),
            Err(failure) => failures.push(failure),
        }
    }
    Ok((report, failures))
}

/// Makes the key and both files.
async fn make(recipe: &Recipe, limits: KdfLimits, protection: &mut Protection) -> Result<Report, Failure> {
    let kind = recipe.kind;
    let made = progress::during(&recipe.describe(), move || key::generate(kind)).await??;
    let half = made.public().clone();
    let file = sealed(made, protection, recipe).await?;
    let line = key::authorized_line(&half.blob, recipe.comment.as_bytes());
    let wanted = Wanted {
        fingerprint: half.fingerprint.clone(),
        path: recipe.path.clone(),
        comment: recipe.comment.clone(),
    };
    let private = Fresh::write(&recipe.path, &file, PRIVATE)?;
    let public = Fresh::write(&recipe.public_path, &[&line[..], b"\n"].concat(), PUBLIC)?;
    protection.keep(&wanted).await?;
    let published = match protection.check(limits, &wanted, file).await {
        Ok(()) => publish(recipe, private, public),
        Err(failure) => Err(failure),
    };
    if let Err(failure) = published {
        protection.forget(&wanted).await;
        return Err(failure);
    }
    Ok(Report::new(recipe, &half, &line, protection))
}

/// The private file's content.
async fn sealed(made: OpenKey, protection: &Protection, recipe: &Recipe) -> Result<Arc<FileBytes>, Failure> {
    let (secret, rounds, comment) = (protection.secret(), recipe.rounds, recipe.comment.clone());
    let file = progress::during("Sealing it", move || {
        let protection = secret
            .as_deref()
            .map(|passphrase| key::Protection { passphrase, rounds });
        key::write(&made, Format::OpenSsh, comment.as_bytes(), protection.as_ref())
    });
    Ok(Arc::new(file.await??))
}

/// Both files or none.
fn publish(recipe: &Recipe, private: Fresh, public: Fresh) -> Result<(), Failure> {
    private.publish()?;
    public.publish().map_err(|error| {
        // Ours since a moment: it was not there before.
        let removed = std::fs::remove_file(&recipe.path);
        let rest = removed
            .err()
            .map(|why| format!("; {} is left: {why}", recipe.path.display()));
        Failure::new(format!("{error}{}", rest.unwrap_or_default()))
    })
}

/// Has the running agent list the key, and open it where its passphrase was typed just now anyway.
fn announce(
    args: &KeygenArgs,
    context: &Context,
    config: &Config,
    recipe: &Recipe,
    protection: &Protection,
    report: &Report,
) -> Result<Agent, Failure> {
    if !known_place(config, &recipe.path) {
        edit_key_files(&context.places.config, &context.places.home, &recipe.path, true)?;
    }
    let Ok(client) = Client::find(context, args.socket.as_deref()) else {
        return Ok(Agent::None);
    };
    client.rescan()?;
    if !client
        .list()?
        .iter()
        .any(|key| key.fingerprint == report.fingerprint)
    {
        return Ok(Agent::NotListed);
    }
    match protection.typed() {
        Some(secret) => client
            .unlock(&report.fingerprint, Some(secret))
            .map(|_| Agent::Open),
        None => Ok(Agent::Listed),
    }
}
