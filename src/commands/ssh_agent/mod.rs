//! The program under the name `ssh-agent`: OpenSSH 10.6's agent to whoever calls it. Its command line, output, exit
//! statuses, signals, places and clean-up; keys only from clients, no vault, and no configuration but the one that
//! CLAVIGER_CONFIG names.
//!
//! What it prints is meant to be read by scripts written for OpenSSH, so it does not follow claviger's form of errors.

mod arguments;
mod place;

use super::agent::announce::{self, Shell};
use super::agent::engine::{self, Ended, Setup, Until};
use super::agent::logging;
use super::context::Context;
use super::output::Failure;
use arguments::{Arguments, Fault, USAGE};
use claviger::config::Config;
use claviger::keyset::{Places, ReadPlaces};
use claviger::session::Options;
use claviger::upstream::ReadSockets;
use claviger_platform::endpoint::{self, Bound};
use claviger_platform::harden;
use claviger_platform::process::{self, End, Fork};
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// The release whose agent this is.
const VERSION: &str = concat!("OpenSSH_10.6, claviger ", env!("CARGO_PKG_VERSION"), "\n");

/// What is written to standard error before the program ends, and its exit status.
struct Fatal {
    text: String,
    status: u8,
}

impl Fatal {
    /// What OpenSSH's fatal() does.
    fn exiting_255(text: impl AsRef<str>) -> Self {
        Self {
            text: logged(text.as_ref()),
            status: 255,
        }
    }

    fn logged(text: impl AsRef<str>) -> Self {
        Self {
            text: logged(text.as_ref()),
            status: 1,
        }
    }

    fn failed(text: impl Into<String>) -> Self {
        Self {
            text: format!("{}\n", text.into()),
            status: 1,
        }
    }
}

/// OpenSSH ends each line of its log so, because it may be written to a raw terminal.
fn logged(text: &str) -> String {
    text.replace('\n', "\r\n") + "\r\n"
}

impl From<Failure> for Fatal {
    fn from(failure: Failure) -> Self {
        Self::failed(failure.to_string())
    }
}

impl From<Fault> for Fatal {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Usage(reason) => Self {
                text: reason.map(|reason| logged(&reason)).unwrap_or_default() + USAGE,
                status: 1,
            },
            Fault::Lifetime(error) => Self {
                text: format!("{error}\n{USAGE}"),
                status: 1,
            },
            Fault::Fatal(error) => Self::exiting_255(error.to_string()),
            Fault::Version => Self {
                text: VERSION.into(),
                status: 0,
            },
        }
    }
}

/// Runs with the words behind the program's name.
pub(super) fn run(words: impl Iterator<Item = OsString>) -> ExitCode {
    let ended = arguments::parse(words).map_err(Fatal::from).and_then(start);
    ended.unwrap_or_else(|Fatal { text, status }| {
        complain(&text);
        ExitCode::from(status)
    })
}

