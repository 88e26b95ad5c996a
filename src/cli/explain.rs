//! `explain`: what a host would be offered, and why.
use super::ClientArgs;
use clap::Args;

/// Nothing is asked of the host, and nothing changes: this is what the agent would do at the next login there.
#[derive(Args)]
pub(crate) struct ExplainArgs {
    /// A name or alias as ssh takes it, [name]:port, or a host key's fingerprint
    #[arg(value_name = "HOST")]
    pub(crate) host: String,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
}
