//! The verbs about hosts and what was learnt of them.
use clap::Args;

/// Shows which keys worked on which hosts.
#[derive(Args)]
pub(crate) struct HostsArgs {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
