//! What a rotation has to do and has done, in a file, so that it can be started again at any point.
use crate::commands::output::Failure;
use claviger_platform::files::{self, FileError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Far above a plan for thousands of servers.
const MAX_BYTES: u64 = 16 << 20;

/// How far a server is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Step {
    /// Nothing was done.
    #[default]
    Waiting,
    /// The new key is there beside the old one.
    Deployed,
    /// A login with the new key worked.
    Checked,
    /// The old key is off.
    Done,
}

/// From one key to another, server by server.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    /// Fingerprints.
    pub(super) old: String,
    pub(super) new: String,
    /// `user@host` or `user@host:port`.
    pub(super) servers: BTreeMap<String, Step>,
    #[serde(skip)]
    file: PathBuf,
}

impl Plan {
    /// The plan that was begun for this old key.
    pub(super) fn begun(state: &Path, old: &str) -> Result<Option<Self>, Failure> {
        let file = file(state, old);
        let bytes = match files::read_public(&file, MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(FileError::Missing { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let plan: Self = serde_json::from_slice(&bytes).map_err(|error| {
            Failure::new(format!(
                "{}: damaged ({error}); remove it to begin anew: what is done already is found to be so",
                file.display()
            ))
        })?;
        Ok(Some(Self { file, ..plan }))
    }

    /// The one that was begun, or a new one. A rotation to another new key that is not finished is an error: its servers
    /// would be lost.
    pub(super) fn to(begun: Option<Self>, state: &Path, old: &str, new: &str) -> Result<Self, Failure> {
        match begun {
            Some(plan) if plan.new == new => Ok(plan),
            Some(plan) => Err(Failure::new(format!(
                "a rotation of this key to {} is not finished; finish it, or remove {}",
                plan.new,
                plan.file.display()
            ))),
            None => Ok(Self {
                old: old.to_owned(),
                new: new.to_owned(),
                servers: BTreeMap::new(),
                file: file(state, old),
            }),
        }
    }

    /// Notes how far a server is, on disk before anything else happens.
    pub(super) fn note(&mut self, server: &str, step: Step) -> Result<(), Failure> {
        self.servers.insert(server.to_owned(), step);
        if let Some(dir) = self.file.parent() {
            files::private_dir(dir)?;
        }
        Ok(files::write_atomic(
            &self.file,
            &serde_json::to_vec_pretty(self)?,
        )?)
    }

    /// Whether nothing is left to do.
    pub(super) fn is_done(&self) -> bool {
        self.servers.values().all(|step| *step == Step::Done)
    }

    /// Removes the file.
    pub(super) fn finish(self) -> Result<(), Failure> {
        match std::fs::remove_file(&self.file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}

fn file(state: &Path, old: &str) -> PathBuf {
    let name = old.trim_start_matches("SHA256:").replace(['/', '+'], "-");
    state.join(format!("rotation-{name}.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_found_again_as_it_was_left() {
        let dir = tempfile::tempdir().unwrap();
        let load = |new: &str| {
            let begun = Plan::begun(dir.path(), "SHA256:a/b+c").unwrap();
            Plan::to(begun, dir.path(), "SHA256:a/b+c", new)
        };
        let mut plan = load("SHA256:new").unwrap();
        assert!(plan.is_done());
        plan.note("me@a", Step::Deployed).unwrap();
        plan.note("me@b", Step::Done).unwrap();
        assert!(!plan.is_done());
        assert_eq!(load("SHA256:new").unwrap(), plan);
        let error = load("SHA256:other").unwrap_err().to_string();
        assert!(error.contains("not finished"), "{error}");
        plan.note("me@a", Step::Done).unwrap();
        assert!(plan.is_done());
        plan.finish().unwrap();
        assert_eq!(load("SHA256:other").unwrap().servers.len(), 0);
    }

    #[test]
    fn a_damaged_plan_says_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("rotation-x.json"), "{").unwrap();
        let error = Plan::begun(dir.path(), "SHA256:x").unwrap_err().to_string();
        assert!(error.contains("remove it"), "{error}");
    }
}
