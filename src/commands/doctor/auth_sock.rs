//! Which agent ssh asks: SSH_AUTH_SOCK, and `IdentityAgent` in ssh's configuration, which goes before it.

use super::codes::Code;
use super::endpoint::{There, look};
use super::finding::Finding;
use super::scene::Scene;
use crate::commands::client::Client;
use crate::commands::context::Context;
use claviger::client::IdentityAgent;
use claviger_platform::dirs;
use std::path::Path;
use std::time::Duration;
use tokio::runtime::Runtime;

const VARIABLE: &str = "SSH_AUTH_SOCK";
const SETTING: &str = "IdentityAgent";
/// An agent that is not claviger refuses the question at once; claviger asks its keyring first, which has 5 s.
const ANSWER: Duration = Duration::from_secs(7);

/// Agents by what stands in their sockets' paths; a socket that systemd holds has no other sign of whose it is.
const BY_PATH: &[(&str, &str)] = &[
    ("/keyring/", "gnome-keyring"),
    ("/gcr/", "gnome-keyring (gcr)"),
    ("S.gpg-agent.ssh", "gpg-agent"),
    ("openssh_agent", "OpenSSH's ssh-agent"),
    ("openssh-ssh-agent", "OpenSSH's ssh-agent"),
    ("com.apple.launchd.", "macOS's own ssh-agent"),
    ("1password", "1Password"),
    ("bitwarden", "Bitwarden"),
    ("ssh-agent.socket", "OpenSSH's ssh-agent"),
];
/// And by the program that listens.
const BY_PROGRAM: &[(&str, &str)] = &[
    (
        "ssh-agent",
        "OpenSSH's ssh-agent, as a session, a shell or keychain starts it; KeePassXC puts its keys into it, too",
    ),
    ("gnome-keyring", "gnome-keyring"),
    ("gcr-ssh-agent", "gnome-keyring (gcr)"),
    ("gpg-agent", "gpg-agent"),
    ("1password", "1Password"),
    ("bitwarden", "Bitwarden"),
    ("pageant", "Pageant"),
];

pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let setting = scene.unnamed.as_ref().and_then(|asked| asked.agent.as_ref());
    match setting {
        // It goes before the variable, which then is of use to other programs only.
        Some(IdentityAgent::At(path)) if is_claviger(scene.context, path) => Vec::new(),
        Some(IdentityAgent::At(path)) => vec![overridden(
            &path.display().to_string(),
            "has ssh ask another agent than claviger, whatever SSH_AUTH_SOCK says",
        )],
        Some(IdentityAgent::Nobody) => vec![overridden("none", "has ssh ask no agent at all")],
        Some(IdentityAgent::Environment) | None => variable(scene).into_iter().collect(),
    }
}

fn overridden(value: &str, what: &str) -> Finding {
    Finding::new(
        Code::IdentityAgentOther,
        format!("{SETTING} {value}"),
        format!("ssh's configuration {what}"),
        format!(
            "take the line {SETTING} out of ~/.ssh/config (or the file that it includes), or set it to claviger's socket"
        ),
    )
}

/// Where SSH_AUTH_SOCK leads.
pub(super) enum Shell {
    Unset,
    Claviger,
    /// Another agent; its program.
    Other(String),
    /// The agent of the machine that the person came from; the program that stands for it.
    Forwarded(String),
    /// Not to an agent that could be asked, and why.
    Nowhere(String),
}

impl Shell {
    /// Looks there. Bounded.
    pub(super) fn look(context: &Context, runtime: &Runtime) -> Self {
        let Some(path) = asked(context) else {
            return Self::Unset;
        };
        if is_claviger(context, path) {
            return Self::Claviger;
        }
        match look(runtime, path) {
            // ssh then asks nobody, as where it has no usual place.
            There::Nobody(_) if context.ssh_auth_sock.is_none() => Self::Unset,
            There::Nobody(error) => Self::Nowhere(format!("where no agent answers ({error})")),
            There::Stuck => Self::Nowhere("where a process takes no connections".into()),
            There::Stranger => Self::Nowhere("an agent of another user, who is asked nothing".into()),
            There::Somebody(who) if who.starts_with("sshd") => Self::Forwarded(who),
            There::Somebody(who) => Self::Other(who),
        }
    }
}

