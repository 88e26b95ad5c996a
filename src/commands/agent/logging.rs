//! The agent's log: standard error in front, a file in the state directory behind.
//!
//! Only claviger's own events are written. Libraries below log messages that they carry, D-Bus ones among them,
//! and those may hold secrets; so their events are never asked for, whatever the level.

use claviger_platform::files;
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Mutex;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

pub(crate) const DEBUG: LevelFilter = LevelFilter::DEBUG;
pub(crate) const INFO: LevelFilter = LevelFilter::INFO;
pub(crate) const WARN: LevelFilter = LevelFilter::WARN;

/// A log file larger than this is begun anew when an agent starts.
const MAX_LOG: u64 = 1 << 20;

fn ours(level: LevelFilter) -> Targets {
    Targets::new()
        .with_target("claviger", level)
        .with_target("claviger_platform", level)
}

/// Logs to standard error: times only where nobody is looking.
pub(crate) fn to_stderr(level: LevelFilter) {
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false);
    let subscriber = tracing_subscriber::registry().with(ours(level));
    if std::io::stderr().is_terminal() {
        subscriber.with(layer.without_time()).init();
    } else {
        subscriber.with(layer).init();
    }
}

/// Logs to `agent.log` in `state`. An agent that cannot log goes on without: logins matter more.
pub(crate) fn to_file(state: &Path) {
    if let Ok(file) = files::append_private(&state.join("agent.log"), MAX_LOG) {
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(Mutex::new(file))
            .with_ansi(false)
            .with_target(false);
        tracing_subscriber::registry().with(ours(INFO)).with(layer).init();
    }
}
