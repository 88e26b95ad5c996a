//! `claviger unlock`: opens a key or the vault now.
//!
//! The agent looks in its own sources first. When it finds nothing and cannot ask (it has no terminal), the
//! question is asked here and the answer handed over.
use super::client::Client;
use super::context::{Context, Secrets, runtime};
use super::learn::learn;
use super::names::{known, resolve, whole};
use super::output::{self, Failure};
use crate::cli::UnlockArgs;
use claviger::config::Config;
use claviger::secret::Secret;
use claviger::unlock::Wanted;
use claviger_platform::prompt::Means;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// How often a person may try.
const TRIES: usize = 3;

/// What is to be opened.
struct Target {
    /// The agent's name for it: a fingerprint, a database's path; empty for the vault.
    name: String,
    /// Whether it is a vault or a database, and not a key.
    is_vault: bool,
    /// Its passphrase, where it had to be asked for to know which key it is.
    learnt: Option<Secret>,
    /// What a question calls it.
    question: String,
}

pub(crate) fn run(args: &UnlockArgs, context: &Context) -> Result<ExitCode, Failure> {
    let secrets = Secrets::read(&args.key, &args.vault)?;
    let client = Client::find(context, args.client.socket.as_deref())?;
    let target = target(args.name.as_deref(), &client, context, secrets.key.as_ref())?;
    if let Some(master) = &secrets.vault {
        let vault = if target.is_vault { &target.name } else { "" };
        let opened = client.unlock(vault, Some(master))?;
        if target.is_vault {
            return done(&opened);
        }
    }
    if let Some(passphrase) = secrets.key.as_ref().or(target.learnt.as_ref()) {
        if target.is_vault {
            let text = "--passphrase-fd is for a KEY; a vault's or database's is --vault-passphrase-fd";
            return Err(Failure::new(text));
        }
        return done(&client.unlock(&target.name, Some(passphrase))?);
    }
    match client.unlock(&target.name, None) {
        Ok(opened) => done(&opened),
        Err(failure) => {
            let means = context.means();
            match means.has_terminal() {
                true => done(&ask_here(&client, &target, &means, &failure)?),
                false => Err(failure),
            }
        }
    }
}

fn done(message: &str) -> Result<ExitCode, Failure> {
    output::line(message)?;
    Ok(ExitCode::SUCCESS)
}

fn target(
    name: Option<&str>,
    client: &Client,
    context: &Context,
    given: Option<&Secret>,
) -> Result<Target, Failure> {
    let vault = context.vault();
    let is_vault = |name: &str| {
        name.is_empty() || Path::new(name) == vault || vault.file_name().is_some_and(|file| file == name)
    };
    match name {
        Some(name) if !is_vault(name) => {
            let config = context.config()?;
            if let Some(path) = database(&config, name) {
                let path = path.to_string_lossy().into_owned();
                return Ok(Target {
                    question: format!("Enter the master password of the database {path}: "),
                    name: path,
                    is_vault: true,
                    learnt: None,
                });
            }
            let (key, learnt) = key_called(name, client, context, given)?;
            let question = match database(&config, &key.path.to_string_lossy()) {
                Some(path) => format!("Enter the master password of the database {}: ", path.display()),
                None => format!("Enter passphrase for key {}: ", key.path.display()),
            };
            Ok(Target {
                name: key.fingerprint,
                is_vault: false,
                learnt,
                question,
            })
        }
        _ => {
            let question = format!("Enter the master passphrase of the vault {}: ", vault.display());
            Ok(Target {
                name: String::new(),
                is_vault: true,
                learnt: None,
                question,
            })
        }
    }
}

/// The key that `name` means. A file that is not listed, as only its passphrase shows its public half, is opened for that.
fn key_called(
    name: &str,
    client: &Client,
    context: &Context,
    given: Option<&Secret>,
) -> Result<(Wanted, Option<Secret>), Failure> {
    let find = || resolve(&known(Some(client), &context.config()?, &context.notes())?, name);
    find().map(|key| (key, None)).or_else(|failure| {
        match learn(
            Path::new(name),
            context,
            given,
            &Arc::new(context.means()),
            &runtime()?,
        )? {
            Some(passphrase) => {
                client.rescan()?;
                Ok((find()?, Some(passphrase)))
            }
            None => Err(failure),
        }
    })
}

/// The configured database that `name` means: by its path, else by its file name.
pub(super) fn database<'a>(config: &'a Config, name: &str) -> Option<&'a Path> {
    let path = whole(Path::new(name));
    let mut databases = config.databases.iter().map(|database| database.path.as_path());
    let by_path = databases
        .clone()
        .find(|database| Some(*database) == path.as_deref());
    by_path.or_else(|| databases.find(|database| database.file_name().is_some_and(|file| file == name)))
}

fn ask_here(client: &Client, target: &Target, means: &Means, why: &Failure) -> Result<String, Failure> {
    output::error(why);
    let runtime = runtime()?;
    let mut result = Err(Failure::new("nothing was asked"));
    for _ in 0..TRIES {
        let answer: Secret = runtime.block_on(means.passphrase(&target.question))?;
        result = client.unlock(&target.name, Some(&answer));
        match &result {
            Ok(_) => break,
            Err(failure) => output::error(failure),
        }
    }
    result.map_err(|_| Failure::new(format!("not opened after {TRIES} tries")))
}
