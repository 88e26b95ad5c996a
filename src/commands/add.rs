//! `claviger add`: checks the passphrase of key files and stores it.
//!
//! Order of effects, so that a kill at any moment leaves everything whole: the passphrase is stored only after it
//! opened the key, the configuration names the file only after that, and the agent looks again last. Each store is
//! replaced whole or not at all.
use super::client::Client;
use super::context::{Context, Secrets, runtime};
use super::learn::learn;
use super::names::{known_place, wanted, whole};
use super::output::{self, Failure, visible};
use super::ssh_config::checked_host;
use crate::cli::AddArgs;
use claviger::config::{Config, edit_key_files};
use claviger::key::{self, KdfLimits, KeyError};
use claviger::keyset::{Found, Notes, discover};
use claviger::secret::Secret;
use claviger::unlock::{Unlocker, Wanted};
use claviger_platform::files;
use claviger_platform::prompt::{Means, PromptError};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// How often a person may try.
const TRIES: usize = 3;
/// Far above every real key file.
const MAX_KEY_FILE: u64 = 1 << 20;

/// What all files of one call share.
struct Adding<'a> {
    context: &'a Context,
    config: Config,
    unlocker: Unlocker,
    means: Arc<Means>,
    /// From `--passphrase-fd`: the answer to every question.
    given: Option<Arc<Secret>>,
    /// What opened the key before; tried first, as ssh-add does.
    last: Option<Arc<Secret>>,
    /// The agent that is to open the keys instead of storing (`--no-store`).
    only_open: Option<Client>,
    /// What the keys are for (`--for`).
    hosts: Vec<String>,
}

pub(crate) fn run(args: &AddArgs, context: &Context) -> Result<ExitCode, Failure> {
    let secrets = Secrets::read(&args.key, &args.vault)?;
    let hosts = args
        .hosts
        .iter()
        .map(|host| checked_host(host).map(str::to_owned));
    let hosts: Vec<String> = hosts.collect::<Result<_, _>>()?;
    let config = context.config()?;
    let means = Arc::new(context.means());
    let agent = Client::find(context, args.client.socket.as_deref());
    let (only_open, agent) = match args.no_store {
        true => (Some(agent?), None),
        false => (None, agent.ok()),
    };
    let paths = match args.files.is_empty() {
        true => protected(&config, &context.notes())?,
        false => args.files.clone(),
    };
    let mut adding = Adding {
        context,
        unlocker: context.unlocker(&config, means.clone(), secrets.vault),
        config,
        means,
        given: secrets.key.map(Arc::new),
        last: None,
        only_open,
        hosts,
    };
    let runtime = runtime()?;
    let mut exit = ExitCode::SUCCESS;
    for path in &paths {
        let name = visible(&path.to_string_lossy());
        let added = match learn(path, context, adding.given.as_deref(), &adding.means, &runtime) {
            Ok(learnt) => {
                adding.last = learnt.map(Arc::new).or(adding.last.take());
                runtime.block_on(adding.one(path))
            }
            Err(failure) => Err(failure),
        };
        match added {
            Ok(done) => output::line(format!("{name}: {done}"))?,
            Err(failure) => {
                output::error(&format!("{name}: {failure}"));
                exit = ExitCode::FAILURE;
            }
        }
    }
    if let Some(Err(failure)) = agent.map(|agent| agent.rescan()) {
        output::error(&failure);
        exit = ExitCode::FAILURE;
    }
    Ok(exit)
}

/// Every protected key in the configured places; what could not be read there is told, but is no failure of `add`.
fn protected(config: &Config, notes: &Notes) -> Result<Vec<PathBuf>, Failure> {
    let found = discover(&config.limits, &config.key_dirs, &config.key_files, notes);
    for problem in &found.problems {
        output::error(&format!(
            "{}: passed over: {}",
            visible(&problem.path),
            problem.reason
        ));
    }
    let keys = found.keys.into_iter().filter(|key| key.inspected.encrypted);
    let paths: Vec<PathBuf> = keys.map(|key| key.path).collect();
    match paths.is_empty() {
        true => Err(Failure::new(
            "no passphrase-protected key in the configured places; name a FILE",
        )),
        false => Ok(paths),
    }
}

