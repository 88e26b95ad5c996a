//! Finds private keys in directories and single files without opening them. Blocking; bounded per file.
//!
//! A directory such as `~/.ssh` holds much that is no key. What has no line that begins a private key is passed over in
//! silence, unless its name says that a key is expected there (`id_*`, or a `.pub` beside it): then a person wants
//! to know why it is not listed.

use super::Notes;
use crate::key::{self, CertificateFile, Inspected, KdfLimits, KeyError};
use crate::wire::report::Problem;
use claviger_platform::files::{self, FileError};
use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

/// Larger key files are refused; the largest real ones (RSA 16384, PEM) have about 13 kB.
pub(super) const MAX_KEY_FILE: u64 = 1 << 20;

/// What a search found.
pub struct Discovered {
    /// Keys that can be listed, files of the configuration first, then directories by name.
    pub keys: Vec<Found>,
    /// Files that could not be listed, each with reason and remedy.
    pub problems: Vec<Problem>,
    limits: KdfLimits,
}

/// A private key file.
pub struct Found {
    /// The file.
    pub path: PathBuf,
    /// What it tells in clear.
    pub inspected: Inspected,
    /// The certificate beside it.
    pub certificate: Option<CertificateFile>,
    /// The hosts that a person said it is for.
    pub meant: Vec<String>,
    /// What opening it may cost.
    pub limits: KdfLimits,
}

/// Looks into `dirs` (not deeper) and at `files`; `notes` have what some of them tell only with a passphrase. What could
/// not be opened within `limits` is a problem, too.
pub fn discover(limits: &KdfLimits, dirs: &[PathBuf], files: &[PathBuf], notes: &Notes) -> Discovered {
    let mut found = Discovered::within(*limits);
    let mut meant = notes.meant();
    let (candidates, problems) = candidates(dirs, files);
    found.problems = problems;
    for candidate in candidates {
        found.look_at(&candidate, notes);
    }
    for key in &mut found.keys {
        key.meant = meant
            .remove(&key.inspected.public.fingerprint)
            .unwrap_or_default();
    }
    found
}

/// A file that may be a private key.
pub struct Candidate {
    /// The file.
    pub path: PathBuf,
    /// The configuration names this very file.
    named: bool,
}

impl Candidate {
    /// Whether a key is expected there, so that a person wants to know why there is none.
    pub fn is_expected(&self) -> bool {
        self.named || names_a_key(&self.path)
    }
}

/// The files at which a search looks, each once; and the directories that it cannot read.
pub fn candidates(dirs: &[PathBuf], files: &[PathBuf]) -> (Vec<Candidate>, Vec<Problem>) {
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    let mut add = |path: PathBuf, named| {
        if seen.insert(path.clone()) {
            found.push(Candidate { path, named });
        }
    };
    files.iter().for_each(|file| add(file.clone(), true));
    for dir in dirs {
        match entries(dir) {
            Ok(paths) => paths.into_iter().for_each(|path| add(path, false)),
            Err(reason) => problems.push(Problem {
                path: dir.display().to_string(),
                reason: format!("the directory cannot be read: {reason}"),
            }),
        }
    }
    (found, problems)
}

/// A missing directory is no problem: a person may have no keys yet.
fn entries(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_none_or(|extension| extension != "pub"));
    paths.sort();
    Ok(paths)
}

impl Discovered {
    fn within(limits: KdfLimits) -> Self {
        Self {
            keys: Vec::new(),
            problems: Vec::new(),
            limits,
        }
    }

    /// Where a key is expected, whatever is wrong with the file is a problem.
    fn look_at(&mut self, candidate: &Candidate, notes: &Notes) {
        let (path, expected) = (candidate.path.as_path(), candidate.is_expected());
        let head = match files::read_head(path, key::HEAD) {
            Ok(head) => head,
            Err(FileError::NotRegular { what, .. }) if !expected && what == "a directory" => return,
            Err(FileError::NotRegular { .. } | FileError::Missing { .. }) if !expected => return,
            Err(error) => return self.file_problem(path, &error),
        };
        if !key::looks_like_private_key(&head) {
            // What it is instead, its first line says.
            if let (true, Err(reason)) = (expected, key::inspect(&self.limits, &head, None)) {
                self.problem(path, reason.to_string());
            }
            return;
        }
        match read_key(&self.limits, path, notes) {
            Ok((inspected, certificate)) => {
                let certificate = self.checked(path, certificate, &inspected);
                self.keys.push(Found {
                    meant: Vec::new(),
                    path: path.to_owned(),
                    inspected,
                    certificate,
                    limits: self.limits,
                });
            }
            Err(reason) => self.problem(path, reason),
        }
    }

    fn checked(&mut self, path: &Path, bytes: Option<Vec<u8>>, key: &Inspected) -> Option<CertificateFile> {
        match key::certificate(&bytes?, &key.public) {
            Ok(certificate) => Some(certificate),
            Err(error) => {
                self.problem(&beside(path, "-cert.pub"), error.to_string());
                None
            }
        }
    }

    fn file_problem(&mut self, path: &Path, error: &FileError) {
        self.problem(path, reason_of(path, error));
    }

    fn problem(&mut self, path: &Path, reason: String) {
        self.problems.push(Problem {
            path: path.display().to_string(),
            reason,
        });
    }
}

type KeyParts = (Inspected, Option<Vec<u8>>);

fn read_key(limits: &KdfLimits, path: &Path, notes: &Notes) -> Result<KeyParts, String> {
    let file = files::read_private(path, MAX_KEY_FILE).map_err(|error| reason_of(path, &error))?;
    let public = files::read_public(&beside(path, ".pub"), MAX_KEY_FILE).ok();
    let mut inspected = key::inspect(limits, &file, public.as_deref());
    if matches!(inspected, Err(KeyError::NoPublicHalf))
        && let Some(line) = notes.public_of(&file)
    {
        inspected = key::inspect(limits, &file, Some(&line));
    }
    let inspected = inspected.map_err(|error| error.to_string())?;
    let certificate = files::read_public(&beside(path, "-cert.pub"), MAX_KEY_FILE).ok();
    Ok((inspected, certificate))
}

/// `id_ed25519` and `.pub` give `id_ed25519.pub`; a name that is not UTF-8 stays as it is.
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn names_a_key(path: &Path) -> bool {
    let id = path
        .file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"id_"));
    id || beside(path, ".pub").exists()
}

/// The path stands beside the reason already.
fn reason_of(path: &Path, error: &FileError) -> String {
    let text = error.to_string();
    let prefix = format!("{}: ", path.display());
    text.strip_prefix(&prefix)
        .map_or_else(|| text.clone(), str::to_owned)
}
