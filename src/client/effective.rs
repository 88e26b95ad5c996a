//! What holds for a host: `ssh -G`, run as a bounded child, and its answer.

use super::scan::is_off;
use claviger_platform::process::{self, Job, JobError};
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

/// ssh needs about ten milliseconds; one that has not answered by now is waiting for something.
const LIMIT: Duration = Duration::from_secs(1);
/// Its answer has about six kilobytes.
const MAX_OUTPUT: usize = 256 << 10;

/// Why ssh gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    /// It could not be run, or not to its end.
    #[error(transparent)]
    Job(#[from] JobError),
    /// It ended with an error.
    #[error("ssh -G ended with {code:?}: {said}")]
    Refused {
        /// Exit code.
        code: Option<i32>,
        /// Its complaint.
        said: String,
    },
    /// It said what is no text.
    #[error("ssh -G: the answer is not UTF-8")]
    NotText,
}

/// What ssh would do for a host, as far as it concerns keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Effective {
    /// As written, ssh's own defaults where nothing is configured.
    pub(super) identities: Vec<String>,
    pub(super) certificates: Vec<String>,
    pub(super) identities_only: bool,
    pub(super) keyless: bool,
    pub(super) hostname: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) user: Option<String>,
    pub(super) host_key_alias: Option<String>,
    /// As written; none where nothing is configured.
    pub(super) identity_agent: Option<String>,
    /// As written, perhaps `$VARIABLE`.
    pub(super) token_library: Option<String>,
}

impl Effective {
    /// Asks `ssh` with these options, for this host as a user types it. `env` is set or removed on top of ours.
    ///
    /// No name is looked up: ssh would ask the network's name servers if it were to canonicalise.
    pub(super) async fn ask(
        ssh: &Path,
        options: &[String],
        target: &str,
        command: &[String],
        env: Vec<(OsString, Option<OsString>)>,
    ) -> Result<Self, AskError> {
        let fixed = [
            "-G",
            "-o",
            "CanonicalizeHostname=no",
            "-o",
            "CanonicalizePermittedCNAMEs=none",
        ];
        let words = options.iter().map(String::as_str).chain(["--", target]);
        let words = words.chain(command.iter().map(String::as_str));
        let done = process::run(Job {
            program: ssh.to_owned(),
            args: fixed.into_iter().chain(words).map(OsString::from).collect(),
            env,
            input: None,
            limit: LIMIT,
            max_output: MAX_OUTPUT,
        })
        .await?;
        if done.code != Some(0) {
            return Err(AskError::Refused {
                code: done.code,
                said: done.errors,
            });
        }
        std::str::from_utf8(&done.output)
            .map(Self::read)
            .map_err(|_| AskError::NotText)
    }

    fn read(answer: &str) -> Self {
        let mut found = Self::default();
        for line in answer.lines() {
            let Some((keyword, value)) = line.split_once(' ') else {
                continue;
            };
            match keyword {
                "identityfile" => found.identities.push(value.to_owned()),
                "certificatefile" => found.certificates.push(value.to_owned()),
                "identitiesonly" => found.identities_only = value == "yes",
                "pubkeyauthentication" => found.keyless |= is_off(value),
                "preferredauthentications" => found.keyless |= !has_publickey(value),
                "hostname" => found.hostname = Some(value.to_owned()),
                "port" => found.port = value.parse().ok(),
                "user" => found.user = Some(value.to_owned()),
                "hostkeyalias" => {
                    found.host_key_alias = Some(value.to_owned()).filter(|alias| alias != "none")
                }
                "identityagent" => found.identity_agent = Some(value.to_owned()),
                "securitykeyprovider" => found.token_library = Some(value.to_owned()),
                _ => (),
            }
        }
        found
    }
}

/// Whether a list of methods of authentication has the one with keys.
pub(super) fn has_publickey(methods: &str) -> bool {
    methods.split(',').any(|method| method == "publickey")
}

/// The files that ssh tries where nothing is configured; they differ from version to version.
pub(super) async fn built_in(ssh: &Path) -> Result<Vec<String>, AskError> {
    let options = ["-F", "none"].map(str::to_owned);
    Ok(Effective::ask(ssh, &options, "localhost", &[], Vec::new())
        .await?
        .identities)
}

/// Whether a variable of the client's is given to ssh: only those that its configuration refers to, and none that
/// would make it, or the search for it, run something else.
pub(super) fn may_pass(name: &str) -> bool {
    let steers = ["LD_", "DYLD_", "GCONV_", "GLIBC_", "MALLOC_", "OPENSSL_"];
    let finds = ["PATH", "PATHEXT", "SYSTEMROOT", "COMSPEC"];
    // In any case: Windows' names are the same in each.
    let upper = name.to_ascii_uppercase();
    !finds.contains(&upper.as_str())
        && !name.is_empty()
        && !name.contains(['=', '\0'])
        && !steers.iter().any(|start| upper.starts_with(start))
}
