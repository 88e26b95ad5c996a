//! The command lines of `claviger deploy` and `claviger revoke`.
use super::ClientArgs;
use clap::Args;
use std::ffi::OsString;

#[derive(Args)]
pub(crate) struct DeployArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// Do not log in with the key afterwards
    #[arg(long)]
    pub(crate) no_check: bool,
}

#[derive(Args)]
pub(crate) struct RevokeArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// Remove the key even if no other is left
    #[arg(long)]
    pub(crate) force: bool,
}

/// Which key, on which server.
#[derive(Args)]
pub(crate) struct ServerArgs {
    /// The server, as for ssh
    #[arg(value_name = "USER@HOST")]
    pub(crate) host: String,
    /// The key: a file (either half), or as `claviger list` names it; not needed if there is only one
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Connect and look, but change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
    /// Options for ssh, such as -p 2222
    #[arg(last = true, value_name = "SSH OPTION")]
    pub(crate) ssh: Vec<OsString>,
}
