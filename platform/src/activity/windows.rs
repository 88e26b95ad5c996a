//! Windows: a hidden window is told of the session's lock and of the machine's sleep; the last input is asked for.
//!
//! The window has a thread of its own. Only while the machine is about to sleep does that thread wait, and Windows with it,
//! for what has to be done before. It is a window as others are and not one for messages only: those get no broadcasts.

use super::{ActivityError, Event, Hold, Report, Told};
use crate::windows::wide;
use std::cell::RefCell;
use std::io;
use std::ptr::{null, null_mut};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;
use tokio::sync::mpsc;
use windows_sys::Win32::Foundation::{HWND, LPARAM, LRESULT, WPARAM};
use windows_sys::Win32::System::LibraryLoader::GetModuleHandleW;
use windows_sys::Win32::System::RemoteDesktop::{NOTIFY_FOR_THIS_SESSION, WTSRegisterSessionNotification};
use windows_sys::Win32::System::SystemInformation::GetTickCount;
use windows_sys::Win32::System::Threading::GetCurrentThreadId;
use windows_sys::Win32::UI::Input::KeyboardAndMouse::{GetLastInputInfo, LASTINPUTINFO};
use windows_sys::Win32::UI::WindowsAndMessaging::{
    CreateWindowExW, DefWindowProcW, DestroyWindow, DispatchMessageW, GetMessageW, MSG,
    PBT_APMRESUMEAUTOMATIC, PBT_APMSUSPEND, PostThreadMessageW, RegisterClassW, WM_POWERBROADCAST, WM_QUIT,
    WM_WTSSESSION_CHANGE, WNDCLASSW, WTS_CONSOLE_DISCONNECT, WTS_REMOTE_DISCONNECT, WTS_SESSION_LOCK,
    WTS_SESSION_LOGOFF, WTS_SESSION_UNLOCK,
};

/// Class and title of the window.
const NAME: &str = "claviger-activity";
/// How long the machine's sleep is held off at most: Windows itself waits for about as long.
const LONGEST_HOLD: Duration = Duration::from_secs(if cfg!(test) { 60 } else { 2 });

thread_local! {
    /// Of the window's thread: whom its procedure tells.
    #[allow(clippy::missing_const_for_thread_local, reason = "it is; the lint does not see it on every target")]
    static TELL: RefCell<Option<mpsc::Sender<Event>>> = const { RefCell::new(None) };
}

/// The window's thread. Dropping it closes the window.
pub(super) struct Watch {
    opened: Result<Opened, ActivityError>,
}

struct Opened {
    thread: u32,
    /// The window, as a number: for the tests, which send it messages.
    #[cfg_attr(not(test), expect(dead_code, reason = "only tests ask which window it is"))]
    window: usize,
    lock: Told,
}

pub(super) fn start(tell: mpsc::Sender<Event>) -> Watch {
    let opened = open(tell).map_err(|error| failed("CreateWindowEx", &error));
    Watch { opened }
}

impl Watch {
    pub(super) async fn idle_for(&self) -> Option<Duration> {
        let mut last = LASTINPUTINFO {
            cbSize: size_of::<LASTINPUTINFO>() as u32,
            dwTime: 0,
        };
        // SAFETY: a place of the size that it says.
        let told = unsafe { GetLastInputInfo(&raw mut last) };
        // SAFETY: no arguments.
        let now = unsafe { GetTickCount() };
        // Both count milliseconds in 32 bits, and start anew after 49 days.
        (told != 0).then(|| Duration::from_millis(now.wrapping_sub(last.dwTime).into()))
    }

