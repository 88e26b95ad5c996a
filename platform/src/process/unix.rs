//! Unix: process groups, standard streams, and whether somebody is alive.

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use tokio::process::{Child, Command};

#[cfg(target_os = "linux")]
pub use super::linux::describe;
#[cfg(target_os = "linux")]
pub(super) use super::linux::own_program;
#[cfg(target_os = "macos")]
pub use super::macos::describe;
#[cfg(target_os = "macos")]
pub(super) use super::macos::own_program;

/// Gives a child the limits that this process had before it was hardened.
pub(super) fn restore_limits(command: &mut Command) {
    // The standard library itself gives a child an empty signal mask and the default SIGPIPE.
    // SAFETY: `restore_for_child` makes system calls only and neither allocates nor locks.
    unsafe { command.pre_exec(crate::harden::restore_for_child) };
}

/// Makes the child the first of a process group.
pub(super) fn lead_group(command: &mut Command) {
    command.process_group(0);
}

/// What the child sees as its own name.
pub(super) fn call(command: &mut Command, name: &str) {
    command.arg0(name);
}

/// What holds a child and those that it starts together: here the group's number is enough.
pub(super) struct Leash;

impl Leash {
    pub(super) fn of(_child: &Child) -> Self {
        Self
    }

    /// Kills the group that `leader`, not yet waited for, was made to lead.
    pub(super) fn kill(&mut self, leader: u32) {
        if let Some(group) = pid(leader) {
            // Fails only when nobody is left in the group.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Asks a child that was not yet waited for to end.
pub(super) fn ask_to_end(child: u32) {
    if let Some(child) = pid(child) {
        let _ = kill_process(child, Signal::TERM);
    }
}

/// Takes standard input and output over. Afterwards the one is empty, and the other goes to standard error.
pub(super) fn take_streams() -> io::Result<(File, File)> {
    let source = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let sink = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    put_on(&File::open("/dev/null")?, 0)?;
    put_on(&io::stderr(), 1)?;
    Ok((source, sink))
}

/// Ends without the exit handlers of the libraries that were loaded: one of them may hang.
pub(super) fn end_at_once() -> ! {
    // SAFETY: ends the process and touches nothing of it.
    unsafe { libc::_exit(0) }
}

/// Takes over an inherited descriptor; `NotFound` when there is none with this number. /proc/self/fd is no way
/// there: it is closed to a process that is not dumpable.
pub(super) fn take(fd: i32) -> io::Result<File> {
    if fd < 0 {
        return Err(ErrorKind::NotFound.into());
    }
    // SAFETY: a plain query by number, which changes nothing whatever it refers to.
    if unsafe { libc::fcntl(fd, libc::F_GETFD) } == -1 {
        return Err(ErrorKind::NotFound.into());
    }
    if fd == 0 {
        // SAFETY: just seen to be open, and not closed while borrowed: `main` has no other thread yet.
        let copy = unsafe { BorrowedFd::borrow_raw(fd) }.try_clone_to_owned()?;
        put_on(&File::open("/dev/null")?, 0)?;
        return Ok(File::from(copy));
    }
    // SAFETY: open, and given to this process for this one use, as the contract says.
    Ok(File::from(unsafe { OwnedFd::from_raw_fd(fd) }))
}

/// Waits for input on a descriptor that its giver made non-blocking. An error shows at the next read.
pub(super) fn wait_readable(source: &File) {
    let mut wanted = libc::pollfd {
        fd: source.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one valid entry.
    unsafe { libc::poll(&mut wanted, 1, -1) };
}

/// Whether a process with this id exists, whoever owns it.
pub fn alive(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| matches!(test_kill_process(pid), Ok(()) | Err(Errno::PERM)))
}

/// Makes the standard stream `number` (0 to 2) refer to what `file` does.
pub(super) fn put_on(file: &impl AsRawFd, number: i32) -> io::Result<()> {
    // SAFETY: replaces a standard stream, which the standard library itself only ever uses by number.
    match unsafe { libc::dup2(file.as_raw_fd(), number) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

fn pid(number: u32) -> Option<Pid> {
    i32::try_from(number).ok().and_then(Pid::from_raw)
}
