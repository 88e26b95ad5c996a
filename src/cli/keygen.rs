//! `claviger keygen`'s command line.
use super::{KeyPassphrase, VaultPassphrase};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Without NAME or -f, the file is ~/.ssh/id_TYPE, or ~/.ssh/id_TYPE_HOST with --for.
#[derive(Args)]
pub(crate) struct KeygenArgs {
    /// Name of the new file in ~/.ssh
    #[arg(value_name = "NAME", conflicts_with = "file")]
    pub(crate) name: Option<String>,
    /// The new file, wherever it is
    #[arg(short = 'f', long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Type of the key
    #[arg(short = 't', long = "type", value_enum, default_value = "ed25519")]
    pub(crate) kind: KeyType,
    /// Size: rsa 2048, 3072, 4096 (usual) or 8192; ecdsa 256 (usual), 384 or 521
    #[arg(short = 'b', long, value_name = "BITS")]
    pub(crate) bits: Option<u32>,
    /// Comment, instead of USER@MACHINE
    #[arg(short = 'C', long, value_name = "TEXT")]
    pub(crate) comment: Option<String>,
    /// Rounds of the key derivation: more make each try at the passphrase slower
    #[arg(short = 'a', long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) rounds: u32,
    /// Protect the key with a random passphrase that nobody sees, kept in the OS keyring or the vault
    #[arg(long, conflicts_with_all = ["passphrase_fd", "no_passphrase"])]
    pub(crate) generate: bool,
    /// Make a key that everybody who has the file can use; asks for --unprotected too
    #[arg(long, conflicts_with = "passphrase_fd")]
    pub(crate) no_passphrase: bool,
    /// Say again that the key shall have no passphrase
    #[arg(long, requires = "no_passphrase")]
    pub(crate) unprotected: bool,
    #[command(flatten)]
    pub(crate) host: HostArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) key: KeyPassphrase,
    #[command(flatten)]
    pub(crate) vault: VaultPassphrase,
    /// The agent's socket, instead of the usual one
    #[arg(long, value_name = "SOCKET")]
    pub(crate) socket: Option<PathBuf>,
}

/// The host that the key is for, and what ssh's configuration shall say of it.
#[derive(Args, Default)]
pub(crate) struct HostArgs {
    /// The host that the key is for, as you will type it behind ssh
    #[arg(long = "for", value_name = "HOST")]
    pub(crate) host: Option<String>,
    /// Also write a Host block for it into ~/.ssh/claviger.config
    #[arg(long, requires = "host")]
    pub(crate) ssh_config: bool,
    /// Also have ~/.ssh/config include that file (one line at its top, after a backup)
    #[arg(long, requires = "ssh_config")]
    pub(crate) include: bool,
    /// The host's real name or address, if HOST is only your name for it
    #[arg(long, value_name = "NAME", requires = "ssh_config")]
    pub(crate) hostname: Option<String>,
    /// The user to log in as
    #[arg(long, value_name = "USER", requires = "ssh_config")]
    pub(crate) user: Option<String>,
    /// The host's port
    #[arg(long, value_name = "PORT", requires = "ssh_config", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: Option<u16>,
}

/// Types of keys that are made.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum KeyType {
    Ed25519,
    Ecdsa,
    Rsa,
}