    pub(super) fn report(&self) -> Report {
        let window = || Ok(String::from("Windows"));
        match &self.opened {
            Ok(opened) => Report {
                lock: opened.lock.clone(),
                sleep: window(),
                input: window(),
            },
            Err(error) => Report {
                lock: Err(error.clone()),
                sleep: Err(error.clone()),
                input: window(),
            },
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Ok(opened) = &self.opened {
            // SAFETY: a message to a thread; one that is gone is an error that changes nothing.
            unsafe { PostThreadMessageW(opened.thread, WM_QUIT, 0, 0) };
        }
    }
}

fn failed(call: &'static str, error: &io::Error) -> ActivityError {
    ActivityError::Failed {
        call,
        reason: error.to_string(),
    }
}

fn open(tell: mpsc::Sender<Event>) -> io::Result<Opened> {
    let (say, opened) = sync_channel(1);
    std::thread::Builder::new()
        .name("claviger-activity".into())
        .spawn(move || run(tell, |result| drop(say.send(result))))?;
    opened.recv().map_err(io::Error::other)?
}

fn run(tell: mpsc::Sender<Event>, say: impl FnOnce(io::Result<Opened>)) {
    TELL.set(Some(tell));
    let window = match create() {
        Err(error) => return say(Err(error)),
        Ok(window) => window,
    };
    // SAFETY: this thread's own window.
    let lock = match unsafe { WTSRegisterSessionNotification(window, NOTIFY_FOR_THIS_SESSION) } {
        0 => Err(failed(
            "WTSRegisterSessionNotification",
            &io::Error::last_os_error(),
        )),
        _ => Ok(String::from("Windows")),
    };
    say(Ok(Opened {
        // SAFETY: a number of this thread, which has a message queue since it has a window.
        thread: unsafe { GetCurrentThreadId() },
        window: window as usize,
        lock,
    }));
    let mut message = MSG::default();
    // SAFETY: a place for messages of this thread. The window is this thread's, too, and its registration ends with it.
    unsafe {
        while GetMessageW(&raw mut message, null_mut(), 0, 0) > 0 {
            DispatchMessageW(&raw const message);
        }
        DestroyWindow(window);
    }
}

fn create() -> io::Result<HWND> {
    let name = wide(NAME)?;
    // SAFETY: all names are terminated and live through the calls; the procedure has the form that is asked for. A class
    // that this process has registered before is an error of no consequence.
    let window = unsafe {
        let class = WNDCLASSW {
            lpfnWndProc: Some(procedure),
            hInstance: GetModuleHandleW(null()),
            lpszClassName: name.as_ptr(),
            ..WNDCLASSW::default()
        };
        RegisterClassW(&raw const class);
        let (title, instance) = (name.as_ptr(), class.hInstance);
        let (parent, menu) = (null_mut(), null_mut());
        CreateWindowExW(0, title, title, 0, 0, 0, 0, 0, parent, menu, instance, null())
    };
    if window.is_null() {
        return Err(io::Error::last_os_error());
    }
    Ok(window)
}

unsafe extern "system" fn procedure(window: HWND, message: u32, what: WPARAM, data: LPARAM) -> LRESULT {
    let kind = u32::try_from(what).unwrap_or(u32::MAX);
    match (message, kind) {
        // Who takes a session elsewhere, or leaves it, is gone from here as well.
        (
            WM_WTSSESSION_CHANGE,
            WTS_SESSION_LOCK | WTS_SESSION_LOGOFF | WTS_CONSOLE_DISCONNECT | WTS_REMOTE_DISCONNECT,
        ) => tell(Event::Locked),
        (WM_WTSSESSION_CHANGE, WTS_SESSION_UNLOCK) => tell(Event::Unlocked),
        (WM_POWERBROADCAST, PBT_APMSUSPEND) => suspend(tell, LONGEST_HOLD),
        (WM_POWERBROADCAST, PBT_APMRESUMEAUTOMATIC) => tell(Event::Woken),
        // SAFETY: the arguments as they came.
        _ => return unsafe { DefWindowProcW(window, message, what, data) },
    }
    // TRUE: granted, or taken.
    1
}

/// Waits for room; whoever has what tells gone is told nothing.
fn tell(event: Event) {
    TELL.with_borrow(|tell| {
        if let Some(tell) = tell {
            let _ = tell.blocking_send(event);
        }
    });
}

/// Waits until the event's guard is dropped, for `longest`.
fn suspend(tell: impl FnOnce(Event), longest: Duration) {
    let (guard, dropped) = sync_channel::<()>(0);
    tell(Event::Sleeping(Hold::new(guard)));
    if dropped.recv_timeout(longest) == Err(RecvTimeoutError::Timeout) {
        tracing::warn!("the machine sleeps although what had to be done before is not done");
    }
}

#[cfg(test)]
mod tests {
    use super::super::Activity;
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use windows_sys::Win32::UI::WindowsAndMessaging::SendMessageW;

    fn send(window: usize, message: u32, kind: u32) -> LRESULT {
        // SAFETY: a message without pointers, to a window that lives as long as the test.
        unsafe { SendMessageW(window as HWND, message, kind as WPARAM, 0) }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_windows_says_to_the_window_becomes_events() {
        let mut activity = Activity::watch();
        let person = activity.person();
        assert!(person.report().lock.is_ok(), "{person:?}");
        assert!(person.idle_for().await.is_some());
        let window = person.0.opened.as_ref().unwrap().window;
        for (kind, locks) in [
            (WTS_SESSION_LOCK, true),
            (WTS_SESSION_UNLOCK, false),
            (WTS_REMOTE_DISCONNECT, true),
            (WTS_CONSOLE_DISCONNECT, true),
            (WTS_SESSION_LOGOFF, true),
        ] {
            let sent = tokio::task::spawn_blocking(move || send(window, WM_WTSSESSION_CHANGE, kind));
            assert_eq!(matches!(activity.next().await, Event::Locked), locks, "{kind}");
            sent.await.unwrap();
        }

        let sealed = Arc::new(AtomicBool::new(false));
        let seen = sealed.clone();
        let suspending = tokio::task::spawn_blocking(move || {
            let answer = send(window, WM_POWERBROADCAST, PBT_APMSUSPEND);
            (answer, seen.load(Ordering::SeqCst))
        });
        let Event::Sleeping(hold) = activity.next().await else {
            panic!("another event")
        };
        sealed.store(true, Ordering::SeqCst);
        drop(hold);
        assert_eq!(suspending.await.unwrap(), (1, true), "it sleeps after that");
        tokio::task::spawn_blocking(move || send(window, WM_POWERBROADCAST, PBT_APMRESUMEAUTOMATIC));
        assert!(matches!(activity.next().await, Event::Woken));
    }

    #[test]
    fn the_machine_is_not_kept_from_sleep_for_ever() {
        let mut kept = None;
        suspend(|event| kept = Some(event), Duration::from_millis(1));
        assert!(matches!(kept, Some(Event::Sleeping(_))), "it was never dropped");
    }
}
