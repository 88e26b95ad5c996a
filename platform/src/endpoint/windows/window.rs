//! Pageant's window: a client puts its question into memory that it shares, and sends the memory's name (WM_COPYDATA). The
//! answer goes into the same memory.
//!
//! The window has a thread of its own, which asks the agent over its pipe as any client would, so nothing here can hold up
//! the agent. It serves one question at a time; who else sends one waits, as with Pageant itself.

use super::client::connect;
use crate::windows::descriptor::{self, Kind};
use crate::windows::{sid, wide};
use std::io::{self, Read, Write};
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::path::{Path, PathBuf};
use std::ptr::{null, null_mut};
use std::sync::mpsc::sync_channel;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use windows_sys::Win32::Foundation::{HWND, LPARAM, LRESULT, WPARAM};
use windows_sys::Win32::System::DataExchange::COPYDATASTRUCT;
use windows_sys::Win32::System::LibraryLoader::GetModuleHandleW;
use windows_sys::Win32::System::Memory::{
    FILE_MAP_READ, FILE_MAP_WRITE, MEMORY_BASIC_INFORMATION, MEMORY_MAPPED_VIEW_ADDRESS, MapViewOfFile,
    OpenFileMappingA, UnmapViewOfFile, VirtualQuery,
};
use windows_sys::Win32::System::Threading::GetCurrentThreadId;
use windows_sys::Win32::UI::WindowsAndMessaging::{
    CreateWindowExW, DefWindowProcW, DestroyWindow, DispatchMessageW, FindWindowW, GetMessageW, MSG,
    PostThreadMessageW, RegisterClassW, WM_COPYDATA, WM_QUIT, WNDCLASSW,
};
use zeroize::Zeroizing;

/// Class and title of the window.
const PAGEANT: &str = "Pageant";
/// What marks a question (AGENT_COPYDATA_ID).
const QUESTION: usize = 0x804e_50ba;
/// The longest name of shared memory that is looked at, in bytes.
const LONGEST_NAME: usize = 256;
/// The most that is taken from or put into shared memory, in bytes (AGENT_MAX_MSGLEN).
const LONGEST: usize = 262_144;
/// How long an answer may take: a person may have to give it.
const PATIENT: Duration = Duration::from_secs(300);
/// READ_CONTROL, to ask whose the memory is.
const READ_CONTROL: u32 = 0x2_0000;

/// The pipe behind the window, of which a session has one.
static SERVED: Mutex<Option<PathBuf>> = Mutex::new(None);

fn served() -> MutexGuard<'static, Option<PathBuf>> {
    SERVED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The window's thread. Dropping it closes the window.
#[derive(Debug)]
pub(super) struct Window(u32);

impl Window {
    /// Opens the window for the agent at `path`, unless there is one already.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let path = path.to_owned();
        let (tell, opened) = sync_channel(1);
        std::thread::Builder::new()
            .name("claviger-pageant".into())
            .spawn(move || run(path, |told| drop(tell.send(told))))?;
        opened.recv().map_err(io::Error::other)?.map(Self)
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // SAFETY: a message to a thread; one that is gone is an error that changes nothing.
        unsafe { PostThreadMessageW(self.0, WM_QUIT, 0, 0) };
    }
}

fn run(path: PathBuf, tell: impl FnOnce(io::Result<u32>)) {
    let window = match create() {
        Err(error) => return tell(Err(error)),
        Ok(window) => window,
    };
    *served() = Some(path);
    // SAFETY: a number of this thread, which has a message queue since it has a window.
    tell(Ok(unsafe { GetCurrentThreadId() }));
    let mut message = MSG::default();
    // SAFETY: a place for messages of this thread. The window is this thread's, too.
    unsafe {
        while GetMessageW(&mut message, null_mut(), 0, 0) > 0 {
            DispatchMessageW(&message);
        }
        DestroyWindow(window);
    }
}

fn create() -> io::Result<HWND> {
    let name = wide(PAGEANT)?;
    // SAFETY: all names are terminated and live through the calls; the procedure has the form that is asked for. A class
    // that this process has registered before is an error of no consequence.
    let window = unsafe {
        if !FindWindowW(name.as_ptr(), name.as_ptr()).is_null() {
            return Err(io::Error::new(
                io::ErrorKind::AddrInUse,
                "another Pageant has its window",
            ));
        }
        let class = WNDCLASSW {
            lpfnWndProc: Some(procedure),
            hInstance: GetModuleHandleW(null()),
            lpszClassName: name.as_ptr(),
            ..WNDCLASSW::default()
        };
        RegisterClassW(&class);
        let (title, instance) = (name.as_ptr(), class.hInstance);
        CreateWindowExW(
            0,
            title,
            title,
            0,
            0,
            0,
            0,
            0,
            null_mut(),
            null_mut(),
            instance,
            null(),
        )
    };
    if window.is_null() {
        return Err(io::Error::last_os_error());
    }
    Ok(window)
}

