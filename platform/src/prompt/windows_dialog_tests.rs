//! The dialogs as a person uses them, by the messages that their clicks would be. Windows need no display for that.

use super::super::ASKING;
use super::*;
use windows_sys::Win32::UI::WindowsAndMessaging::{
    ES_PASSWORD, FindWindowExW, GWL_STYLE, GetClassNameW, GetDlgItemTextW, GetWindowLongW, GetWindowTextW,
    IDOK, IsWindow, SendMessageW, WM_SETTEXT,
};

/// Nothing here takes longer; a test that waits for what does not come fails.
const SOON: Duration = Duration::from_secs(30);
/// The number of a message box's text.
const TEXT_OF_BOX: i32 = 0xffff;

async fn turn() -> Turn {
    Arc::new(ASKING.lock().await)
}

/// A window, as a number: handles do not go from thread to thread.
type Window = usize;

/// The dialog with this title, once it is there; a window of another test has another turn.
async fn appeared() -> Window {
    let (class, title) = (wide("#32770").unwrap(), wide(TITLE).unwrap());
    let look = async {
        loop {
            // SAFETY: both names are terminated and live through the call.
            let found = unsafe { FindWindowExW(null_mut(), null_mut(), class.as_ptr(), title.as_ptr()) };
            if !found.is_null() {
                return found as Window;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, look).await.expect("a dialog")
}

/// The window's end: nobody can answer it any more.
async fn vanished(window: Window) {
    // SAFETY: a question about a handle, which may be of a window or not.
    let look = async {
        while unsafe { IsWindow(window as HWND) } != 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, look)
        .await
        .expect("the end of a dialog");
}

fn press(window: Window, button: i32) {
    // SAFETY: a message with plain numbers.
    unsafe { PostMessageW(window as HWND, WM_COMMAND, button as WPARAM, 0) };
}

fn text(read: impl FnOnce(*mut u16, i32)) -> String {
    let mut buffer = [0; 256];
    read(buffer.as_mut_ptr(), buffer.len() as i32);
    let end = buffer.iter().position(|&unit| unit == 0).unwrap();
    String::from_utf16(&buffer[..end]).unwrap()
}

/// The controls of a window, also those inside of others.
fn controls(window: Window) -> Vec<Window> {
    let (mut found, mut last) = (Vec::new(), null_mut());
    loop {
        // SAFETY: handles of windows, which may be gone; no names.
        last = unsafe { FindWindowExW(window as HWND, last, null(), null()) };
        if last.is_null() {
            return found;
        }
        found.push(last as Window);
        found.extend(controls(last as Window));
    }
}

fn label(control: Window) -> String {
    // SAFETY: the buffer has the length that is told.
    text(|buffer, length| unsafe {
        GetWindowTextW(control as HWND, buffer, length);
    })
}

fn type_secret(window: Window, secret: &str) {
    let secret = wide(secret).unwrap();
    // SAFETY: a question about a window's style.
    let style = |control: Window| unsafe { GetWindowLongW(control as HWND, GWL_STYLE) };
    let hides = |control: &Window| class(*control) == "edit" && style(*control) & ES_PASSWORD != 0;
    let field = controls(window).into_iter().find(hides).expect("a field for it");
    // SAFETY: the text is terminated, and lives until it was taken.
    unsafe { SendMessageW(field as HWND, WM_SETTEXT, 0, secret.as_ptr() as LPARAM) };
}

fn class(control: Window) -> String {
    // SAFETY: the buffer has the length that is told.
    let name = text(|buffer, length| unsafe {
        GetClassNameW(control as HWND, buffer, length);
    });
    name.to_lowercase()
}

#[tokio::test]
async fn a_confirmation_shows_its_question_and_takes_its_buttons_for_an_answer() {
    for (button, allowed) in [(IDYES, true), (IDNO, false)] {
        let turn = turn().await;
        let person = async {
            let window = appeared().await;
            // SAFETY: the buffer has the length that is told.
            let asked = text(|buffer, length| unsafe {
                GetDlgItemTextW(window as HWND, TEXT_OF_BOX, buffer, length);
            });
            assert_eq!(asked, "Allow use of key Schlüssel?");
            press(window, button);
            vanished(window).await;
        };
        let (answer, ()) = tokio::join!(confirm("Allow use of key Schlüssel?", SOON, &turn), person);
        assert_eq!(answer.unwrap(), allowed);
    }
}

#[tokio::test]
async fn a_passphrase_that_is_typed_arrives_whole() {
    let turn = turn().await;
    let person = async {
        let window = appeared().await;
        let shown: Vec<String> = controls(window).into_iter().map(label).collect();
        assert!(shown.iter().any(|text| text == "Passphrase for id?"), "{shown:?}");
        type_secret(window, "Schlüssel 🔑");
        press(window, IDOK);
        vanished(window).await;
    };
    let (answer, ()) = tokio::join!(passphrase("Passphrase for id?", SOON, &turn), person);
    let Attempt::Asked(Ok(secret)) = answer else {
        panic!("no secret")
    };
    assert_eq!(&*secret, "Schlüssel 🔑".as_bytes());
}

#[tokio::test]
async fn a_passphrase_dialog_that_is_closed_is_a_no() {
    let turn = turn().await;
    let person = async {
        let window = appeared().await;
        // SAFETY: a message without parameters.
        unsafe { PostMessageW(window as HWND, WM_CLOSE, 0, 0) };
        vanished(window).await;
    };
    let (answer, ()) = tokio::join!(passphrase("Passphrase for id?", SOON, &turn), person);
    assert!(matches!(answer, Attempt::Asked(Err(PromptError::Cancelled))));
}

#[tokio::test]
async fn a_question_whose_asker_goes_away_goes_too() {
    let turn = turn().await;
    for secret in [true, false] {
        let asking = async {
            match secret {
                true => drop(passphrase("Passphrase for id?", SOON, &turn).await),
                false => drop(confirm("Allow use of key id?", SOON, &turn).await),
            }
        };
        let window = tokio::select! {
            () = asking => panic!("answered by nobody"),
            window = appeared() => window,
        };
        vanished(window).await;
    }
}

#[tokio::test]
async fn a_question_that_nobody_answers_ends_however_early() {
    let turn = turn().await;
    // Before its window can be there, too: then it must go when it comes, or all later questions would wait for it.
    for limit in [
        Duration::ZERO,
        Duration::from_millis(1),
        Duration::from_millis(200),
    ] {
        let asked = confirm("Allow use of key id?", limit, &turn).await;
        assert!(matches!(asked, Err(PromptError::TimedOut(_))));
    }
    let weak = Arc::downgrade(&turn);
    drop(turn);
    let given_back = async {
        while weak.strong_count() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, given_back)
        .await
        .expect("a dialog stands");
}

#[test]
fn what_is_typed_becomes_utf8() {
    let typed: Vec<u16> = "Schlüssel 🔑\0rest".encode_utf16().collect();
    assert_eq!(&*utf8(&typed), "Schlüssel 🔑".as_bytes());
    assert!(utf8(&[]).is_empty() && utf8(&[0]).is_empty());
    assert_eq!(&*utf8(&[0xD800]), "\u{FFFD}".as_bytes());
}
