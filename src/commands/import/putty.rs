//! `claviger import putty`: PuTTY's saved sessions become Host blocks, and the keys that they name become ours.
//!
//! A block never takes another's place: what ssh's configuration says of a host already goes before what PuTTY knew.
use super::report::{Done, Telling};
use super::session::{self, Session};
use crate::cli::PuttyArgs;
use crate::commands::client::Client;
use crate::commands::context::Context;
use crate::commands::convert::{PUBLIC, shown};
use crate::commands::names::known_place;
use crate::commands::opening::{KeyFile, beside};
use crate::commands::output::{Failure, visible};
use crate::commands::ssh_config::{Host, HostBlock, Standing};
use claviger::config::{Config, edit_key_files};
use claviger::key;
use claviger_platform::files::Fresh;
use claviger_platform::putty::{self, Entry};
use std::path::Path;
use std::process::ExitCode;

/// What is shared by all sessions of one call.
struct Importing<'a> {
    args: &'a PuttyArgs,
    context: &'a Context,
    config: Config,
    /// What ~/.ssh/config has to say at the end.
    written: Option<String>,
}

pub(super) fn run(args: &PuttyArgs, context: &Context) -> Result<ExitCode, Failure> {
    let sessions = putty::sessions(&context.places.home)?;
    if sessions.is_empty() {
        let places = putty::places(&context.places.home);
        let text = format!("PuTTY has saved no session in {}", places.join(" or "));
        return Err(Failure::new(visible(&text)));
    }
    let mut importing = Importing {
        args,
        context,
        config: context.config()?,
        written: None,
    };
    let mut telling = Telling::new(args.json);
    for (name, entry) in &sessions {
        let done = match read(name, entry) {
            Ok(session) => importing.one(name, &session),
            Err(why) => Ok(Done::new("passed_over", format!("passed over: {why}"))),
        };
        telling.tell(visible(name), done)?;
    }
    if let Some(written) = &importing.written {
        telling.line(format!("Host blocks are in {written}"))?;
    }
    if !args.dry_run
        && let Ok(agent) = Client::find(context, args.client.socket.as_deref())
    {
        agent.rescan()?;
    }
    let failed = telling.failed;
    telling.finish()?;
    Ok(match failed {
        false => ExitCode::SUCCESS,
        true => ExitCode::FAILURE,
    })
}

fn read(name: &str, entry: &Entry) -> Result<Session, String> {
    let settings = entry.read().map_err(|error| error.to_string())?;
    session::read(name, &settings.unwrap_or_default())
}

impl Importing<'_> {
    /// Imports one session; says what was done.
    fn one(&mut self, name: &str, session: &Session) -> Result<Done, Failure> {
        let mut remarks = Vec::new();
        if session.proxied {
            remarks.push("its proxy is not taken over (ssh: ProxyJump or ProxyCommand)".to_owned());
        }
        let key = session.key.as_deref().and_then(|path| {
            let usable = self.usable(path);
            usable
                .map_err(|why| remarks.push(format!("without its key: {}: {why}", shown(path))))
                .ok()
        });
        let host = Host {
            name,
            hostname: Some(&*session.host).filter(|host| *host != name),
            user: session.user.as_deref(),
            port: session.port,
            key: key.as_ref().map(|key| &*key.path),
        };
        let block = match HostBlock::of(&host, self.context) {
            Ok(block) => block,
            Err(why) => {
                let detail = format!("passed over: {why}; rename the session in PuTTY to import it");
                return Ok(Done::new("passed_over", detail));
            }
        };
        let (result, mut done) = match block.standing()? {
            Standing::Ours => {
                let detail = "passed over: claviger's file has another block for this host";
                return Ok(Done::new("passed_over", detail));
            }
            Standing::Theirs => {
                let detail = "passed over: ~/.ssh/config has a block for this host";
                return Ok(Done::new("passed_over", detail));
            }
            Standing::Same => ("present", "is there already".to_owned()),
            Standing::Free if self.args.dry_run => ("would_import", "would get a Host block".to_owned()),
            Standing::Free => ("imported", "Host block written".to_owned()),
        };
        if let Some(key) = &key {
            done += &self.take(key)?;
        }
        if !self.args.dry_run {
            self.written = Some(block.write(self.args.include)?.to_string());
        }
        for remark in &remarks {
            done += &format!("; {remark}");
        }
        if self.args.dry_run {
            done += &format!("\n{}", block.text().trim_end());
        }
        Ok(Done {
            path: key.as_ref().map(|key| shown(&key.path)),
            ..Done::new(result, done)
        })
    }

    /// The key that a session names, if ssh and the agent can use it.
    fn usable(&self, path: &Path) -> Result<KeyFile, String> {
        // PuTTY takes a relative one from wherever it was started.
        let path = match path.is_absolute() {
            true => path.to_owned(),
            false => self.context.places.home.join(path),
        };
        let plain = |text: String| match text.strip_prefix(&format!("{}: ", path.display())) {
            Some(rest) => rest.to_owned(),
            None => text,
        };
        let file = KeyFile::read(&path, self.config.limits).map_err(|error| plain(error.to_string()))?;
        file.inspect().map_err(|error| error.to_string())?;
        Ok(file)
    }

    /// Has the agent find the key and ssh its public half; says what was done.
    ///
    /// ssh reads no PPK. With `IdentitiesOnly` it offers an agent's key only if it has the public half from a file: from
    /// FILE.pub.
    fn take(&self, file: &KeyFile) -> Result<String, Failure> {
        let (mut done, would) = (String::new(), if self.args.dry_run { "would be " } else { "" });
        if file.beside.is_none() {
            let inspected = file.inspect()?;
            let line = key::authorized_line(&inspected.public.blob, &inspected.comment);
            let path = beside(&file.path, ".pub");
            if !self.args.dry_run {
                Fresh::write(&path, &[&line[..], b"\n"].concat(), PUBLIC)?.publish()?;
            }
            done += &format!("; {} {would}written for ssh", shown(&path));
        }
        let places = &self.context.places;
        if !known_place(&self.config, &file.path) {
            let new = self.args.dry_run || edit_key_files(&places.config, &places.home, &file.path, true)?;
            if new {
                done += &format!("; its key {would}named in {}", places.config.display());
            }
        }
        Ok(done)
    }
}
