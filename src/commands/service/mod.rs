//! `claviger service`: the agent as a service of the person's own. What is installed on which OS is
//! `claviger_platform::service`'s to say; here it is shown, done, and undone.
mod call;
mod install;
mod status;
mod uninstall;

pub(super) use status::running;

use super::context::Context;
use super::output::Failure;
use crate::cli::{ServiceArgs, ServiceSystem, ServiceVerb};
use claviger_platform::dirs;
use claviger_platform::service::{Setup, System};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

pub(crate) fn run(args: &ServiceArgs, context: &Context) -> Result<ExitCode, Failure> {
    match &args.verb {
        ServiceVerb::Install(args) => install::run(args, context),
        ServiceVerb::Uninstall(args) => uninstall::run(args, context),
        ServiceVerb::Status { json } => status::run(*json, context),
    }
}

fn system(named: Option<ServiceSystem>) -> Result<System, Failure> {
    let named = named.map(|named| match named {
        ServiceSystem::Linux => System::Linux,
        ServiceSystem::Macos => System::Macos,
        ServiceSystem::Windows => System::Windows,
    });
    let why =
        "claviger knows no service manager of this system; start `claviger agent` from your session's own";
    named.or_else(System::here).ok_or_else(|| Failure::new(why))
}

/// What the service is made of: this process's surroundings, since the manager's may know none of it.
pub(super) fn setup(system: System, program: Option<&Path>, context: &Context) -> Result<Setup, Failure> {
    let places = &context.places;
    let chosen = |name| dirs::variable(name).filter(|value| !value.is_empty());
    let absolute = |name| chosen(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let environment = [
        ("CLAVIGER_CONFIG", &places.config, context.config_named),
        (
            "CLAVIGER_STATE_DIR",
            &places.state,
            chosen("CLAVIGER_STATE_DIR").is_some(),
        ),
        (
            "CLAVIGER_DATA_DIR",
            &places.data,
            chosen("CLAVIGER_DATA_DIR").is_some(),
        ),
    ];
    let (uid, name) = dirs::user();
    let name = chosen("USERNAME").or(name).unwrap_or_default();
    let domain = chosen("USERDOMAIN").unwrap_or_else(|| "%USERDOMAIN%".into());
    let socket = match (context.socket_named, system) {
        (true, _) => Some(places.socket.clone()),
        (false, System::Windows) if System::here() == Some(System::Windows) => Some(places.socket.clone()),
        (false, System::Windows) => Some(PathBuf::from(r"\\.\pipe\claviger")),
        (false, _) => None,
    };
    Ok(Setup {
        program: match program {
            Some(program) => std::path::absolute(program)?,
            None => this_program()?,
        },
        home: places.home.clone(),
        config_home: absolute("XDG_CONFIG_HOME").unwrap_or_else(|| places.home.join(".config")),
        state: places.state.clone(),
        socket,
        environment: environment
            .into_iter()
            .filter(|(_, _, named)| *named)
            .map(|(name, path, _)| (name, path.clone()))
            .collect(),
        uid,
        account: format!("{}\\{}", domain.to_string_lossy(), name.to_string_lossy()),
        zdotdir: absolute("ZDOTDIR"),
        root: PathBuf::from("/"),
    })
}

/// This program, by the name under which PATH finds it if it does: that name outlives an upgrade, while the file behind it
/// may be another then.
fn this_program() -> Result<PathBuf, Failure> {
    let own = std::env::current_exe().map_err(|error| {
        Failure::new(format!(
            "this program's own file: {error}; name it with --program"
        ))
    })?;
    let Some(name) = own.file_name() else {
        return Ok(own);
    };
    let path = dirs::variable("PATH").unwrap_or_default();
    let same = |found: &PathBuf| {
        found.is_absolute()
            && found
                .canonicalize()
                .ok()
                .is_some_and(|found| Some(found) == own.canonicalize().ok())
    };
    let found = std::env::split_paths(&path).map(|dir| dir.join(name)).find(same);
    Ok(found.unwrap_or(own))
}
