//! macOS's own alerts (CFUserNotification): shown by the system at the front of the person's session, without a program of
//! ours in between and without AppleScript. Compiled and linted, never run by us.
//!
//! What is typed comes out of the system in a CFString. It is copied into locked memory at once and let go of, but the
//! framework's own copies (that string, the message that it came in) are freed by it without being wiped.

use super::standing::{Wanted, stand};
use super::{Attempt, LONGEST, PromptError, Turn};
use crate::harden::LockedBytes;
use objc2_core_foundation::{
    CFDictionary, CFOptionFlags, CFRange, CFRetained, CFString, CFStringBuiltInEncodings, CFUserNotification,
    kCFUserNotificationAlertHeaderKey, kCFUserNotificationAlertMessageKey,
    kCFUserNotificationAlternateButtonTitleKey, kCFUserNotificationAlternateResponse,
    kCFUserNotificationDefaultButtonTitleKey, kCFUserNotificationDefaultResponse,
    kCFUserNotificationNoDefaultButtonFlag, kCFUserNotificationNoteAlertLevel,
    kCFUserNotificationTextFieldTitlesKey, kCFUserNotificationTextFieldValuesKey,
};
use objc2_security::{SessionAttributeBits, SessionGetInfo, callerSecuritySession};
use std::ptr::null_mut;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::Duration;

const TITLE: &str = "claviger";

/// The first text field hides what is typed (CFUserNotificationSecureTextField(0), an inline function of the header).
const SECURE_FIELD: CFOptionFlags = 1 << 16;

/// Which of a response's bits say how it was answered.
const ANSWER: CFOptionFlags = 0x3;

/// How often somebody who waits for an alert looks whether it is still wanted, in seconds.
const LOOK: f64 = 0.1;

/// What an alert's receiver is told when nothing came in time (MACH_RCV_TIMED_OUT).
const NOTHING_YET: i32 = 0x1000_4003;

/// Whether this process belongs to a session with a desktop; a login over ssh does not.
pub(super) fn shown() -> bool {
    let mut attributes = SessionAttributeBits(0);
    // SAFETY: both places may be null or are of the types that are asked for.
    let failed = unsafe { SessionGetInfo(callerSecuritySession, null_mut(), &mut attributes) };
    failed == 0 && attributes.contains(SessionAttributeBits::sessionHasGraphicAccess)
}

/// Asks for a secret.
pub(super) async fn passphrase(question: &str, limit: Duration, turn: &Turn) -> Attempt {
    let question = question.to_owned();
    let ask = move |wanted: Wanted<'_>| {
        let alert = Alert::put(Kind::Secret, &question)?;
        if alert.answer(wanted)? == kCFUserNotificationDefaultResponse {
            alert.typed()
        } else {
            Err(PromptError::Cancelled)
        }
    };
    Attempt::Asked(stand(limit, turn, ask).await)
}

/// Asks for a yes or no; no is what is chosen by Enter.
pub(super) async fn confirm(question: &str, limit: Duration, turn: &Turn) -> Result<bool, PromptError> {
    let question = question.to_owned();
    let ask = move |wanted: Wanted<'_>| {
        let alert = Alert::put(Kind::YesOrNo, &question)?;
        Ok(alert.answer(wanted)? == kCFUserNotificationAlternateResponse)
    };
    stand(limit, turn, ask).await
}

/// A text that is shown until this is dropped.
pub(super) struct Notice {
    /// Its end is what the alert's thread waits for.
    _shown: Sender<()>,
}

/// Shows `text`, which asks nothing.
pub(super) fn notice(text: &str) -> Option<Notice> {
    let (shown, dropped) = channel();
    let text = text.to_owned();
    let standing = move || {
        let wanted = || matches!(Receiver::try_recv(&dropped), Err(TryRecvError::Empty));
        if let Err(error) = Alert::put(Kind::Notice, &text).and_then(|alert| alert.answer(&wanted)) {
            tracing::debug!("a notice: {error}");
        }
    };
    let thread = std::thread::Builder::new().name("claviger-notice".into());
    thread.spawn(standing).ok().map(|_| Notice { _shown: shown })
}

enum Kind {
    Secret,
    YesOrNo,
    Notice,
}

