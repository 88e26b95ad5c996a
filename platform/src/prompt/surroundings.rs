//! Which ways to ask there are, and in which order: OpenSSH's rules for askpass, with pinentry as the last resort.
//!
//! Facts in, order out; only [`Surroundings::from_environment`] looks at the process.
use super::terminal;
use std::path::{Path, PathBuf};

/// Where OpenSSH packages look when SSH_ASKPASS is not set: Debian, Fedora, Arch, and upstream's default.
const DEFAULT_ASKPASS: [&str; 4] = [
    "/usr/bin/ssh-askpass",
    "/usr/libexec/openssh/ssh-askpass",
    "/usr/lib/ssh/ssh-askpass",
    "/usr/X11R6/bin/ssh-askpass",
];

/// SSH_ASKPASS_REQUIRE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Require {
    /// Not set: the terminal goes first.
    #[default]
    Unset,
    /// Askpass goes first when it can be shown.
    Prefer,
    /// Nothing but askpass, with or without a display.
    Force,
    /// Nothing but the terminal.
    Never,
}

/// What decides how a question can be asked.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// SSH_ASKPASS, else the system's own if it is installed.
    pub askpass: Option<PathBuf>,
    /// SSH_ASKPASS_REQUIRE.
    pub require: Require,
    /// DISPLAY or WAYLAND_DISPLAY is set.
    pub display: bool,
    /// This process has a controlling terminal, and may use it.
    pub terminal: bool,
    /// GPG_TTY names a terminal for pinentry.
    pub gpg_tty: bool,
    /// A program named pinentry is in PATH.
    pub pinentry: bool,
    /// The system has a dialog of its own, and a desktop to show it on (Windows, macOS).
    pub dialog: bool,
}

/// One way to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Terminal,
    Askpass(PathBuf),
    Pinentry,
    Dialog,
}

impl Surroundings {
    /// Reads the environment, looks for the programs, and tries to open the terminal.
    #[expect(clippy::disallowed_methods, reason = "the one place of this room that does")]
    pub fn from_environment() -> Self {
        let given = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let default = || {
            let mut known = DEFAULT_ASKPASS.iter().map(Path::new);
            known.find(|program| program.exists()).map(Path::to_owned)
        };
        let require = given("SSH_ASKPASS_REQUIRE").map(|value| value.to_ascii_lowercase());
        Self {
            askpass: given("SSH_ASKPASS").map(PathBuf::from).or_else(default),
            require: match require.as_ref().and_then(|value| value.to_str()) {
                Some("prefer") => Require::Prefer,
                Some("force") => Require::Force,
                Some("never") => Require::Never,
                _ => Require::Unset,
            },
            display: super::dialog::shown()
                || given("DISPLAY").or_else(|| given("WAYLAND_DISPLAY")).is_some(),
            terminal: terminal::exists(),
            gpg_tty: given("GPG_TTY").is_some(),
            pinentry: super::pinentry::installed(),
            dialog: super::dialog::shown(),
        }
    }

    /// The ways, best first.
    pub(super) fn ways(&self) -> Vec<Way> {
        let terminal = self.terminal.then_some(Way::Terminal);
        let askpass = self.askpass.clone().map(Way::Askpass);
        let shown = askpass.clone().filter(|_| self.display);
        let pinentry = (self.pinentry && (self.display || self.gpg_tty)).then_some(Way::Pinentry);
        let dialog = self.dialog.then_some(Way::Dialog);
        let ways = match self.require {
            Require::Force => [askpass, None, None, None],
            Require::Prefer => [shown, dialog, terminal, pinentry],
            Require::Unset => [terminal, shown, pinentry, dialog],
            Require::Never => [terminal, None, None, None],
        };
        ways.into_iter().flatten().collect()
    }

    /// Why there is no way, and what would make one.
    pub(super) fn why_none(&self) -> String {
        match self.require {
            Require::Never => "no terminal here, and SSH_ASKPASS_REQUIRE=never forbids anything else".to_owned(),
            Require::Force => "SSH_ASKPASS_REQUIRE=force, but SSH_ASKPASS names no program".to_owned(),
            _ if !self.display => "no terminal and no display here: set DISPLAY or WAYLAND_DISPLAY, or \
                                   SSH_ASKPASS with SSH_ASKPASS_REQUIRE=force"
                .to_owned(),
            _ => "no terminal here, and no program to ask with: install ssh-askpass or pinentry, or set SSH_ASKPASS"
                .to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Require::{Force, Never, Prefer, Unset};

    /// The order as letters: Terminal, Askpass, Pinentry.
    fn order(require: Require, terminal: bool, display: bool, gpg_tty: bool) -> String {
        let facts = Surroundings {
            askpass: Some("/opt/ask".into()),
            require,
            display,
            terminal,
            gpg_tty,
            pinentry: true,
            dialog: false,
        };
        let letter = |way: &Way| match way {
            Way::Terminal => 'T',
            Way::Askpass(_) => 'A',
            Way::Pinentry => 'P',
            Way::Dialog => 'D',
        };
        facts.ways().iter().map(letter).collect()
    }

    #[test]
    fn the_order_is_openssh_s_with_pinentry_last() {
        let (yes, no) = (true, false);
        let table = [
            // require, terminal, display, GPG_TTY
            ((Unset, yes, yes, no), "TAP"),
            ((Unset, yes, no, no), "T"),
            ((Unset, no, yes, no), "AP"),
            ((Unset, no, no, no), ""),
            ((Unset, no, no, yes), "P"),
            ((Prefer, yes, yes, no), "ATP"),
            ((Prefer, yes, no, no), "T"),
            ((Prefer, no, yes, no), "AP"),
            ((Prefer, no, no, no), ""),
            ((Force, yes, yes, yes), "A"),
            ((Force, no, no, no), "A"),
            ((Never, yes, yes, yes), "T"),
            ((Never, no, yes, yes), ""),
        ];
        for (facts, expected) in table {
            let (require, terminal, display, gpg_tty) = facts;
            assert_eq!(order(require, terminal, display, gpg_tty), expected, "{facts:?}");
        }
    }

    #[test]
    fn a_dialog_is_the_last_way_unless_a_window_is_wanted() {
        let first = |require, terminal| {
            let facts = Surroundings {
                require,
                terminal,
                display: true,
                dialog: true,
                ..Surroundings::default()
            };
            facts.ways().into_iter().next()
        };
        assert_eq!(first(Unset, true), Some(Way::Terminal));
        assert_eq!(first(Unset, false), Some(Way::Dialog));
        assert_eq!(first(Prefer, true), Some(Way::Dialog));
        assert_eq!(first(Never, false), None);
    }

    #[test]
    fn without_programs_there_is_only_the_terminal() {
        for require in [Unset, Prefer, Never] {
            let facts = Surroundings {
                require,
                display: true,
                terminal: true,
                ..Surroundings::default()
            };
            assert_eq!(facts.ways(), [Way::Terminal]);
        }
    }

    #[test]
    fn where_nothing_works_the_reason_names_the_remedy() {
        let reason = |require, display| {
            let facts = Surroundings {
                require,
                display,
                ..Surroundings::default()
            };
            assert_eq!(facts.ways(), []);
            facts.why_none()
        };
        assert!(reason(Never, true).contains("SSH_ASKPASS_REQUIRE=never"));
        assert!(reason(Force, true).contains("SSH_ASKPASS names no program"));
        assert!(reason(Unset, false).contains("set DISPLAY"));
        assert!(reason(Prefer, true).contains("install ssh-askpass or pinentry"));
    }
}
