//! Standard streams: taken over, or read as descriptor 0.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::windows::io::{AsHandle, IntoRawHandle};
use windows_sys::Win32::System::Console::{
    GetStdHandle, STD_ERROR_HANDLE, STD_HANDLE, STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, SetStdHandle,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, TerminateProcess};

/// What cannot be written to or read from, on every Windows.
const NOTHING: &str = "NUL";

/// Takes standard input and output over. Afterwards the one is empty, and the other goes to standard error.
pub(in crate::process) fn take_streams() -> io::Result<(File, File)> {
    let source = File::from(io::stdin().as_handle().try_clone_to_owned()?);
    let sink = File::from(io::stdout().as_handle().try_clone_to_owned()?);
    put_nothing(STD_INPUT_HANDLE)?;
    // SAFETY: numbers and a handle of this process.
    unsafe { SetStdHandle(STD_OUTPUT_HANDLE, GetStdHandle(STD_ERROR_HANDLE)) };
    Ok((source, sink))
}

/// Standard input as descriptor 0. Other numbers are the C library's own business here: no program is given any.
pub(in crate::process) fn take(fd: i32) -> io::Result<File> {
    if fd != 0 {
        return Err(io::Error::new(
            ErrorKind::Unsupported,
            "Windows hands over standard input only: use 0, and <FILE",
        ));
    }
    let source = File::from(io::stdin().as_handle().try_clone_to_owned()?);
    put_nothing(STD_INPUT_HANDLE)?;
    Ok(source)
}

fn put_nothing(stream: STD_HANDLE) -> io::Result<()> {
    let nothing = OpenOptions::new().read(true).write(true).open(NOTHING)?;
    // SAFETY: the handle is open, and given away for good: the standard library never closes it.
    unsafe { SetStdHandle(stream, nothing.into_raw_handle()) };
    Ok(())
}

/// Pipes wait by themselves here.
pub(in crate::process) fn wait_readable(_source: &File) {}

/// Ends without the exit handlers of the libraries that were loaded: one of them may hang.
pub(in crate::process) fn end_at_once() -> ! {
    // SAFETY: ends this process.
    unsafe { TerminateProcess(GetCurrentProcess(), 0) };
    std::process::abort()
}
