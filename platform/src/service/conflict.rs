//! Who else puts an agent into SSH_AUTH_SOCK, or listens beside: found in files, so that it is known without a manager.

use super::Setup;
use std::path::{Path, PathBuf};

/// Another agent that the login starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Its unit or file.
    pub name: String,
    /// What it does.
    pub effect: &'static str,
    /// Whether that sets SSH_AUTH_SOCK, or (Windows) has the very pipe that claviger is to have; else it only listens
    /// beside.
    pub takes: bool,
    /// How to turn it off.
    pub remedy: String,
}

/// Where units of users are, the person's own first.
const UNIT_DIRS: &[&str] = &[
    "etc/systemd/user",
    "usr/local/lib/systemd/user",
    "usr/lib/systemd/user",
];

pub(super) fn linux(setup: &Setup) -> Vec<Conflict> {
    let mut dirs = vec![setup.config_home.join("systemd/user")];
    dirs.extend(UNIT_DIRS.iter().map(|dir| setup.root.join(dir)));
    let gpg_conf = setup.home.join(".gnupg/gpg-agent.conf");
    let gpg = gpg_supports_ssh(&gpg_conf);
    let known = [
        (
            "gcr-ssh-agent.socket",
            "the desktop's keyring listens as an SSH agent and sets SSH_AUTH_SOCK",
            true,
        ),
        (
            "ssh-agent.socket",
            "OpenSSH's agent listens and sets SSH_AUTH_SOCK",
            true,
        ),
        (
            "ssh-agent.service",
            "OpenSSH's agent starts with the session; on Debian it sets SSH_AUTH_SOCK where nobody did before",
            true,
        ),
        (
            "gpg-agent-ssh.socket",
            "gpg-agent listens; it sets SSH_AUTH_SOCK only with enable-ssh-support",
            gpg,
        ),
    ];
    let units = known.into_iter().filter(|(unit, ..)| is_enabled(unit, &dirs));
    let mut found: Vec<_> = units
        .map(|(unit, effect, takes)| Conflict {
            name: unit.into(),
            effect,
            takes,
            remedy: format!("systemctl --user mask --now {unit}"),
        })
        .collect();
    if gpg {
        found.push(Conflict {
            name: gpg_conf.display().to_string(),
            effect: "enable-ssh-support: gpg-agent sets SSH_AUTH_SOCK at the login",
            takes: true,
            remedy: "take that line out; [[upstream]] in claviger's configuration lists gpg-agent's keys behind your own".into(),
        });
    }
    found.extend(autostart(setup));
    found
}

pub(super) fn macos(setup: &Setup) -> Vec<Conflict> {
    let own = setup
        .root
        .join("System/Library/LaunchAgents/com.openssh.ssh-agent.plist");
    own.exists()
        .then(|| Conflict {
            name: "com.openssh.ssh-agent".into(),
            effect: "the system's own agent sets SSH_AUTH_SOCK in the same way; whoever is loaded last has it",
            takes: true,
            remedy: format!("launchctl disable gui/{}/com.openssh.ssh-agent, and log in again", setup.uid),
        })
        .into_iter()
        .collect()
}

/// Wanted by some target, and masked nowhere: a mask is a link to /dev/null.
fn is_enabled(unit: &str, dirs: &[PathBuf]) -> bool {
    let masked =
        |dir: &PathBuf| std::fs::read_link(dir.join(unit)).is_ok_and(|to| to == Path::new("/dev/null"));
    let wanted = |dir: &PathBuf| {
        let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
        entries
            .filter(|entry| entry.file_name().as_encoded_bytes().ends_with(b".wants"))
            .any(|wants| wants.path().join(unit).symlink_metadata().is_ok())
    };
    !dirs.iter().any(masked) && dirs.iter().any(wanted)
}

fn gpg_supports_ssh(conf: &Path) -> bool {
    let text = std::fs::read_to_string(conf).unwrap_or_default();
    text.lines().any(|line| line.trim() == "enable-ssh-support")
}

/// gnome-keyring of before 46 starts its own agent from the session's autostart files.
fn autostart(setup: &Setup) -> Option<Conflict> {
    const FILE: &str = "autostart/gnome-keyring-ssh.desktop";
    let own = setup.config_home.join(FILE);
    let read = |path: &Path| std::fs::read_to_string(path).ok();
    let text = read(&own).or_else(|| read(&setup.root.join("etc/xdg").join(FILE)))?;
    let hidden = text
        .lines()
        .any(|line| line.trim().eq_ignore_ascii_case("Hidden=true"));
    (!hidden).then(|| Conflict {
        name: "gnome-keyring-ssh.desktop".into(),
        effect: "in sessions of GNOME, Unity and MATE, gnome-keyring starts its SSH agent and sets SSH_AUTH_SOCK",
        takes: true,
        remedy: format!(
            "put a file with the lines [Desktop Entry], Type=Application, Name=none and Hidden=true at {}",
            own.display()
        ),
    })
}
