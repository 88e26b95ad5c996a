//! Key files that a user named, with the public blob that each shows. Blocking.

use super::Named;
use crate::key;
use claviger_platform::files::{self, Stamp, stamp};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The largest real key files (RSA 16384, PEM) have about 13 kB.
const LARGEST: u64 = 64 << 10;
/// Files whose blobs are remembered.
const MOST: usize = 512;

/// What files showed, each for as long as it is the same.
#[derive(Default)]
pub(super) struct Blobs {
    known: Mutex<HashMap<PathBuf, Shown>>,
}

/// A file's state when it was read, and the blob that it showed.
type Shown = (Stamp, Option<Vec<u8>>);

impl Blobs {
    /// The key file and, as ssh adds them unless told of certificates, the certificate beside it.
    pub(super) fn identity(&self, path: PathBuf, with_certificate: bool) -> Vec<Named> {
        let certificate = with_certificate
            .then(|| beside(&path, "-cert.pub"))
            .and_then(|path| Some((self.of(&path)?, path)));
        // The file's own public half counts before the one beside it, as for ssh.
        let blob = self.of(&path).or_else(|| self.of(&beside(&path, ".pub")));
        let certificate = certificate.map(|(blob, path)| Named {
            path,
            blob: Some(blob),
        });
        [Named { path, blob }].into_iter().chain(certificate).collect()
    }

    /// A certificate file.
    pub(super) fn certificate(&self, path: PathBuf) -> Named {
        let blob = self.of(&path);
        Named { path, blob }
    }

    fn of(&self, path: &Path) -> Option<Vec<u8>> {
        let now = stamp(path)?;
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((then, blob)) = known().get(path)
            && *then == now
        {
            return blob.clone();
        }
        // It may be a private key that nothing protects: wiped when dropped.
        let blob = files::read_exposed(path, LARGEST)
            .ok()
            .and_then(|(bytes, _)| key::shown_blob(&bytes));
        let mut known = known();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(path.to_owned(), (now, blob.clone()));
        blob
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
