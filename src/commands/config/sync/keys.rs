//! The public halves that there are, and their stubs: `.pub` files by which a program picks one of an agent's keys.
//!
//! A stub is called after its key's fingerprint, so that it never has to be renamed, and what is called otherwise is
//! not ours.
use crate::commands::client::Client;
use crate::commands::context::Context;
use crate::commands::output::Failure;
use claviger::config::Config;
use claviger::key::{self, Hash};
use claviger::keyset;
use claviger_platform::files::{self, FileError};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Far above every public key.
const LONGEST: u64 = 64 << 10;
/// The end of a certificate's name.
const CERTIFICATE: &str = "-cert.pub";
const PLAIN: &str = ".pub";

/// A key, as far as it is public.
pub(super) struct Public {
    pub(super) fingerprint: String,
    pub(super) comment: String,
    /// Its file, if it is one.
    pub(super) path: Option<PathBuf>,
    blob: Vec<u8>,
    certificate: Option<Vec<u8>>,
}

/// All keys of the running agent, or those of the configured places when none runs.
pub(super) fn known(
    client: Option<&Client>,
    config: &Config,
    context: &Context,
) -> Result<Vec<Public>, Failure> {
    let Some(client) = client else {
        let places = (&config.key_dirs, &config.key_files);
        let found = keyset::discover(&config.limits, places.0, places.1, &context.notes());
        return Ok(found.keys.into_iter().map(of_file).collect());
    };
    let reports = client.list()?;
    let mut keys: Vec<Public> = Vec::new();
    for blob in client.identities()? {
        let plain = key::plain_of(&blob);
        let of = plain.clone().unwrap_or_else(|| blob.clone());
        let fingerprint = key::fingerprint(&of, Hash::Sha256);
        let certificate = plain.map(|_| blob);
        match keys.iter_mut().find(|key| key.fingerprint == fingerprint) {
            Some(known) => known.certificate = certificate.or(known.certificate.take()),
            None => {
                let report = reports.iter().find(|report| report.fingerprint == fingerprint);
                keys.push(Public {
                    comment: report.map(|report| report.comment.clone()).unwrap_or_default(),
                    path: report
                        .filter(|report| report.source == "file")
                        .map(|report| PathBuf::from(&report.path)),
                    blob: of,
                    certificate,
                    fingerprint,
                });
            }
        }
    }
    Ok(keys)
}

fn of_file(found: keyset::Found) -> Public {
    Public {
        comment: String::from_utf8_lossy(&found.inspected.comment).into_owned(),
        fingerprint: found.inspected.public.fingerprint,
        path: Some(found.path),
        blob: found.inspected.public.blob,
        certificate: found.certificate.map(|certificate| certificate.blob),
    }
}

impl Public {
    /// Its stub in `folder`.
    pub(super) fn stub(&self, folder: &Path) -> PathBuf {
        folder.join(stem(&self.fingerprint) + PLAIN)
    }

    /// The stub of its certificate, if it has one.
    pub(super) fn certificate_stub(&self, folder: &Path) -> Option<PathBuf> {
        self.certificate.as_ref()?;
        Some(folder.join(stem(&self.fingerprint) + CERTIFICATE))
    }

    /// Writes what is not there yet.
    pub(super) fn write(&self, folder: &Path) -> Result<(), Failure> {
        write(&self.stub(folder), &self.blob, &self.comment)?;
        match (self.certificate_stub(folder), &self.certificate) {
            (Some(path), Some(blob)) => write(&path, blob, &self.comment),
            _ => Ok(()),
        }
    }
}

fn write(path: &Path, blob: &[u8], comment: &str) -> Result<(), Failure> {
    let line = [&key::authorized_line(blob, comment.as_bytes())[..], b"\n"].concat();
    match files::read_public(path, LONGEST) {
        Ok(old) if old == line => return Ok(()),
        Ok(_) if !is_ours(path) => {
            let why = "was not written by `claviger config sync`; move it away";
            return Err(Failure::new(format!("{}: {why}", path.display())));
        }
        Ok(_) | Err(FileError::Missing { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(files::write_atomic(path, &line)?)
}

/// Removes the stubs in `folder` that are not in `keep`; returns how many.
pub(super) fn sweep(folder: &Path, keep: &HashSet<PathBuf>) -> Result<usize, Failure> {
    let mut gone = 0;
    for path in stale(folder, keep)? {
        std::fs::remove_file(&path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
        gone += 1;
    }
    Ok(gone)
}

fn stale(folder: &Path, keep: &HashSet<PathBuf>) -> Result<Vec<PathBuf>, Failure> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Failure::new(format!("{}: {error}", folder.display()))),
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    Ok(paths
        .filter(|path| !keep.contains(path) && is_ours(path))
        .collect())
}

/// Whether it shows the key that it is called after.
fn is_ours(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return false;
    };
    let Some(blob) = files::read_public(path, LONGEST)
        .ok()
        .and_then(|file| key::blob_of_line(&file))
    else {
        return false;
    };
    let (plain, ending) = match key::plain_of(&blob) {
        Some(plain) => (plain, CERTIFICATE),
        None => (blob, PLAIN),
    };
    name.strip_suffix(ending) == Some(&stem(&key::fingerprint(&plain, Hash::Sha256)))
}

/// The fingerprint in letters that every file system takes.
fn stem(fingerprint: &str) -> String {
    fingerprint
        .trim_start_matches("SHA256:")
        .replace('/', "_")
        .replace('+', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

    fn public() -> Public {
        let blob = key::blob_of_line(LINE.as_bytes()).unwrap();
        Public {
            fingerprint: key::fingerprint(&blob, Hash::Sha256),
            comment: "me".into(),
            path: None,
            blob,
            certificate: None,
        }
    }

    #[test]
    fn only_stubs_are_replaced_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let (folder, key) = (folder.path(), public());
        key.write(folder).unwrap();
        let stub = key.stub(folder);
        assert_eq!(std::fs::read_to_string(&stub).unwrap(), format!("{LINE} me\n"));
        std::fs::write(folder.join("id_mine.pub"), LINE).unwrap();
        std::fs::write(folder.join("notes.pub"), "mine").unwrap();
        assert_eq!(sweep(folder, &HashSet::from([stub.clone()])).unwrap(), 0);
        assert_eq!(sweep(folder, &HashSet::new()).unwrap(), 1);
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 2);

        std::fs::write(&stub, "mine").unwrap();
        let why = key.write(folder).unwrap_err().to_string();
        assert!(why.contains("move it away"), "{why}");
        assert_eq!(std::fs::read_to_string(&stub).unwrap(), "mine");
    }
}
