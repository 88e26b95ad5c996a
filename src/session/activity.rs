//! What `status` says of the person's comings and goings: what of them seals keys, and who tells the agent of them.

use crate::config::Lock;
use crate::wire::report::{ActivityReport, Watched};
use claviger_platform::activity::{Person, Told};

/// `person` is none where the configuration has nothing depend on it.
pub(super) async fn report(lock: Lock, person: Option<&Person>) -> ActivityReport {
    let told = person.map(Person::report);
    let watched = |counts: bool, told: Option<Told>| match told {
        Some(Ok(by)) if counts => state("watched", by),
        Some(Err(error)) if counts => state("unknown", error.to_string()),
        _ => state("off", String::new()),
    };
    let (screen, sleep, input) = match told {
        Some(told) => (Some(told.lock), Some(told.sleep), Some(told.input)),
        None => (None, None, None),
    };
    let no_input = match person {
        Some(person) => person.idle_for().await,
        None => None,
    };
    ActivityReport {
        no_input_seconds: no_input.map(|time| time.as_secs()),
        screen_lock: watched(lock.on_screen_lock, screen),
        sleep: watched(lock.on_sleep, sleep),
        input: watched(lock.idle.is_some(), input),
    }
}

fn state(state: &str, detail: String) -> Watched {
    Watched {
        state: state.to_owned(),
        detail,
    }
}
