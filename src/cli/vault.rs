//! The command line of `claviger vault`.
use super::{ClientArgs, KeyPassphrase, VaultPassphrase};
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Args)]
pub(crate) struct VaultArgs {
    #[command(subcommand)]
    pub(crate) verb: VaultVerb,
}

/// DB is `vault` (the embedded one, also when nothing is said), or a KeePass database: its path, or its file name where a
/// [[kdbx]] table has it.
#[derive(Subcommand)]
pub(crate) enum VaultVerb {
    /// Make an empty vault or database (KDBX 4, Argon2id)
    Create {
        /// The new file; without it, the embedded vault
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        #[command(flatten)]
        shared: Shared,
    },
    /// List entries, with their keys and settings; never a secret
    List {
        /// Vault or database
        #[arg(value_name = "DB")]
        db: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        shared: Shared,
    },
    /// Show what an entry holds, without its secrets
    Show {
        #[command(flatten)]
        entry: EntryArgs,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        shared: Shared,
    },
    /// Print the authorized_keys line of an entry's key
    GetPublic {
        #[command(flatten)]
        entry: EntryArgs,
        #[command(flatten)]
        shared: Shared,
    },
    /// Put a key in: its file, its passphrase, and settings that KeePassXC and KeeAgent read
    Put(PutArgs),
    /// Move an entry to the recycle bin, or remove it where the database has none
    Remove {
        #[command(flatten)]
        entry: EntryArgs,
        #[command(flatten)]
        shared: Shared,
    },
    /// Change the master passphrase
    Passwd {
        /// Vault or database
        #[arg(value_name = "DB")]
        db: Option<String>,
        /// Read the new master passphrase from this descriptor (first line)
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
        new_passphrase_fd: Option<i32>,
        #[command(flatten)]
        shared: Shared,
    },
    /// Drop the remembered master passphrase from the OS keyring, and close it in the agent
    Forget {
        /// Vault or database
        #[arg(value_name = "DB")]
        db: Option<String>,
        #[command(flatten)]
        client: ClientArgs,
    },
}

/// What opens the file, and which agent is told of a change.
#[derive(Args)]
pub(crate) struct Shared {
    /// The key file of a database that no [[kdbx]] table names
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) vault: VaultPassphrase,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

#[derive(Args)]
pub(crate) struct EntryArgs {
    /// Title, groups and title (Servers/web), UUID, or the SHA256 fingerprint of its key
    #[arg(value_name = "ENTRY")]
    pub(crate) name: String,
    /// Vault or database that it is in
    #[arg(long = "in", value_name = "DB")]
    pub(crate) db: Option<String>,
}

#[derive(Args)]
pub(crate) struct PutArgs {
    /// Private key file, or a key as `claviger list` names it
    #[arg(value_name = "FILE|KEY")]
    pub(crate) key_name: String,
    /// Vault or database that it goes into
    #[arg(long, value_name = "DB")]
    pub(crate) into: String,
    /// Title of the entry, instead of the file's name
    #[arg(long, value_name = "TEXT")]
    pub(crate) title: Option<String>,
    /// Group of a new entry, such as Servers/web; made where it is missing
    #[arg(long, value_name = "GROUP", conflicts_with = "replace")]
    pub(crate) group: Option<String>,
    /// Have each use of the key asked for
    #[arg(long)]
    pub(crate) confirm: bool,
    /// Have the key leave the agent that long after the database was opened (600s, 10m, 8h)
    #[arg(long, value_name = "TIME", value_parser = lifetime)]
    pub(crate) lifetime: Option<std::time::Duration>,
    /// Change the entry that has this key already: its settings stay, its old version goes to its history
    #[arg(long)]
    pub(crate) replace: bool,
    #[command(flatten)]
    pub(crate) key: KeyPassphrase,
    #[command(flatten)]
    pub(crate) shared: Shared,
}

fn lifetime(text: &str) -> Result<std::time::Duration, String> {
    let seconds = text.parse().ok().map(std::time::Duration::from_secs);
    match seconds.or_else(|| humantime::parse_duration(text).ok()) {
        Some(time) if time.as_secs() > 0 && u32::try_from(time.as_secs()).is_ok() => Ok(time),
        _ => Err("not a time of at least a second; give seconds, or a time such as 10m or 8h".to_owned()),
    }
}