/// Where ssh asks: as the variable says, else at its usual place if it has one on this system.
fn asked(context: &Context) -> Option<&Path> {
    let named = context.ssh_auth_sock.as_deref();
    named.or(dirs::SSH_AGENT.map(Path::new))
}

/// Whether claviger answers at `path`, by whatever name the place is known.
fn is_claviger(context: &Context, path: &Path) -> bool {
    path == context.places.socket || Client::at(path).status_within(ANSWER).is_ok()
}

fn variable(scene: &Scene) -> Option<Finding> {
    let ours = scene.context.places.socket.display();
    let path = asked(scene.context).unwrap_or(Path::new(""));
    let leads = match scene.context.ssh_auth_sock {
        Some(_) => "leads to",
        None => "is not set, and ssh's usual place leads to",
    };
    let shown = path.display();
    let use_ours = format!("export {VARIABLE}={ours}, and take out what sets it otherwise");
    let (code, message, remedy) = match &scene.shell {
        Shell::Claviger => return None,
        Shell::Unset => (
            Code::AuthSockUnset,
            "is not set in this shell: ssh and git ask no agent".to_owned(),
            format!(
                "`eval $(claviger agent)`; or `claviger service install` and a new login; or in ~/.ssh/config: {SETTING} {ours}"
            ),
        ),
        Shell::Nowhere(why) => (Code::AuthSockDead, format!("{leads} {shown}, {why}"), use_ours),
        Shell::Forwarded(who) => (
            Code::AuthSockForwarded,
            format!("{leads} {shown}: the agent of the machine that you came from, forwarded by {who}"),
            format!("nothing, if you mean to use that one; else {use_ours}"),
        ),
        Shell::Other(who) => (
            Code::AuthSockOther,
            format!("{leads} another agent: {}, {who} at {shown}", whose(path, who)),
            format!(
                "{use_ours}; [[upstream]] in claviger's configuration lists that agent's keys behind your own"
            ),
        ),
    };
    Some(Finding::new(code, VARIABLE, message, remedy))
}

/// The agent's name for people.
fn whose(path: &Path, program: &str) -> &'static str {
    let (path, program) = (path.to_string_lossy().to_lowercase(), program.to_lowercase());
    let named = |text: &str, known: &[(&str, &'static str)]| {
        let known = known.iter().find(|(sign, _)| text.contains(&sign.to_lowercase()));
        known.map(|(_, name)| *name)
    };
    named(&path, BY_PATH)
        .or_else(|| named(&program, BY_PROGRAM))
        .unwrap_or("one that is not known here")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_are_known_by_their_places_and_programs() {
        for (path, program, expected) in [
            (
                "/run/user/1000/keyring/ssh",
                "gnome-keyring-d (pid 7)",
                "gnome-keyring",
            ),
            ("/run/user/1000/gcr/ssh", "systemd (pid 7)", "gnome-keyring (gcr)"),
            (
                "/run/user/1000/gnupg/S.gpg-agent.ssh",
                "systemd (pid 7)",
                "gpg-agent",
            ),
            (
                "/run/user/1000/openssh_agent",
                "systemd (pid 7)",
                "OpenSSH's ssh-agent",
            ),
            (
                r"\\.\pipe\openssh-ssh-agent",
                "ssh-agent.exe (pid 7)",
                "OpenSSH's ssh-agent",
            ),
            ("/tmp/x", "gpg-agent (pid 7)", "gpg-agent"),
            ("/tmp/x", "cat (pid 7)", "one that is not known here"),
        ] {
            assert_eq!(whose(Path::new(path), program), expected);
        }
        assert!(whose(Path::new("/tmp/ssh-a/agent.1"), "ssh-agent (pid 2)").contains("keychain"));
    }
}
