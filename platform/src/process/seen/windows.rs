//! Windows: what a process keeps of its own start, read out of its memory (`peb`).
//!
//! Whoever may read it is whom Windows lets: the same user, unless the process runs with more rights than this one (an
//! elevated window) or keeps others out.

use super::SeenError;
use crate::process::windows::{open, program};
use crate::windows::done;
use peb::Peb;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::windows::ffi::OsStringExt;
use std::os::windows::io::{AsRawHandle, OwnedHandle};
use std::path::PathBuf;
use windows_sys::Win32::Foundation::{
    ERROR_INVALID_PARAMETER, ERROR_PARTIAL_COPY, FILETIME, LocalFree, WAIT_TIMEOUT,
};
use windows_sys::Win32::System::Threading::{
    GetProcessTimes, PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_SYNCHRONIZE, PROCESS_VM_READ,
    WaitForSingleObject,
};
use windows_sys::Win32::UI::Shell::CommandLineToArgvW;

#[path = "peb.rs"]
mod peb;

/// Where a process is and what it runs.
pub(super) struct Place {
    pub(super) cwd: PathBuf,
    pub(super) exe: PathBuf,
    pub(super) same_files: bool,
}

/// When it was started, in units of 100 ns since 1601.
pub(super) fn started(pid: u32) -> Result<u64, SeenError> {
    let process = alive(pid, 0)?;
    let [mut started, mut ended, mut kernel, mut user] = [FILETIME::default(); 4];
    // SAFETY: the handle is open, the places are of the types that are asked for.
    let told = done(unsafe {
        GetProcessTimes(
            process.as_raw_handle(),
            &mut started,
            &mut ended,
            &mut kernel,
            &mut user,
        )
    });
    told.map_err(|error| refused(pid, error))?;
    Ok(u64::from(started.dwHighDateTime) << 32 | u64::from(started.dwLowDateTime))
}

/// Whether it has ended or is about to.
pub(super) fn is_ending(pid: u32) -> bool {
    match alive(pid, 0) {
        Ok(process) => peb::is_ending(&process),
        Err(error) => matches!(error, SeenError::Gone(_)),
    }
}

/// Its arguments, by the rules of Windows' own parser, by which most programs take their line apart.
pub(super) fn arguments(pid: u32) -> Result<Vec<OsString>, SeenError> {
    let line = look(pid, |peb| peb.command_line())?;
    // Of an empty line the parser makes its own caller's name.
    if line.iter().all(|&unit| unit == 0) {
        return Ok(Vec::new());
    }
    let mut count = 0;
    // SAFETY: the line is terminated, and `count` a place for the number.
    let words = unsafe { CommandLineToArgvW(line.as_ptr(), &mut count) };
    if words.is_null() {
        return Err(refused(pid, io::Error::last_os_error()));
    }
    let argv = (0..usize::try_from(count).unwrap_or_default()).map(|at| {
        // SAFETY: there are `count` terminated texts, until they are freed below.
        unsafe {
            let word = *words.add(at);
            let length = (0..).take_while(|&at| *word.add(at) != 0).count();
            OsString::from_wide(std::slice::from_raw_parts(word, length))
        }
    });
    let argv = argv.collect();
    // SAFETY: allocated by the parser, and used by nobody any more.
    unsafe { LocalFree(words.cast()) };
    Ok(argv)
}

/// Whether a variable's name is this one; Windows looks them up so.
pub(super) fn is_called(name: &OsStr, known: &OsStr) -> bool {
    name.eq_ignore_ascii_case(known)
}

/// Those of its variables that `wanted` gives a place, as they are now.
pub(super) fn environment(
    pid: u32,
    wanted: impl Fn(&OsStr) -> Option<usize>,
) -> Result<Vec<(usize, OsString)>, SeenError> {
    let block = look(pid, |peb| peb.environment())?;
    let texts = block.split(|&unit| unit == 0).take_while(|text| !text.is_empty());
    let pairs = texts.filter_map(|pair| {
        // The names of drives' directories begin with the sign.
        let middle = pair.iter().skip(1).position(|&unit| unit == u16::from(b'='))? + 1;
        let at = wanted(&OsString::from_wide(&pair[..middle]))?;
        Some((at, OsString::from_wide(&pair[middle + 1..])))
    });
    Ok(pairs.collect())
}

/// Where it is.
pub(super) fn place(pid: u32) -> Result<Place, SeenError> {
    let cwd = look(pid, |peb| peb.directory())?;
    let exe = program(&alive(pid, 0)?).map_err(|error| refused(pid, error))?;
    Ok(Place {
        cwd: OsString::from_wide(cwd.strip_suffix(&[0]).unwrap_or(&cwd)).into(),
        exe,
        // Processes in a container have drives of their own, but its pipes are not ours either.
        same_files: true,
    })
}

/// Reads a part of what process `pid` keeps of its start.
fn look<T>(pid: u32, part: impl FnOnce(&Peb<'_>) -> Result<T, peb::Unread>) -> Result<T, SeenError> {
    let process = alive(pid, PROCESS_VM_READ)?;
    let read = Peb::of(&process).and_then(|peb| part(&peb));
    read.map_err(|unread| match unread {
        peb::Unread::TooLong(what) => SeenError::TooLong { pid, what },
        // What has just ended has no memory.
        peb::Unread::Io(_) if !runs(&process) => SeenError::Gone(pid),
        peb::Unread::Io(source) => refused(pid, source),
    })
}

/// A handle of a process that has not ended, with the right to ask it, and these.
fn alive(pid: u32, rights: u32) -> Result<OwnedHandle, SeenError> {
    let rights = rights | PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_SYNCHRONIZE;
    let process = open(pid, rights).map_err(|error| refused(pid, error))?;
    // It stays known while somebody holds a handle of it.
    runs(&process).then_some(process).ok_or(SeenError::Gone(pid))
}

fn runs(process: &OwnedHandle) -> bool {
    // SAFETY: the handle is open, and nothing is waited for.
    unsafe { WaitForSingleObject(process.as_raw_handle(), 0) == WAIT_TIMEOUT }
}

fn refused(pid: u32, source: io::Error) -> SeenError {
    match source.raw_os_error().map(i32::cast_unsigned) {
        Some(ERROR_INVALID_PARAMETER) => SeenError::Gone(pid),
        Some(ERROR_PARTIAL_COPY) => SeenError::Unreadable {
            pid,
            source: io::Error::other("its memory changes, or is not laid out as expected"),
        },
        _ => SeenError::Unreadable { pid, source },
    }
}

#[cfg(test)]
#[path = "windows_tests.rs"]
mod tests;
