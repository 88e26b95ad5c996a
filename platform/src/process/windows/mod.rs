//! Windows: job objects where Unix has process groups; console events where it has signals; no fork, so no way to the
//! background but the service manager's.

mod background;
mod signals;
mod streams;

pub use background::{Background, Fork, become_command, daemonize, run_foreground};
pub use signals::{Termination, UserSignal, lower_priority};
pub(super) use streams::{end_at_once, take, take_streams, wait_readable};

use super::named::named;
use crate::windows::{done, sid};
use std::ffi::OsString;
use std::io;
use std::os::windows::ffi::OsStringExt;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::path::PathBuf;
use std::ptr::null;
use tokio::process::{Child, Command};
use windows_sys::Win32::Foundation::WAIT_TIMEOUT;
use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JobObjectExtendedLimitInformation, SetInformationJobObject,
};
use windows_sys::Win32::System::Threading::{
    CREATE_DEFAULT_ERROR_MODE, CREATE_NEW_PROCESS_GROUP, CREATE_NO_WINDOW, OpenProcess, PROCESS_SYNCHRONIZE,
    PROCESS_TERMINATE, QueryFullProcessImageNameW, TerminateProcess, WaitForSingleObject,
};

/// Crash reports are switched off in this process only.
pub(super) fn restore_limits(command: &mut Command) {
    command.creation_flags(CREATE_DEFAULT_ERROR_MODE);
}

/// A child that is not meant for this console: no window of its own, and Ctrl+C is not for it. Comes after
/// `restore_limits`, whose flags it repeats.
pub(super) fn lead_group(command: &mut Command) {
    command.creation_flags(CREATE_DEFAULT_ERROR_MODE | CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW);
}

/// A child's name for itself is its file's here.
pub(super) fn call(_command: &mut Command, _name: &str) {}

/// A job object: whoever is started by the child is in it too, and all end when it closes. A grandchild that is started
/// in the instant before the child is put into it escapes.
pub(super) struct Leash(Option<OwnedHandle>);

impl Leash {
    pub(super) fn of(child: &Child) -> Self {
        let held = child.raw_handle().map(hold).transpose();
        Self(held.unwrap_or_else(|error| {
            tracing::warn!("a helper's own helpers may outlive it: {error}");
            None
        }))
    }

    /// Ends the child and all in its job.
    pub(super) fn kill(&mut self, leader: u32) {
        if self.0.take().is_none() {
            let _ = terminate(leader);
        }
    }
}

fn hold(child: std::os::windows::io::RawHandle) -> io::Result<OwnedHandle> {
    // SAFETY: a new object without a name.
    let job = unsafe { CreateJobObjectW(null(), null()) };
    if job.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: just made, owned by nobody else.
    let job = unsafe { OwnedHandle::from_raw_handle(job) };
    let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
    // SAFETY: the structure has the size that is told; both handles are open.
    unsafe {
        done(SetInformationJobObject(
            job.as_raw_handle(),
            JobObjectExtendedLimitInformation,
            (&raw const limits).cast(),
            size_of_val(&limits) as u32,
        ))?;
        done(AssignProcessToJobObject(job.as_raw_handle(), child))?;
    }
    Ok(job)
}

/// There is no way to ask a program without a window.
pub(super) fn ask_to_end(child: u32) {
    let _ = terminate(child);
}

/// Ends process `pid`, at once: there is no asking here. An agent wipes nothing then, and its memory goes with it.
///
/// # Errors
/// "No such process" or "not permitted", as the OS says.
pub fn terminate(pid: u32) -> io::Result<()> {
    let process = open(pid, PROCESS_TERMINATE)?;
    // SAFETY: the handle is open.
    done(unsafe { TerminateProcess(process.as_raw_handle(), 1) })
}

/// Whether a process with this id exists. One that ended stays known while somebody holds a handle of it.
pub fn alive(pid: u32) -> bool {
    match open(pid, PROCESS_SYNCHRONIZE) {
        // SAFETY: the handle is open, and nothing is waited for.
        Ok(process) => unsafe { WaitForSingleObject(process.as_raw_handle(), 0) == WAIT_TIMEOUT },
        Err(error) => error.kind() == io::ErrorKind::PermissionDenied,
    }
}

