//! macOS: libproc, and sysctl for the arguments. Compiled and linted, never run by us; what it reads is taken apart in
//! `procargs`.
//!
//! The system shows neither to another user but root, and hides the environment of its own protected programs
//! (/usr/bin/ssh is one where System Integrity Protection is on): there each variable counts as not set.

use super::procargs::{Odd, parts};
use super::{LONGEST, SeenError};
use std::ffi::{CStr, OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::ptr::null_mut;
use zeroize::Zeroizing;

/// Where a process is and what it runs.
pub(super) struct Place {
    pub(super) cwd: PathBuf,
    pub(super) exe: PathBuf,
    pub(super) same_files: bool,
}

/// "Process is working on exit" (PROC_FLAG_INEXIT of sys/proc_info.h).
const EXITING: u32 = 4;

/// When it was started, in microseconds since 1970.
pub(super) fn started(pid: u32) -> Result<u64, SeenError> {
    let about = about(pid)?;
    Ok(about.pbi_start_tvsec * 1_000_000 + about.pbi_start_tvusec)
}

/// Whether it has ended or is about to.
pub(super) fn is_ending(pid: u32) -> bool {
    match about(pid) {
        Ok(about) => about.pbi_flags & EXITING != 0,
        Err(error) => matches!(error, SeenError::Gone(_)),
    }
}

/// Its arguments.
pub(super) fn arguments(pid: u32) -> Result<Vec<OsString>, SeenError> {
    let bytes = read(pid)?;
    parts(&bytes)
        .map(|parts| parts.arguments)
        .map_err(|odd| refused_as(pid, odd))
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
    let bytes = read(pid)?;
    parts(&bytes)
        .map(|parts| parts.variables(wanted))
        .map_err(|odd| refused_as(pid, odd))
}

/// Where it is.
pub(super) fn place(pid: u32) -> Result<Place, SeenError> {
    // SAFETY: all zeros is a valid value of this structure of numbers.
    let mut paths: libc::proc_vnodepathinfo = unsafe { std::mem::zeroed() };
    ask(pid, libc::PROC_PIDVNODEPATHINFO, &mut paths)?;
    let mut exe = vec![0_u8; libc::PROC_PIDPATHINFO_MAXSIZE as usize];
    // SAFETY: the buffer is writable over the length given.
    let length = unsafe { libc::proc_pidpath(number(pid)?, exe.as_mut_ptr().cast(), exe.len() as u32) };
    match usize::try_from(length) {
        Ok(length @ 1..) => exe.truncate(length),
        _ => return Err(refused(pid)),
    }
    Ok(Place {
        cwd: path(&paths.pvi_cdir).to_owned(),
        exe: OsString::from_vec(exe).into(),
        // It has a root of its own only after chroot(2).
        same_files: path(&paths.pvi_rdir).as_os_str().is_empty(),
    })
}

fn path(told: &libc::vnode_info_path) -> &Path {
    // SAFETY: characters are bytes, and the arrays follow each other without a gap.
    let bytes = unsafe {
        std::slice::from_raw_parts(told.vip_path.as_ptr().cast::<u8>(), size_of_val(&told.vip_path))
    };
    let text = CStr::from_bytes_until_nul(bytes).unwrap_or_default();
    Path::new(OsStr::from_bytes(text.to_bytes()))
}

fn about(pid: u32) -> Result<libc::proc_bsdinfo, SeenError> {
    // SAFETY: all zeros is a valid value of this structure of numbers.
    let mut about: libc::proc_bsdinfo = unsafe { std::mem::zeroed() };
    ask(pid, libc::PROC_PIDTBSDINFO, &mut about)?;
    Ok(about)
}

/// Has `answer` filled with what belongs to the question `flavor`.
fn ask<T>(pid: u32, flavor: i32, answer: &mut T) -> Result<(), SeenError> {
    let size = size_of::<T>() as i32;
    // SAFETY: the structure is the question's own, and has the size that is told.
    let filled = unsafe { libc::proc_pidinfo(number(pid)?, flavor, 0, (&raw mut *answer).cast(), size) };
    if filled == size { Ok(()) } else { Err(refused(pid)) }
}

/// Arguments and environment as the kernel has them; wiped when dropped, as an environment may hold secrets.
fn read(pid: u32) -> Result<Zeroizing<Vec<u8>>, SeenError> {
    let mut size = 0;
    sysctl(pid, null_mut(), &mut size)?;
    // Each has its own limit in `parts`, which leaves a little for path and padding.
    if size as u64 > 2 * LONGEST + 4096 {
        return Err(SeenError::TooLong {
            pid,
            what: "arguments and environment",
        });
    }
    let mut bytes = Zeroizing::new(vec![0; size]);
    sysctl(pid, bytes.as_mut_ptr(), &mut size)?;
    bytes.truncate(size);
    Ok(bytes)
}

/// With a null `into`: how much there is.
fn sysctl(pid: u32, into: *mut u8, size: &mut usize) -> Result<(), SeenError> {
    let mut name = [libc::CTL_KERN, libc::KERN_PROCARGS2, number(pid)?];
    // SAFETY: the name has the length that is told; `into` is null or writable over `size` bytes.
    let failed = unsafe {
        libc::sysctl(
            name.as_mut_ptr(),
            name.len() as u32,
            into.cast(),
            size,
            null_mut(),
            0,
        )
    };
    if failed == 0 { Ok(()) } else { Err(refused(pid)) }
}

fn number(pid: u32) -> Result<libc::pid_t, SeenError> {
    // Number 0 is the kernel itself.
    let number = libc::pid_t::try_from(pid).ok().filter(|&pid| pid != 0);
    number.ok_or(SeenError::Gone(pid))
}

fn refused(pid: u32) -> SeenError {
    let source = io::Error::last_os_error();
    match source.raw_os_error() {
        Some(libc::ESRCH) => SeenError::Gone(pid),
        // sysctl says this of a process that is gone and of another user's.
        Some(libc::EINVAL) if !crate::process::alive(pid) => SeenError::Gone(pid),
        _ => SeenError::Unreadable { pid, source },
    }
}

fn refused_as(pid: u32, odd: Odd) -> SeenError {
    match odd {
        Odd::TooLong(what) => SeenError::TooLong { pid, what },
        Odd::Cut => SeenError::Unreadable {
            pid,
            source: io::Error::new(io::ErrorKind::InvalidData, "arguments that end too early"),
        },
    }
}
