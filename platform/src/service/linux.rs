//! systemd's user manager: a socket that is there from the login on, a service behind it, and SSH_AUTH_SOCK for all that
//! the manager starts (environment.d) and for the shells that it does not.
//!
//! The link that enables the socket is a part of its own, as `systemctl --user enable` would make it: so the service is
//! installed where no manager can be reached, too, and starts with the next login.

use super::quote::{self, fill};
use super::{Call, Part, Plan, ServiceError, Setup, What, mark};
use std::path::{Path, PathBuf};

const SOCKET: &str = include_str!("../../units/claviger.socket");
const SERVICE: &str = include_str!("../../units/claviger.service");
const ENVIRONMENT: &str = include_str!("../../units/claviger.conf");
const PROFILE: &str = include_str!("../../units/profile.sh");
const FISH: &str = include_str!("../../units/claviger.fish");

/// Bytes of `sun_path` (unix(7)) without its final zero.
const LONGEST: usize = 107;

/// The socket's path in every format that it stands in.
struct Listen {
    unit: String,
    variable: String,
    environment: String,
    sh: String,
    fish: String,
    shown: String,
}

impl Listen {
    fn of(socket: Option<&Path>) -> Result<Self, ServiceError> {
        let Some(path) = socket else {
            return Ok(Self {
                unit: "%t/claviger/agent.sock".into(),
                variable: "SSH_AUTH_SOCK=%t/claviger/agent.sock".into(),
                environment: "${XDG_RUNTIME_DIR}/claviger/agent.sock".into(),
                sh: "\"${XDG_RUNTIME_DIR-}/claviger/agent.sock\"".into(),
                fish: "\"$XDG_RUNTIME_DIR/claviger/agent.sock\"".into(),
                shown: "$XDG_RUNTIME_DIR/claviger/agent.sock".into(),
            });
        };
        let text = quote::text("socket", path)?;
        let unfit = |why| {
            Err(ServiceError::Unfit {
                what: "socket",
                path: path.to_owned(),
                why,
            })
        };
        if text.ends_with(['\\', ' ']) {
            return unfit(
                "systemd cannot listen at a path that ends so; choose another with CLAVIGER_SOCKET",
            );
        }
        if text.len() > LONGEST {
            return unfit(
                "longer than the 107 bytes that a socket's path may have; choose another with CLAVIGER_SOCKET",
            );
        }
        Ok(Self {
            unit: quote::specifiers(text),
            variable: quote::unit_word(&format!("SSH_AUTH_SOCK={text}")),
            environment: quote::environment_d(text),
            sh: quote::sh(text),
            fish: quote::fish(text),
            shown: text.to_owned(),
        })
    }
}

pub(super) fn plan(setup: &Setup) -> Result<Plan, ServiceError> {
    let listen = Listen::of(setup.socket.as_deref())?;
    let units = setup.config_home.join("systemd/user");
    let socket = units.join("claviger.socket");
    let mark = mark::open();
    let mark = ("MARK", &*mark);
    let parts = [
        Part::file(units.join("claviger.service"), &service(setup, mark)?),
        Part::file(
            socket.clone(),
            &fill(
                SOCKET,
                &[mark, ("LISTEN", &listen.unit), ("VARIABLE", &listen.variable)],
            ),
        ),
        Part {
            path: units.join("sockets.target.wants/claviger.socket"),
            what: What::Link(socket),
        },
        // Late in the order of names: whoever is last has the variable.
        Part::file(
            setup.config_home.join("environment.d/90-claviger.conf"),
            &fill(ENVIRONMENT, &[mark, ("SOCKET", &listen.environment)]),
        ),
    ];
    let (shells, elsewhere) = shells(setup, &listen, mark);
    let both = ["claviger.socket", "claviger.service"];
    let user = |words: &[&'static str]| Call::new("systemctl", [&["--user"], words].concat());
    Ok(Plan {
        parts: parts.into_iter().chain(shells).collect(),
        elsewhere,
        reload: Some(user(&["daemon-reload"])),
        renew: vec![user(&[&["stop"], &both[..]].concat())],
        start: vec![user(&["start", "claviger.socket"])],
        stop: vec![user(&[&["stop"], &both[..]].concat())],
        probe: user(&["is-active", "--quiet", "claviger.socket"]),
        advice: vec![format!(
            "programs that run already keep their SSH_AUTH_SOCK until the next login; in this shell: export SSH_AUTH_SOCK={}",
            listen.sh.replace("_DIR-}", "_DIR}")
        )],
        socket: listen.shown,
    })
}

fn service(setup: &Setup, mark: (&str, &str)) -> Result<String, ServiceError> {
    let program = quote::unit_program(quote::text("program", &setup.program)?);
    let mut lines = String::new();
    for (name, path) in &setup.environment {
        let value = format!("{name}={}", quote::text(name, path)?);
        lines += &format!("Environment={}\n", quote::unit_word(&value));
    }
    Ok(fill(
        SERVICE,
        &[mark, ("PROGRAM", &program), ("ENVIRONMENT", &lines)],
    ))
}

/// What login shells read: a block in the files of those that are in use, a file of our own for fish. Second, the same for
/// those that are not.
fn shells(setup: &Setup, listen: &Listen, mark: (&str, &str)) -> (Vec<Part>, Vec<Part>) {
    let home = &setup.home;
    let text = fill(PROFILE, &[("SOCKET", &listen.sh)]);
    let block = |path: PathBuf| Part {
        path,
        what: What::Block {
            text: text.clone(),
            top: false,
        },
    };
    // bash reads the first of these that is there, and .profile only without them.
    let bash = [".bash_profile", ".bash_login"].map(|name| home.join(name));
    let read = bash.iter().position(|path| path.exists());
    let zsh = setup.zdotdir.as_ref().unwrap_or(home);
    let zsh_files = [".zshenv", ".zprofile", ".zshrc", ".zlogin"];
    let has_zsh = zsh_files.iter().any(|name| zsh.join(name).exists());
    let fish = setup.config_home.join("fish");
    let fish_text = fill(FISH, &[mark, ("SOCKET", &listen.fish)]);
    let mut all = vec![
        (true, block(home.join(".profile"))),
        (has_zsh, block(zsh.join(".zprofile"))),
        (
            fish.is_dir(),
            Part::file(fish.join("conf.d/claviger.fish"), &fish_text),
        ),
    ];
    for (number, path) in bash.into_iter().enumerate() {
        all.push((read == Some(number), block(path)));
    }
    let (wanted, other): (Vec<_>, Vec<_>) = all.into_iter().partition(|(wanted, _)| *wanted);
    let parts = |list: Vec<(bool, Part)>| list.into_iter().map(|(_, part)| part).collect();
    (parts(wanted), parts(other))
}
