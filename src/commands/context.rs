//! What the verbs know of their surroundings, read once: places, the configuration, how to ask, where to store.
use super::output::Failure;
use crate::cli::{KeyPassphrase, VaultPassphrase};
use claviger::config::Config;
use claviger::keyset::Notes;
use claviger::known_hosts::{self, KnownHosts};
use claviger::secret::Secret;
use claviger::unlock::{Settings, Unlocker};
use claviger_platform::dirs::{self, Places};
use claviger_platform::keyring::Keyring;
use claviger_platform::process::read_line_from_fd;
use claviger_platform::prompt::Means;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// How long the OS keyring may take for one answer.
const KEYRING_LIMIT: Duration = Duration::from_secs(5);

/// The process's surroundings.
#[derive(Clone)]
pub(crate) struct Context {
    /// Where files are.
    pub(crate) places: Places,
    /// SSH_AUTH_SOCK: the agent that this shell uses.
    pub(crate) ssh_auth_sock: Option<PathBuf>,
    /// Whether CLAVIGER_SOCKET names the agent, so that SSH_AUTH_SOCK is not asked.
    pub(crate) socket_named: bool,
    /// Whether `--config` or CLAVIGER_CONFIG names the configuration.
    pub(crate) config_named: bool,
}

impl Context {
    /// Reads the environment; `config` (from the command line) goes before it.
    #[expect(
        clippy::disallowed_methods,
        reason = "commands/ is where the environment is read"
    )]
    pub(crate) fn from_environment(config: Option<PathBuf>) -> Result<Self, Failure> {
        let mut places = dirs::places().map_err(Failure::new)?;
        let by_option = config.is_some();
        if let Some(config) = config {
            places.config = std::path::absolute(&config)?;
        }
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        Ok(Self {
            places,
            ssh_auth_sock: variable("SSH_AUTH_SOCK").map(PathBuf::from),
            socket_named: variable("CLAVIGER_SOCKET").is_some(),
            config_named: by_option || variable("CLAVIGER_CONFIG").is_some(),
        })
    }

    /// Reads the configuration; a missing file gives the defaults.
    pub(crate) fn config(&self) -> Result<Config, Failure> {
        Ok(Config::load(&self.places.config, &self.places.home)?)
    }

    /// The embedded vault's file.
    pub(crate) fn vault(&self) -> PathBuf {
        self.places.data.join("vault.kdbx")
    }

    /// What was learnt.
    pub(crate) fn history(&self) -> PathBuf {
        self.places.state.join("history.sqlite3")
    }

    /// What ssh's known_hosts files say now.
    pub(crate) fn known_hosts(&self) -> Arc<KnownHosts> {
        known_hosts::Files::new(known_hosts::usual(&self.places.home)).current()
    }

    /// Public halves that are known from when their files were opened.
    pub(crate) fn notes(&self) -> Notes {
        Notes::in_state(&self.places.state)
    }

    /// How this process can ask a person; pinentry is asked through this very program.
    pub(crate) fn means(&self) -> Means {
        let mut means = Means::from_environment();
        means.helper = std::env::current_exe().ok();
        means
    }

    /// The OS keyring. Contacts nothing yet.
    pub(crate) fn keyring(&self) -> Keyring {
        Keyring::new(KEYRING_LIMIT)
    }

    /// The sources of passphrases, as this process can ask them. Contacts nothing yet.
    pub(crate) fn unlocker(&self, config: &Config, means: Arc<Means>, master: Option<Secret>) -> Unlocker {
        Unlocker::new(self.settings(config, means, master))
    }

    /// What the sources are made of.
    pub(crate) fn settings(&self, config: &Config, means: Arc<Means>, master: Option<Secret>) -> Settings {
        Settings {
            order: config.order.clone(),
            vault: self.vault(),
            state: self.places.state.clone(),
            databases: config.databases.clone(),
            home: self.places.home.clone(),
            limits: config.limits,
            means,
            keyring: Arc::new(self.keyring()),
            master,
        }
    }
}

/// Passphrases given by descriptor. Read before anything else is opened, so that a number cannot mean a file of ours.
pub(crate) struct Secrets {
    /// `--passphrase-fd`.
    pub(crate) key: Option<Secret>,
    /// `--vault-passphrase-fd`.
    pub(crate) vault: Option<Secret>,
}

impl Secrets {
    /// Reads both.
    pub(crate) fn read(key: &KeyPassphrase, vault: &VaultPassphrase) -> Result<Self, Failure> {
        if key.passphrase_fd.is_some() && key.passphrase_fd == vault.vault_passphrase_fd {
            let text =
                "--passphrase-fd and --vault-passphrase-fd name the same descriptor; give each its own";
            return Err(Failure::new(text));
        }
        Ok(Self {
            key: secret_from(key.passphrase_fd)?,
            vault: secret_from(vault.vault_passphrase_fd)?,
        })
    }
}

/// The secret that a `--…passphrase-fd` option names, if given.
pub(crate) fn secret_from(fd: Option<i32>) -> Result<Option<Secret>, Failure> {
    fd.map(read_line_from_fd).transpose().map_err(Failure::new)
}

/// The runtime of a verb that waits for stores and people. Not the agent's.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    Ok(Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?)
}
