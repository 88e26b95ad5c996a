//! `claviger vault`: the embedded vault and KeePass databases, from making one to changing what opens it.
//!
//! One sort of file, one set of verbs. What changes a file tells the agent to look again.
mod print;
mod put;
mod target;

use super::client::Client;
use super::context::{Context, runtime, secret_from};
use super::output::{self, Failure, visible};
use crate::cli::{ClientArgs, Shared, VaultArgs, VaultVerb};
use claviger::secret::Secret;
use claviger_platform::prompt::{Means, PromptError};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use target::Chosen;

pub(crate) fn run(args: &VaultArgs, context: &Context) -> Result<ExitCode, Failure> {
    match &args.verb {
        VaultVerb::Create { file, shared } => create(file.clone(), shared, context),
        VaultVerb::List { db, json, shared } => list(db.as_deref(), *json, shared, context),
        VaultVerb::Show { entry, json, shared } => {
            let chosen = Chosen::find(entry.db.as_deref(), shared, context)?;
            let found = runtime()?.block_on(chosen.editor.entry(entry.name.clone()))?;
            print::entry(&found, *json)
        }
        VaultVerb::GetPublic { entry, shared } => {
            let chosen = Chosen::find(entry.db.as_deref(), shared, context)?;
            let found = runtime()?.block_on(chosen.editor.entry(entry.name.clone()))?;
            print::public(&found)
        }
        VaultVerb::Put(args) => put::run(args, context),
        VaultVerb::Remove { entry, shared } => remove(&entry.name, entry.db.as_deref(), shared, context),
        VaultVerb::Passwd {
            db,
            new_passphrase_fd,
            shared,
        } => passwd(db.as_deref(), *new_passphrase_fd, shared, context),
        VaultVerb::Forget { db, client } => forget(db.as_deref(), client, context),
    }
}

fn create(file: Option<PathBuf>, shared: &Shared, context: &Context) -> Result<ExitCode, Failure> {
    let given = secret_from(shared.vault.vault_passphrase_fd)?;
    let name = file.as_ref().map(|file| file.to_string_lossy().into_owned());
    let chosen = Chosen::to_make(name.as_deref(), shared, context)?;
    let path = visible(&chosen.editor.path().to_string_lossy());
    claviger_platform::files::refuse_existing(chosen.editor.path())?;
    let runtime = runtime()?;
    let master = match given {
        Some(given) => given,
        None => runtime.block_on(choose(&context.means(), &chosen))?,
    };
    not_empty(&master)?;
    runtime.block_on(chosen.editor.create(master))?;
    output::line(format!("{path}: made"))?;
    chosen.tell_agent(context, shared);
    Ok(ExitCode::SUCCESS)
}

fn list(db: Option<&str>, json: bool, shared: &Shared, context: &Context) -> Result<ExitCode, Failure> {
    let chosen = Chosen::find(db, shared, context)?;
    let entries = runtime()?.block_on(chosen.editor.list())?;
    print::entries(&entries, json)
}

fn remove(name: &str, db: Option<&str>, shared: &Shared, context: &Context) -> Result<ExitCode, Failure> {
    let chosen = Chosen::find(db, shared, context)?;
    chosen.warn_of_locks();
    let removed = runtime()?.block_on(chosen.editor.remove(name.to_owned()))?;
    let what = match removed.done.in_bin {
        true => "moved to the recycle bin",
        false => "removed; the database keeps no recycle bin",
    };
    output::line(format!("{}: {what}", visible(&removed.done.name)))?;
    chosen.after_change(removed.upgraded, context, shared);
    Ok(ExitCode::SUCCESS)
}

fn passwd(
    db: Option<&str>,
    new_fd: Option<i32>,
    shared: &Shared,
    context: &Context,
) -> Result<ExitCode, Failure> {
    if new_fd.is_some() && new_fd == shared.vault.vault_passphrase_fd {
        let text =
            "--new-passphrase-fd and --vault-passphrase-fd name the same descriptor; give each its own";
        return Err(Failure::new(text));
    }
    let new = secret_from(new_fd)?;
    let chosen = Chosen::find(db, shared, context)?;
    chosen.warn_of_locks();
    let runtime = runtime()?;
    // What opens it now is asked for first.
    runtime.block_on(chosen.editor.list())?;
    let new = match new {
        Some(new) => new,
        None => runtime.block_on(choose(&context.means(), &chosen))?,
    };
    not_empty(&new)?;
    let changed = runtime.block_on(chosen.editor.change_master(new));
    if let Ok(client) = Client::find(context, shared.client.socket.as_deref()) {
        // The agent holds the old one.
        if let Err(failure) = client.close(chosen.editor.path()) {
            output::error(&failure);
        }
    }
    let changed = changed?;
    let remembered = match changed.done {
        true => ", in the OS keyring too",
        false => "",
    };
    let path = visible(&chosen.editor.path().to_string_lossy());
    output::line(format!("{path}: master passphrase changed{remembered}"))?;
    chosen.tell_version(changed.upgraded);
    Ok(ExitCode::SUCCESS)
}

fn forget(db: Option<&str>, client: &ClientArgs, context: &Context) -> Result<ExitCode, Failure> {
    let chosen = Chosen::forgettable(db, context)?;
    let path = visible(&chosen.editor.path().to_string_lossy());
    let forgotten = runtime()?.block_on(chosen.editor.forget());
    // Closed in the agent even where the keyring fails.
    let closed = match Client::find(context, client.socket.as_deref()) {
        Ok(client) => client.close(chosen.editor.path()).map(|_| true),
        Err(_) if client.socket.is_none() => Ok(false),
        Err(failure) => Err(failure),
    };
    let mut done = vec![match forgotten? {
        true => "dropped from the OS keyring",
        false => "not in the OS keyring",
    }];
    if closed? {
        done.push("closed in the agent");
    }
    output::line(format!("{path}: master passphrase {}", done.join("; ")))?;
    Ok(ExitCode::SUCCESS)
}

/// Asks for a new master passphrase, twice.
async fn choose(means: &Means, chosen: &Chosen) -> Result<Secret, Failure> {
    let what = chosen.what();
    let first = format!("Choose the new master passphrase of {what}: ");
    let again = format!("Repeat the new master passphrase of {what}: ");
    let asked = means.passphrase_twice(&first, &again).await;
    asked.map_err(|error| match error {
        PromptError::Unavailable(why) => {
            Failure::new(format!("{why}; or give it with a --…passphrase-fd option"))
        }
        error => Failure::new(format!("nothing was changed: {error}")),
    })
}

fn not_empty(master: &Secret) -> Result<(), Failure> {
    match master.is_empty() {
        false => Ok(()),
        true => Err(Failure::new("the new master passphrase is empty; choose one")),
    }
}

/// The editor's settings need an owner that can ask.
fn means(context: &Context) -> Arc<Means> {
    Arc::new(context.means())
}
