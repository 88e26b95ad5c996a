//! Opens a key file for a verb that needs the key itself, and not only its public half.
//!
//! The passphrase is the one that was given, else one of the stores, else the person's, who may try three times.
use super::context::{Context, Secrets};
use super::names::whole;
use super::output::{Failure, visible};
use claviger::key::{self, Inspected, KdfLimits, KeyError, OpenKey};
use claviger::secret::Secret;
use claviger::unlock::Wanted;
use claviger_platform::files::{self, FileError};
use claviger_platform::harden::scrubbed;
use claviger_platform::prompt::{Means, PromptError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::runtime::Runtime;
use zeroize::Zeroizing;

/// How often a person may try.
const TRIES: usize = 3;
/// Far above every real key file.
const MAX_KEY_FILE: u64 = 1 << 20;

/// A key file and the `.pub` beside it.
pub(crate) struct KeyFile {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Arc<Zeroizing<Vec<u8>>>,
    /// The content of the `.pub`.
    pub(crate) beside: Option<Vec<u8>>,
    /// What opening it may cost.
    pub(crate) limits: KdfLimits,
}

/// An open key, and what a new file of it takes over.
pub(crate) struct Opened {
    pub(crate) key: OpenKey,
    /// The file's own, else that of the `.pub`.
    pub(crate) comment: Vec<u8>,
    /// What protected the file; none if nothing did.
    pub(crate) passphrase: Option<Secret>,
}

impl KeyFile {
    /// Reads it. A private key must be private; whatever else it is may be anybody's.
    pub(crate) fn read(path: &Path, limits: KdfLimits) -> Result<Self, FileError> {
        let bytes = match key::looks_like_private_key(&files::read_head(path, key::HEAD)?) {
            true => files::read_private(path, MAX_KEY_FILE)?,
            false => Zeroizing::new(files::read_public(path, MAX_KEY_FILE)?),
        };
        let public = files::read_public(&beside(path, ".pub"), MAX_KEY_FILE).ok();
        Ok(Self {
            path: path.to_owned(),
            bytes: Arc::new(bytes),
            // An empty one is being made at this moment: `claviger pubkey FILE > FILE.pub`.
            beside: public.filter(|public| !public.is_empty()),
            limits,
        })
    }

    /// The file's name for messages.
    pub(crate) fn name(&self) -> String {
        visible(&self.path.to_string_lossy())
    }

    fn failure(&self, why: impl std::fmt::Display) -> Failure {
        Failure::new(format!("{}: {why}", self.name()))
    }

    /// What it tells in clear.
    pub(crate) fn inspect(&self) -> Result<Inspected, KeyError> {
        key::inspect(&self.limits, &self.bytes, self.beside.as_deref())
    }

    /// Opens it.
    pub(crate) fn open(
        &self,
        context: &Context,
        secrets: Secrets,
        means: &Arc<Means>,
        runtime: &Runtime,
    ) -> Result<Opened, Failure> {
        let listed = match self.inspect() {
            Ok(inspected) => Some(inspected),
            // Sealed, and nothing in clear says which key it is.
            Err(KeyError::NoPublicHalf) => None,
            Err(error) => return Err(self.failure(error)),
        };
        let mut opened = match (&listed, secrets.key) {
            (Some(listed), _) if !listed.encrypted => {
                attempt(&self.limits, &self.bytes, None).map_err(|error| self.failure(error))?
            }
            (_, Some(given)) => {
                attempt(&self.limits, &self.bytes, Some(&given)).map_err(|error| self.failure(error))?
            }
            (Some(listed), None) => {
                let wanted = Wanted {
                    fingerprint: listed.public.fingerprint.clone(),
                    // As every other verb names it: a store may keep the name.
                    path: whole(&self.path).unwrap_or_else(|| self.path.clone()),
                    comment: String::from_utf8_lossy(&listed.comment).into_owned(),
                };
                let unlocker = context.unlocker(&context.config()?, means.clone(), secrets.vault);
                let (bytes, limits) = (self.bytes.clone(), self.limits);
                let found = unlocker.unlock(&wanted, move |passphrase| {
                    attempt(&limits, &bytes, Some(passphrase))
                });
                runtime
                    .block_on(found)
                    .map_err(|error| Failure::new(format!("{error}; or give it with --passphrase-fd N")))?
                    .0
            }
            (None, None) => self.ask(means, runtime)?,
        };
        if let Some(listed) = listed {
            if listed.public != *opened.key.public() {
                let text = "the .pub file beside it belongs to another key; replace it: claviger pubkey FILE > FILE.pub";
                return Err(self.failure(text));
            }
            if opened.comment.is_empty() {
                opened.comment = listed.comment;
            }
        }
        Ok(opened)
    }

    /// Asks for the passphrase of a key that no store can know: its fingerprint is behind the passphrase.
    pub(crate) fn ask(&self, means: &Means, runtime: &Runtime) -> Result<Opened, Failure> {
        let mut question = format!("Enter passphrase for key {}: ", self.path.display());
        for _ in 0..TRIES {
            let typed = match runtime.block_on(means.passphrase(&question)) {
                Ok(typed) => typed,
                Err(PromptError::Unavailable(why)) => {
                    return Err(self.failure(format!("{why}; or give its passphrase with --passphrase-fd N")));
                }
                Err(error) => return Err(self.failure(error)),
            };
            match attempt(&self.limits, &self.bytes, Some(&typed)) {
                Err(KeyError::WrongPassphrase) => {
                    question = format!(
                        "It does not fit. Enter passphrase for key {}: ",
                        self.path.display()
                    );
                }
                opened => return opened.map_err(|error| self.failure(error)),
            }
        }
        Err(self.failure(format!("the passphrase did not fit {TRIES} times")))
    }
}

/// Opens with this passphrase. Slow where one is needed.
pub(crate) fn attempt(
    limits: &KdfLimits,
    bytes: &[u8],
    passphrase: Option<&[u8]>,
) -> Result<Opened, KeyError> {
    // Key derivation leaves its work on the stack.
    let (key, comment) = scrubbed(|| key::open_with_comment(limits, bytes, passphrase))?;
    Ok(Opened {
        key,
        comment,
        passphrase: passphrase.map(Secret::copy_of),
    })
}

/// The path with something behind the file's name.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
