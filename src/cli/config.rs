//! `claviger config`'s command line.

use super::ClientArgs;
use clap::{Args, Subcommand};

#[derive(Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) verb: ConfigVerb,
}

#[derive(Subcommand)]
pub(crate) enum ConfigVerb {
    /// Say whether the configuration is valid, and if not, where and why
    Check {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the path of the configuration file
    Path,
    /// Print the effective configuration, defaults included
    Show {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Write what was learnt for programs that show an agent no host: blocks for ssh's configuration, sessions for PuTTY
    Sync(SyncArgs),
}

/// Each host gets the keys that work there and no others, in ~/.ssh/claviger/hosts.conf. Run again, it brings that up to date.
#[derive(Args)]
pub(crate) struct SyncArgs {
    /// Say what would be written, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Also have ~/.ssh/config include the file (behind everything else, after a backup)
    #[arg(long)]
    pub(crate) include: bool,
    /// Also save a session of PuTTY's for each host: plink -load HOST
    #[arg(long)]
    pub(crate) putty: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}
