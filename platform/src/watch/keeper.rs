//! The thread that keeps the watches fitting to the file system. An event handler cannot do that itself: it runs in
//! the thread that would have to answer it.

use super::State;
use super::plan::{Meaning, Plan};
use notify::{ErrorKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

/// While the watches cannot be set, everything counts as changed this often.
const RETRY: Duration = Duration::from_secs(5);
/// A tree that changes faster than it can be looked at is given up after so many tries, until [`RETRY`].
const TRIES: usize = 10;
/// "Too many open files", as Linux counts its errors.
const EMFILE: i32 = 24;
/// It calls nothing deep.
const STACK: usize = 256 * 1024;

/// Watches and starts the thread; the sender wakes it.
pub(super) fn start(paths: Vec<PathBuf>, state: Arc<State>) -> Result<SyncSender<()>, String> {
    // One place: more upheavals than one ask for the same work.
    let (upheaval, upheavals) = sync_channel(1);
    let watching = arm(&paths, &state, &upheaval)?;
    let thread = std::thread::Builder::new()
        .name("claviger-watch".into())
        .stack_size(STACK);
    let wake = upheaval.clone();
    thread
        .spawn(move || keep(&paths, &state, &wake, &upheavals, watching))
        .map_err(|error| format!("no thread to watch files with: {error}"))?;
    Ok(upheaval)
}

/// Sets new watches at each upheaval until the watcher is dropped. The old ones live until the new ones are set, and
/// the flag is set after that, so that what happened in between is looked at.
fn keep(
    paths: &[PathBuf],
    state: &Arc<State>,
    upheaval: &SyncSender<()>,
    upheavals: &Receiver<()>,
    watching: RecommendedWatcher,
) {
    let mut watching = Some(watching);
    loop {
        let woken = match watching {
            Some(_) => upheavals.recv().map_err(|_| RecvTimeoutError::Disconnected),
            None => upheavals.recv_timeout(RETRY),
        };
        if state.closing.load(Ordering::Acquire) || woken == Err(RecvTimeoutError::Disconnected) {
            return;
        }
        watching = match arm(paths, state, upheaval) {
            Ok(watching) => Some(watching),
            Err(reason) => {
                tracing::warn!("{reason}; looking again every {} s", RETRY.as_secs());
                None
            }
        };
        state.set_changed();
    }
}

/// Sets watches for `paths` as they are now, and sees that they still fit once set.
fn arm(
    paths: &[PathBuf],
    state: &Arc<State>,
    upheaval: &SyncSender<()>,
) -> Result<RecommendedWatcher, String> {
    let mut plan = Plan::of(paths);
    for _ in 0..TRIES {
        let (state, upheaval, armed) = (Arc::clone(state), upheaval.clone(), plan.clone());
        let handler = move |event: notify::Result<notify::Event>| {
            let meaning = event.map_or(Meaning::Upheaval, |event| armed.judge(&event));
            if meaning != Meaning::Nothing {
                state.set_changed();
            }
            if meaning == Meaning::Upheaval {
                // Full: the keeper has not begun with the one before, which will do for this one too.
                let _ = upheaval.try_send(());
            }
        };
        let mut watching = notify::recommended_watcher(handler).map_err(explain)?;
        let set = plan
            .dirs()
            .try_for_each(|dir| watching.watch(dir, RecursiveMode::NonRecursive));
        let now = Plan::of(paths);
        match set {
            Ok(()) if now == plan => return Ok(watching),
            // A directory went away meanwhile, or came.
            Ok(()) => (),
            Err(error) if vanished(&error) => (),
            Err(error) => return Err(explain(error)),
        }
        plan = now;
    }
    Err("the watched directories change too fast".to_owned())
}

/// Whether a directory of the plan was gone when it was its turn.
fn vanished(error: &notify::Error) -> bool {
    match &error.kind {
        ErrorKind::PathNotFound => true,
        ErrorKind::Io(io) => matches!(io.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory),
        _ => false,
    }
}

/// Says which limit was reached, and how to raise it (inotify(7)).
fn explain(error: notify::Error) -> String {
    let remedy = match &error.kind {
        ErrorKind::MaxFilesWatch => "; raise fs.inotify.max_user_watches with sysctl",
        ErrorKind::Io(io) if cfg!(target_os = "linux") && io.raw_os_error() == Some(EMFILE) => {
            "; raise fs.inotify.max_user_instances with sysctl"
        }
        _ => "",
    };
    format!("files cannot be watched for changes: {error}{remedy}")
}
