//! The service verbs.
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// The agent from the login on, without a shell that starts it.
#[derive(Args)]
pub(crate) struct ServiceArgs {
    #[command(subcommand)]
    pub(crate) verb: ServiceVerb,
}

#[derive(Subcommand)]
pub(crate) enum ServiceVerb {
    /// Install it for you, start it, and put its socket into SSH_AUTH_SOCK; again: bring it up to date
    Install(InstallArgs),
    /// Stop it, and take away all that was installed
    Uninstall(UninstallArgs),
    /// Show what is installed, whether it is there, and who else is in SSH_AUTH_SOCK; exits with 1 where something is missing
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args)]
pub(crate) struct InstallArgs {
    /// Print what would be written and called, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Replace files that are not claviger's or that somebody changed; a copy is kept
    #[arg(long)]
    pub(crate) force: bool,
    /// The claviger that the service starts, instead of this one
    #[arg(long, value_name = "FILE")]
    pub(crate) program: Option<PathBuf>,
    /// Show another system's service
    #[arg(long = "for", value_name = "SYSTEM", hide = true, requires = "dry_run")]
    pub(crate) system: Option<ServiceSystem>,
}

#[derive(Args)]
pub(crate) struct UninstallArgs {
    /// Print what would be removed and called, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Remove also what somebody changed; a copy is kept
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum ServiceSystem {
    Linux,
    Macos,
    Windows,
}
