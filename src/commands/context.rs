//! What the verbs know of their surroundings, read once: places, the configuration, how to ask, where to store.
use super::output::Failure;
use claviger::config::Config;
use claviger::secret::Secret;
use claviger::unlock::{Settings, Unlocker};
use claviger_platform::dirs::{self, Places};
use claviger_platform::keyring::Keyring;
use claviger_platform::process::read_line_from_fd;
use claviger_platform::prompt::Means;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How long the OS keyring may take for one answer.
const KEYRING_LIMIT: Duration = Duration::from_secs(5);

/// The process's surroundings.
pub(crate) struct Context {
    /// Where files are.
    pub(crate) places: Places,
    /// SSH_AUTH_SOCK: the agent that this shell uses.
    pub(crate) ssh_auth_sock: Option<PathBuf>,
    /// Whether CLAVIGER_SOCKET names the agent, so that SSH_AUTH_SOCK is not asked.
    pub(crate) socket_named: bool,
    /// What hardening this process could not do, each with its reason.
    pub(crate) weaknesses: Vec<String>,
}

impl Context {
    /// Reads the environment; `config` (from the command line) goes before it.
    #[expect(
        clippy::disallowed_methods,
        reason = "commands/ is where the environment is read"
    )]
    pub(crate) fn from_environment(
        config: Option<PathBuf>,
        weaknesses: Vec<String>,
    ) -> Result<Self, Failure> {
        let mut places = dirs::places().map_err(Failure::new)?;
        if let Some(config) = config {
            places.config = std::path::absolute(&config)?;
        }
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        Ok(Self {
            places,
            ssh_auth_sock: variable("SSH_AUTH_SOCK").map(PathBuf::from),
            socket_named: variable("CLAVIGER_SOCKET").is_some(),
            weaknesses,
        })
    }

    /// Reads the configuration; a missing file gives the defaults.
    pub(crate) fn config(&self) -> Result<Config, Failure> {
        Ok(Config::load(&self.places.config, &self.places.home)?)
    }

    /// The sources of passphrases, as this process can ask them. Contacts nothing yet.
    pub(crate) fn unlocker(&self, config: &Config, means: Arc<Means>, master: Option<Secret>) -> Unlocker {
        Unlocker::new(Settings {
            order: config.order.clone(),
            vault: self.places.data.join("vault.kdbx"),
            state: self.places.state.clone(),
            means,
            keyring: Arc::new(Keyring::new(KEYRING_LIMIT)),
            master,
        })
    }
}

/// The secret that `--passphrase-fd` or `--vault-passphrase-fd` names, if given.
pub(crate) fn secret_from(fd: Option<i32>) -> Result<Option<Secret>, Failure> {
    fd.map(read_line_from_fd).transpose().map_err(Failure::new)
}