/// Nobody is left to tell when standard error itself fails.
fn complain(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

fn start(args: Arguments) -> Result<ExitCode, Fatal> {
    let shell = Shell::choose(args.csh, args.sh);
    if args.kill {
        return kill(shell);
    }
    let context = Context::from_environment(None)?;
    let home = context.places.home.clone();
    if args.clean_up > 0 {
        place::clean_up(args.place.as_deref(), &home, args.clean_up > 1)?;
        // As OpenSSH 10.6 words it.
        super::output::line("Deleted stale agent sockets in ~/user:.ssh/agent")?;
        return Ok(ExitCode::SUCCESS);
    }
    let config = configuration(&context)?;
    let (bound, inherited) = endpoint(&args, &home)?;
    let socket = bound.path().map(Path::to_owned).unwrap_or_default();
    harden::raise_file_limit();
    let front = args.foreground || args.debug;
    let background = if front {
        logging::to_stderr(if args.debug { logging::DEBUG } else { logging::WARN });
        None
    } else {
        match process::daemonize().map_err(Failure::from)? {
            Fork::Parent(pid) => {
                bound.keep();
                return parent(shell, &args.command, &socket, pid);
            }
            Fork::Child(background) => Some(background),
        }
    };
    let until = match args.command.is_empty() {
        true => Until::Told { interrupts: front },
        false => Until::ParentGone,
    };
    let shown = (front && !inherited).then(|| quoted(&socket));
    let ended = engine::start(Setup {
        announce: Box::new(move || shown.map_or(Ok(()), |socket| announce::foreground(shell, &socket))),
        background,
        until,
        ..setup(context, &config, args.options, (bound, socket))
    })?;
    Ok(match ended {
        Ended::Signal(signal) => {
            if front {
                complain(&logged(&format!("exiting on signal {}", signal.number())));
            }
            // The service manager asked, so this is no failure.
            ExitCode::from(if inherited && signal == End::Terminate {
                0
            } else {
                2
            })
        }
        Ended::ParentGone | Ended::Command(_) => ExitCode::from(2),
    })
}

fn setup(context: Context, config: &Config, options: Options, (bound, socket): (Bound, PathBuf)) -> Setup {
    let mut means = context.means();
    // OpenSSH asks through askpass only, and never on the terminal of whoever started it.
    means.helper = None;
    let means = Arc::new(means.without_terminal());
    Setup {
        bound,
        socket,
        unlocker: Arc::new(context.unlocker(config, means.clone(), None)),
        means,
        lock: config.lock,
        offer: None,
        read_places: read_places(context.clone()),
        read_upstreams: read_upstreams(context),
        options,
        announce: Box::new(|| Ok(())),
        background: None,
        until: Until::ParentGone,
    }
}

/// The original process: it tells its shell of the agent, or becomes the command, whose parent and whose exit status
/// are then those that the caller expects.
fn parent(shell: Shell, command: &[OsString], socket: &Path, pid: u32) -> Result<ExitCode, Fatal> {
    let Some(name) = command.first() else {
        announce::environment(shell, &quoted(socket), pid)?;
        return Ok(ExitCode::SUCCESS);
    };
    let error = process::become_command(command, &engine::environment(socket, pid));
    let name = name.display();
    Err(Fatal::failed(format!("{name}: {}", place::reason(&error))))
}

/// As `-a`, the service manager, `-T`, `-A` say, in this order. A bool tells whether the service manager made it.
fn endpoint(args: &Arguments, home: &Path) -> Result<(Bound, bool), Fatal> {
    if let Some(path) = &args.socket {
        return Ok((place::at(path)?, false));
    }
    let front = args.foreground || args.debug;
    if front && handed_over()? {
        let bound = Bound::inherited().map_err(|error| Fatal::exiting_255(error.to_string()))?;
        return bound
            .map(|bound| (bound, true))
            .ok_or_else(|| Fatal::exiting_255("no socket was handed over"));
    }
    if args.temporary {
        return Ok((place::temporary()?, false));
    }
    if !args.keep_stale {
        place::clean_up(args.place.as_deref(), home, false)?;
    }
    Ok((place::below(args.place.as_deref(), home)?, false))
}

/// Whether a service manager hands a socket over, and to this process.
fn handed_over() -> Result<bool, Fatal> {
    let (Some(count), Some(pid)) = (given("LISTEN_FDS"), given("LISTEN_PID")) else {
        return Ok(false);
    };
    if count != "1" {
        let count = count.display();
        return Err(Fatal::exiting_255(format!(
            "unexpected LISTEN_FDS contents (want: \"1\" got\"{count}\""
        )));
    }
    if !endpoint::is_handed_over() {
        return Err(Fatal::exiting_255("LISTEN_FDS set but fd 3 unavailable"));
    }
    let pid = good_pid(&pid).map_err(|reason| Fatal::exiting_255(format!("invalid LISTEN_PID: {reason}")))?;
    match std::process::id() {
        own if own == pid => Ok(true),
        own => Err(Fatal::exiting_255(format!("bad LISTEN_PID: {pid} vs pid {own}"))),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "commands/ is where the environment is read"
)]
fn given(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

fn variable(name: &str) -> Option<OsString> {
    given(name).filter(|value| !value.is_empty())
}

/// Ends the agent that SSH_AGENT_PID names.
#[expect(
    clippy::disallowed_methods,
    reason = "commands/ is where the environment is read"
)]
fn kill(shell: Shell) -> Result<ExitCode, Fatal> {
    let value = std::env::var_os("SSH_AGENT_PID")
        .ok_or_else(|| Fatal::failed("SSH_AGENT_PID not set, cannot kill agent"))?;
    let pid = match good_pid(&value) {
        Ok(1) => Err("too small"),
        other => other,
    };
    let pid = pid.map_err(|reason| {
        let value = value.display();
        Fatal::failed(format!(
            "SSH_AGENT_PID=\"{value}\", which is not a good PID: {reason}"
        ))
    })?;
    process::terminate(pid).map_err(|error| Fatal::failed(format!("kill: {}", place::reason(&error))))?;
    Ok(announce::killed(shell, pid)?)
}

