//! PuTTY's places, so that plink, WinSCP and FileZilla find this agent: the pipe with Pageant's name, and Pageant's window
//! for programs that know no pipe.
//!
//! They belong to the agent at one of the places where a person's agent is looked for: the user's own pipe, or OpenSSH's.
//! If somebody else has them, that is said and nothing more: Pageant may well run beside claviger.

use super::{PIPES, bind, full_name};
use crate::windows::wide;
use sha2::{Digest, Sha256};
use std::io;
use std::os::windows::io::OwnedHandle;
use std::path::{Path, PathBuf};
use windows_sys::Win32::Security::Authentication::Identity::{GetUserNameExW, NameUserPrincipal};
use windows_sys::Win32::Security::Cryptography::{CRYPTPROTECTMEMORY_CROSS_PROCESS, CryptProtectMemory};

/// The pipe where OpenSSH's tools for Windows look.
const OPENSSH: &str = r"\\.\pipe\openssh-ssh-agent";

/// Pageant's pipe, if the agent at `path` is to serve it and nobody does yet.
pub(super) fn take(path: &Path) -> Option<(OwnedHandle, PathBuf)> {
    if !is_usual(path) {
        return None;
    }
    let bound = name().and_then(|name| bind::bind(&name).map_err(io::Error::other));
    match bound {
        Ok(bound) => Some((bound.first, bound.path)),
        Err(error) => {
            tracing::warn!("PuTTY's programs will not find this agent: {error}");
            None
        }
    }
}

/// Whether a person's agent is looked for there.
pub(super) fn is_usual(path: &Path) -> bool {
    let usual = crate::dirs::own_pipe().ok();
    let is = |other: &Path| path.as_os_str().eq_ignore_ascii_case(other);
    usual.is_some_and(|usual| is(&usual)) || is(Path::new(OPENSSH))
}

/// The name that PuTTY's programs compute, too: the user's, and a hash that only the user's own processes can know,
/// because Windows encrypts what is hashed under a secret of this session.
pub(super) fn name() -> io::Result<PathBuf> {
    let user = principal().or_else(|| crate::dirs::user().1?.into_string().ok());
    let user = user.ok_or_else(|| io::Error::other("this user has no name"))?;
    let mut hidden = *b"Pageant\0\0\0\0\0\0\0\0\0";
    // SAFETY: the buffer has the length that is told, a multiple of the block's. When it fails it is left as it was, which
    // is what PuTTY then hashes as well.
    unsafe {
        CryptProtectMemory(
            hidden.as_mut_ptr().cast(),
            hidden.len() as u32,
            CRYPTPROTECTMEMORY_CROSS_PROCESS,
        );
    }
    full_name(Path::new(&format!("{PIPES}pageant.{user}.{}", hash(hidden))))
}

fn hash(hidden: [u8; 16]) -> String {
    let mut hash = Sha256::new();
    hash.update(16_u32.to_be_bytes());
    hash.update(hidden);
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The user's name in a domain (`name@domain`), without the domain.
fn principal() -> Option<String> {
    let mut name = [0_u16; 512];
    let mut length = name.len() as u32;
    // SAFETY: the buffer is writable over the length given.
    let told = unsafe { GetUserNameExW(NameUserPrincipal, name.as_mut_ptr(), &mut length) };
    let name = String::from_utf16_lossy(name.get(..length as usize).filter(|_| told)?);
    let name = name.split(['@', '\0']).next()?.to_owned();
    Some(name).filter(|name| !name.is_empty() && wide(name).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_stable_and_has_puttys_form() {
        let name = name().unwrap();
        assert_eq!(name, super::name().unwrap());
        let text = name.to_str().unwrap();
        let (begin, hash) = text.rsplit_once('.').unwrap();
        assert!(begin.starts_with(r"\\.\pipe\pageant."), "{text}");
        assert!(
            hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{text}"
        );
    }

    #[test]
    fn what_is_hashed_is_a_string_of_ssh() {
        // Unencrypted, as where Windows' call is missing: SHA-256 of 00000010 and "Pageant" with nine zeros.
        let expected = Sha256::digest(b"\0\0\0\x10Pageant\0\0\0\0\0\0\0\0\0");
        let expected: String = expected.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hash(*b"Pageant\0\0\0\0\0\0\0\0\0"), expected);
    }

    #[test]
    fn only_an_agent_at_a_usual_place_serves_putty() {
        assert!(is_usual(&crate::dirs::own_pipe().unwrap()) && is_usual(Path::new(OPENSSH)));
        assert!(!is_usual(Path::new(r"\\.\pipe\claviger-test.other")));
    }
}
