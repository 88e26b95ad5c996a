//! Writes an opened key as a private key file, in the form that the format's own tool writes.
//!
//! Each writer takes the numbers from the back end, so a key can be written whatever it was read from.

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use zeroize::Zeroizing;

use super::{KeyError, OpenKey, write_openssh, write_pkcs8, write_ppk};

/// A format that keys are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// OpenSSH's own, for every type of key.
    OpenSsh,
    /// PKCS#8 in PEM (RFC 5958), which has no place for a comment.
    Pkcs8,
    /// PuTTY's, version 3.
    Ppk,
}

/// What protects a file that is written.
pub struct Protection<'a> {
    /// Not empty.
    pub passphrase: &'a [u8],
    /// Rounds of OpenSSH's key derivation (bcrypt_pbkdf), at least 1; the other formats have a cost of their own.
    pub rounds: u32,
}

/// The file that holds `key`. Slow with a protection (key derivation): never on a runtime thread.
///
/// # Errors
/// The format has no place for keys of this type, or the passphrase is empty.
pub fn write(
    key: &OpenKey,
    format: Format,
    comment: &[u8],
    protection: Option<&Protection<'_>>,
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    if protection.is_some_and(|protection| protection.passphrase.is_empty() || protection.rounds == 0) {
        return Err(KeyError::Unsupported(
            "an empty passphrase, or no round of key derivation, protects nothing".into(),
        ));
    }
    match format {
        Format::Ppk if key.token().is_some() => Err(no_place(key, "PuTTY's format")),
        Format::OpenSsh => write_openssh::write(key, comment, protection),
        Format::Pkcs8 => write_pkcs8::write(key, protection),
        Format::Ppk => write_ppk::write(key, comment, protection),
    }
}

/// No place in `format` for keys of this type.
pub(super) fn no_place(key: &OpenKey, format: &str) -> KeyError {
    KeyError::Unsupported(format!(
        "{format} has no place for keys of type {}; only OpenSSH's format does: --to openssh",
        key.public().algorithm
    ))
}

/// PEM with lines of `width`.
pub(super) fn armoured(
    label: &str,
    width: usize,
    mut content: Zeroizing<Vec<u8>>,
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let block = pem::Pem::new(label, std::mem::take(&mut *content));
    let form = pem::EncodeConfig::new()
        .set_line_ending(pem::LineEnding::LF)
        .set_line_wrap(width);
    let text = pem::encode_config(&block, form);
    drop(Zeroizing::new(block.into_contents()));
    Ok(Zeroizing::new(text.into_bytes()))
}

/// Random bytes of the back end.
pub(super) fn random<const N: usize>() -> Result<[u8; N], KeyError> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| KeyError::Backend("the system gives no random numbers".into()))?;
    Ok(bytes)
}
