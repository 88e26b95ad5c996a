//! macOS: the distributed notifications of the screen's lock and the messages of IOKit's root power domain, heard by a
//! thread with a run loop; the last input is asked of the window server.
//!
//! The thread ends with the process: there is one agent in it. Whoever stopped listening is told nothing, and its machine
//! sleeps at once.

use super::{ActivityError, Event, Hold, Report};
use objc2_core_foundation::{
    CFDictionary, CFNotificationCenter, CFNotificationName, CFNotificationSuspensionBehavior, CFRunLoop,
    CFRunLoopSource, CFString, kCFRunLoopDefaultMode,
};
use std::ffi::c_void;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::Duration;
use tokio::sync::mpsc;

const LOCKED: &str = "com.apple.screenIsLocked";
const UNLOCKED: &str = "com.apple.screenIsUnlocked";
/// IOMessage.h: the machine asks whether it may sleep, will sleep, has powered on.
const CAN_SLEEP: u32 = 0xe000_0270;
const WILL_SLEEP: u32 = 0xe000_0280;
const POWERED_ON: u32 = 0xe000_0300;
/// CGEventTypes.h: of this login session, and input of any kind.
const COMBINED_SESSION: i32 = 0;
const ANY_INPUT: u32 = u32::MAX;

type PowerCallback = extern "C-unwind" fn(*mut c_void, u32, u32, *mut c_void);

#[link(name = "IOKit", kind = "framework")]
unsafe extern "C-unwind" {
    fn IORegisterForSystemPower(
        context: *mut c_void,
        port: *mut *mut c_void,
        callback: PowerCallback,
        notifier: *mut u32,
    ) -> u32;
    fn IOAllowPowerChange(root: u32, id: isize) -> i32;
    fn IONotificationPortGetRunLoopSource(port: *mut c_void) -> *mut CFRunLoopSource;
}

#[link(name = "CoreGraphics", kind = "framework")]
unsafe extern "C-unwind" {
    fn CGEventSourceSecondsSinceLastEventType(state: i32, kind: u32) -> f64;
}

/// What the callbacks are given; it lives as long as the process.
struct Context {
    tell: mpsc::Sender<Event>,
    /// The connection to the root power domain.
    root: AtomicU32,
}

/// Tells macOS, when it is dropped, that it may sleep.
struct Allow {
    root: u32,
    id: isize,
}

impl Drop for Allow {
    fn drop(&mut self) {
        // SAFETY: the connection is never closed, and the number is the one that came with the message.
        unsafe { IOAllowPowerChange(self.root, self.id) };
    }
}

pub(super) struct Watch {
    lock: Result<(), ActivityError>,
    sleep: Result<(), ActivityError>,
}

pub(super) fn start(tell: mpsc::Sender<Event>) -> Watch {
    let (say, said) = sync_channel(1);
    let thread = std::thread::Builder::new()
        .name("claviger-activity".into())
        .spawn(move || run(tell, |watch| drop(say.send(watch))));
    let failed = |reason: String| Watch {
        lock: Err(ActivityError::Failed {
            call: "starting a thread",
            reason: reason.clone(),
        }),
        sleep: Err(ActivityError::Failed {
            call: "starting a thread",
            reason,
        }),
    };
    match thread {
        Ok(_) => said.recv().unwrap_or_else(|error| failed(error.to_string())),
        Err(error) => failed(error.to_string()),
    }
}

impl Watch {
    pub(super) async fn idle_for(&self) -> Option<Duration> {
        // SAFETY: two numbers, which it may refuse to know.
        let seconds = unsafe { CGEventSourceSecondsSinceLastEventType(COMBINED_SESSION, ANY_INPUT) };
        Duration::try_from_secs_f64(seconds).ok()
    }

    pub(super) fn report(&self) -> Report {
        let told = |by: &str, told: &Result<(), ActivityError>| told.clone().map(|()| by.to_owned());
        Report {
            lock: told("the screen's notifications", &self.lock),
            sleep: told("IOKit", &self.sleep),
            input: Ok(String::from("the window server")),
        }
    }
}

fn run(tell: mpsc::Sender<Event>, say: impl FnOnce(Watch)) {
    let root = AtomicU32::new(0);
    let context: &'static Context = Box::leak(Box::new(Context { tell, root }));
    say(Watch {
        lock: follow_screen(context),
        sleep: follow_power(context),
    });
    CFRunLoop::run();
}

fn follow_screen(context: &'static Context) -> Result<(), ActivityError> {
    let center =
        CFNotificationCenter::distributed_center().ok_or_else(|| missing("its notification center"))?;
    for name in [LOCKED, UNLOCKED] {
        // SAFETY: the observer is only handed back to the callback, which knows what it is; no object is asked for.
        unsafe {
            center.add_observer(
                std::ptr::from_ref(context).cast(),
                Some(screen_changed),
                Some(&CFString::from_str(name)),
                null(),
                CFNotificationSuspensionBehavior::DeliverImmediately,
            );
        }
    }
    Ok(())
}

fn follow_power(context: &'static Context) -> Result<(), ActivityError> {
    let (mut port, mut notifier) = (null_mut(), 0);
    let given = std::ptr::from_ref(context).cast_mut().cast();
    // SAFETY: places for what is given back; the context is never written to through this pointer, and lives for ever.
    let root = unsafe { IORegisterForSystemPower(given, &raw mut port, power_changed, &raw mut notifier) };
    if root == 0 {
        return Err(missing("IORegisterForSystemPower"));
    }
    // No message comes before the run loop has the source.
    context.root.store(root, Ordering::Release);
    // SAFETY: the port was just made and is never destroyed; the source belongs to it.
    let source = unsafe { IONotificationPortGetRunLoopSource(port).as_ref() };
    let this_thread = CFRunLoop::current().ok_or_else(|| missing("CFRunLoopGetCurrent"))?;
    // SAFETY: a constant of the system.
    this_thread.add_source(source, unsafe { kCFRunLoopDefaultMode });
    Ok(())
}

fn missing(call: &'static str) -> ActivityError {
    ActivityError::Failed {
        call,
        reason: String::from("macOS gives no reason"),
    }
}

unsafe extern "C-unwind" fn screen_changed(
    _center: *mut CFNotificationCenter,
    context: *mut c_void,
    name: *const CFNotificationName,
    _object: *const c_void,
    _more: *const CFDictionary,
) {
    // SAFETY: what `follow_screen` handed over, which lives for ever.
    let context = unsafe { &*context.cast::<Context>() };
    // SAFETY: the name lives through the call, if there is one.
    let Some(name) = (unsafe { name.as_ref() }) else {
        return;
    };
    let event = match name.to_string() == LOCKED {
        true => Event::Locked,
        false => Event::Unlocked,
    };
    let _ = context.tell.blocking_send(event);
}

extern "C-unwind" fn power_changed(context: *mut c_void, _service: u32, message: u32, id: *mut c_void) {
    // SAFETY: what `follow_power` handed over, which lives for ever.
    let context = unsafe { &*context.cast::<Context>() };
    let allow = || Allow {
        root: context.root.load(Ordering::Acquire),
        id: id as isize,
    };
    match message {
        CAN_SLEEP => drop(allow()),
        // Full or closed: the event is dropped here, and the machine sleeps.
        WILL_SLEEP => drop(context.tell.try_send(Event::Sleeping(Hold::new(allow())))),
        POWERED_ON => drop(context.tell.try_send(Event::Woken)),
        _ => {}
    }
}
