//! What is run on the server: a script in POSIX sh, and what it answers.
//!
//! Whatever shell a person has there, its login shell gets one short command with plain quotes, which bash, dash, zsh,
//! fish and csh read alike: it starts `sh`. Only when that has said that it listens does the script go in, so that
//! nothing of it is read by a menu or by a shell that is none.
use std::fmt::Write as _;

/// The command for the login shell.
pub(super) const HANDSHAKE: &str = "sh -c 'echo claviger:ready; exec sh -s'";
/// What it prints.
pub(super) const READY: &str = "claviger:ready";
const BODY: &str = include_str!("authorized_keys.sh");
const MARK: &str = "claviger:";

/// What is to be done.
pub(super) struct Order<'a> {
    /// "add" or "remove".
    pub(super) action: &'static str,
    pub(super) dry_run: bool,
    pub(super) force: bool,
    /// `TYPE BASE64 COMMENT`.
    pub(super) line: &'a str,
}

/// One line of the answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// A directory or file that was not there.
    Made(String),
    /// What became of the key: a word, the lines with it, the other keys in the file.
    Done { what: String, lines: u32, others: u32 },
    /// Why nothing was changed.
    Failed(String),
}

impl Order<'_> {
    /// The script, with its variables.
    pub(super) fn script(&self) -> String {
        let mut words = self.line.splitn(3, ' ');
        let (kind, blob) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let mut text = String::new();
        for (name, value) in [
            ("action", self.action),
            ("dry", flag(self.dry_run)),
            ("force", flag(self.force)),
            ("type", kind),
            ("blob", blob),
            ("line", self.line),
        ] {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{name}={}", quoted(value));
        }
        text + BODY
    }
}

/// Reads a line; what is not the script's own (a greeting, a login script's chatter) is `None`.
pub(super) fn answer(line: &str) -> Option<Answer> {
    let (what, rest) = line.strip_prefix(MARK)?.split_once(' ')?;
    match what {
        "made" => Some(Answer::Made(rest.to_owned())),
        "failed" => Some(Answer::Failed(rest.to_owned())),
        _ => {
            let (lines, others) = rest.split_once(' ')?;
            Some(Answer::Done {
                what: what.to_owned(),
                lines: lines.parse().ok()?,
                others: others.parse().ok()?,
            })
        }
    }
}

fn flag(set: bool) -> &'static str {
    if set { "1" } else { "0" }
}

/// One word for sh, whatever is in it.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_stays_one_word() {
        let order = Order {
            action: "add",
            dry_run: false,
            force: true,
            line: "ssh-ed25519 AAAA it's $(mine) `x` \\",
        };
        let script = order.script();
        assert!(script.starts_with("action='add'\ndry='0'\nforce='1'\ntype='ssh-ed25519'\nblob='AAAA'\n"));
        assert!(
            script.contains("\nline='ssh-ed25519 AAAA it'\\''s $(mine) `x` \\'\n"),
            "{script}"
        );
    }

    #[test]
    fn only_its_own_lines_are_answers() {
        let done = |what: &str, lines, others| {
            Some(Answer::Done {
                what: what.into(),
                lines,
                others,
            })
        };
        assert_eq!(answer("claviger:added 1 4"), done("added", 1, 4));
        assert_eq!(
            answer("claviger:made /home/a b/.ssh"),
            Some(Answer::Made("/home/a b/.ssh".into()))
        );
        assert_eq!(
            answer("claviger:failed for a reason"),
            Some(Answer::Failed("for a reason".into()))
        );
        for noise in [
            "Welcome!",
            "claviger:ready",
            "claviger:added x y",
            " claviger:added 1 1",
            "",
        ] {
            assert_eq!(answer(noise), None, "{noise}");
        }
    }
}
