//! Windows' own dialogs: the credential dialog for a secret, a message box for a yes or no.
//!
//! Both block a thread of their own; when the asker is gone or the limit is over, that thread's windows are told no
//! until the thread has ended.

use super::{Attempt, PromptError, Turn};
use crate::harden::LockedBytes;
use crate::windows::wide;
use std::io;
use std::ptr::{null, null_mut};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;
use tokio::sync::oneshot;
use windows_sys::Win32::Foundation::{ERROR_CANCELLED, HWND, LPARAM, WPARAM};
use windows_sys::Win32::Security::Credentials::{
    CREDUI_FLAGS_ALWAYS_SHOW_UI, CREDUI_FLAGS_DO_NOT_PERSIST, CREDUI_FLAGS_GENERIC_CREDENTIALS,
    CREDUI_FLAGS_KEEP_USERNAME, CREDUI_INFOW, CredUIPromptForCredentialsW,
};
use windows_sys::Win32::System::StationsAndDesktops::{
    GetProcessWindowStation, GetUserObjectInformationW, UOI_FLAGS, USEROBJECTFLAGS,
};
use windows_sys::Win32::System::Threading::GetCurrentThreadId;
use windows_sys::Win32::UI::WindowsAndMessaging::{
    EnumThreadWindows, IDNO, IDYES, MB_DEFBUTTON2, MB_ICONQUESTION, MB_SETFOREGROUND, MB_TOPMOST, MB_YESNO,
    MessageBoxW, PostMessageW, WM_CLOSE, WM_COMMAND,
};
use zeroize::Zeroizing;

/// The window station of a person who can see it (WSF_VISIBLE); services have another.
const VISIBLE: u32 = 1;
const TITLE: &str = "claviger";
/// The most characters that the dialog takes (CREDUI_MAX_PASSWORD_LENGTH).
const LONGEST_TYPED: usize = 256;

/// Whether there is a desktop to show a dialog on.
pub(super) fn shown() -> bool {
    let mut flags = USEROBJECTFLAGS::default();
    // SAFETY: the station's handle is not to be closed; the structure has the size that is told.
    let told = unsafe {
        GetUserObjectInformationW(
            GetProcessWindowStation(),
            UOI_FLAGS,
            (&raw mut flags).cast(),
            size_of_val(&flags) as u32,
            null_mut(),
        )
    };
    told != 0 && flags.dwFlags & VISIBLE != 0
}

/// Asks for a secret.
pub(super) async fn passphrase(question: &str, limit: Duration, turn: &Turn) -> Attempt {
    Attempt::Asked(ask(question, limit, turn, ask_secret, CLOSE).await)
}

/// Asks for a yes or no; no is what is chosen by Enter.
pub(super) async fn confirm(question: &str, limit: Duration, turn: &Turn) -> Result<bool, PromptError> {
    match ask(question, limit, turn, ask_yes, PRESS_NO).await {
        Err(PromptError::Cancelled) => Ok(false),
        other => other,
    }
}

/// A text on the screen; none on Windows, where the system itself asks for a token's touch.
pub(super) enum Notice {}

/// Shows nothing.
pub(super) fn notice(_text: &str) -> Option<Notice> {
    None
}

/// What tells a dialog's window no.
type No = (u32, WPARAM);
const CLOSE: No = (WM_CLOSE, 0);
/// A box with Yes and No has nothing to close it with, and takes no WM_CLOSE.
const PRESS_NO: No = (WM_COMMAND, IDNO as WPARAM);

/// Between two looks for the windows of a thread that has not ended.
const AGAIN: Duration = Duration::from_millis(20);

/// A dialog's thread, whose windows are told no when the asker goes away before there is an answer.
struct Asked {
    thread: u32,
    no: No,
    /// Ends with the thread. `None`: it has answered.
    ended: Option<Receiver<()>>,
}

impl Drop for Asked {
    fn drop(&mut self) {
        let Some(ended) = self.ended.take() else { return };
        let (thread, no) = (self.thread, self.no);
        // The thread may be about to make its window, and nothing tells when it has: so it is told until it has ended.
        let withdraw = move || {
            while ended.recv_timeout(AGAIN) == Err(RecvTimeoutError::Timeout) {
                refuse(thread, no);
            }
        };
        if let Err(error) = std::thread::Builder::new().spawn(withdraw) {
            tracing::warn!("a question cannot be withdrawn: {error}");
        }
    }
}

