//! Windows: the profile's folders, the user's own pipe, and what this machine and its user are called.

use super::{Places, variable};
use crate::windows::sid;
use etcetera::BaseStrategy;
use etcetera::base_strategy::Windows;
use sha2::{Digest, Sha256};
use std::ffi::{OsStr, OsString};
use std::os::windows::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use windows_sys::Win32::Security::Authentication::Identity::{GetUserNameExW, NameSamCompatible};
use windows_sys::Win32::System::SystemInformation::{ComputerNameDnsHostname, GetComputerNameExW};

/// Where Windows' OpenSSH and Git's have the system's own client configuration.
pub const SSH_CONFIGS: &[&str] = &[
    r"C:\ProgramData\ssh\ssh_config",
    r"C:\Program Files\Git\etc\ssh\ssh_config",
];

/// Windows' own, its newer version, and Git's; folders in which administrators write only.
const SSH: [&str; 3] = [
    r"C:\Windows\System32\OpenSSH\ssh.exe",
    r"C:\Program Files\OpenSSH\ssh.exe",
    r"C:\Program Files\Git\usr\bin\ssh.exe",
];

/// OpenSSH's client: the one that is installed for all users, else what is found in PATH.
pub fn ssh_program() -> PathBuf {
    let installed = SSH.iter().map(Path::new).find(|program| program.exists());
    installed.unwrap_or(Path::new("ssh.exe")).to_owned()
}

/// The client `running`, where it is one of those that are installed for all users: they differ in which configuration they read.
/// No other is: what runs may be anybody's file.
pub fn ssh_installed(running: &Path) -> Option<PathBuf> {
    let same = |known: &&&str| running.as_os_str().eq_ignore_ascii_case(known);
    SSH.iter().find(same).map(PathBuf::from)
}

/// Where ssh looks for an agent when SSH_AUTH_SOCK is not set: Windows' own service has this pipe.
pub const SSH_AGENT: Option<&str> = Some(r"\\.\pipe\openssh-ssh-agent");

/// Where Windows itself and OpenSSH's own installer put it.
pub(super) const SK_HELPERS: &[&str] = &[
    r"C:\Windows\System32\OpenSSH\ssh-sk-helper.exe",
    r"C:\Program Files\OpenSSH\ssh-sk-helper.exe",
];

/// The places when nothing is overridden. Configuration and vault follow the person to other machines where profiles
/// do; what was learnt belongs to this machine.
pub(super) fn usual() -> Result<Places, String> {
    let base = Windows::new().map_err(|_| "there is no profile folder; set USERPROFILE".to_owned())?;
    let home = base.home_dir().to_owned();
    let roaming = base.config_dir().join("claviger");
    let local = match variable("LOCALAPPDATA").filter(|value| !value.is_empty()) {
        Some(folder) => PathBuf::from(folder),
        None => home.join(r"AppData\Local"),
    };
    Ok(Places {
        config: roaming.join("config.toml"),
        state: local.join("claviger"),
        data: roaming,
        socket: own_pipe()?,
        home,
    })
}

/// One pipe for each user, at a name that no other user would take by accident. Names of pipes are seen by everybody,
/// so it says as little of the user as a hash does.
pub(crate) fn own_pipe() -> Result<PathBuf, String> {
    let own = sid::own().map_err(|error| format!("this user cannot be told: {error}"))?;
    let hash = Sha256::digest(own.as_bytes());
    let hex: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    Ok(PathBuf::from(format!(r"\\.\pipe\claviger.{hex}")))
}

/// The machine's name in the network.
pub fn host_name() -> OsString {
    text(|buffer, length| {
        // SAFETY: the buffer is writable over the length given.
        unsafe { GetComputerNameExW(ComputerNameDnsHostname, buffer, length) != 0 }
    })
    .unwrap_or_default()
}

/// The number at the end of the user's identifier, which is as near as Windows comes to a user id, and the name.
pub fn user() -> (u32, Option<OsString>) {
    let number = sid::own()
        .ok()
        .and_then(|own| own.rsplit('-').next()?.parse().ok());
    let name = text(|buffer, length| {
        // SAFETY: the buffer is writable over the length given.
        unsafe { GetUserNameExW(NameSamCompatible, buffer, length) }
    });
    let name = name.map(|name| {
        // DOMAIN\user
        let plain = name.to_string_lossy();
        let plain = plain.rsplit('\\').next().unwrap_or_default();
        OsString::from(plain)
    });
    (number.unwrap_or(0), name)
}

/// This user's profile. Those of others are not asked for: their agents are none of ours.
pub fn home_of(name: Option<&OsStr>) -> Option<PathBuf> {
    match name {
        None => Windows::new().ok().map(|base| base.home_dir().to_owned()),
        Some(_) => None,
    }
}

/// What a call writes into a buffer that is large enough for any name.
fn text(fill: impl FnOnce(*mut u16, *mut u32) -> bool) -> Option<OsString> {
    let mut buffer = [0_u16; 512];
    let mut length = buffer.len() as u32;
    fill(buffer.as_mut_ptr(), &mut length).then_some(())?;
    let end = buffer.iter().position(|&unit| unit == 0).unwrap_or(buffer.len());
    Some(OsString::from_wide(&buffer[..end])).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_has_its_place() {
        let places = super::super::places().unwrap();
        assert!(places.home.is_absolute() && places.config.ends_with(r"claviger\config.toml"));
        assert_ne!(places.state, places.data);
        let pipe = places.socket.to_str().unwrap();
        assert!(
            pipe.starts_with(r"\\.\pipe\claviger.") && places.socket.is_absolute(),
            "{pipe}"
        );
        assert!(Path::new("//./pipe/openssh-ssh-agent").is_absolute());
        assert_eq!(
            ssh_installed(Path::new(r"c:\windows\SYSTEM32\openssh\SSH.exe")),
            Some(SSH[0].into())
        );
        assert_eq!(ssh_installed(Path::new(r"C:\Users\me\ssh.exe")), None);
        assert!(!host_name().is_empty());
        assert!(user().1.is_some());
    }
}
