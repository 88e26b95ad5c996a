//! What an agent tells the shell that started it, in OpenSSH's own words, and `-k`.

use crate::commands::output::{self, Failure};
use claviger_platform::process;
use std::path::Path;
use std::process::ExitCode;

/// Whose syntax the lines are in.
#[derive(Clone, Copy)]
pub(crate) enum Shell {
    Sh,
    Csh,
}

impl Shell {
    /// `-c`, `-s`, or by $SHELL, as ssh-agent does.
    #[expect(
        clippy::disallowed_methods,
        reason = "commands/ is where the environment is read"
    )]
    pub(crate) fn choose(csh: bool, sh: bool) -> Self {
        let shell_is_csh = || std::env::var("SHELL").is_ok_and(|shell| shell.ends_with("csh"));
        if csh || (!sh && shell_is_csh()) {
            Self::Csh
        } else {
            Self::Sh
        }
    }

    fn set(self, name: &str, value: &str) -> String {
        match self {
            Self::Sh => format!("{name}={value}; export {name};"),
            Self::Csh => format!("setenv {name} {value};"),
        }
    }

    fn unset(self, name: &str) -> String {
        match self {
            Self::Sh => format!("unset {name};"),
            Self::Csh => format!("unsetenv {name};"),
        }
    }
}

/// A path with anything but plain characters is quoted (as OpenSSH 10.3 and later do).
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+@%:,=~".contains(c);
    if text.chars().all(plain) {
        return text;
    }
    let escaped: String = text
        .chars()
        .flat_map(|c| {
            ["\"$`\\".contains(c).then_some('\\'), Some(c)]
                .into_iter()
                .flatten()
        })
        .collect();
    format!("\"{escaped}\"")
}

/// The lines of an agent in the background; `socket` is quoted already.
pub(crate) fn environment(shell: Shell, socket: &str, pid: u32) -> Result<(), Failure> {
    output::line(shell.set("SSH_AUTH_SOCK", socket))?;
    output::line(shell.set("SSH_AGENT_PID", &pid.to_string()))?;
    output::line(format!("echo Agent pid {pid};"))
}

/// The lines of an agent in the foreground; `socket` is quoted already.
pub(crate) fn foreground(shell: Shell, socket: &str) -> Result<(), Failure> {
    output::line(shell.set("SSH_AUTH_SOCK", socket))?;
    output::line(format!("echo Agent pid {};", std::process::id()))
}

/// Ends the agent that SSH_AGENT_PID names.
#[expect(
    clippy::disallowed_methods,
    reason = "commands/ is where the environment is read"
)]
pub(crate) fn kill(shell: Shell) -> Result<ExitCode, Failure> {
    let value = std::env::var("SSH_AGENT_PID").map_err(|_| {
        Failure::new("SSH_AGENT_PID is not set: no agent to end; is this the shell that started it?")
    })?;
    let pid: u32 = value.parse().map_err(|_| {
        Failure::new(format!(
            "SSH_AGENT_PID is {value:?}, not a process id; unset it and end the agent by hand"
        ))
    })?;
    process::terminate(pid).map_err(|error| Failure::new(format!("process {pid} was not ended: {error}")))?;
    killed(shell, pid)
}

/// The lines of `-k`.
pub(crate) fn killed(shell: Shell, pid: u32) -> Result<ExitCode, Failure> {
    output::line(shell.unset("SSH_AUTH_SOCK"))?;
    output::line(shell.unset("SSH_AGENT_PID"))?;
    output::line(format!("echo Agent pid {pid} killed;"))?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_quoted_only_when_the_shell_would_take_it_apart() {
        assert_eq!(
            quoted(Path::new("/run/user/1000/claviger/agent.sock")),
            "/run/user/1000/claviger/agent.sock"
        );
        assert_eq!(quoted(Path::new("/home/A B/$x")), "\"/home/A B/\\$x\"");
    }
}
