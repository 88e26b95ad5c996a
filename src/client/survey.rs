//! ssh's configuration as a whole: what a person should know of it before a login goes wrong.

use super::effective::{AskError, Effective};
use super::scan::Scan;
use std::path::Path;

/// A host that no block names.
const NO_HOST: &str = "host.invalid";

/// What stands in a user's configuration of ssh.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Hosts that blocks name outright, each once, in their order.
    pub hosts: Vec<String>,
    /// Why ssh is not asked about any: a `Match` that runs a command, or a file that cannot be judged.
    pub doubt: Option<&'static str>,
    /// What ssh says against it.
    pub complaint: Option<String>,
    /// Why ssh gave no answer at all, as one that is not installed.
    pub silent: Option<String>,
}

impl Survey {
    pub(super) async fn of(ssh: &Path, mut scan: Scan) -> Self {
        let mut seen = std::collections::HashSet::new();
        scan.hosts.retain(|host| seen.insert(host.clone()));
        let mut survey = Self {
            hosts: scan.hosts,
            doubt: scan.doubt,
            ..Self::default()
        };
        if survey.doubt.is_none() {
            match Effective::ask(ssh, &[], NO_HOST, &[], Vec::new()).await {
                Ok(_) => {}
                Err(AskError::Refused { said, .. }) => survey.complaint = Some(said.trim().to_owned()),
                Err(error) => survey.silent = Some(error.to_string()),
            }
        }
        survey
    }
}
