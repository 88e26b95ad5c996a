//! Linux: /proc. Read as plain files, because a crate's readers of them have no bound.

use super::{LONGEST, SeenError};
use crate::files::{self, FileError};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// Where a process is and what it runs.
pub(super) struct Place {
    pub(super) cwd: PathBuf,
    pub(super) exe: PathBuf,
    pub(super) same_files: bool,
}

/// Which field of /proc/PID/stat is the start, in clock ticks since boot, counted behind the program's name, which
/// may hold blanks and brackets itself.
const STARTED: usize = 19;

/// The process's flags, counted in the same way, and the one that says that it is ending (PF_EXITING of Linux).
const FLAGS: usize = 6;
const EXITING: u64 = 0x4;

/// When it was started.
pub(super) fn started(pid: u32) -> Result<u64, SeenError> {
    field(pid, STARTED)
}

/// Whether it has ended or is about to.
pub(super) fn is_ending(pid: u32) -> bool {
    match field(pid, FLAGS) {
        Ok(flags) => flags & EXITING != 0,
        Err(error) => matches!(error, SeenError::Gone(_)),
    }
}

fn field(pid: u32, place: usize) -> Result<u64, SeenError> {
    let stat = read(pid, "stat")?;
    let behind = stat.iter().rposition(|&byte| byte == b')').unwrap_or(0);
    let mut fields = stat[behind..].split(|&byte| byte == b' ').skip(1);
    let field = fields
        .nth(place)
        .and_then(|field| std::str::from_utf8(field).ok());
    field
        .and_then(|field| field.parse().ok())
        .ok_or(SeenError::Gone(pid))
}

/// Its arguments.
pub(super) fn arguments(pid: u32) -> Result<Vec<OsString>, SeenError> {
    let text = read(pid, "cmdline")?;
    // A title that a process gave itself may lack the last end mark.
    let text = text.strip_suffix(b"\0").unwrap_or(&text);
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let words = text.split(|&byte| byte == 0);
    Ok(words.map(|word| OsStr::from_bytes(word).to_owned()).collect())
}

/// Whether a variable's name is this one.
pub(super) fn is_called(name: &OsStr, known: &OsStr) -> bool {
    name == known
}

/// Those of its variables that `wanted` gives a place, as they were when its program began.
pub(super) fn environment(
    pid: u32,
    wanted: impl Fn(&OsStr) -> Option<usize>,
) -> Result<Vec<(usize, OsString)>, SeenError> {
    let text = read(pid, "environ")?;
    let pairs = text.split(|&byte| byte == 0).filter_map(|pair| {
        let middle = pair.iter().position(|&byte| byte == b'=')?;
        let at = wanted(OsStr::from_bytes(&pair[..middle]))?;
        Some((at, OsStr::from_bytes(&pair[middle + 1..]).to_owned()))
    });
    Ok(pairs.collect())
}

/// Where it is.
pub(super) fn place(pid: u32) -> Result<Place, SeenError> {
    let link =
        |name: &str| std::fs::read_link(format!("/proc/{pid}/{name}")).map_err(|error| refused(pid, error));
    let own = std::fs::read_link("/proc/self/ns/mnt").ok();
    Ok(Place {
        cwd: link("cwd")?,
        exe: link("exe")?,
        same_files: own == Some(link("ns/mnt")?) && link("root")? == std::path::Path::new("/"),
    })
}

/// A file of /proc/PID; wiped when dropped, as an environment may hold secrets.
fn read(pid: u32, name: &'static str) -> Result<Zeroizing<Vec<u8>>, SeenError> {
    let path = PathBuf::from(format!("/proc/{pid}/{name}"));
    files::read_exposed(&path, LONGEST)
        .map(|(text, _)| text)
        .map_err(|error| match error {
            FileError::TooLarge { .. } => SeenError::TooLong {
                pid,
                what: if name == "environ" {
                    "an environment"
                } else {
                    "arguments"
                },
            },
            FileError::Missing { .. } => SeenError::Gone(pid),
            FileError::Io { source, .. } => refused(pid, source),
            other => refused(pid, io::Error::other(other)),
        })
}

/// A process that ends while it is read gives ESRCH, or lacks its links.
fn refused(pid: u32, source: io::Error) -> SeenError {
    match Errno::from_io_error(&source) {
        Some(Errno::SRCH | Errno::NOENT) => SeenError::Gone(pid),
        _ => SeenError::Unreadable { pid, source },
    }
}
