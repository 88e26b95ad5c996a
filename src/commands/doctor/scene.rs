//! What the checks look at, gathered once: each of them takes it as it is and asks nobody anything.

use super::auth_sock::Shell;
use crate::commands::client::Client;
use crate::commands::context::{Context, runtime};
use crate::commands::output::Failure;
use claviger::client::{Asked, Clients, Survey};
use claviger::config::{Config, ConfigError};
use claviger::key;
use claviger::keyset::discover::{Candidate, candidates};
use claviger::unlock::Unlocker;
use claviger::wire::report::{Problem, StatusReport};
use claviger_platform::files;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// How long an agent may take to say who it is. It asks its keyring first, which has 5 s.
const ANSWER: Duration = Duration::from_secs(7);
/// A host that no block of ssh's configuration names.
const NO_HOST: &str = "host.invalid";

/// The surroundings of one run.
pub(super) struct Scene<'a> {
    /// Where things are.
    pub(super) context: &'a Context,
    /// What holds; the defaults where the configuration is broken.
    pub(super) config: Config,
    /// Why it is broken.
    pub(super) config_error: Option<ConfigError>,
    /// Private key files in the configured places, whatever is wrong with them.
    pub(super) keys: Vec<PathBuf>,
    /// Files that look like keys by their names alone.
    pub(super) odd: Vec<PathBuf>,
    /// Directories that cannot be read.
    pub(super) problems: Vec<Problem>,
    /// What the agent at claviger's own place says of itself.
    pub(super) agent: Result<StatusReport, Failure>,
    /// Where SSH_AUTH_SOCK leads.
    pub(super) shell: Shell,
    /// What stands in ssh's configuration; none where there is no home.
    pub(super) survey: Option<Survey>,
    /// What it says of a host that it does not name; none where ssh was not asked.
    pub(super) unnamed: Option<Arc<Asked>>,
    /// For checks that ask keyrings and agents.
    pub(super) runtime: Runtime,
    /// For questions about ssh's configuration.
    pub(super) clients: Clients,
}

impl<'a> Scene<'a> {
    /// Looks around. Nothing that is missing or broken is a failure.
    pub(super) fn look(context: &'a Context) -> Result<Self, Failure> {
        let loaded = Config::load(&context.places.config, &context.places.home);
        let (config, config_error) = match loaded {
            Ok(config) => (config, None),
            Err(error) => (Config::defaults(&context.places.home), Some(error)),
        };
        let (candidates, problems) = candidates(&config.key_dirs, &config.key_files);
        let (keys, others): (Vec<Candidate>, Vec<Candidate>) =
            candidates.into_iter().partition(|one| is_key(&one.path));
        let odd = others.into_iter().filter(Candidate::is_expected);
        let runtime = runtime()?;
        let clients = Clients::new();
        let survey = runtime.block_on(clients.survey());
        let asked = survey
            .as_ref()
            .filter(|survey| survey.doubt.is_none() && survey.complaint.is_none());
        Ok(Self {
            keys: keys.into_iter().map(|one| one.path).collect(),
            odd: odd.map(|one| one.path).collect(),
            problems,
            agent: Client::at(&context.places.socket).status_within(ANSWER),
            shell: Shell::look(context, &runtime),
            unnamed: asked.map(|_| runtime.block_on(clients.asked_for_host(NO_HOST))),
            survey,
            config,
            config_error,
            context,
            runtime,
            clients,
        })
    }

    /// The sources of passphrases, of which none can ask anybody; none where the configuration is not known.
    pub(super) fn unlocker(&self) -> Option<Unlocker> {
        let known = self.config_error.is_none();
        known.then(|| {
            let means = Arc::new(self.context.means());
            self.context.unlocker(&self.config, means, None)
        })
    }

    /// The folder of ssh's files.
    pub(super) fn ssh_dir(&self) -> PathBuf {
        self.context.places.home.join(".ssh")
    }
}

/// Whether a private key stands there, readable here or not.
fn is_key(path: &Path) -> bool {
    files::read_head(path, key::HEAD).is_ok_and(|head| key::looks_like_private_key(&head))
}
