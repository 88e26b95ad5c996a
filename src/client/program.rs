//! Which program a process is, by the names that it goes under.

use std::path::Path;

/// A program that speaks to an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// OpenSSH's client; also when git, scp, sftp or rsync started it.
    Ssh,
    /// `ssh-add`.
    SshAdd,
    /// `ssh-keygen`: signs files, commits and certificates.
    SshKeygen,
    /// One of PuTTY's clients, by name: plink, putty, psftp, pscp.
    Plink(String),
    /// Another one, by name; empty where it cannot be told.
    Other(String),
}

impl Default for Program {
    fn default() -> Self {
        Self::Other(String::new())
    }
}

impl Program {
    /// Recognises it by its file's name, or else by the name that it was called by: a file may be called "ssh-10.2" and
    /// a link `ssh` lead to it.
    pub(super) fn recognise(exe: &Path, called: Option<&str>) -> Self {
        let file = exe.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // Linux marks a file that was replaced since, as after an update.
        let file = file.strip_suffix(" (deleted)").unwrap_or(&file);
        let called = Path::new(called.unwrap_or_default())
            .file_name()
            .unwrap_or_default();
        let known = Self::named(file).or_else(|| Self::named(&called.to_string_lossy()));
        known.unwrap_or_else(|| Self::Other(file.to_owned()))
    }

    fn named(name: &str) -> Option<Self> {
        Some(match name.strip_suffix(".exe").unwrap_or(name) {
            "ssh" => Self::Ssh,
            "ssh-add" => Self::SshAdd,
            "ssh-keygen" => Self::SshKeygen,
            tool @ ("plink" | "putty" | "psftp" | "pscp") => Self::Plink(tool.to_owned()),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let plink = |name: &str| Program::Plink(name.into());
        for (exe, called, expected) in [
            ("/usr/bin/ssh", "ssh", Program::Ssh),
            ("/usr/bin/ssh (deleted)", "ssh", Program::Ssh),
            ("/opt/openssh/ssh-10.6", "/usr/local/bin/ssh", Program::Ssh),
            ("C:/OpenSSH/ssh.exe", "ssh", Program::Ssh),
            ("/usr/bin/ssh-add", "ssh-add", Program::SshAdd),
            ("/usr/bin/ssh-keygen", "", Program::SshKeygen),
            ("/usr/bin/plink", "plink", plink("plink")),
            ("/usr/bin/pscp", "pscp", plink("pscp")),
            (
                "/usr/bin/python3.11",
                "python3",
                Program::Other("python3.11".into()),
            ),
            ("", "", Program::Other(String::new())),
        ] {
            assert_eq!(
                Program::recognise(Path::new(exe), Some(called)),
                expected,
                "{exe}"
            );
        }
    }
}
