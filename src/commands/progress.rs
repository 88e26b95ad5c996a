//! A line on a person's terminal while something takes long: what it is, and for how many seconds.
//!
//! It goes to standard error, only if that is a terminal, and is taken away again. It has no colours and no other
//! sequences than a carriage return, so there is nothing that NO_COLOR or a dumb terminal would have to switch off.
use super::output::Failure;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// What is over sooner is not worth a flicker.
const PATIENCE: Duration = Duration::from_millis(400);
const STEP: Duration = Duration::from_millis(200);
const WHEEL: [char; 4] = ['|', '/', '-', '\\'];

/// Does blocking work on a thread of its own, and shows meanwhile that it goes on.
pub(crate) async fn during<T, F>(what: &str, work: F) -> Result<T, Failure>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    let started = Instant::now();
    let mut task = tokio::task::spawn_blocking(work);
    let mut shown = 0;
    let watched = io::stderr().is_terminal();
    let done = loop {
        let wait = if shown == 0 { PATIENCE } else { STEP };
        match tokio::time::timeout(wait, &mut task).await {
            Ok(done) => break done,
            Err(_) if watched => shown = show(what, started.elapsed(), shown),
            Err(_) => {}
        }
    };
    if shown > 0 {
        put(&format!("\r{:shown$}\r", ""));
    }
    done.map_err(|_| Failure::new(format!("{what}: ended unexpectedly")))
}

/// Writes the line over the one before; returns the width to be cleared.
fn show(what: &str, elapsed: Duration, before: usize) -> usize {
    let turn = elapsed.as_millis() / STEP.as_millis() % 4;
    let wheel = usize::try_from(turn).ok().and_then(|turn| WHEEL.get(turn));
    let line = format!("{what} {} {} s", wheel.unwrap_or(&'|'), elapsed.as_secs());
    put(&format!("\r{line}"));
    line.chars().count().max(before)
}

/// A terminal that went away needs no progress.
fn put(text: &str) {
    let mut out = io::stderr().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