fn refuse(thread: u32, no: No) {
    unsafe extern "system" fn tell(window: HWND, no: LPARAM) -> i32 {
        // SAFETY: the pointer that is handed down below. A window that is gone is an error that changes nothing.
        unsafe {
            let (message, parameter) = *(no as *const No);
            PostMessageW(window, message, parameter, 0);
        }
        1
    }
    // SAFETY: the function has the form that is asked for, and `no` lives through the call. A thread that ended has no
    // windows.
    unsafe { EnumThreadWindows(thread, Some(tell), &raw const no as LPARAM) };
}

async fn ask<T: Send + 'static>(
    question: &str,
    limit: Duration,
    turn: &Turn,
    show: fn(&[u16]) -> Result<T, PromptError>,
    no: No,
) -> Result<T, PromptError> {
    let failed = |error: io::Error| PromptError::Failed(format!("dialog: {error}"));
    let text = wide(question).map_err(failed)?;
    let turn = Arc::clone(turn);
    let (tell_thread, thread) = oneshot::channel();
    let (tell, answer) = oneshot::channel();
    let (ending, ended) = channel();
    let asking = move || {
        let _ending: std::sync::mpsc::Sender<()> = ending;
        // SAFETY: a number of this thread.
        let _ = tell_thread.send(unsafe { GetCurrentThreadId() });
        let _ = tell.send(show(&text));
        drop(turn);
    };
    std::thread::Builder::new()
        .name("claviger-dialog".into())
        .spawn(asking)
        .map_err(failed)?;
    let gone = || PromptError::Failed("dialog: its thread ended".to_owned());
    let mut asked = Asked {
        thread: thread.await.map_err(|_| gone())?,
        no,
        ended: Some(ended),
    };
    match tokio::time::timeout(limit, answer).await {
        Ok(answer) => {
            asked.ended = None;
            answer.map_err(|_| gone())?
        }
        Err(_) => Err(PromptError::TimedOut(limit.as_secs().max(1))),
    }
}

fn ask_secret(question: &[u16]) -> Result<LockedBytes, PromptError> {
    let failed = |error: io::Error| PromptError::Failed(format!("dialog: {error}"));
    let title = wide(TITLE).map_err(failed)?;
    let about = CREDUI_INFOW {
        cbSize: size_of::<CREDUI_INFOW>() as u32,
        hwndParent: null_mut(),
        pszMessageText: question.as_ptr(),
        pszCaptionText: title.as_ptr(),
        hbmBanner: null_mut(),
    };
    // The dialog insists on a name; it is shown, and not to be changed.
    let mut name = [0_u16; 64];
    name[..title.len()].copy_from_slice(&title);
    let mut secret = Zeroizing::new([0_u16; LONGEST_TYPED + 1]);
    let mut save = 0;
    let flags = CREDUI_FLAGS_GENERIC_CREDENTIALS
        | CREDUI_FLAGS_ALWAYS_SHOW_UI
        | CREDUI_FLAGS_DO_NOT_PERSIST
        | CREDUI_FLAGS_KEEP_USERNAME;
    // SAFETY: all texts are terminated and live through the call; the buffers have the lengths that are told.
    let error = unsafe {
        CredUIPromptForCredentialsW(
            &about,
            title.as_ptr(),
            null(),
            0,
            name.as_mut_ptr(),
            name.len() as u32,
            secret.as_mut_ptr(),
            secret.len() as u32,
            &mut save,
            flags,
        )
    };
    match error {
        0 => Ok(utf8(&*secret)),
        ERROR_CANCELLED => Err(PromptError::Cancelled),
        code => Err(failed(io::Error::from_raw_os_error(code.cast_signed()))),
    }
}

fn ask_yes(question: &[u16]) -> Result<bool, PromptError> {
    let title = wide(TITLE).map_err(|error| PromptError::Failed(error.to_string()))?;
    let form = MB_YESNO | MB_ICONQUESTION | MB_DEFBUTTON2 | MB_SETFOREGROUND | MB_TOPMOST;
    // SAFETY: both texts are terminated.
    Ok(unsafe { MessageBoxW(null_mut(), question.as_ptr(), title.as_ptr(), form) } == IDYES)
}

/// What was typed, up to the first zero, without a copy that is not wiped.
pub(super) fn utf8(typed: &[u16]) -> LockedBytes {
    let typed = typed.split(|&unit| unit == 0).next().unwrap_or_default();
    let mut secret = LockedBytes::with_capacity(typed.len() * 3 + 1);
    for letter in char::decode_utf16(typed.iter().copied()) {
        let letter = letter.unwrap_or(char::REPLACEMENT_CHARACTER);
        let mut bytes = Zeroizing::new([0_u8; 4]);
        secret.extend_from_slice(letter.encode_utf8(&mut *bytes).as_bytes());
    }
    secret
}

#[cfg(test)]
#[path = "windows_dialog_tests.rs"]
mod tests;