/// A process id as strtonum(3) of 1 to INT_MAX reads it.
fn good_pid(value: &OsString) -> Result<u32, &'static str> {
    let number: i128 = value
        .to_str()
        .and_then(|text| text.trim_start().parse().ok())
        .ok_or("invalid")?;
    match number {
        ..1 => Err("too small"),
        number => i32::try_from(number)
            .map(i32::unsigned_abs)
            .map_err(|_| "too large"),
    }
}

/// OpenSSH's quoting: quotes where there is a blank, a backslash before what would end them.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let blank = text.contains([' ', '\t']);
    let mut out = String::new();
    for letter in text.chars() {
        if matches!(letter, '"' | '\'' | '\\') {
            out.push('\\');
        }
        out.push(letter);
    }
    if blank { format!("\"{out}\"") } else { out }
}

/// Nothing but what the file of CLAVIGER_CONFIG asks for.
fn configuration(context: &Context) -> Result<Config, Failure> {
    let defaults = Config::without_files();
    match variable("CLAVIGER_CONFIG") {
        Some(_) => Ok(Config::load_over(
            &context.places.config,
            &context.places.home,
            defaults,
        )?),
        None => Ok(defaults),
    }
}

fn read_places(context: Context) -> ReadPlaces {
    Box::new(move || {
        let config = configuration(&context).map_err(|error| error.to_string())?;
        Ok(Places {
            dirs: config.key_dirs,
            files: config.key_files,
            databases: config.databases,
            limits: config.limits,
        })
    })
}

fn read_upstreams(context: Context) -> ReadSockets {
    Box::new(move || {
        let config = configuration(&context).map_err(|error| error.to_string())?;
        Ok(config.upstreams)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_quoted_as_openssh_does() {
        for (path, expected) in [
            ("/tmp/a~:=,+%@x", "/tmp/a~:=,+%@x"),
            ("/tmp/a b", "\"/tmp/a b\""),
            ("/tmp/a'b$x", "/tmp/a\\'b$x"),
            ("/tmp/q\"b\\", "/tmp/q\\\"b\\\\"),
            ("/tmp/t\tb\"", "\"/tmp/t\tb\\\"\""),
        ] {
            assert_eq!(quoted(Path::new(path)), expected);
        }
    }

    #[test]
    fn process_ids_are_read_as_openssh_does() {
        let pid = |text: &str| good_pid(&text.into());
        assert_eq!(pid("123"), Ok(123));
        assert_eq!(pid("12x"), Err("invalid"));
        assert_eq!(pid(""), Err("invalid"));
        assert_eq!(pid("-5"), Err("too small"));
        assert_eq!(pid("2147483648"), Err("too large"));
    }
}
