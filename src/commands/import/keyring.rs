//! `claviger import keyring`: passphrases of key files that the desktop's own programs put into the OS keyring.
//!
//! What such a program stored is believed only after it has opened the key, and a locked keyring is never made to prompt.
use super::report::{Done, Telling};
use crate::cli::KeyringArgs;
use crate::commands::context::{Context, runtime, secret_from};
use crate::commands::convert::shown;
use crate::commands::names::wanted;
use crate::commands::opening::{KeyFile, attempt};
use crate::commands::output::Failure;
use claviger::keyset::{Found, discover};
use claviger::secret::Secret;
use claviger::unlock::Unlocker;
use claviger_platform::keyring::{Attributes, Keyring};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// What is shared by all keys of one call.
struct Importing {
    dry_run: bool,
    keyring: Keyring,
    unlocker: Unlocker,
    tally: Tally,
}

#[derive(Default)]
struct Tally {
    taken: usize,
    unfit: usize,
    unknown: usize,
}

/// One program's item for a key file.
struct Item {
    program: &'static str,
    secret: Secret,
}

pub(super) fn run(args: &KeyringArgs, context: &Context) -> Result<ExitCode, Failure> {
    let master = secret_from(args.vault.vault_passphrase_fd)?;
    let config = context.config()?;
    let found = discover(
        &config.limits,
        &config.key_dirs,
        &config.key_files,
        &context.notes(),
    );
    let keys: Vec<Found> = found
        .keys
        .into_iter()
        .filter(|key| key.inspected.encrypted)
        .collect();
    if keys.is_empty() {
        return Err(Failure::new(
            "no passphrase-protected key in the configured places",
        ));
    }
    let mut importing = Importing {
        dry_run: args.dry_run,
        keyring: context.keyring(),
        unlocker: context.unlocker(&config, Arc::new(context.means()), master),
        tally: Tally::default(),
    };
    let runtime = runtime()?;
    let mut telling = Telling::new(args.json);
    for key in &keys {
        let items = runtime.block_on(importing.items(&key.path))?;
        if let Some(done) = runtime.block_on(importing.one(key, items)).transpose() {
            telling.tell(shown(&key.path), done)?;
        }
    }
    let Tally {
        taken,
        unfit,
        unknown,
    } = importing.tally;
    let what = if args.dry_run { "would be stored" } else { "stored" };
    telling.line(format!(
        "{taken} passphrases {what}, {unfit} did not fit, {unknown} protected keys without one in the keyring"
    ))?;
    let failed = telling.failed;
    telling.finish()?;
    Ok(match failed {
        false => ExitCode::SUCCESS,
        true => ExitCode::FAILURE,
    })
}

impl Importing {
    /// What other programs keep for the file: gnome-keyring's and gcr's agents under "ssh-store:PATH", ksshaskpass through
    /// KWallet in the folder of its name.
    async fn items(&self, path: &Path) -> Result<Vec<Item>, Failure> {
        let mut paths = vec![path.to_string_lossy().into_owned()];
        // The other program may have followed a link that the configuration names.
        let real = path.canonicalize().unwrap_or_default();
        if real != path && !real.as_os_str().is_empty() {
            paths.push(real.to_string_lossy().into_owned());
        }
        let mut items = Vec::new();
        for path in paths {
            let gcr = Attributes::from([("unique", format!("ssh-store:{path}"))]);
            let kwallet = Attributes::from([
                ("xdg:schema", "org.qt.keychain".to_owned()),
                ("server", "ksshaskpass".to_owned()),
                ("user", path),
            ]);
            for (program, attributes) in [("gnome-keyring", gcr), ("ksshaskpass", kwallet)] {
                let secrets = self
                    .keyring
                    .of_others(attributes)
                    .await
                    .map_err(|error| Failure::new(format!("{error}; nothing more was imported")))?;
                items.extend(secrets.into_iter().map(|secret| Item { program, secret }));
            }
        }
        Ok(items)
    }

    /// Imports one key's; says what was done, and nothing of a key that nobody stored anything for.
    async fn one(&mut self, key: &Found, items: Vec<Item>) -> Result<Option<Done>, Failure> {
        let Some(program) = items.first().map(|item| item.program) else {
            self.tally.unknown += 1;
            return Ok(None);
        };
        let file = KeyFile::read(&key.path, key.limits)?;
        let fits = |item: &Item| {
            let opened = attempt(&file.limits, &file.bytes, Some(&item.secret));
            opened.is_ok_and(|opened| *opened.key.public() == key.inspected.public)
        };
        let Some(item) = items.into_iter().find(fits) else {
            self.tally.unfit += 1;
            let detail = format!("what {program} stored does not open it; left");
            return Ok(Some(Done::new("passed_over", detail)));
        };
        let program = item.program;
        let place = match self.dry_run {
            true => "would be stored".to_owned(),
            false => {
                let stored = self
                    .unlocker
                    .remember(&wanted(key), Arc::new(item.secret))
                    .await?;
                format!("stored in {stored}")
            }
        };
        self.tally.taken += 1;
        let result = if self.dry_run { "would_import" } else { "imported" };
        let detail = format!("the passphrase that {program} stored opens it; {place}");
        Ok(Some(Done {
            fingerprint: Some(key.inspected.public.fingerprint.clone()),
            ..Done::new(result, detail)
        }))
    }
}
