//! What every agent does once it has its socket, whoever's command line started it: serve until told to end.

use crate::commands::output::Failure;
use claviger::config::Lock;
use claviger::history::History;
use claviger::keyset::{Keyset, ReadPlaces};
use claviger::known_hosts;
use claviger::session::{Agent, Facts, Offering, Options, ReadOffer};
use claviger::unlock::Unlocker;
use claviger::upstream::{ReadSockets, Registry};
use claviger::{idle, serve};
use claviger_platform::activity::Activity;
use claviger_platform::dirs;
use claviger_platform::endpoint::Bound;
use claviger_platform::harden;
use claviger_platform::process::{self, Background, End, Termination, UserSignal};
use claviger_platform::prompt::Means;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::oneshot;

/// An agent about to start.
pub(crate) struct Setup {
    pub(crate) bound: Bound,
    /// Where it listens, for reports and for the command's environment.
    pub(crate) socket: PathBuf,
    pub(crate) unlocker: Arc<Unlocker>,
    /// How to ask whether a key may be used.
    pub(crate) means: Arc<Means>,
    pub(crate) read_places: ReadPlaces,
    /// Where other agents listen whose keys stand behind this one's.
    pub(crate) read_upstreams: ReadSockets,
    /// When keys are sealed.
    pub(crate) lock: Lock,
    pub(crate) options: Options,
    /// What logins are offered; `None` for all keys in the order in which they came.
    pub(crate) offer: Option<OfferSetup>,
    /// Called once it serves and its signals are caught: whoever reads that there is an agent may end it at once.
    pub(crate) announce: Box<dyn FnOnce() -> Result<(), Failure>>,
    /// The ties to the process that this one was forked from.
    pub(crate) background: Option<Background>,
    pub(crate) until: Until,
}

/// What choosing keys for a login takes.
pub(crate) struct OfferSetup {
    pub(crate) read: ReadOffer,
    /// Where to keep what is learnt; `None` to keep it in memory only.
    pub(crate) history: Option<PathBuf>,
    pub(crate) known_hosts: Vec<PathBuf>,
}

/// How long an agent serves, beside the signals that end it.
pub(crate) enum Until {
    /// For good.
    Told {
        /// Whether SIGINT ends it too; else it does nothing.
        interrupts: bool,
    },
    /// Until this command, its child, has ended. Signals are passed on to it.
    Command(Vec<OsString>),
    /// Until the process that it was forked from has ended.
    ParentGone,
}

/// Why it stopped serving.
pub(crate) enum Ended {
    Signal(End),
    /// With this exit status.
    Command(i32),
    ParentGone,
}

/// One thread answers all clients: what a request costs is mostly the wake-up, and a hand-over between threads
/// would double it. Everything slow (key derivation, RSA, files, questions) runs on blocking threads, which step
/// back behind that one.
pub(crate) fn start(setup: Setup) -> Result<Ended, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_start(process::lower_priority)
        .build()?;
    let ended = runtime.block_on(serve(setup));
    // A question that nobody answered must not keep the process from ending.
    runtime.shutdown_background();
    ended
}

