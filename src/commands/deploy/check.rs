//! The login with the very key that was deployed: only a login proves that the server takes it.
//!
//! ssh may have other keys for the host in its configuration, and would log in with one of these just as well. So it is
//! asked which key the server accepted, through its log.
use super::remote::{arguments, start};
use crate::commands::client::Client;
use crate::commands::context::Context;
use crate::commands::output::Failure;
use crate::commands::ssh_config::quoted;
use claviger_platform::files;
use claviger_platform::process::Heard;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The agent may have to ask a person for the key's passphrase.
const LIMIT: Duration = Duration::from_secs(180);
/// Far above what ssh logs of one login.
const LOG: u64 = 1 << 20;
const PASSED: &str = "claviger:in";

/// The login to be made, once it is known that it can be.
pub(in crate::commands) struct Check {
    agent: PathBuf,
    fingerprint: String,
    folder: PathBuf,
    line: String,
}

impl Check {
    /// # Errors
    /// No agent has the key, so that nothing could be proven.
    pub(in crate::commands) fn prepare(
        context: &Context,
        socket: Option<&Path>,
        fingerprint: &str,
        line: &str,
    ) -> Result<Self, Failure> {
        let without = |why: &str| {
            Failure::new(format!(
                "{why}, so a login with it cannot be tried; nothing was changed; \
                 `claviger add` the key first, or leave the check out with --no-check"
            ))
        };
        let client = Client::find(context, socket).map_err(|failure| without(&failure.to_string()))?;
        if !client.list()?.iter().any(|key| key.fingerprint == fingerprint) {
            return Err(without(&format!("the agent does not have the key {fingerprint}")));
        }
        Ok(Self {
            agent: client.socket().to_owned(),
            fingerprint: fingerprint.to_owned(),
            folder: context.places.state.join(format!("check-{}", std::process::id())),
            line: line.to_owned(),
        })
    }

    /// Logs in.
    pub(in crate::commands) async fn run(&self, own: &[OsString], host: &str) -> Result<(), Failure> {
        files::private_dir(&self.folder)?;
        let checked = self.login(own, host).await;
        // What cannot be removed is a public key and a log.
        let _ = std::fs::remove_dir_all(&self.folder);
        checked
    }

    async fn login(&self, own: &[OsString], host: &str) -> Result<(), Failure> {
        let (public, log) = (self.folder.join("key.pub"), self.folder.join("log"));
        files::write_atomic(&public, format!("{}\n", self.line).as_bytes())?;
        // ssh reads these as lines of its configuration: blanks and % would mean something else there.
        let agent = format!("IdentityAgent={}", quoted(&self.agent)?);
        let identity = format!("IdentityFile={}", quoted(&public)?);
        let mut ours = vec!["-v".to_owned(), "-E".into(), log.to_string_lossy().into_owned()];
        for option in [
            agent.as_str(),
            identity.as_str(),
            "IdentitiesOnly=yes",
            "PreferredAuthentications=publickey",
            "BatchMode=yes",
            // A connection that is there already would prove nothing.
            "ControlMaster=no",
            "ControlPath=none",
        ] {
            ours.extend(["-o".to_owned(), option.to_owned()]);
        }
        let mut ssh = start(&arguments(own, &ours, host, &format!("echo {PASSED}")))?;
        let mut passed = false;
        while let Heard::Line(line) = ssh.line(LIMIT).await? {
            passed |= line == PASSED;
        }
        let code = ssh.end().await;
        let log = files::read_public(&log, LOG).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let accepted = log.lines().rfind(|line| line.contains("Server accepts key"));
        match accepted {
            Some(line) if line.contains(&self.fingerprint) && (passed || code == Some(0)) => Ok(()),
            Some(line) if !line.contains(&self.fingerprint) => {
                Err(self.failed(host, "the server let another key in, and not this one"))
            }
            Some(_) => Err(self.failed(host, "the server accepts the key, but the login did not succeed")),
            None => Err(self.failed(host, "the server does not accept it")),
        }
    }

    fn failed(&self, host: &str, why: &str) -> Failure {
        Failure::new(format!(
            "the key is in authorized_keys of {host}, but a login with it failed: {why}; the server may read its keys \
             elsewhere (AuthorizedKeysFile), or refuse a home or .ssh that others may write to; \
             see: ssh -v -i FILE.pub {host}"
        ))
    }
}
