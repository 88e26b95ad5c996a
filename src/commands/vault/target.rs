//! Which file is meant, and who else has it open.
use super::means;
use crate::cli::Shared;
use crate::commands::client::Client;
use crate::commands::context::{Context, secret_from};
use crate::commands::names::whole;
use crate::commands::output::{self, Failure, visible};
use crate::commands::unlock;
use claviger::config::Kdbx;
use claviger::secret::Secret;
use claviger::unlock::{Editor, Target};
use std::ffi::OsString;
use std::path::Path;

/// A file, ready to be looked into or changed.
pub(super) struct Chosen {
    pub(super) editor: Editor,
    /// Whether the agent reads it.
    pub(super) is_known: bool,
}

impl Chosen {
    pub(super) fn find(name: Option<&str>, shared: &Shared, context: &Context) -> Result<Self, Failure> {
        let master = secret_from(shared.vault.vault_passphrase_fd)?;
        Self::with(name, shared.key_file.as_deref(), master, context)
    }

    /// With a master passphrase that was read already.
    pub(super) fn find_with(
        name: &str,
        shared: &Shared,
        master: Option<Secret>,
        context: &Context,
    ) -> Result<Self, Failure> {
        Self::with(Some(name), shared.key_file.as_deref(), master, context)
    }

    /// Nobody is asked for the master passphrase of what is not there yet.
    pub(super) fn to_make(name: Option<&str>, shared: &Shared, context: &Context) -> Result<Self, Failure> {
        Self::with(name, shared.key_file.as_deref(), None, context)
    }

    pub(super) fn forgettable(name: Option<&str>, context: &Context) -> Result<Self, Failure> {
        Self::with(name, None, None, context)
    }

    fn with(
        name: Option<&str>,
        key_file: Option<&Path>,
        master: Option<Secret>,
        context: &Context,
    ) -> Result<Self, Failure> {
        let config = context.config()?;
        let vault = context.vault();
        let name = name.unwrap_or_default();
        let path = whole(Path::new(name));
        let is_vault = matches!(name, "" | "vault")
            || path.as_deref() == Some(&vault)
            || (vault.file_name().is_some_and(|file| file == name) && !Path::new(name).exists());
        let configured = unlock::database(&config, name)
            .filter(|_| !is_vault)
            .and_then(|path| config.databases.iter().find(|table| table.path == path));
        let is_known = is_vault || configured.is_some();
        let target = match (is_vault, configured) {
            (true, _) => Target::Vault,
            (false, Some(table)) => {
                let mut table = table.clone();
                if let Some(key_file) = key_file {
                    table.key_file = Some(key_file.to_owned());
                }
                Target::Database(table)
            }
            (false, None) => Target::Database(Kdbx {
                path: path.ok_or_else(|| Failure::new(format!("{}: no such folder", visible(name))))?,
                key_file: key_file.map(Path::to_owned),
                attachments: false,
                remember_public: false,
            }),
        };
        Ok(Self {
            editor: Editor::new(context.settings(&config, means(context), master), target),
            is_known,
        })
    }

    /// How a question names it.
    pub(super) fn what(&self) -> String {
        let kind = match self.editor.is_vault() {
            true => "vault",
            false => "database",
        };
        format!("the {kind} {}", self.editor.path().display())
    }

    /// KeePassXC notes `.NAME.lock` beside what it has open, KeePass `NAME.lock`. Both ask their user before they overwrite a
    /// file that changed, so this is no reason to refuse.
    pub(super) fn warn_of_locks(&self) {
        let path = self.editor.path();
        let Some(name) = path.file_name().filter(|_| !self.editor.is_vault()) else {
            return;
        };
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push(".lock");
        let mut plain = name.to_owned();
        plain.push(".lock");
        for (lock, program) in [(hidden, "KeePassXC"), (plain, "KeePass")] {
            let lock = path.with_file_name(lock);
            if lock.symlink_metadata().is_ok() {
                let lock = visible(&lock.to_string_lossy());
                output::note(&format!(
                    "claviger: {program} seems to have it open ({lock}); let it load the changed file, and merge what it asks"
                ));
            }
        }
    }

    /// What is to be told behind a change, and the agent with it.
    pub(super) fn after_change(&self, upgraded: bool, context: &Context, shared: &Shared) {
        self.tell_version(upgraded);
        self.tell_agent(context, shared);
    }

    /// A program that is older than the version cannot read the file any more.
    pub(super) fn tell_version(&self, upgraded: bool) {
        if upgraded {
            output::note(&format!(
                "{}: saved as KDBX 4.1, which KeePass 2.48, KeePassXC 2.7 and later ones read; it was of an older version",
                visible(&self.editor.path().to_string_lossy())
            ));
        }
    }

    /// Has the agent, if one runs, look again.
    pub(super) fn tell_agent(&self, context: &Context, shared: &Shared) {
        if let Ok(client) = Client::find(context, shared.client.socket.as_deref())
            && let Err(failure) = client.rescan()
        {
            output::error(&failure);
        }
    }
}
