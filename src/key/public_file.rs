//! The public half that a file shows without a passphrase, whichever file of a pair it is.
//!

use super::format::{self, Container};
use super::kind::Kind;
use super::limits::KdfLimits;
use super::{
    KeyError, described, inspect, looks_like_private_key, neighbours, openssh, plain_of, public, rfc4716,
    string,
};

/// A public half and its comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicFile {
    /// Wire blob of the plain key, also where the file is a certificate.
    pub blob: Vec<u8>,
    /// Any bytes but NUL; empty where the file shows none.
    pub comment: Vec<u8>,
}

/// Reads the public half of a private key file (`beside` is the content of its `.pub`), of a `.pub`, of a certificate, or
/// of a file in the form of RFC 4716.
///
/// # Errors
/// [`KeyError::NoPublicHalf`] where the passphrase is needed for it; that the file is no key; a type that is not known.
pub fn public_file(file: &[u8], beside: Option<&[u8]>) -> Result<PublicFile, KeyError> {
    if !looks_like_private_key(file) {
        return of_public(file);
    }
    let inspected = inspect(&KdfLimits::NONE, file, beside)?;
    Ok(PublicFile {
        blob: inspected.public.blob,
        comment: inspected.comment,
    })
}

/// The blob that a file shows without being opened: of a private key in OpenSSH's format or PuTTY's, of a `.pub`, of a
/// certificate the certificate's own. None for all others, and for private keys that keep it for themselves.
pub fn shown_blob(file: &[u8]) -> Option<Vec<u8>> {
    if !looks_like_private_key(file) {
        if file.trim_ascii_start().starts_with(rfc4716::BEGIN) {
            return Some(rfc4716::read(file).ok()?.0);
        }
        let line = public::split_line(file).ok()?;
        return (string(&mut &*line.blob).ok() == Some(line.name)).then(|| line.blob.clone());
    }
    match format::recognise(file).ok()? {
        Container::OpenSsh(bytes) => Some(openssh::File::parse(&bytes).ok()?.blob.to_vec()),
        Container::Ppk(key) => Some(key.public().ok()?.blob),
        Container::Der(_) => None,
    }
}

fn of_public(file: &[u8]) -> Result<PublicFile, KeyError> {
    if file.trim_ascii_start().starts_with(rfc4716::BEGIN) {
        let (blob, comment) = rfc4716::read(file)?;
        return checked(blob, comment);
    }
    let Ok(line) = public::split_line(file) else {
        return Err(neighbours::not_a_private_key(file));
    };
    if string(&mut &*line.blob).ok() != Some(line.name) {
        return Err(neighbours::not_a_private_key(file));
    }
    checked(line.blob, line.comment)
}

fn checked(blob: Vec<u8>, comment: Vec<u8>) -> Result<PublicFile, KeyError> {
    let name = string(&mut &*blob).unwrap_or_default();
    if Kind::named(name).is_none() {
        return Err(public::unsupported_type(name));
    }
    if described(&blob).is_none() {
        return Err(KeyError::Damaged("its public half does not parse".into()));
    }
    let blob = plain_of(&blob).unwrap_or(blob);
    Ok(PublicFile { blob, comment })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

    #[test]
    fn lines_and_rfc_4716_are_the_same_key() {
        let line = public_file(format!("{LINE} me at home\n").as_bytes(), None).unwrap();
        assert_eq!(line.comment, b"me at home");
        let form = rfc4716::write(&line.blob, &line.comment);
        assert_eq!(public_file(&form, None).unwrap(), line);
    }

    #[test]
    fn what_is_no_public_key_is_named() {
        for (text, word) in [
            ("hello world", "no key"),
            ("-----BEGIN CERTIFICATE-----\nMII", "X.509"),
            ("ssh-dss AAAAB3NzaC1kc3MAAACBAA== old", "DSA"),
            (&LINE[..LINE.len() - 4], "does not parse"),
            (&LINE.replace("ssh-ed25519", "ssh-rsa"), "a public key"),
        ] {
            let error = public_file(text.as_bytes(), None).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
