//! `claviger import FILE…`: private copies in ~/.ssh, and the passphrases where `claviger add` stores them.
//!
//! Order of effects: the passphrase has opened the key before anything is copied, so that a mistake leaves nothing
//! behind; the copy is whole before the passphrase is stored; the agent looks again last.
use super::copy::Source;
use super::report::{Done, Telling};
use crate::cli::{ImportFiles, TargetFormat};
use crate::commands::client::Client;
use crate::commands::context::{Context, Secrets, runtime};
use crate::commands::convert::{ROUNDS, shown, written};
use crate::commands::key_name;
use crate::commands::names::known_place;
use crate::commands::opening::{Opened, attempt, beside};
use crate::commands::output::{self, Failure};
use claviger::config::{Config, edit_key_files};
use claviger::keyset::discover;
use claviger::secret::Secret;
use claviger::unlock::{Unlocker, Wanted};
use claviger_platform::files;
use claviger_platform::prompt::Means;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// What all files of one call share.
struct Importing<'a> {
    args: &'a ImportFiles,
    context: &'a Context,
    config: Config,
    unlocker: Unlocker,
    means: Arc<Means>,
    runtime: Runtime,
    folder: PathBuf,
    /// From `--passphrase-fd`: the answer to every question.
    given: Option<Secret>,
    /// What opened the file before; tried first, as ssh-add does.
    last: Option<Secret>,
}

pub(super) fn run(args: &ImportFiles, context: &Context) -> Result<ExitCode, Failure> {
    if args.name.is_some() && args.files.len() > 1 {
        return Err(Failure::new(
            "--name is for one FILE; import the others by themselves",
        ));
    }
    let secrets = Secrets::read(&args.key, &args.vault)?;
    let config = context.config()?;
    let means = Arc::new(context.means());
    let folder = context.places.home.join(".ssh");
    files::private_dir(&folder)?;
    let mut importing = Importing {
        args,
        context,
        unlocker: context.unlocker(&config, means.clone(), secrets.vault),
        config,
        means,
        runtime: runtime()?,
        folder,
        given: secrets.key,
        last: None,
    };
    let mut telling = Telling::new(args.json);
    for path in &args.files {
        telling.tell(shown(path), importing.one(path))?;
    }
    if let Ok(agent) = Client::find(context, args.client.socket.as_deref())
        && let Err(failure) = agent.rescan()
    {
        output::error(&failure);
        telling.failed = true;
    }
    let failed = telling.failed;
    telling.finish()?;
    Ok(match failed {
        false => ExitCode::SUCCESS,
        true => ExitCode::FAILURE,
    })
}

