//! `claviger agent`: runs the agent in the foreground, in the background, or around a command.
//!
//! The endpoint is bound before anything else happens: a second agent fails at once, and whoever waits for the
//! environment lines can connect as soon as they are printed. Only then does a background agent fork, while the
//! process still has one thread; the runtime starts after that.

pub(super) mod announce;
pub(super) mod engine;
pub(super) mod logging;
mod options;

use super::config::rules;
use super::context::{Context, secret_from};
use super::output::Failure;
use crate::cli::AgentArgs;
use announce::Shell;
use claviger::config::Config;
use claviger::keyset::{Places, ReadPlaces};
use claviger::known_hosts;
use claviger::secret::Secret;
use claviger::session::{OfferSettings, ReadOffer};
use claviger::unlock::Unlocker;
use claviger::upstream::ReadSockets;
use claviger_platform::endpoint::Bound;
use claviger_platform::harden;
use claviger_platform::process::{self, Fork};
use claviger_platform::prompt::Means;
use engine::{Ended, OfferSetup, Setup, Until};
use std::process::ExitCode;
use std::sync::Arc;

/// Exit status of wrong usage, as clap has it.
const USAGE: u8 = 2;

/// Runs the agent. No runtime exists yet, so the process may still fork.
pub(crate) fn run(args: AgentArgs, mut context: Context) -> Result<ExitCode, Failure> {
    let shell = Shell::choose(args.csh, args.sh);
    if args.kill {
        return announce::kill(shell);
    }
    let options = match options::read(&args.options) {
        Ok(options) => options,
        Err(wrong) => {
            wrong.print()?;
            return Ok(ExitCode::from(USAGE));
        }
    };
    for (given, place) in [
        (&args.places.state_dir, &mut context.places.state),
        (&args.places.data_dir, &mut context.places.data),
    ] {
        if let Some(dir) = given {
            *place = std::path::absolute(dir)?;
        }
    }
    let config = context.config()?;
    let master = secret_from(args.vault.vault_passphrase_fd)?;
    let (mut bound, inherited) = endpoint(&args, &context)?;
    if let Some(file) = args.cygwin_socket.as_ref().or(config.cygwin_socket.as_ref()) {
        bound = bound.with_cygwin(&std::path::absolute(file)?)?;
    }
    let socket = bound.path().unwrap_or(&context.places.socket).to_owned();
    harden::raise_file_limit();
    let told = Until::Told { interrupts: true };
    let (means, background, until) = if !args.command.is_empty() {
        logging::to_stderr(logging::WARN);
        (context.means(), None, Until::Command(args.command.clone()))
    } else if args.foreground || args.debug || inherited {
        logging::to_stderr(if args.debug { logging::DEBUG } else { logging::INFO });
        (context.means(), None, told)
    } else {
        match process::daemonize()? {
            Fork::Parent(pid) => {
                bound.keep();
                announce::environment(shell, &announce::quoted(&socket), pid)?;
                return Ok(ExitCode::SUCCESS);
            }
            Fork::Child(background) => {
                logging::to_file(&context.places.state);
                (context.means().without_terminal(), Some(background), told)
            }
        }
    };
    let shown = (background.is_none() && !inherited && matches!(until, Until::Told { .. }))
        .then(|| announce::quoted(&socket));
    let means = Arc::new(means);
    let unlocker = unlocker(&context, &config, means.clone(), master);
    let ended = engine::start(Setup {
        announce: Box::new(move || shown.map_or(Ok(()), |socket| announce::foreground(shell, &socket))),
        socket,
        unlocker: Arc::new(unlocker),
        means,
        lock: config.lock,
        offer: Some(OfferSetup {
            history: config.keep_history.then(|| context.history()),
            known_hosts: known_hosts::usual(&context.places.home),
            read: read_offer(context.clone()),
        }),
        read_places: read_places(context.clone()),
        read_upstreams: read_upstreams(context),
        bound,
        options,
        background,
        until,
    })?;
    Ok(match ended {
        Ended::Command(status) => ExitCode::from(u8::try_from(status).unwrap_or(u8::MAX)),
        Ended::Signal(_) | Ended::ParentGone => ExitCode::SUCCESS,
    })
}

/// A master passphrase that is given without a name is the embedded vault's if there is one, else the first database's.
fn unlocker(context: &Context, config: &Config, means: Arc<Means>, master: Option<Secret>) -> Unlocker {
    match master {
        Some(master) if !config.databases.is_empty() && !context.vault().exists() => {
            let unlocker = context.unlocker(config, means, None);
            unlocker.databases().give(master);
            unlocker
        }
        master => context.unlocker(config, means, master),
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

/// The places are read again whenever a client says that the configuration changed.
fn read_places(context: Context) -> ReadPlaces {
    Box::new(move || {
        let config = context.config().map_err(|error| error.to_string())?;
        Ok(Places {
            dirs: config.key_dirs,
            files: config.key_files,
            databases: config.databases,
            limits: config.limits,
        })
    })
}

/// Read again on the same occasions.
fn read_offer(context: Context) -> ReadOffer {
    Box::new(move || {
        let config = context.config().map_err(|error| error.to_string())?;
        Ok(OfferSettings {
            max: config.offer_max,
            unbound_max: config.unbound_max,
            rules: rules(&config),
        })
    })
}

/// Read again on the same occasions.
fn read_upstreams(context: Context) -> ReadSockets {
    Box::new(move || {
        let config = context.config().map_err(|error| error.to_string())?;
        Ok(config.upstreams)
    })
}
