//! A process's environment block (PEB): where Windows keeps the command line, the directory and the variables of a process,
//! in that process's own memory. Read in pieces of known size; nothing that is read is trusted as an address of ours.
//!
//! The layout is that of 64 bits. It has not changed since Windows Vista, and every debugger and task list relies on it;
//! Microsoft's header names only some of its fields. A process of 32 bits has such a block too, with what it was started with.

use super::super::LONGEST;
use std::ffi::c_void;
use std::io;
use std::mem::MaybeUninit;
use std::os::windows::io::{AsRawHandle, OwnedHandle};
use std::ptr::null_mut;
use windows_sys::Wdk::System::Threading::{NtQueryInformationProcess, ProcessBasicInformation};
use windows_sys::Win32::Foundation::{NTSTATUS, RtlNtStatusToDosError, UNICODE_STRING};
use windows_sys::Win32::System::Diagnostics::Debug::ReadProcessMemory;
use windows_sys::Win32::System::Threading::{PEB, PROCESS_BASIC_INFORMATION};
use zeroize::Zeroizing;

/// Why it was not read.
#[derive(Debug)]
pub(super) enum Unread {
    TooLong(&'static str),
    Io(io::Error),
}

/// RTL_USER_PROCESS_PARAMETERS up to the last field that is needed.
#[repr(C)]
#[derive(Clone, Copy)]
struct Parameters {
    head: [u32; 4],
    console: *const c_void,
    console_flags: usize,
    streams: [*const c_void; 3],
    directory: UNICODE_STRING,
    directory_handle: *const c_void,
    library_path: UNICODE_STRING,
    program: UNICODE_STRING,
    command_line: UNICODE_STRING,
    environment: *const c_void,
    window: [u32; 10],
    titles: [UNICODE_STRING; 4],
    drives: [[u64; 3]; 32],
    environment_size: usize,
}

const _: () = assert!(
    size_of::<usize>() != 8
        || (std::mem::offset_of!(Parameters, directory) == 0x38
            && std::mem::offset_of!(Parameters, command_line) == 0x70
            && std::mem::offset_of!(Parameters, environment) == 0x80
            && std::mem::offset_of!(Parameters, environment_size) == 0x3F0)
);

/// PROCESS_EXTENDED_BASIC_INFORMATION.
#[repr(C)]
struct Extended {
    size: usize,
    basic: PROCESS_BASIC_INFORMATION,
    flags: u32,
}

/// IsProcessDeleting: set before the process's handles are closed.
const DELETING: u32 = 1 << 2;

/// Whether a process that has not ended is about to; not known where the system (before Windows 8.1, Wine) does not tell.
pub(super) fn is_ending(process: &OwnedHandle) -> bool {
    let mut told = Extended {
        size: size_of::<Extended>(),
        basic: PROCESS_BASIC_INFORMATION::default(),
        flags: 0,
    };
    query(process, &mut told).is_ok() && told.flags & DELETING != 0
}

/// What a process keeps of its start.
pub(super) struct Peb<'a> {
    process: &'a OwnedHandle,
    parameters: Parameters,
}

impl<'a> Peb<'a> {
    /// Of the process behind a handle with PROCESS_VM_READ and PROCESS_QUERY_LIMITED_INFORMATION.
    pub(super) fn of(process: &'a OwnedHandle) -> Result<Self, Unread> {
        let mut basic = PROCESS_BASIC_INFORMATION::default();
        query(process, &mut basic).map_err(Unread::Io)?;
        let block: PEB = read(process, basic.PebBaseAddress.cast())?;
        let parameters = read(process, block.ProcessParameters.cast())?;
        Ok(Self { process, parameters })
    }

    /// Terminated.
    pub(super) fn command_line(&self) -> Result<Vec<u16>, Unread> {
        self.text(&self.parameters.command_line)
    }

    /// Terminated.
    pub(super) fn directory(&self) -> Result<Vec<u16>, Unread> {
        self.text(&self.parameters.directory)
    }

    /// `NAME=value` each with a zero behind it, and another at the end. Wiped, as it may hold secrets.
    pub(super) fn environment(&self) -> Result<Zeroizing<Vec<u16>>, Unread> {
        let size = self.parameters.environment_size;
        if size as u64 > LONGEST {
            return Err(Unread::TooLong("an environment"));
        }
        let mut block = Zeroizing::new(vec![0; size / 2]);
        fill(self.process, self.parameters.environment, &mut block)?;
        Ok(block)
    }

    fn text(&self, text: &UNICODE_STRING) -> Result<Vec<u16>, Unread> {
        let mut units = vec![0; usize::from(text.Length / 2)];
        fill(self.process, text.Buffer.cast(), &mut units)?;
        units.push(0);
        Ok(units)
    }
}

/// Has the structure that belongs to ProcessBasicInformation filled.
fn query<T>(process: &OwnedHandle, into: &mut T) -> io::Result<()> {
    // SAFETY: the handle is open; the structure has the size that is told.
    let status: NTSTATUS = unsafe {
        NtQueryInformationProcess(
            process.as_raw_handle(),
            ProcessBasicInformation,
            (&raw mut *into).cast(),
            size_of::<T>() as u32,
            null_mut(),
        )
    };
    if status >= 0 {
        return Ok(());
    }
    // SAFETY: turns one number into another.
    let code = unsafe { RtlNtStatusToDosError(status) };
    Err(io::Error::from_raw_os_error(code.cast_signed()))
}

/// A structure of plain numbers and addresses (for which any bytes will do) out of the process's memory.
fn read<T: Copy>(process: &OwnedHandle, from: *const c_void) -> Result<T, Unread> {
    let mut value = MaybeUninit::<T>::zeroed();
    // SAFETY: the place is as large as what is asked for.
    unsafe { copy(process, from, value.as_mut_ptr().cast(), size_of::<T>()) }?;
    // SAFETY: filled whole; both types that are read here take any bytes.
    Ok(unsafe { value.assume_init() })
}

fn fill(process: &OwnedHandle, from: *const c_void, units: &mut [u16]) -> Result<(), Unread> {
    if units.is_empty() {
        return Ok(());
    }
    // SAFETY: the place is as large as what is asked for.
    unsafe { copy(process, from, units.as_mut_ptr().cast(), size_of_val(units)) }
}

/// # Safety
/// `into` must be writable over `size` bytes. `from` is an address there, not here, and may be anything.
unsafe fn copy(
    process: &OwnedHandle,
    from: *const c_void,
    into: *mut c_void,
    size: usize,
) -> Result<(), Unread> {
    let mut copied = 0;
    // SAFETY: as the caller promises; the handle is open.
    let answer = unsafe { ReadProcessMemory(process.as_raw_handle(), from, into, size, &mut copied) };
    crate::windows::done(answer).map_err(Unread::Io)?;
    if copied == size {
        Ok(())
    } else {
        Err(Unread::Io(io::ErrorKind::UnexpectedEof.into()))
    }
}