impl Importing<'_> {
    /// Imports one file; says what was done.
    fn one(&mut self, path: &Path) -> Result<Done, Failure> {
        let source = Source::read(path, self.config.limits)?;
        if let Some(there) = self.there(&source, None) {
            return Ok(there);
        }
        let target = self.target(&source.file.path)?;
        let mut opened = self.opened(&source)?;
        if let Some(there) = self.there(&source, opened.as_ref()) {
            return Ok(there);
        }
        let passphrase = opened.as_mut().and_then(|opened| opened.passphrase.take());
        let content = match (self.args.to, &opened) {
            (Some(to), Some(opened)) => {
                let name = shown(&target);
                Some(written(
                    to,
                    &self.config.limits,
                    ROUNDS,
                    &name,
                    opened,
                    passphrase.as_ref(),
                )?)
            }
            _ => None,
        };
        let content = content.as_ref().map(|content| &content[..]);
        let copied = source.copy(&target, content, opened.as_ref())?;
        let mut done = copied.told();
        let kept = self.keep(&source, &copied.path, opened.as_ref(), passphrase);
        done += &kept.map_err(|failure| Failure::new(format!("{done}, but {failure}")))?;
        done += "; the source stays";
        if source.exposed {
            done += ", and others than you can read it: delete it once the copy works";
        }
        let half = source.half(opened.as_ref());
        Ok(Done {
            path: Some(shown(&copied.path)),
            fingerprint: half.map(|half| half.fingerprint.clone()),
            ..Done::new("imported", done)
        })
    }

    /// Where the copy goes; nothing may be there.
    fn target(&self, source: &Path) -> Result<PathBuf, Failure> {
        let own = source.file_name().unwrap_or_default();
        let name: PathBuf = match &self.args.name {
            Some(name) => key_name::plain(name, "move the file yourself to have it elsewhere")?.into(),
            // The ending would say what the copy no longer is.
            None if self.args.to.is_some_and(|to| to != TargetFormat::Ppk)
                && source.extension() == Some(OsStr::new("ppk")) =>
            {
                source.file_stem().unwrap_or(own).into()
            }
            None => own.into(),
        };
        let target = self.folder.join(name);
        key_name::checked(&target)?;
        for ending in ["", ".pub", "-cert.pub"] {
            files::refuse_existing(&beside(&target, ending)).map_err(|error| {
                Failure::new(format!("{error}; or give the copy another name: --name NAME"))
            })?;
        }
        Ok(target)
    }

    /// What ends an import of a key that is there already.
    fn there(&self, source: &Source, opened: Option<&Opened>) -> Option<Done> {
        let fingerprint = &source.half(opened)?.fingerprint;
        let mut dirs = self.config.key_dirs.clone();
        dirs.push(self.folder.clone());
        let found = discover(
            &self.config.limits,
            &dirs,
            &self.config.key_files,
            &self.context.notes(),
        )
        .keys;
        let same = found
            .into_iter()
            .find(|found| found.inspected.public.fingerprint == *fingerprint)?;
        let path = shown(&same.path);
        let detail = format!("is there already: {path} ({fingerprint}); nothing was done");
        Some(Done {
            path: Some(path),
            fingerprint: Some(fingerprint.clone()),
            ..Done::new("present", detail)
        })
    }

    /// Opens the key where that is needed, or wanted for its passphrase.
    fn opened(&mut self, source: &Source) -> Result<Option<Opened>, Failure> {
        let file = &source.file;
        let opened = match (source.encrypted(), &self.given) {
            (false, _) if self.args.to.is_none() => return Ok(None),
            (false, _) => attempt(&file.limits, &file.bytes, None)?,
            (true, Some(given)) => attempt(&file.limits, &file.bytes, Some(given))?,
            (true, None) if self.args.no_store && self.args.to.is_none() => return Ok(None),
            (true, None) => {
                let last = self.last.as_ref();
                match last.and_then(|last| attempt(&file.limits, &file.bytes, Some(last)).ok()) {
                    Some(opened) => opened,
                    None => self.asked(source)?,
                }
            }
        };
        if let Some(listed) = &source.listed
            && listed.public != *opened.key.public()
        {
            let text = "the .pub file beside it belongs to another key; move that away, and import again";
            return Err(Failure::new(text));
        }
        self.last = opened.passphrase.as_deref().map(Secret::copy_of);
        Ok(Some(opened))
    }

    fn asked(&self, source: &Source) -> Result<Opened, Failure> {
        source.file.ask(&self.means, &self.runtime).map_err(|failure| {
            let text = failure.to_string();
            let text = text
                .strip_prefix(&format!("{}: ", source.file.name()))
                .unwrap_or(&text);
            let hint = match self.args.to {
                None => "; or only copy it: --no-store",
                Some(_) => "",
            };
            Failure::new(format!("{text}{hint}"))
        })
    }

    /// Stores the passphrase and has the configuration know the place; says what was done.
    fn keep(
        &self,
        source: &Source,
        path: &Path,
        opened: Option<&Opened>,
        passphrase: Option<Secret>,
    ) -> Result<String, Failure> {
        let mut done = String::new();
        if !known_place(&self.config, path) {
            let places = &self.context.places;
            edit_key_files(&places.config, &places.home, path, true)?;
            done += &format!("; named in {}", places.config.display());
        }
        if let (Some(opened), Some(passphrase), false) = (opened, passphrase, self.args.no_store) {
            let wanted = Wanted {
                fingerprint: opened.key.public().fingerprint.clone(),
                path: path.to_owned(),
                comment: String::from_utf8_lossy(&opened.comment).into_owned(),
            };
            let stored = self.unlocker.remember(&wanted, Arc::new(passphrase));
            let place = self
                .runtime
                .block_on(stored)
                .map_err(|error| Failure::new(format!("its passphrase was not stored: {error}")))?;
            done += &format!("; passphrase stored in {place}");
        } else if !source.encrypted() {
            done += "; it has no passphrase";
        }
        Ok(done)
    }
}
