//! What protects the new key: a passphrase that was typed or given, one that nobody sees, or none.
use super::recipe::Recipe;
use crate::cli::KeygenArgs;
use crate::commands::context::{Context, Secrets};
use crate::commands::output::Failure;
use claviger::config::{Config, Source};
use claviger::key::{self, FileBytes, KdfLimits, KeyError};
use claviger::secret::Secret;
use claviger::unlock::{Unlocker, Wanted};
use claviger_platform::prompt::PromptError;
use std::sync::Arc;

/// The passphrase of the key in the making.
pub(super) enum Protection {
    /// By choice, twice.
    None,
    /// A person knows it.
    Typed(Arc<Secret>),
    /// Only a store knows it; `place` names the store once it does.
    Generated {
        secret: Arc<Secret>,
        stores: Box<Unlocker>,
        place: Option<String>,
    },
}

impl Protection {
    pub(super) async fn choose(
        args: &KeygenArgs,
        context: &Context,
        config: &Config,
        recipe: &Recipe,
        secrets: Secrets,
    ) -> Result<Self, Failure> {
        if args.no_passphrase {
            return Ok(Self::None);
        }
        let means = Arc::new(context.means());
        if args.generate {
            let mut stores_only = config.clone();
            // Nobody could answer what this passphrase is: only stores are asked for it.
            stores_only.order.retain(|source| *source != Source::Prompt);
            if stores_only.order.is_empty() {
                return Err(Failure::new(
                    "--generate needs a store for the passphrase, and vault.order names none; add \"os\" or \"embedded\"",
                ));
            }
            return Ok(Self::Generated {
                secret: Arc::new(key::random_passphrase()?),
                stores: Box::new(context.unlocker(&stores_only, means, secrets.vault)),
                place: None,
            });
        }
        let typed = match secrets.key {
            Some(given) if given.is_empty() => {
                return Err(Failure::new(
                    "the passphrase at --passphrase-fd is empty; a key without one: --no-passphrase --unprotected",
                ));
            }
            Some(given) => given,
            None => {
                let question = format!("Enter passphrase for the new key {}: ", recipe.path.display());
                means
                    .passphrase_twice(&question, "Enter the same passphrase again: ")
                    .await
                    .map_err(unasked)?
            }
        };
        Ok(Self::Typed(Arc::new(typed)))
    }

    pub(super) fn secret(&self) -> Option<Arc<Secret>> {
        match self {
            Self::None => None,
            Self::Typed(secret) | Self::Generated { secret, .. } => Some(secret.clone()),
        }
    }

    /// What a person typed.
    pub(super) fn typed(&self) -> Option<&Secret> {
        match self {
            Self::Typed(secret) => Some(secret),
            Self::None | Self::Generated { .. } => None,
        }
    }

    /// The store that has it.
    pub(super) fn place(&self) -> Option<&str> {
        match self {
            Self::Generated { place, .. } => place.as_deref(),
            Self::None | Self::Typed(_) => None,
        }
    }

    /// Stores a generated passphrase.
    pub(super) async fn keep(&mut self, wanted: &Wanted) -> Result<(), Failure> {
        if let Self::Generated {
            secret,
            stores,
            place,
        } = self
        {
            *place = Some(stores.remember(wanted, secret.clone()).await?);
        }
        Ok(())
    }

    /// Opens what was written: a generated passphrase as the store gives it back, and not as it is known here.
    pub(super) async fn check(
        &self,
        limits: KdfLimits,
        wanted: &Wanted,
        file: Arc<FileBytes>,
    ) -> Result<(), Failure> {
        let fingerprint = wanted.fingerprint.clone();
        let opens = move |passphrase: Option<&[u8]>| match key::open(&limits, &file, passphrase) {
            Ok(opened) if opened.public().fingerprint == fingerprint => Ok(()),
            Ok(_) => Err(KeyError::Damaged("what was written opens as another key".into())),
            Err(error) => Err(error),
        };
        if let Self::Generated { stores, .. } = self {
            stores
                .unlock(wanted, move |passphrase| opens(Some(passphrase)))
                .await?;
            return Ok(());
        }
        let secret = self.secret();
        let opened = tokio::task::spawn_blocking(move || opens(secret.as_deref().map(|secret| &**secret)));
        Ok(opened.await??)
    }

    /// Takes back what [`keep`](Self::keep) stored, for a key that was not made after all.
    pub(super) async fn forget(&self, wanted: &Wanted) {
        if let Self::Generated {
            stores,
            place: Some(_),
            ..
        } = self
        {
            // The failure that led here is the one to be told.
            let _ = stores.forget(wanted).await;
        }
    }
}

fn unasked(error: PromptError) -> Failure {
    match error {
        PromptError::Unavailable(why) => Failure::new(format!(
            "{why}; or give the passphrase with --passphrase-fd N, or let one be made with --generate"
        )),
        error => Failure::new(format!("no key was made: {error}")),
    }
}
