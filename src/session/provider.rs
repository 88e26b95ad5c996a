//! Which libraries of vendors a client may have loaded: those that exist, that the agent's `-P` allows, and that are
//! asked for from this machine.
//!
//! A library runs code in a process of the user's. Whoever reaches the agent from a remote host must not choose it,
//! so connections that proved (or tried to prove) anything are refused, as OpenSSH does since CVE-2023-38408.

use super::Session;
use crate::policy;
use std::path::PathBuf;

/// Why a library was refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProviderRefused {
    /// From a forwarded connection.
    #[error("libraries are loaded for local clients only; -O allow-remote-pkcs11 lifts that")]
    Remote,
    /// No such file, or no path at all.
    #[error("{}: {reason}", path.display())]
    NotFound {
        /// As the client named it.
        path: PathBuf,
        /// What the OS said.
        reason: std::io::Error,
    },
    /// Not from the root.
    #[error("{}: a relative path, which means another file to the agent than to its client; give it from the root", .0.display())]
    Relative(PathBuf),
    /// Not on the list.
    #[error("{}: not among the libraries that may be loaded; start the agent with -P and a list that has it", .0.display())]
    NotAllowed(PathBuf),
}

impl Session {
    /// The library's real path, if it may be loaded.
    pub(super) async fn provider(&self, named: &[u8]) -> Result<PathBuf, ProviderRefused> {
        let options = self.agent.options();
        if self.route.is_remote() && !options.allow_remote_pkcs11 {
            return Err(ProviderRefused::Remote);
        }
        let path = real_path(named).await?;
        let allowed = policy::listed(options.providers.as_bytes(), path.as_os_str().as_encoded_bytes());
        match allowed {
            true => Ok(path),
            false => Err(ProviderRefused::NotAllowed(path)),
        }
    }
}

/// The real path of what a client names by an absolute one: a relative path would mean whatever directory the agent was
/// started in. On a blocking thread: a file system that does not answer must not keep others waiting.
pub(super) async fn real_path(named: &[u8]) -> Result<PathBuf, ProviderRefused> {
    let path = PathBuf::from(String::from_utf8_lossy(named).into_owned());
    let missing = |reason| ProviderRefused::NotFound {
        path: path.clone(),
        reason,
    };
    if path.is_relative() {
        return Err(ProviderRefused::Relative(path));
    }
    let named = path.clone();
    let resolved = tokio::task::spawn_blocking(move || std::fs::canonicalize(named)).await;
    resolved.map_err(std::io::Error::other).flatten().map_err(missing)
}
