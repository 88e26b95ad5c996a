//! The verbs about hosts and what was learnt of them.
use super::ClientArgs;
use clap::{Args, Subcommand};

/// Shows which keys worked on which hosts.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct HostsArgs {
    /// Print JSON
    #[arg(long, conflicts_with_all = ["graph", "dot"])]
    pub(crate) json: bool,
    /// Print what each key opens, also the keys that open nothing that is known
    #[arg(long)]
    pub(crate) graph: bool,
    /// Print the same as a graph for Graphviz: claviger hosts --dot | dot -Tsvg
    #[arg(long, conflicts_with = "graph")]
    pub(crate) dot: bool,
    #[command(flatten)]
    pub(crate) client: ClientArgs,
    #[command(subcommand)]
    pub(crate) verb: Option<HostsVerb>,
}

#[derive(Subcommand)]
pub(crate) enum HostsVerb {
    /// Show a host these keys only, best first; what it was pinned to before no longer holds
    Pin {
        /// A name or alias, [HOST]:PORT, or a host key's fingerprint
        #[arg(value_name = "HOST")]
        host: String,
        /// Fingerprint, a prefix of it, comment, path or file name
        #[arg(value_name = "KEY", required = true)]
        keys: Vec<String>,
        #[command(flatten)]
        client: ClientArgs,
    },
    /// Take a host's pin away
    Unpin {
        /// As it was pinned
        #[arg(value_name = "HOST")]
        host: String,
        #[command(flatten)]
        client: ClientArgs,
    },
    /// Forget what was learnt of a host, or of all hosts
    Forget {
        /// A name or alias, [HOST]:PORT, or a host key's fingerprint
        #[arg(value_name = "HOST", required_unless_present = "all")]
        host: Option<String>,
        /// Everything that was learnt, so that nothing readable is left
        #[arg(long, conflicts_with = "host")]
        all: bool,
        #[command(flatten)]
        client: ClientArgs,
    },
}
