//! The command line: clap types, and nothing else. No option carries a secret; passphrases come by descriptor.
mod config;
mod deploy;
mod explain;
mod hosts;
mod import;
mod keygen;
mod keys;
mod rotate;
mod service;
#[cfg(test)]
mod tests;
mod vault;

pub(crate) use config::{ConfigArgs, ConfigVerb, SyncArgs};
pub(crate) use deploy::{DeployArgs, RevokeArgs, ServerArgs};
pub(crate) use explain::ExplainArgs;
pub(crate) use hosts::{HostsArgs, HostsVerb};
pub(crate) use import::{ImportArgs, ImportFiles, ImportSource, KeyringArgs, PuttyArgs};
pub(crate) use keygen::{HostArgs, KeyType, KeygenArgs};
pub(crate) use keys::{ConvertArgs, NewPassphrase, PubkeyArgs, TargetFormat};
pub(crate) use rotate::RotateArgs;
pub(crate) use service::{InstallArgs, ServiceArgs, ServiceSystem, ServiceVerb, UninstallArgs};
pub(crate) use vault::{PutArgs, Shared, VaultArgs, VaultVerb};

use clap::{Args, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

/// An SSH agent that opens passphrase-protected keys only when a login needs one.
#[derive(Parser)]
#[command(
    name = "claviger",
    version,
    max_term_width = 100,
    after_help = "Exit status: 0 done, 1 failed, 2 wrong usage."
)]
pub(crate) struct Cli {
    /// Configuration file, instead of the usual one (see `claviger config path`)
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Run the agent, with ssh-agent's own command line
    Agent(AgentArgs),
    /// Add key files for good: check each passphrase once and store it
    Add(AddArgs),
    /// Take over keys from elsewhere: files, PuTTY's sessions, passphrases in the desktop's keyring
    Import(ImportArgs),
    /// Write a key in another format, or under another passphrase
    Convert(ConvertArgs),
    /// Print the public half of a key: the line for a server, a fingerprint, a QR code
    Pubkey(PubkeyArgs),
    /// Make a new key, protected and in the agent at once
    Keygen(KeygenArgs),
    /// Replace a key by a new one on every server where it works
    Rotate(RotateArgs),
    /// Put a key's public half on a server, through ssh
    Deploy(DeployArgs),
    /// Take a key off a server, through ssh
    Revoke(RevokeArgs),
    /// List the agent's keys
    List(ReportArgs),
    /// Show which keys a host would be offered, in order, and why
    Explain(ExplainArgs),
    /// Show which keys worked on which hosts; pin keys to hosts, and forget
    Hosts(HostsArgs),
    /// Show the agent's state: sources of passphrases, problems, memory protection
    Status(ReportArgs),
    /// Find what is wrong with files, agents and configurations, and say what to do
    Doctor(DoctorArgs),
    /// Seal every open key and close the vault
    Lock(ClientArgs),
    /// Open a key or the vault now
    Unlock(UnlockArgs),
    /// Make, look into and change vaults and KeePass databases
    Vault(VaultArgs),
    /// Forget a key's stored passphrase; the key file stays
    Remove(RemoveArgs),
    /// Have the agent from the login on: install, uninstall, status
    Service(ServiceArgs),
    /// Pass an ssh client's messages from standard input on to an agent (for WSL, containers, socat)
    Relay(RelayArgs),
    /// Check or show the configuration
    Config(ConfigArgs),
    /// What claviger runs of itself.
    #[command(hide = true)]
    Helper(HelperArgs),
}

#[derive(Args)]
pub(crate) struct RelayArgs {
    /// The agent's socket or pipe, instead of the usual one
    #[arg(long, value_name = "SOCKET")]
    pub(crate) socket: Option<PathBuf>,
    /// How long an answer may take, in seconds; a person may have to give it
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) timeout: u64,
}

/// Without COMMAND, prints the environment for a shell to evaluate and goes to the background.
#[derive(Args)]
pub(crate) struct AgentArgs {
    /// Listen here
    #[arg(short = 'a', long = "socket", value_name = "SOCKET")]
    pub(crate) socket: Option<PathBuf>,
    /// Listen for programs of Cygwin and MSYS (Git for Windows' ssh) too, and say so in this file
    #[arg(long, value_name = "FILE")]
    pub(crate) cygwin_socket: Option<PathBuf>,
    /// Stay in the foreground
    #[arg(short = 'D', conflicts_with = "debug")]
    pub(crate) foreground: bool,
    /// Stay in the foreground and log what happens to standard error
    #[arg(short = 'd')]
    pub(crate) debug: bool,
    /// Print csh commands
    #[arg(short = 'c', conflicts_with = "sh")]
    pub(crate) csh: bool,
    /// Print sh commands
    #[arg(short = 's')]
    pub(crate) sh: bool,
    /// End the agent that SSH_AGENT_PID names
    #[arg(short = 'k', conflicts_with_all = ["socket", "foreground", "debug", "vault_passphrase_fd"])]
    pub(crate) kill: bool,
    #[command(flatten)]
    pub(crate) places: AgentPlaces,
    #[command(flatten)]
    pub(crate) vault: VaultPassphrase,
    #[command(flatten)]
    pub(crate) options: SessionOptions,
    /// Run this with the agent in its environment, end with it, and exit with its status
    #[arg(
        trailing_var_arg = true,
        value_name = "COMMAND",
        conflicts_with_all = ["foreground", "debug", "csh", "sh", "kill"]
    )]
    pub(crate) command: Vec<OsString>,
}

