//! A key file and what stands beside it, as far as it can be read without a passphrase.

use super::codes::Code;
use super::finding::Finding;
use super::scene::Scene;
use claviger::key::{self, Inspected, KeyError};
use claviger::keyset::discover::beside;
use claviger_platform::files::{self, FileError};
use claviger_platform::harden;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Far above every key and certificate.
const LARGEST: u64 = 1 << 20;

/// Why a file gives no key.
pub(super) enum Trouble {
    /// It cannot be read.
    File(FileError),
    /// What was read is no key that can be used.
    Key(KeyError),
}

/// One private key file.
pub(super) struct KeyFile {
    pub(super) path: PathBuf,
    pub(super) inspected: Result<Inspected, Trouble>,
    /// The public half, from the file or from the one beside it, of whatever type.
    pub(super) blob: Option<Vec<u8>>,
    /// The public half that the file itself has in clear.
    pub(super) own_blob: Option<Vec<u8>>,
    /// The `.pub` beside it, and the key in it or why there is none.
    pub(super) public: Option<(PathBuf, Result<Vec<u8>, String>)>,
    pub(super) certificate: Option<Certificate>,
}

/// The certificate beside a key.
pub(super) struct Certificate {
    path: PathBuf,
    /// Its blob, or why it is of no use.
    read: Result<Vec<u8>, String>,
}

impl KeyFile {
    /// Looks at it, however open it stands.
    pub(super) fn look(path: &Path, scene: &Scene) -> Self {
        // A file without a passphrase is read as it is, private half and all.
        harden::scrubbed(|| Self::read(path, scene))
    }

    fn read(path: &Path, scene: &Scene) -> Self {
        let limits = &scene.config.limits;
        let public_path = beside(path, ".pub");
        let public = files::read_public(&public_path, LARGEST).ok();
        let mut file = Self {
            path: path.to_owned(),
            blob: public.as_deref().and_then(key::shown_blob),
            own_blob: None,
            inspected: Err(Trouble::Key(KeyError::NoPublicHalf)),
            certificate: None,
            public: None,
        };
        let bytes = match files::read_exposed(path, LARGEST) {
            Ok((bytes, _)) => bytes,
            Err(error) => {
                file.inspected = Err(Trouble::File(error));
                return file;
            }
        };
        let mut inspected = key::inspect(limits, &bytes, public.as_deref());
        if matches!(inspected, Err(KeyError::NoPublicHalf))
            && let Some(line) = scene.context.notes().public_of(&bytes)
        {
            inspected = key::inspect(limits, &bytes, Some(&line));
        }
        // Without the file beside it: what it has by itself.
        let own = key::inspect(limits, &bytes, None).ok();
        file.own_blob = own.map(|own| own.public.blob);
        let shown = file.own_blob.clone().or_else(|| key::shown_blob(&bytes));
        file.blob = shown.or(file.blob);
        file.public = public.map(|public| {
            let read = key::public_file(&public, None);
            (
                public_path,
                read.map(|half| half.blob).map_err(|error| error.to_string()),
            )
        });
        if let Ok(inspected) = &inspected {
            file.certificate = Certificate::beside(path, inspected);
        }
        file.inspected = inspected.map_err(Trouble::Key);
        file
    }
}

impl Certificate {
    fn beside(path: &Path, key: &Inspected) -> Option<Self> {
        let path = beside(path, "-cert.pub");
        let bytes = files::read_public(&path, LARGEST).ok()?;
        let read = key::certificate(&bytes, &key.public);
        Some(Self {
            path,
            read: read
                .map(|certificate| certificate.blob)
                .map_err(|error| error.to_string()),
        })
    }

    /// What is wrong with it now.
    pub(super) fn judge(&self) -> Option<Finding> {
        let subject = self.path.display().to_string();
        let renew = "have its authority sign the key anew (ssh-keygen -s CA -I ID FILE.pub), or remove the certificate";
        let blob = match &self.read {
            Ok(blob) => blob,
            Err(why) => return Some(Finding::new(Code::CertificateWrong, subject, why, renew)),
        };
        let read = key::host_certificate(blob)?;
        if read.is_host {
            let why = "a host's certificate, which logs nobody in";
            return Some(Finding::new(Code::CertificateWrong, subject, why, renew));
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        if read.valid_before <= now.as_secs() {
            let why = format!("expired at {}: servers refuse it", at(read.valid_before));
            return Some(Finding::new(Code::CertificateExpired, subject, why, renew));
        }
        (read.valid_after > now.as_secs()).then(|| {
            let why = format!("not valid before {}; is the clock right?", at(read.valid_after));
            Finding::new(Code::CertificateEarly, subject, why, "wait, or set the clock")
        })
    }
}

/// A time as people and scripts read it. What is beyond the calendar stays a number.
fn at(seconds: u64) -> String {
    /// The end of the year 9999, as far as the format goes.
    const LAST: u64 = 253_402_300_799;
    match seconds {
        0..=LAST => humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds)).to_string(),
        _ => format!("second {seconds}"),
    }
}