/// A handle of a process with these rights.
pub(super) fn open(pid: u32, access: u32) -> io::Result<OwnedHandle> {
    // SAFETY: a query by number.
    let process = unsafe { OpenProcess(access, 0, pid) };
    if process.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: just opened, owned by nobody else.
    Ok(unsafe { OwnedHandle::from_raw_handle(process) })
}

/// "ssh.exe (pid 123)" or "pid 123" for messages: the name of the program's file, which the process cannot choose.
pub fn describe(pid: u32) -> String {
    let name = program_name(pid).map(|name| name.to_string_lossy().into_owned());
    named(&name.unwrap_or_default(), None, pid)
}

/// The name of the program's file.
pub(crate) fn program_name(pid: u32) -> Option<OsString> {
    let program = sid::process(pid).and_then(|process| program(&process)).ok()?;
    program.file_name().map(OsString::from)
}

/// The file of a process's program.
pub(super) fn program(process: &OwnedHandle) -> io::Result<PathBuf> {
    let mut text = vec![0_u16; 32 * 1024];
    let mut length = text.len() as u32;
    // SAFETY: the buffer is writable over the length given.
    done(unsafe { QueryFullProcessImageNameW(process.as_raw_handle(), 0, text.as_mut_ptr(), &mut length) })?;
    let name = text.get(..length as usize).unwrap_or_default();
    Ok(PathBuf::from(OsString::from_wide(name)))
}

/// This very program, to be started again; Windows does not let its file be replaced while it runs.
pub(super) fn own_program() -> io::Result<PathBuf> {
    std::env::current_exe()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harden::LockedBytes;
    use crate::process::{Job, JobError, run};
    use std::time::Duration;

    fn shell(line: &str) -> Job {
        Job {
            program: "cmd.exe".into(),
            args: vec!["/c".into(), line.into()],
            env: vec![("GIVEN".into(), Some("by us".into()))],
            input: None,
            limit: Duration::from_secs(60),
            max_output: 1000,
        }
    }

    #[tokio::test]
    async fn a_program_is_run_and_its_answer_bounded() {
        let done = run(shell("echo %GIVEN%& exit 3")).await.unwrap();
        assert_eq!((done.code, done.output.trim_ascii()), (Some(3), &b"by us"[..]));
        let mut short = shell("echo something longer");
        short.max_output = 4;
        assert!(matches!(run(short).await, Err(JobError::TooMuch { .. })));
        let mut missing = shell("");
        missing.program = "no such program".into();
        assert!(matches!(run(missing).await, Err(JobError::Start { .. })));
    }

    #[tokio::test]
    async fn input_goes_in_and_a_hanging_program_is_ended() {
        let mut sorting = shell("findstr x");
        sorting.input = Some(LockedBytes::copy_of(b"axb\r\nc\r\n"));
        // Wine has no findstr; whatever runs must not wait for more input than there is.
        let _ = run(sorting).await.unwrap();
        let mut hanging = shell("pause");
        hanging.input = None;
        hanging.program = std::env::current_exe().unwrap();
        hanging.args = vec![
            "--exact".into(),
            "process::windows::tests::hangs".into(),
            "--include-ignored".into(),
        ];
        hanging.env = vec![("CLAVIGER_TEST_HANG".into(), Some("1".into()))];
        hanging.limit = Duration::from_secs(2);
        assert!(matches!(run(hanging).await, Err(JobError::TimedOut { .. })));
    }

    /// Not a test by itself: the program that never ends, for the one above.
    #[test]
    fn hangs() {
        #[expect(clippy::disallowed_methods, reason = "told by the test that starts it")]
        if std::env::var_os("CLAVIGER_TEST_HANG").is_some() {
            std::thread::sleep(Duration::from_secs(600));
        }
    }

    #[test]
    fn this_process_lives_and_has_a_name() {
        let own = std::process::id();
        assert!(alive(own) && !alive(u32::MAX - 3));
        assert!(
            describe(own).ends_with(&format!(".exe (pid {own})")),
            "{}",
            describe(own)
        );
        assert_eq!(describe(u32::MAX - 3), format!("pid {}", u32::MAX - 3));
        assert!(terminate(u32::MAX - 3).is_err());
    }
}
