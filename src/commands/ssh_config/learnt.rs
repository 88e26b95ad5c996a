//! The file with the hosts that were learnt, which `claviger config sync` writes whole, and the lines that include it.
//!
//! It stands behind everything else that ssh reads: the first value counts for ssh, and what a person wrote goes before what
//! was learnt. So it cannot share a file with the blocks that a person asked for, which stand in front.
use super::{Written, at, back_up, contents, text};
use crate::commands::context::Context;
use crate::commands::output::Failure;
use claviger_platform::dirs;
use claviger_platform::files;
use std::path::{Path, PathBuf};

/// Our own file, seen from ~/.ssh.
const OWN: &str = "claviger/hosts.conf";
/// By its first line the file is known as ours.
const HEAD: &str =
    "# Written by `claviger config sync`, which replaces it whole: changes belong into ~/.ssh/config.\n";

/// A block of the file. The values were checked.
pub(in crate::commands) struct KeysOfHost {
    pub(in crate::commands) names: Vec<String>,
    /// A line for people.
    pub(in crate::commands) remark: String,
    /// Public halves, best first.
    pub(in crate::commands) keys: Vec<PathBuf>,
    pub(in crate::commands) certificates: Vec<PathBuf>,
}

/// The file.
pub(in crate::commands) struct HostsFile {
    /// ~/.ssh
    folder: PathBuf,
    own: PathBuf,
    /// How the person's configuration names it.
    include: String,
}

impl HostsFile {
    /// Refuses to go on where the file is another's.
    pub(in crate::commands) fn of(context: &Context) -> Result<Self, Failure> {
        let folder = context.places.home.join(".ssh");
        let own = folder.join(OWN);
        // ssh reads a relative path from the home that the user database names, whatever HOME says.
        let usual = dirs::home_of(None).is_some_and(|home| home == context.places.home);
        let include = match usual {
            true => OWN.to_owned(),
            false => text::quoted(&own)?,
        };
        let old = contents(&own)?;
        match old.is_empty() || old.starts_with(HEAD.as_bytes()) {
            true => Ok(Self { folder, own, include }),
            false => Err(at(
                &own,
                "was not written by `claviger config sync`; move it away",
            )),
        }
    }

    pub(in crate::commands) fn path(&self) -> &Path {
        &self.own
    }

    /// Whether there is anything to bring up to date.
    pub(in crate::commands) fn exists(&self) -> bool {
        self.own.exists()
    }

    /// Replaces what stands there, and has the person's file include it if `include`.
    pub(in crate::commands) fn write(
        &self,
        blocks: &[KeysOfHost],
        include: bool,
    ) -> Result<Written, Failure> {
        let new = whole(blocks)?.into_bytes();
        if contents(&self.own)? != new {
            files::replace_keeping_mode(&self.own, &new)?;
        }
        let theirs = self.folder.join("config");
        let old = contents(&theirs)?;
        let mut written = Written {
            file: self.own.to_string_lossy().into_owned(),
            included: self.is_included()?,
            backup: None,
        };
        if include && !written.included {
            if theirs.exists() {
                let backup = back_up(&self.folder, &old)?;
                written.backup = Some(backup.to_string_lossy().into_owned());
            }
            let line = format!("Host *\n    Include {}\n", self.include);
            let apart = match old.is_empty() || old.ends_with(b"\n") {
                true => "",
                false => "\n",
            };
            let new = [&old, apart.as_bytes(), line.as_bytes()].concat();
            files::replace_keeping_mode(&theirs, &new)?;
            written.included = true;
        }
        Ok(written)
    }

    /// Whether the person's file includes it already.
    pub(in crate::commands) fn is_included(&self) -> Result<bool, Failure> {
        let theirs = contents(&self.folder.join("config"))?;
        Ok(text::includes_somewhere(&theirs, &self.names()))
    }

    /// The line that a person would write.
    pub(in crate::commands) fn include_line(&self) -> String {
        format!("Include {}", self.include)
    }

    /// The ways to name the file in an Include line.
    fn names(&self) -> Vec<String> {
        let mut names = vec![OWN.to_owned(), format!("~/.ssh/{OWN}")];
        names.push(self.include.trim_matches('"').to_owned());
        names.extend(self.own.to_str().map(str::to_owned));
        names
    }
}

/// The file's text.
fn whole(blocks: &[KeysOfHost]) -> Result<String, Failure> {
    let mut text = HEAD.to_owned();
    for block in blocks {
        text += &format!("\n# {}\nHost {}\n", block.remark, block.names.join(" "));
        for key in &block.keys {
            text += &format!("    IdentityFile {}\n", text::quoted(key)?);
        }
        for certificate in &block.certificates {
            text += &format!("    CertificateFile {}\n", text::quoted(certificate)?);
        }
        text += "    IdentitiesOnly yes\n";
    }
    Ok(text)
}
