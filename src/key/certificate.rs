//! A certificate beside a key: read, matched with the key, kept as the bytes that the authority signed.

use ssh_key::Certificate;

use super::KeyError;
use super::public::{Line, PublicHalf, split_line};

/// A certificate beside a key.
#[derive(Clone, Debug)]
pub struct CertificateFile {
    /// Wire blob.
    pub blob: Vec<u8>,
    /// Comment of the line.
    pub comment: Vec<u8>,
}

/// Reads a `-cert.pub` file; it must certify `public`.
///
/// Neither its validity nor its signature is judged, as with ssh-add: that is the server's part, and its clock's.
pub fn certificate(file: &[u8], public: &PublicHalf) -> Result<CertificateFile, KeyError> {
    let Line { name, blob, comment } = split_line(file)?;
    let damaged = || KeyError::Damaged("the certificate does not parse".into());
    let read = Certificate::from_bytes(&blob).map_err(|_| damaged())?;
    if read.algorithm().to_certificate_type().as_bytes() != name {
        return Err(damaged());
    }
    let certified = ssh_key::PublicKey::from(read.public_key().clone())
        .to_bytes()
        .map_err(|_| damaged())?;
    if certified != public.blob {
        return Err(KeyError::Damaged(
            "the certificate is for another key; sign this one anew: ssh-keygen -s CA -I ID FILE.pub".into(),
        ));
    }
    Ok(CertificateFile { blob, comment })
}
