//! The client's side: reaching an agent within a bounded time, and making sure whose it is.

use super::full_name;
use crate::windows::descriptor::{self, Kind};
use crate::windows::{done, sid, wide};
use std::io::{self, Read, Write};
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, FromRawHandle, OwnedHandle};
use std::path::Path;
use std::ptr::{null, null_mut};
use std::time::{Duration, Instant};
use windows_sys::Win32::Foundation::{
    ERROR_BROKEN_PIPE, ERROR_IO_PENDING, ERROR_PIPE_BUSY, ERROR_PIPE_NOT_CONNECTED, GENERIC_READ,
    GENERIC_WRITE, INVALID_HANDLE_VALUE, WAIT_TIMEOUT,
};
use windows_sys::Win32::Storage::FileSystem::{
    CreateFileW, FILE_FLAG_OVERLAPPED, OPEN_EXISTING, ReadFile, SECURITY_IDENTIFICATION,
    SECURITY_SQOS_PRESENT, WriteFile,
};
use windows_sys::Win32::System::IO::{CancelIoEx, GetOverlappedResult, OVERLAPPED};
use windows_sys::Win32::System::Pipes::WaitNamedPipeW;
use windows_sys::Win32::System::Threading::{CreateEventW, WaitForSingleObject};

/// A blocking client connection to an agent, with `limit` on each read and write.
#[derive(Debug)]
pub struct ClientStream {
    pipe: OwnedHandle,
    /// Set when a read or write is done.
    event: OwnedHandle,
    limit: Duration,
}

impl Read for ClientStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
        // SAFETY: the buffer is writable over the length given, and lives until the call is done or cancelled.
        let read = self.bounded(|pipe, overlapped| unsafe {
            ReadFile(pipe, buffer.as_mut_ptr(), length, null_mut(), overlapped)
        });
        match read {
            // The other end is closed: nothing more comes.
            Err(error) if ended(&error) => Ok(0),
            read => read,
        }
    }
}

impl Write for ClientStream {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let length = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
        // SAFETY: as in `read`, and the buffer is only read.
        self.bounded(|pipe, overlapped| unsafe {
            WriteFile(pipe, buffer.as_ptr(), length, null_mut(), overlapped)
        })
    }

    /// What was written is with the kernel; waiting until it was read could last for ever.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl ClientStream {
    /// Starts a read or write, and waits for its end or cancels it.
    fn bounded(
        &self,
        start: impl FnOnce(*mut std::ffi::c_void, *mut OVERLAPPED) -> i32,
    ) -> io::Result<usize> {
        let pipe = self.pipe.as_raw_handle();
        let mut overlapped = OVERLAPPED {
            hEvent: self.event.as_raw_handle(),
            ..OVERLAPPED::default()
        };
        match done(start(pipe, &mut overlapped)) {
            Err(error) if !is(&error, ERROR_IO_PENDING) => return Err(error),
            _ => (),
        }
        let limit = u32::try_from(self.limit.as_millis()).unwrap_or(u32::MAX - 1);
        let mut count = 0;
        // SAFETY: the handles are open. `overlapped` is not left before the kernel has let go of it: the last call waits
        // for the end, which a cancelled operation has too.
        unsafe {
            let late = WaitForSingleObject(self.event.as_raw_handle(), limit) == WAIT_TIMEOUT;
            if late {
                CancelIoEx(pipe, &overlapped);
            }
            let ended = done(GetOverlappedResult(pipe, &overlapped, &mut count, 1));
            match ended {
                Err(_) if late => Err(io::ErrorKind::TimedOut.into()),
                ended => ended.map(|()| count as usize),
            }
        }
    }
}

/// Connects to the agent at `path`, waiting at most `limit` when no instance is free, and as long for each later read and
/// write. An agent of another user (not the system) is refused: it would be told passphrases.
pub fn connect(path: &Path, limit: Duration) -> io::Result<ClientStream> {
    let path = full_name(path)?;
    let end = Instant::now() + limit;
    let pipe = loop {
        match reach(&path)? {
            Reached::Connected(pipe) => break pipe,
            Reached::Busy if Instant::now() >= end => {
                let text = "the agent accepts no connections";
                return Err(io::Error::new(io::ErrorKind::TimedOut, text));
            }
            Reached::Busy => wait(&path, end.saturating_duration_since(Instant::now()))?,
        }
    };
    trusted(pipe.as_handle())?;
    // SAFETY: a new event without a name, which is reset by each new operation.
    let event = unsafe { CreateEventW(null(), 1, 0, null()) };
    if event.is_null() {
        return Err(io::Error::last_os_error());
    }
    Ok(ClientStream {
        pipe,
        // SAFETY: just made, owned by nobody else.
        event: unsafe { OwnedHandle::from_raw_handle(event) },
        limit,
    })
}

/// Waits until an instance is free, or for `limit`. Another client may be faster: the caller tries again.
fn wait(path: &Path, limit: Duration) -> io::Result<()> {
    let name = wide(path)?;
    let limit = u32::try_from(limit.as_millis()).unwrap_or(u32::MAX - 1).max(1);
    // SAFETY: the name is terminated. Its failure shows at the next attempt.
    unsafe { WaitNamedPipeW(name.as_ptr(), limit) };
    Ok(())
}

/// Refuses an agent of another user. The owner is the kernel's word about whoever made the pipe, and not about a process
/// number, which could be another's by now.
pub(super) fn trusted(pipe: BorrowedHandle<'_>) -> io::Result<()> {
    let owner = descriptor::owner(pipe.as_raw_handle(), Kind::Pipe)?;
    if owner == sid::own()? || owner == sid::SYSTEM || owner == sid::ADMINISTRATORS {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        "the agent there belongs to another user",
    ))
}

/// What became of one attempt to connect.
pub(super) enum Reached {
    Connected(OwnedHandle),
    /// Somebody serves the pipe, but no instance is free.
    Busy,
}

/// Tries once, without ever waiting. The server may learn who we are, but not act in our name.
pub(super) fn reach(path: &Path) -> io::Result<Reached> {
    let name = wide(path)?;
    // SAFETY: the name is terminated.
    let pipe = unsafe {
        CreateFileW(
            name.as_ptr(),
            GENERIC_READ | GENERIC_WRITE,
            0,
            null(),
            OPEN_EXISTING,
            FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION,
            null_mut(),
        )
    };
    if pipe != INVALID_HANDLE_VALUE {
        // SAFETY: just opened, owned by nobody else.
        return Ok(Reached::Connected(unsafe { OwnedHandle::from_raw_handle(pipe) }));
    }
    match io::Error::last_os_error() {
        error if is(&error, ERROR_PIPE_BUSY) => Ok(Reached::Busy),
        error => Err(error),
    }
}

fn is(error: &io::Error, code: u32) -> bool {
    error.raw_os_error() == Some(code.cast_signed())
}

fn ended(error: &io::Error) -> bool {
    is(error, ERROR_BROKEN_PIPE) || is(error, ERROR_PIPE_NOT_CONNECTED)
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
