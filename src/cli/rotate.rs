//! The command line of `claviger rotate`.
use super::{ClientArgs, KeyPassphrase, VaultPassphrase};
use clap::Args;
use std::ffi::OsString;

/// Servers are those where the old key is known to have worked (`claviger hosts`), and those named with --host.
/// Started again, it goes on where it stopped.
#[derive(Args)]
pub(crate) struct RotateArgs {
    /// The old key: a file (either half), or as `claviger list` names it
    #[arg(value_name = "KEY")]
    pub(crate) old: String,
    /// The new key, which the agent must have; without it an Ed25519 key is made
    #[arg(long = "to", value_name = "KEY", conflicts_with_all = ["generate", "passphrase_fd", "vault_passphrase_fd"])]
    pub(crate) new: Option<String>,
    /// Protect the key that is made with a random passphrase that nobody sees, kept in the OS keyring or the vault
    #[arg(long, conflicts_with = "passphrase_fd")]
    pub(crate) generate: bool,
    #[command(flatten)]
    pub(crate) key: KeyPassphrase,
    #[command(flatten)]
    pub(crate) vault: VaultPassphrase,
    /// One more server; as often as needed
    #[arg(long = "host", value_name = "USER@HOST")]
    pub(crate) hosts: Vec<String>,
    /// Say which servers, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
    /// Options for ssh, such as -J jump
    #[arg(last = true, value_name = "SSH OPTION")]
    pub(crate) ssh: Vec<OsString>,
}
