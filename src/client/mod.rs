//! What the client process was asked to do: which program it is, for which host, and which keys its user named for that.
//!
//! ssh tells an agent the server's key and nothing else. The rest is in the process at the other end of the socket (its
//! arguments, some of its environment) and in ssh's configuration, which `ssh -G` reads for us: no reader of our own
//! would follow `Match`, tokens and ssh's versions for ever. Neither costs the client anything: ssh does not wait for it.
//!
//! The contract: whatever is found is the client's own word. It orders the offer and keeps what a user named in it; it
//! never authorises. What could not be found out sets [`Asked::unsure`], and the offer then errs on the side of showing.
//! Nothing that a user's own ssh would not have run is run: before `ssh -G`, the configuration is searched for
//! `Match exec` (`scan`), and where there is one, or where that cannot be told, its keys are collected without ssh.

mod arguments;
mod cache;
mod clients;
mod compose;
mod effective;
mod line;
mod named;
mod plink;
mod program;
mod remote;
mod scan;
mod survey;
#[cfg(test)]
mod tests;
mod tokens;

pub use clients::Clients;
pub use program::Program;
pub use survey::Survey;

use std::path::PathBuf;

/// Where claviger puts public halves that it chose itself, in a home (`config sync`).
pub const STUBS: &str = ".ssh/claviger/keys";

/// What the process at the other end was told by its user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Which program it is.
    pub program: Program,
    /// Named in its arguments: `-i`, `-o IdentityFile=`, `-o CertificateFile=`.
    pub explicit: Vec<Named>,
    /// `IdentityFile` and `CertificateFile` that ssh's configuration names for this host; where [`Asked::unsure`], that it
    /// names for any host.
    pub configured: Vec<Named>,
    /// ssh's built-in default files that exist and that it will try by itself.
    pub defaults: Vec<Named>,
    /// `IdentitiesOnly`: ssh will take nothing but the named keys from the list.
    pub identities_only: bool,
    /// ssh will show the server no key, though it asks for the list: `PubkeyAuthentication no`, or `PreferredAuthentications`
    /// without `publickey`.
    pub keyless: bool,
    /// The host as typed: an alias, a name or an address.
    pub host: Option<String>,
    /// Where that leads, as the configuration says.
    pub hostname: Option<String>,
    /// TCP port.
    pub port: Option<u16>,
    /// The user to log in as.
    pub user: Option<String>,
    /// `HostKeyAlias`: the name in known_hosts.
    pub host_key_alias: Option<String>,
    /// `IdentityAgent`, where it is configured.
    pub agent: Option<IdentityAgent>,
    /// The library through which it has security keys asked (`SecurityKeyProvider`, of ssh-keygen `SSH_SK_PROVIDER`); none
    /// where that is what is built into OpenSSH.
    pub token_library: Option<String>,
    /// What git was asked for at the host: "org/repo", without `.git` and without a slash in front.
    pub path: Option<String>,
    /// Not everything could be found out: the user may have named more keys than are here.
    pub unsure: bool,
}

/// Which agent ssh's configuration has ssh ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdentityAgent {
    /// None at all.
    Nobody,
    /// The one that SSH_AUTH_SOCK names, as without the setting.
    Environment,
    /// The one that listens there; as written where it refers to what is not known here.
    At(PathBuf),
}

/// A key file that the user named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Absolute; the file need not exist, as a `.pub` beside it is enough for a key in an agent.
    pub path: PathBuf,
    /// The public blob that the file or the `.pub` beside it shows, of a certificate the certificate; none where
    /// neither can be read.
    pub blob: Option<Vec<u8>>,
}

impl Asked {
    /// Nothing is known of a client but perhaps its program.
    fn unknown(program: Program) -> Self {
        Self {
            program,
            unsure: true,
            ..Self::default()
        }
    }
}
