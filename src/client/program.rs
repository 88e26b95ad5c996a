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
    ///
    /// Names are read as they are written, whichever system this is: folders end in either slash, and a name that ends in
    /// ".exe" is the same in any case.
    pub(super) fn recognise(exe: &Path, called: Option<&str>) -> Self {
        let exe = exe.to_string_lossy();
        // Linux marks a file that was replaced since, as after an update.
        let file = last(exe.strip_suffix(" (deleted)").unwrap_or(&exe));
        let known = Self::named(file).or_else(|| Self::named(last(called.unwrap_or_default())));
        known.unwrap_or_else(|| Self::Other(file.to_owned()))
    }

    fn named(name: &str) -> Option<Self> {
        let windows = name.len().checked_sub(4).and_then(|at| name.split_at_checked(at));
        let windows = windows.filter(|(_, end)| end.eq_ignore_ascii_case(".exe"));
        let name = windows.map_or_else(|| name.to_owned(), |(name, _)| name.to_ascii_lowercase());
        Some(match name.as_str() {
            "ssh" => Self::Ssh,
            "ssh-add" => Self::SshAdd,
            "ssh-keygen" => Self::SshKeygen,
            tool @ ("plink" | "putty" | "psftp" | "pscp") => Self::Plink(tool.to_owned()),
            // Tortoise's, which differ in how they show a question only.
            "tortoiseplink" | "tortoisegitplink" => Self::Plink("plink".to_owned()),
            _ => return None,
        })
    }
}

/// What stands behind the last slash of either kind.
fn last(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or_default()
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
            (r"C:\Windows\System32\OpenSSH\ssh.exe", "", Program::Ssh),
            (r"C:\WINDOWS\System32\OpenSSH\SSH.EXE", "ssh", Program::Ssh),
            (r"C:\Program Files\Git\usr\bin\ssh-add.exe", "", Program::SshAdd),
            (
                r"\\?\C:\Tools\renamed.exe",
                r"C:\Tools\ssh-keygen.exe",
                Program::SshKeygen,
            ),
            (r"C:\Program Files\PuTTY\plink.exe", "plink", plink("plink")),
            (
                r"C:\Program Files\TortoiseGit\bin\TortoiseGitPlink.exe",
                "",
                plink("plink"),
            ),
            ("/usr/bin/SSH", "SSH", Program::Other("SSH".into())),
            (r"C:\x\WinSCP.exe", "", Program::Other("WinSCP.exe".into())),
            ("é.exe", "é", Program::Other("é.exe".into())),
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
