//! Unix: the base directories, and what this machine and its user are called.

use super::Places;
use etcetera::BaseStrategy;
use etcetera::base_strategy::Xdg;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Where builds of OpenSSH have the system's own client configuration; one that ssh here does not read is looked through for
/// nothing.
pub const SSH_CONFIGS: &[&str] = &[
    "/etc/ssh/ssh_config",
    "/usr/etc/ssh/ssh_config",
    "/usr/local/etc/ssh/ssh_config",
    "/usr/local/etc/ssh_config",
    "/opt/homebrew/etc/ssh/ssh_config",
    "/etc/ssh_config",
];

/// OpenSSH's client: the one that a shell would find.
pub fn ssh_program() -> PathBuf {
    "ssh".into()
}

/// None: one is asked for all.
pub fn ssh_installed(_running: &Path) -> Option<PathBuf> {
    None
}

/// Where ssh looks for an agent when SSH_AUTH_SOCK is not set: nowhere.
pub const SSH_AGENT: Option<&str> = None;

/// Where Debian, Fedora, Arch, the BSDs, Homebrew and OpenSSH's own build put it.
pub(super) const SK_HELPERS: &[&str] = &[
    "/usr/lib/openssh/ssh-sk-helper",
    "/usr/libexec/openssh/ssh-sk-helper",
    "/usr/lib/ssh/ssh-sk-helper",
    "/usr/libexec/ssh-sk-helper",
    "/opt/homebrew/opt/openssh/libexec/ssh-sk-helper",
    "/usr/local/libexec/ssh-sk-helper",
];

/// The places when nothing is overridden.
pub(super) fn usual() -> Result<Places, String> {
    let base = Xdg::new().map_err(|_| "there is no home directory; set HOME".to_owned())?;
    let home = base.home_dir().to_owned();
    if !home.is_absolute() {
        return Err(format!("HOME is not an absolute path: {}", home.display()));
    }
    let socket = match base.runtime_dir().filter(|dir| usable(dir)) {
        Some(dir) => dir.join("claviger/agent.sock"),
        None => home.join(".ssh/agent/claviger.sock"),
    };
    let state = base.state_dir().unwrap_or_else(|| home.join(".local/state"));
    let at = |xdg: PathBuf| native(&home, xdg.join("claviger"));
    Ok(Places {
        config: at(base.config_dir()).join("config.toml"),
        state: at(state),
        data: at(base.data_dir()),
        socket,
        home,
    })
}

/// The XDG directory.
#[cfg(not(target_os = "macos"))]
fn native(_home: &Path, xdg: PathBuf) -> PathBuf {
    xdg
}

/// The XDG directory for whoever made it, or moved it by a variable; else where macOS keeps such things.
#[cfg(target_os = "macos")]
fn native(home: &Path, xdg: PathBuf) -> PathBuf {
    if xdg.exists() || !xdg.starts_with(home) {
        xdg
    } else {
        home.join("Library/Application Support/claviger")
    }
}

/// Whether a runtime directory exists and is this user's own: `su` leaves the variable of the user before, and
/// containers one that nobody made.
fn usable(dir: &Path) -> bool {
    let own = rustix::process::geteuid().as_raw();
    dir.metadata()
        .is_ok_and(|state| state.is_dir() && state.uid() == own)
}

/// The machine's name, as gethostname(2) tells it.
pub fn host_name() -> OsString {
    let mut name = [0_u8; 256];
    // SAFETY: the buffer is writable over the length given, whose last byte stays zero.
    unsafe { libc::gethostname(name.as_mut_ptr().cast(), name.len() - 1) };
    let name = CStr::from_bytes_until_nul(&name).unwrap_or_default();
    OsString::from_vec(name.to_bytes().to_vec())
}

/// The user's number, and name in the user database.
pub fn user() -> (u32, Option<OsString>) {
    let uid = rustix::process::getuid().as_raw();
    // SAFETY: `entry` gives valid places, and the text's length.
    let found = entry(|place, text, found| unsafe {
        libc::getpwuid_r(uid, place, text.as_mut_ptr(), text.len(), found);
    });
    (uid, found.map(|(name, _)| name))
}

/// The home that the user database names: this user's, or that of the user called `name`.
pub fn home_of(name: Option<&OsStr>) -> Option<PathBuf> {
    let found = match name {
        None => {
            let uid = rustix::process::getuid().as_raw();
            // SAFETY: `entry` gives valid places, and the text's length.
            entry(|place, text, found| unsafe {
                libc::getpwuid_r(uid, place, text.as_mut_ptr(), text.len(), found);
            })
        }
        Some(name) => {
            let name = CString::new(name.as_bytes()).ok()?;
            // SAFETY: as above, and `name` is terminated.
            entry(|place, text, found| unsafe {
                libc::getpwnam_r(name.as_ptr(), place, text.as_mut_ptr(), text.len(), found);
            })
        }
    };
    found.map(|(_, home)| PathBuf::from(home))
}

/// Name and home of the entry that `look_up` finds.
fn entry(
    look_up: impl FnOnce(&mut libc::passwd, &mut [libc::c_char], &mut *mut libc::passwd),
) -> Option<(OsString, OsString)> {
    let mut text = vec![0; 16 * 1024];
    let mut found = std::ptr::null_mut();
    // SAFETY: all zeros is a valid `passwd` of null pointers.
    let mut entry: libc::passwd = unsafe { std::mem::zeroed() };
    look_up(&mut entry, &mut text, &mut found);
    if found.is_null() || entry.pw_name.is_null() || entry.pw_dir.is_null() {
        return None;
    }
    let owned = |field: *const libc::c_char| {
        // SAFETY: a found entry's fields are terminated strings inside `text`, which is still alive.
        let field = unsafe { CStr::from_ptr(field) };
        OsString::from_vec(field.to_bytes().to_vec())
    };
    Some((owned(entry.pw_name), owned(entry.pw_dir)))
}