async fn serve(mut setup: Setup) -> Result<Ended, Failure> {
    let termination = Termination::catch()?;
    let mut drop_keys = UserSignal::catch()?;
    let keyset = Keyset::new(setup.read_places, setup.unlocker.clone())
        .await
        .map_err(Failure::new)?;
    let upstreams = Registry::new(setup.socket.clone(), setup.read_upstreams).map_err(Failure::new)?;
    let offering = setup.offer.map(offering).transpose().map_err(Failure::new)?;
    let activity = setup.lock.watches().then(Activity::watch);
    let facts = Facts {
        socket: setup.socket.display().to_string(),
        lock: setup.lock,
        person: activity.as_ref().map(Activity::person),
        weaknesses: harden::harden_process(),
        options: setup.options,
        sk_helper: dirs::sk_helper(),
        sk_provider: dirs::sk_provider(),
    };
    let agent = Agent::new(
        keyset.clone(),
        setup.unlocker,
        setup.means,
        upstreams,
        offering,
        facts,
    );
    let watching = keyset.clone();
    tokio::spawn(async move { watching.follow_changes().await });
    tokio::spawn(idle::remove_expired(keyset.clone()));
    let dropping = keyset.clone();
    tokio::spawn(async move {
        loop {
            drop_keys.wait().await;
            dropping.remove_all();
            tracing::info!("all keys removed by signal");
        }
    });
    seal(&keyset, setup.lock, activity);
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async {
        let _ = stopped.await;
    };
    let serving = tokio::spawn(serve::run(setup.bound.listen()?, agent, shutdown));
    tracing::info!(socket = %setup.socket.display(), pid = std::process::id(), "listening");
    (setup.announce)()?;
    if let Some(background) = &mut setup.background {
        background.ready()?;
    }
    let ended = wait(setup.until, termination, setup.background, &setup.socket).await;
    let _ = stop.send(());
    let _ = serving.await;
    ended
}

/// Starts what seals keys without anybody asking for it.
fn seal(keyset: &Arc<Keyset>, lock: Lock, activity: Option<Activity>) {
    let Some(activity) = activity else { return };
    if let Some(limit) = lock.idle {
        tokio::spawn(idle::seal_when_idle(keyset.clone(), limit, activity.person()));
    }
    tokio::spawn(idle::seal_when_gone(keyset.clone(), activity, lock));
}

fn offering(setup: OfferSetup) -> Result<Offering, String> {
    let known_hosts = known_hosts::Files::new(setup.known_hosts);
    Offering::new(setup.read, history(setup.history.as_deref()), known_hosts)
}

/// A history that cannot be kept is no reason not to serve.
fn history(file: Option<&std::path::Path>) -> History {
    let Some(file) = file else {
        return History::in_memory();
    };
    match History::open(file) {
        Ok((history, warning)) => {
            if let Some(warning) = warning {
                tracing::warn!("{warning}");
            }
            history
        }
        Err(error) => {
            tracing::warn!("what is learnt will be forgotten at the agent's end: {error}");
            History::in_memory()
        }
    }
}

async fn wait(
    until: Until,
    mut termination: Termination,
    background: Option<Background>,
    socket: &std::path::Path,
) -> Result<Ended, Failure> {
    let (parent_counts, interrupts) = match until {
        Until::Command(command) => {
            return process::run_foreground(&command, &environment(socket, std::process::id()))
                .await
                .map(Ended::Command)
                .map_err(|error| not_run(&command, &error));
        }
        Until::Told { interrupts } => (false, interrupts),
        Until::ParentGone => (true, false),
    };
    let parent_gone = async {
        match background {
            Some(background) if parent_counts => background.parent_gone().await,
            _ => std::future::pending().await,
        }
    };
    tokio::pin!(parent_gone);
    loop {
        tokio::select! {
            gone = &mut parent_gone => {
                gone?;
                return Ok(Ended::ParentGone);
            }
            signal = termination.wait() => match signal {
                End::Interrupt if !interrupts => (),
                signal => {
                    tracing::info!(?signal, "ending");
                    return Ok(Ended::Signal(signal));
                }
            },
        }
    }
}

/// What tells a command where its agent is.
pub(crate) fn environment(socket: &std::path::Path, pid: u32) -> [(OsString, OsString); 3] {
    [
        ("SSH_AUTH_SOCK".into(), socket.into()),
        // claviger's own verbs inside the command mean this agent, too.
        ("CLAVIGER_SOCKET".into(), socket.into()),
        ("SSH_AGENT_PID".into(), pid.to_string().into()),
    ]
}

fn not_run(command: &[OsString], error: &std::io::Error) -> Failure {
    let name = command.first().map(|name| name.display().to_string());
    let name = name.unwrap_or_default();
    Failure::new(format!("{name}: {error}; is it installed and in PATH?"))
}
