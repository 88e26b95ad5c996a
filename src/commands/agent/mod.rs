//! `claviger agent`: runs the agent in the foreground, in the background, or around a command.
//!
//! The endpoint is bound before anything else happens: a second agent fails at once, and whoever waits for the
//! environment lines can connect as soon as they are printed. Only then does a background agent fork, while the
//! process still has one thread; the runtime starts after that.

mod announce;
mod logging;

use super::context::{Context, secret_from};
use super::output::Failure;
use crate::cli::AgentArgs;
use announce::Shell;
use claviger::config::Config;
use claviger::keyset::{Keyset, Places};
use claviger::secret::Secret;
use claviger::session::{Agent, Facts};
use claviger::{idle, serve};
use claviger_platform::endpoint::Bound;
use claviger_platform::process::{self, Fork, Termination};
use claviger_platform::{harden, prompt::Means};
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::sync::oneshot;

/// How the agent runs beside whoever started it.
enum Mode {
    /// `-D`, `-d`, or started by systemd.
    Foreground {
        verbose: bool,
    },
    Background,
    Around(Vec<OsString>),
}

/// Runs the agent. No runtime exists yet, so the process may still fork.
pub(crate) fn run(args: AgentArgs, context: Context) -> Result<ExitCode, Failure> {
    let shell = Shell::choose(args.csh, args.sh);
    if args.kill {
        return announce::kill(shell);
    }
    let config = context.config()?;
    let master = secret_from(args.vault.vault_passphrase_fd)?;
    let (bound, inherited) = endpoint(&args, &context)?;
    let socket = bound.path().unwrap_or(&context.places.socket).to_owned();
    harden::raise_file_limit();
    match mode(args, inherited) {
        Mode::Background => match process::daemonize()? {
            Fork::Parent(pid) => {
                bound.keep();
                announce::environment(shell, &socket, pid)?;
                Ok(ExitCode::SUCCESS)
            }
            Fork::Child => {
                logging::to_file(&context.places.state);
                let means = context.means().without_terminal();
                start(Setup {
                    context,
                    config,
                    bound,
                    means,
                    master,
                    announce: None,
                    around: None,
                })
            }
        },
        Mode::Foreground { verbose } => {
            logging::to_stderr(if verbose { logging::DEBUG } else { logging::INFO });
            let means = context.means();
            start(Setup {
                context,
                config,
                bound,
                means,
                master,
                announce: (!inherited).then_some(shell),
                around: None,
            })
        }
        Mode::Around(command) => {
            logging::to_stderr(logging::WARN);
            let means = context.means();
            start(Setup {
                context,
                config,
                bound,
                means,
                master,
                announce: None,
                around: Some(command),
            })
        }
    }
}

fn mode(args: AgentArgs, inherited: bool) -> Mode {
    if !args.command.is_empty() {
        Mode::Around(args.command)
    } else if args.foreground || args.debug || inherited {
        Mode::Foreground { verbose: args.debug }
    } else {
        Mode::Background
    }
}

/// `-a`; else, around a command, a socket of its own beside the usual one (a login must not fail because an agent
/// runs already); else systemd's if there is one; else the usual place.
fn endpoint(args: &AgentArgs, context: &Context) -> Result<(Bound, bool), Failure> {
    if let Some(path) = &args.socket {
        return Ok((Bound::bind(&std::path::absolute(path)?)?, false));
    }
    if !args.command.is_empty() {
        let name = format!("command.{}.sock", std::process::id());
        return Ok((Bound::bind(&context.places.socket.with_file_name(name))?, false));
    }
    if let Some(bound) = Bound::inherited()? {
        return Ok((bound, true));
    }
    Ok((Bound::bind(&context.places.socket)?, false))
}

struct Setup {
    context: Context,
    config: Config,
    bound: Bound,
    means: Means,
    master: Option<Secret>,
    /// Who is told where the agent listens, once it can be ended cleanly: not sooner, or a signal that follows at once
    /// would leave the socket behind.
    announce: Option<Shell>,
    around: Option<Vec<OsString>>,
}

/// One thread answers all clients: what a request costs is mostly the wake-up, and a hand-over between threads
/// would double it. Everything slow (key derivation, RSA, files, questions) runs on blocking threads, which step
/// back behind that one.
fn start(setup: Setup) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_start(process::lower_priority)
        .build()?;
    let code = runtime.block_on(serve(setup));
    // A question that nobody answered must not keep the process from ending.
    runtime.shutdown_background();
    code
}

async fn serve(setup: Setup) -> Result<ExitCode, Failure> {
    let Setup {
        context,
        config,
        bound,
        means,
        master,
        announce,
        around,
    } = setup;
    let mut termination = Termination::catch()?;
    let socket = bound.path().unwrap_or(&context.places.socket).to_owned();
    if let Some(shell) = announce {
        announce::foreground(shell, &socket)?;
    }
    let idle_after = config.idle;
    let means = Arc::new(means);
    let unlocker = Arc::new(context.unlocker(&config, means.clone(), master));
    let keyset = Keyset::new(read_places(context), unlocker.clone())
        .await
        .map_err(Failure::new)?;
    let facts = Facts {
        socket: socket.display().to_string(),
        idle: idle_after,
        weaknesses: harden::harden_process(),
    };
    let agent = Agent::new(keyset.clone(), unlocker, means, facts);
    let watching = keyset.clone();
    tokio::spawn(async move { watching.follow_changes().await });
    tokio::spawn(idle::remove_expired(keyset.clone()));
    if let Some(idle_after) = idle_after {
        tokio::spawn(idle::seal_when_idle(keyset, idle_after));
    }
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async {
        let _ = stopped.await;
    };
    let serving = tokio::spawn(serve::run(bound.listen()?, agent, shutdown));
    tracing::info!(socket = %socket.display(), pid = std::process::id(), "listening");
    let code = match around {
        Some(command) => around_command(&command, &socket).await,
        None => {
            tracing::info!(signal = termination.wait().await, "ending");
            Ok(ExitCode::SUCCESS)
        }
    };
    let _ = stop.send(());
    let _ = serving.await;
    code
}

/// Ends with the command, whose status is ours.
async fn around_command(command: &[OsString], socket: &Path) -> Result<ExitCode, Failure> {
    let env = [
        (OsString::from("SSH_AUTH_SOCK"), socket.as_os_str().to_owned()),
        // claviger's own verbs inside the command mean this agent, too.
        (OsString::from("CLAVIGER_SOCKET"), socket.as_os_str().to_owned()),
        (
            OsString::from("SSH_AGENT_PID"),
            OsString::from(std::process::id().to_string()),
        ),
    ];
    match process::run_foreground(command, &env).await {
        Ok(status) => Ok(ExitCode::from(u8::try_from(status).unwrap_or(u8::MAX))),
        Err(error) => {
            let name = command
                .first()
                .map(|name| name.display().to_string())
                .unwrap_or_default();
            Err(Failure::new(format!(
                "{name}: {error}; is it installed and in PATH?"
            )))
        }
    }
}

/// The places are read again whenever a client says that the configuration changed.
fn read_places(context: Context) -> claviger::keyset::ReadPlaces {
    Box::new(move || {
        let config = context.config().map_err(|error| error.to_string())?;
        Ok(Places {
            dirs: config.key_dirs,
            files: config.key_files,
        })
    })
}