unsafe extern "system" fn procedure(window: HWND, message: u32, from: WPARAM, data: LPARAM) -> LRESULT {
    if message != WM_COPYDATA {
        // SAFETY: the arguments as they came.
        return unsafe { DefWindowProcW(window, message, from, data) };
    }
    // SAFETY: Windows itself copied this structure, and as many bytes as it says, into this process for this message.
    let name = unsafe {
        let data = data as *const COPYDATASTRUCT;
        match data.as_ref() {
            Some(data) if data.dwData == QUESTION && !data.lpData.is_null() => {
                let length = usize::try_from(data.cbData)
                    .unwrap_or(usize::MAX)
                    .min(LONGEST_NAME + 1);
                std::slice::from_raw_parts(data.lpData.cast::<u8>(), length)
            }
            _ => return 0,
        }
    };
    match answer(name) {
        Ok(()) => 1,
        Err(error) => {
            tracing::warn!("a question to Pageant's window was refused: {error}");
            0
        }
    }
}

/// Reads the question from the memory that is called `name`, and puts the answer there.
fn answer(name: &[u8]) -> io::Result<()> {
    let refused = |text: &str| io::Error::new(io::ErrorKind::InvalidData, text);
    // Terminated, and by nothing but its last byte.
    if name.len() > LONGEST_NAME
        || name.len() < 2
        || name.iter().position(|&byte| byte == 0) != Some(name.len() - 1)
    {
        return Err(refused("not a name of shared memory"));
    }
    let mut shared = Shared::open(name)?;
    // Copied before it is looked at: the client can change it at any moment.
    let mut length = [0; 4];
    shared.read(0, &mut length);
    let length = u32::from_be_bytes(length) as usize;
    if length == 0 || length + 4 > shared.length {
        return Err(refused("a question longer than the memory it is in"));
    }
    let mut question = Zeroizing::new(vec![0; length + 4]);
    shared.read(0, &mut question);
    question[..4].copy_from_slice(&(length as u32).to_be_bytes());
    let path = served().clone().ok_or(io::ErrorKind::NotConnected)?;
    let answer = exchange(&path, &question)?;
    if answer.len() > shared.length {
        return Err(refused("an answer longer than the memory for it"));
    }
    shared.write(&answer);
    Ok(())
}

fn exchange(path: &Path, question: &[u8]) -> io::Result<Vec<u8>> {
    let mut agent = connect(path, PATIENT)?;
    agent.write_all(question)?;
    let mut answer = vec![0; 4];
    agent.read_exact(&mut answer)?;
    let length = u32::from_be_bytes([answer[0], answer[1], answer[2], answer[3]]) as usize;
    if length + 4 > LONGEST {
        return Err(io::Error::other("an answer longer than Pageant's clients take"));
    }
    answer.resize(length + 4, 0);
    agent.read_exact(&mut answer[4..])?;
    Ok(answer)
}

/// A view of a client's memory. The client can write to it all the while, so it is only ever copied from and to.
struct Shared {
    view: MEMORY_MAPPED_VIEW_ADDRESS,
    length: usize,
    _memory: OwnedHandle,
}

impl Shared {
    /// Opens memory that belongs to this user; no other user's question is taken.
    fn open(name: &[u8]) -> io::Result<Self> {
        // SAFETY: the caller has seen that the name is terminated.
        let memory =
            unsafe { OpenFileMappingA(FILE_MAP_READ | FILE_MAP_WRITE | READ_CONTROL, 0, name.as_ptr()) };
        if memory.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: just opened, owned by nobody else.
        let memory = unsafe { OwnedHandle::from_raw_handle(memory) };
        let owner = descriptor::owner(memory.as_raw_handle(), Kind::Pipe)?;
        if owner != sid::own()? && owner != sid::ADMINISTRATORS {
            let text = "the memory belongs to another user";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
        }
        // SAFETY: the handle is open; zero means all of it.
        let view = unsafe { MapViewOfFile(memory.as_raw_handle(), FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, 0) };
        if view.Value.is_null() {
            return Err(io::Error::last_os_error());
        }
        let mut shared = Self {
            view,
            length: 0,
            _memory: memory,
        };
        let mut region = MEMORY_BASIC_INFORMATION::default();
        // SAFETY: a query of a mapped address into a place of the size that is told.
        let told = unsafe { VirtualQuery(shared.view.Value, &mut region, size_of_val(&region)) };
        if told == 0 || region.RegionSize < 4 {
            return Err(io::Error::last_os_error());
        }
        shared.length = region.RegionSize.min(LONGEST);
        Ok(shared)
    }

    fn read(&self, from: usize, into: &mut [u8]) {
        assert!(from + into.len() <= self.length, "checked by the caller");
        let start = self.view.Value.cast::<u8>();
        for (at, byte) in into.iter_mut().enumerate() {
            // SAFETY: inside of the view. Volatile, because another process may write meanwhile.
            *byte = unsafe { start.add(from + at).read_volatile() };
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        assert!(bytes.len() <= self.length, "checked by the caller");
        let start = self.view.Value.cast::<u8>();
        for (at, &byte) in bytes.iter().enumerate() {
            // SAFETY: as in `read`.
            unsafe { start.add(at).write_volatile(byte) };
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: our own view, to which nothing refers any more.
        unsafe { UnmapViewOfFile(self.view) };
    }
}

#[cfg(test)]
#[path = "window_tests.rs"]
mod tests;