impl Kind {
    /// The buttons: what Enter chooses, and the other.
    fn buttons(&self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Secret => ("OK", Some("Cancel")),
            Self::YesOrNo => ("Don\u{2019}t Allow", Some("Allow")),
            Self::Notice => ("", None),
        }
    }

    fn flags(&self) -> CFOptionFlags {
        kCFUserNotificationNoteAlertLevel
            | match self {
                Self::Secret => SECURE_FIELD,
                Self::YesOrNo => 0,
                Self::Notice => kCFUserNotificationNoDefaultButtonFlag,
            }
    }
}

/// An alert on the screen; taken away when dropped.
struct Alert(CFRetained<CFUserNotification>);

impl Alert {
    fn put(kind: Kind, text: &str) -> Result<Self, PromptError> {
        let (enter, other) = kind.buttons();
        // SAFETY: constants of the framework.
        let keys = unsafe {
            [
                (kCFUserNotificationAlertHeaderKey, Some(TITLE)),
                (kCFUserNotificationAlertMessageKey, Some(text)),
                (
                    kCFUserNotificationDefaultButtonTitleKey,
                    Some(enter).filter(|title| !title.is_empty()),
                ),
                (kCFUserNotificationAlternateButtonTitleKey, other),
                (
                    kCFUserNotificationTextFieldTitlesKey,
                    matches!(kind, Kind::Secret).then_some("Passphrase:"),
                ),
            ]
        };
        let pairs: Vec<_> = keys
            .into_iter()
            .filter_map(|(key, value)| Some((key?, CFString::from_str(value?))))
            .collect();
        let (keys, values): (Vec<_>, Vec<_>) = pairs.iter().map(|(key, value)| (*key, &**value)).unzip();
        let about = CFDictionary::<CFString, CFString>::from_slices(&keys, &values);
        let mut error = 0;
        // SAFETY: keys and values are what the header asks for, `error` is a place for a number; without a time limit
        // of the system's, as this side has one.
        let alert =
            unsafe { CFUserNotification::new(None, 0.0, kind.flags(), &mut error, Some(about.as_opaque())) };
        alert
            .filter(|_| error == 0)
            .map(Self)
            .ok_or_else(|| PromptError::Failed(format!("the system shows no alert (error {error})")))
    }

    /// Waits for the person, or until nobody wants the answer.
    fn answer(&self, wanted: Wanted<'_>) -> Result<CFOptionFlags, PromptError> {
        let mut answer = 0;
        loop {
            // SAFETY: a place of the type that is asked for.
            match unsafe { self.0.receive_response(LOOK, &mut answer) } {
                0 => return Ok(answer & ANSWER),
                NOTHING_YET if wanted() => {}
                NOTHING_YET => return Err(PromptError::Cancelled),
                error => {
                    return Err(PromptError::Failed(format!(
                        "the alert failed (error {error:#x})"
                    )));
                }
            }
        }
    }

    /// What is in the text field.
    fn typed(&self) -> Result<LockedBytes, PromptError> {
        // SAFETY: a constant of the framework; a field that is not there gives nothing.
        let typed = unsafe { self.0.response_value(kCFUserNotificationTextFieldValuesKey, 0) };
        let Some(typed) = typed else {
            return Ok(LockedBytes::with_capacity(0));
        };
        let all = CFRange {
            location: 0,
            length: typed.length(),
        };
        let copy = |into: *mut u8, room: usize| {
            let mut used = 0;
            let room = isize::try_from(room).unwrap_or(isize::MAX);
            let utf8 = CFStringBuiltInEncodings::EncodingUTF8.0;
            // SAFETY: `into` is null, which asks for the length, or writable over `room` bytes.
            let converted = unsafe { typed.bytes(all, utf8, b'?', false, into, room, &mut used) };
            (converted == all.length)
                .then(|| usize::try_from(used).ok())
                .flatten()
        };
        let odd = || PromptError::Failed("what was typed is no text, or too long".to_owned());
        let length = copy(null_mut(), 0)
            .filter(|&length| length <= LONGEST)
            .ok_or_else(odd)?;
        let mut secret = LockedBytes::zeroed(length);
        let copied = copy(secret.as_mut_slice().as_mut_ptr(), length);
        copied.filter(|&copied| copied == length).ok_or_else(odd)?;
        Ok(secret)
    }
}

impl Drop for Alert {
    fn drop(&mut self) {
        // One that was answered is gone, and cancelling it changes nothing.
        self.0.cancel();
    }
}
