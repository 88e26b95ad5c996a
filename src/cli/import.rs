//! `claviger import`'s command line: key files, or what another program kept.
use super::keys::TargetFormat;
use super::{ClientArgs, KeyPassphrase, VaultPassphrase};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// A key file that is called `putty` or `keyring` is given as ./putty, ./keyring.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct ImportArgs {
    #[command(subcommand)]
    pub(crate) source: Option<ImportSource>,
    #[command(flatten)]
    pub(crate) files: ImportFiles,
}

/// Programs whose keys' surroundings are taken over.
#[derive(Subcommand)]
pub(crate) enum ImportSource {
    /// Make Host blocks for ssh of PuTTY's saved sessions, and have the agent read the keys that they name
    Putty(PuttyArgs),
    /// Take over the passphrases of your keys that gnome-keyring, gcr or ksshaskpass stored
    Keyring(KeyringArgs),
}

#[derive(Args)]
pub(crate) struct KeyringArgs {
    /// Only show what would be stored
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) vault: VaultPassphrase,
}

#[derive(Args)]
pub(crate) struct PuttyArgs {
    /// Only show what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Also have ~/.ssh/config include the blocks' file (one line at its top, after a backup)
    #[arg(long)]
    pub(crate) include: bool,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Key files from anywhere.
#[derive(Args)]
pub(crate) struct ImportFiles {
    /// Private key files, in any format that claviger reads; they stay where they are
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Name of the copy in ~/.ssh, instead of the file's own (one FILE only)
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Convert the copy, under the same passphrase
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub(crate) to: Option<TargetFormat>,
    /// Only copy: ask for no passphrase that is not needed, and store none
    #[arg(long)]
    pub(crate) no_store: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) key: KeyPassphrase,
    #[command(flatten)]
    pub(crate) vault: VaultPassphrase,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}