impl Adding<'_> {
    /// Adds one file; says what was done.
    async fn one(&mut self, path: &Path) -> Result<String, Failure> {
        let path = whole(path).ok_or_else(|| Failure::new("no such file"))?;
        let found = inspect(&self.config.limits, &path, &self.context.notes())?;
        let wanted = wanted(&found);
        let secret = match found.inspected.encrypted {
            true => Some(self.checked_passphrase(&wanted).await?),
            false => None,
        };
        let mut done = match &secret {
            None => "has no passphrase; nothing to store".to_owned(),
            Some(_) if self.only_open.is_some() => String::new(),
            Some(secret) => {
                format!(
                    "passphrase stored in {}",
                    self.unlocker.remember(&wanted, secret.clone()).await?
                )
            }
        };
        if !known_place(&self.config, &path) {
            let places = &self.context.places;
            edit_key_files(&places.config, &places.home, &path, true)?;
            done += &format!(
                "{}named in {}",
                if done.is_empty() { "" } else { "; " },
                places.config.display()
            );
        }
        if !self.hosts.is_empty() {
            self.context.notes().mean(&wanted.fingerprint, &self.hosts)?;
            let apart = if done.is_empty() { "" } else { "; " };
            done += &format!("{apart}for {}", self.hosts.join(", "));
        }
        if let Some(agent) = &self.only_open {
            agent.rescan()?;
            if let Some(secret) = &secret {
                agent.unlock(&wanted.fingerprint, Some(secret))?;
                done += &format!(
                    "{}open in the agent, nothing stored",
                    if done.is_empty() { "" } else { "; " }
                );
            }
        }
        Ok(done)
    }

    /// A passphrase that opens the key.
    async fn checked_passphrase(&mut self, wanted: &Wanted) -> Result<Arc<Secret>, Failure> {
        let limits = self.config.limits;
        if let Some(given) = &self.given {
            opens(limits, wanted, given.clone()).await?;
            return Ok(given.clone());
        }
        if let Some(last) = &self.last
            && opens(limits, wanted, last.clone()).await.is_ok()
        {
            return Ok(last.clone());
        }
        let mut question = format!("Enter passphrase for key {}: ", wanted.path.display());
        for _ in 0..TRIES {
            let secret = Arc::new(self.means.passphrase(&question).await.map_err(unasked)?);
            match opens(limits, wanted, secret.clone()).await {
                Ok(()) => {
                    self.last = Some(secret.clone());
                    return Ok(secret);
                }
                Err(Refused::Key(KeyError::WrongPassphrase)) => {
                    question = format!(
                        "It does not fit. Enter passphrase for key {}: ",
                        wanted.path.display()
                    );
                }
                Err(refused) => return Err(refused.into()),
            }
        }
        Err(Failure::new(format!(
            "the passphrase did not fit {TRIES} times; nothing was stored"
        )))
    }
}

fn unasked(error: PromptError) -> Failure {
    match error {
        PromptError::Unavailable(why) => Failure::new(format!("{why}; or give it with --passphrase-fd N")),
        error => Failure::new(format!("not added: {error}")),
    }
}

/// Why a passphrase was not accepted.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(transparent)]
    File(#[from] files::FileError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("the .pub file beside it belongs to another key; replace it: claviger pubkey FILE > FILE.pub")]
    OtherKey,
    #[error("opening the key failed unexpectedly")]
    Died,
}

/// Whether the passphrase opens the key: derives it, on a thread that may be slow.
async fn opens(limits: KdfLimits, wanted: &Wanted, secret: Arc<Secret>) -> Result<(), Refused> {
    let (path, fingerprint) = (wanted.path.clone(), wanted.fingerprint.clone());
    let opened = tokio::task::spawn_blocking(move || {
        let file = files::read_private(&path, MAX_KEY_FILE)?;
        match key::open(&limits, &file, Some(&secret))?.public().fingerprint == fingerprint {
            true => Ok(()),
            false => Err(Refused::OtherKey),
        }
    });
    opened.await.unwrap_or(Err(Refused::Died))
}

/// What the file tells in clear; the reasons are those of `claviger status`, with a hint where a mistake is common.
fn inspect(limits: &KdfLimits, path: &Path, notes: &Notes) -> Result<Found, Failure> {
    if path.extension().is_some_and(|extension| extension == "pub") {
        let private = path.with_extension("");
        if private.exists() {
            let text = format!(
                "this is the public half; give the private one: {}",
                private.display()
            );
            return Err(Failure::new(text));
        }
    }
    let mut found = discover(limits, &[], &[path.to_owned()], notes);
    match (found.keys.pop(), found.problems.pop()) {
        (Some(key), _) => Ok(key),
        (None, Some(problem)) => Err(Failure::new(problem.reason)),
        (None, None) => Err(Failure::new("not a private key")),
    }
}