/// Places of the agent's, for a service manager that sets no variables.
#[derive(Args)]
pub(crate) struct AgentPlaces {
    /// Keep what is learnt here, instead of CLAVIGER_STATE_DIR
    #[arg(long, value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
    /// Keep the vault here, instead of CLAVIGER_DATA_DIR
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

/// Options of ssh-agent that the agent itself needs; their values are read by `commands::agent::options`.
#[derive(Args)]
pub(crate) struct SessionOptions {
    /// How long keys added by clients are kept: seconds, or 10m, 1h30m, 1w
    #[arg(short = 't', value_name = "LIFE")]
    pub(crate) lifetime: Option<String>,
    /// Hash of the fingerprints in questions: md5, sha1, sha256, sha384 or sha512
    #[arg(short = 'E', value_name = "HASH")]
    pub(crate) hash: Option<String>,
    /// PKCS#11 and security key libraries that may be loaded
    #[arg(short = 'P', value_name = "LIST")]
    pub(crate) providers: Option<String>,
    /// allow-remote-pkcs11, no-restrict-websafe, websafe-allow=LIST
    #[arg(short = 'O', value_name = "OPTION")]
    pub(crate) option: Vec<String>,
    /// Refused: claviger has one place for its socket and replaces a dead one; `-a` chooses another
    #[arg(short = 'A', value_name = "DIR", hide = true, value_parser = one_place)]
    place: Option<String>,
    /// Refused, as `-A`
    #[arg(short = 'T', hide = true, num_args = 0, default_missing_value = "", value_parser = one_place)]
    temporary: Option<String>,
    /// Refused: there is nothing that claviger would leave behind
    #[arg(short = 'u', hide = true, num_args = 0, default_missing_value = "", value_parser = nothing_stale)]
    clean_up: Option<String>,
    /// Taken, and true anyway
    #[arg(short = 'U', hide = true)]
    keep_stale: bool,
}

fn one_place(_: &str) -> Result<String, String> {
    Err("claviger's socket has one place, where a dead one is replaced; choose another with -a PATH".into())
}

fn nothing_stale(_: &str) -> Result<String, String> {
    Err(
        "claviger leaves no sockets behind that would need cleaning up; `ssh-agent -u` cleans OpenSSH's"
            .into(),
    )
}

/// Where a client verb finds the agent.
#[derive(Args)]
pub(crate) struct ClientArgs {
    /// The agent's socket, instead of the usual one
    #[arg(short = 'a', long = "socket", value_name = "SOCKET")]
    pub(crate) socket: Option<PathBuf>,
}

/// The master passphrase of the embedded vault.
#[derive(Args, Clone)]
pub(crate) struct VaultPassphrase {
    /// Read the vault's master passphrase from this descriptor (first line)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    pub(crate) vault_passphrase_fd: Option<i32>,
}

/// The passphrase of a key.
#[derive(Args, Clone)]
pub(crate) struct KeyPassphrase {
    /// Read the key's passphrase from this descriptor (first line)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    pub(crate) passphrase_fd: Option<i32>,
}

#[derive(Args)]
pub(crate) struct AddArgs {
    /// Private key files; without any, every protected key in the configured places
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Remember that FILE's key is for this host, so that it is among the first that are offered there; as often as needed
    #[arg(long = "for", value_name = "HOST", requires = "files")]
    pub(crate) hosts: Vec<String>,
    /// Only open the keys in the running agent; store nothing
    #[arg(long)]
    pub(crate) no_store: bool,
    #[command(flatten)]
    pub(crate) key: KeyPassphrase,
    #[command(flatten)]
    pub(crate) vault: VaultPassphrase,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

#[derive(Args)]
pub(crate) struct ReportArgs {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

/// Exit status 1 where errors or warnings remain.
#[derive(Args)]
pub(crate) struct DoctorArgs {
    /// Mend what can be mended without a question: permissions of your own files and directories
    #[arg(long)]
    pub(crate) fix: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct UnlockArgs {
    /// A key (SHA256 fingerprint, a prefix of it, comment, path, file name) or the vault (path, file name);
    /// without it, the vault
    #[arg(value_name = "KEY|VAULT")]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) key: KeyPassphrase,
    #[command(flatten)]
    pub(crate) vault: VaultPassphrase,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

#[derive(Args)]
pub(crate) struct RemoveArgs {
    /// SHA256 fingerprint, a prefix of it, comment, path or file name
    #[arg(value_name = "KEY")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) vault: VaultPassphrase,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}

#[derive(Args)]
pub(crate) struct HelperArgs {
    #[command(subcommand)]
    pub(crate) verb: HelperVerb,
}

#[derive(Subcommand)]
pub(crate) enum HelperVerb {
    /// Talks to pinentry for the agent.
    Pinentry,
    /// Loads a PKCS#11 library for the agent.
    Pkcs11,
}
