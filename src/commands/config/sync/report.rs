//! What `config sync` did, for people and for programs.

use super::keys::Public;
use super::plan::Plan;
use super::putty::Session;
use crate::commands::output::Failure;
use crate::commands::ssh_config::HostsFile;
use serde::Serialize;
use std::fmt::{self, Display};
use std::path::Path;

/// Field names are stable.
#[derive(Serialize)]
pub(super) struct Report {
    /// Nothing was changed.
    pub(super) dry_run: bool,
    /// The file with the blocks.
    file: String,
    /// Whether ~/.ssh/config includes it.
    pub(super) included: bool,
    /// The copy of ~/.ssh/config as it was, where it was changed.
    pub(super) backup: Option<String>,
    hosts: Vec<HostReport>,
    left_out: Vec<LeftOut>,
    /// With `--putty`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) putty: Option<Vec<Session>>,
    /// How many stubs that nothing names any more were removed.
    pub(super) removed: usize,
    #[serde(skip)]
    line: String,
}

#[derive(Serialize)]
struct HostReport {
    names: Vec<String>,
    keys: Vec<KeyReport>,
}

#[derive(Serialize)]
struct KeyReport {
    fingerprint: String,
    comment: String,
    /// The public half that programs are to name.
    file: String,
}

#[derive(Serialize)]
struct LeftOut {
    host: String,
    reason: String,
}

impl Report {
    pub(super) fn new(
        plan: &Plan<'_>,
        file: &HostsFile,
        stubs: &Path,
        dry_run: bool,
    ) -> Result<Self, Failure> {
        let key = |key: &&Public| KeyReport {
            fingerprint: key.fingerprint.clone(),
            comment: key.comment.clone(),
            file: key.stub(stubs).to_string_lossy().into_owned(),
        };
        let hosts = plan.hosts.iter().map(|host| HostReport {
            names: host.names.clone(),
            keys: host.keys.iter().map(key).collect(),
        });
        let left_out = plan.left_out.iter().map(|(host, reason)| LeftOut {
            host: host.clone(),
            reason: reason.clone(),
        });
        Ok(Self {
            dry_run,
            file: file.path().to_string_lossy().into_owned(),
            included: file.is_included()?,
            backup: None,
            hosts: hosts.collect(),
            left_out: left_out.collect(),
            putty: None,
            removed: 0,
            line: file.include_line(),
        })
    }
}

impl Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for host in &self.hosts {
            writeln!(out, "{}", host.names.join(", "))?;
            for key in &host.keys {
                writeln!(out, "  {}  {}", key.fingerprint, key.comment)?;
            }
        }
        for left_out in &self.left_out {
            writeln!(out, "{}: left out: {}", left_out.host, left_out.reason)?;
        }
        for session in self.putty.iter().flatten() {
            let result = match session.result {
                "passed_over" => "left alone: it is your own",
                "would_save" => "would be saved",
                "would_remove" => "would be removed",
                "present" => "is there already",
                other => other,
            };
            writeln!(out, "PuTTY's session {}: {result}", session.session)?;
        }
        match (self.hosts.len(), self.dry_run) {
            (0, _) if self.left_out.is_empty() => {
                return write!(out, "nothing was learnt yet; a login through claviger teaches it");
            }
            (_, true) => return write!(out, "nothing was changed; {} would hold this", self.file),
            (1, false) => write!(out, "one host in {}", self.file)?,
            (hosts, false) => write!(out, "{hosts} hosts in {}", self.file)?,
        }
        match (self.included, &self.backup) {
            (true, Some(backup)) => write!(out, ", included by ~/.ssh/config (as it was: {backup})"),
            (true, None) => write!(out, ", included by ~/.ssh/config"),
            (false, _) => write!(
                out,
                "; programs read it once ~/.ssh/config ends with the lines: Host * and {} (--include writes them)",
                self.line
            ),
        }
    }
}
