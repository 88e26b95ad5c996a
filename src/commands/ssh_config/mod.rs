//! What `claviger keygen --ssh-config` writes for ssh: Host blocks in a file of our own, and one line that includes it.
//!
//! The person's own file is touched only when asked, and then by one line in front of everything else: an Include
//! behind a Host line would hold for that host only. Both files are replaced whole or not at all.
mod learnt;
mod text;

pub(super) use learnt::{HostsFile, KeysOfHost};

use super::context::Context;
use super::output::Failure;
use crate::cli::HostArgs;
use claviger_platform::dirs;
use claviger_platform::files::{self, FileError, Fresh};
use serde::Serialize;
use std::fmt::{self, Display};
use std::path::{Path, PathBuf};
use std::time::Duration;
use text::Block;

/// Another writer needs milliseconds; one that needs longer is stuck.
const LOCK_LIMIT: Duration = Duration::from_secs(10);
/// Far above every configuration of ssh.
const LONGEST: u64 = 4 << 20;
/// Our own file.
const OWN: &str = "claviger.config";
/// What the backup of the person's file is called; a number follows where older ones are.
const BACKUP: &str = "config.claviger-backup";

/// A Host block to be written, checked.
pub(super) struct HostBlock {
    block: Block,
    folder: PathBuf,
    /// How the person's configuration names our file.
    include: String,
}

/// What a block is made of.
pub(super) struct Host<'a> {
    /// What a person types behind ssh.
    pub(super) name: &'a str,
    pub(super) hostname: Option<&'a str>,
    pub(super) user: Option<&'a str>,
    pub(super) port: Option<u16>,
    /// The key file; with one, ssh is told to offer no other.
    pub(super) key: Option<&'a Path>,
}

/// What ssh's configuration says of a host before a block is written.
pub(super) enum Standing {
    /// Nothing.
    Free,
    /// This very block.
    Same,
    /// Another block in our file.
    Ours,
    /// A block in the person's own file.
    Theirs,
}

/// What was written.
#[derive(Serialize)]
pub(super) struct Written {
    pub(super) file: String,
    /// Whether ~/.ssh/config includes the file.
    pub(super) included: bool,
    /// The copy of ~/.ssh/config as it was, where it was changed.
    pub(super) backup: Option<String>,
}

impl HostBlock {
    /// The block that `keygen` is asked for.
    pub(super) fn read(args: &HostArgs, key: &Path, context: &Context) -> Result<Self, Failure> {
        let host = Host {
            name: args.host.as_deref().unwrap_or_default(),
            hostname: args.hostname.as_deref(),
            user: args.user.as_deref(),
            port: args.port,
            key: Some(key),
        };
        Self::of(&host, context)
    }

    /// Checks every value before anything is made.
    pub(super) fn of(host: &Host<'_>, context: &Context) -> Result<Self, Failure> {
        let folder = context.places.home.join(".ssh");
        // ssh reads a relative path from the home that the user database names, whatever HOME says.
        let usual = dirs::home_of(None).is_some_and(|home| home == context.places.home);
        let own = folder.join(OWN);
        let include = match usual {
            true => OWN.to_owned(),
            false => text::quoted(&own)?,
        };
        let block = Block {
            host: text::host(host.name)?.to_owned(),
            hostname: host.hostname.map(text::host).transpose()?.map(str::to_owned),
            user: host.user.map(text::user).transpose()?.map(str::to_owned),
            port: host.port,
            key: host.key.map(text::quoted).transpose()?,
        };
        let new = Self {
            block,
            folder,
            include,
        };
        // A file that could not be changed afterwards is a reason not to begin.
        text::with_block(&contents(&own)?, &new.block).map_err(|why| at(&own, &why))?;
        Ok(new)
    }

    /// Whether something is said of the host already.
    pub(super) fn standing(&self) -> Result<Standing, Failure> {
        let (host, own) = (&self.block.host, contents(&self.folder.join(OWN))?);
        let there = text::has_block(&own, host);
        let same = there && text::with_block(&own, &self.block).is_ok_and(|new| new == own);
        Ok(match (same, there) {
            (true, _) => Standing::Same,
            (false, true) => Standing::Ours,
            (false, false) if text::names_host(&contents(&self.folder.join("config"))?, host) => {
                Standing::Theirs
            }
            (false, false) => Standing::Free,
        })
    }

    /// The block as it is written.
    pub(super) fn text(&self) -> String {
        self.block.text()
    }

    /// Writes the block, and the line that includes it if `include`.
    pub(super) fn write(&self, include: bool) -> Result<Written, Failure> {
        files::private_dir(&self.folder)?;
        let own = self.folder.join(OWN);
        {
            let _lock = files::lock(&own, LOCK_LIMIT)?;
            let old = contents(&own)?;
            let new = text::with_block(&old, &self.block).map_err(|why| at(&own, &why))?;
            if new != old {
                files::replace_keeping_mode(&own, &new)?;
            }
        }
        let theirs = self.folder.join("config");
        let names = self.names(&own);
        let old = contents(&theirs)?;
        let mut backup = None;
        let mut included = text::includes(&old, &names);
        if include && !included {
            if theirs.exists() {
                backup = Some(back_up(&self.folder, &old)?);
            }
            let line = format!("Include {}\n", self.include);
            files::replace_keeping_mode(&theirs, &[line.as_bytes(), &old].concat())?;
            included = true;
        }
        Ok(Written {
            file: own.to_string_lossy().into_owned(),
            included,
            backup: backup.map(|path| path.to_string_lossy().into_owned()),
        })
    }

    /// The ways to name our file in an Include line.
    fn names(&self, own: &Path) -> Vec<String> {
        let tilde = format!("~/.ssh/{OWN}");
        let mut names = vec![self.include.trim_matches('"').to_owned(), tilde];
        names.extend(own.to_str().map(str::to_owned));
        names
    }
}

/// A path as it stands in ssh's configuration, and behind `-o NAME=`.
pub(super) fn quoted(path: &Path) -> Result<String, Failure> {
    text::quoted(path)
}

/// A host's name that means one host, in a file's name as in ssh's configuration.
pub(super) fn checked_host(host: &str) -> Result<&str, Failure> {
    text::host(host)
}

fn contents(path: &Path) -> Result<Vec<u8>, Failure> {
    match files::read_public(path, LONGEST) {
        Ok(bytes) => Ok(bytes),
        Err(FileError::Missing { .. }) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// Copies the person's file beside itself, under a name that no older copy has.
fn back_up(folder: &Path, old: &[u8]) -> Result<PathBuf, Failure> {
    for number in 0..1000 {
        let name = match number {
            0 => BACKUP.to_owned(),
            number => format!("{BACKUP}.{number}"),
        };
        let path = folder.join(name);
        match Fresh::write(&path, old, 0o600).and_then(Fresh::publish) {
            Ok(()) => return Ok(path),
            Err(FileError::Exists { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let why = "and 999 more backups are there; move some away";
    Err(Failure::new(format!("{} {why}", folder.join(BACKUP).display())))
}

fn at(path: &Path, why: &str) -> Failure {
    Failure::new(format!("{}: {why}", path.display()))
}

impl Display for Written {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.file)?;
        match (self.included, &self.backup) {
            (false, _) => write!(
                out,
                "; ssh reads it once ~/.ssh/config begins with the line: Include {OWN} (--include writes it)"
            ),
            (true, Some(backup)) => write!(out, ", included by ~/.ssh/config (as it was: {backup})"),
            (true, None) => write!(out, ", included by ~/.ssh/config"),
        }
    }
}
