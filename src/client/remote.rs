//! Which repository a remote command is about.

/// What git's own commands at a server are called.
const COMMANDS: [&str; 5] = [
    "git-upload-pack",
    "git-receive-pack",
    "git-upload-archive",
    "git-lfs-authenticate",
    "git-lfs-transfer",
];

/// The repository in a command for a server's shell: "org/repo" of `git-upload-pack '/org/repo.git'`. None for other
/// commands, and where no name is left.
pub(super) fn repository(command: &str) -> Option<String> {
    let mut words = shlex::Shlex::new(command);
    let mut program = words.next()?;
    // Variables in front, as `GIT_PROTOCOL=version=2 git-upload-pack …`.
    while program
        .split_once('=')
        .is_some_and(|(name, _)| !name.contains('/'))
    {
        program = words.next()?;
    }
    let mut program = program.rsplit('/').next().unwrap_or_default().to_owned();
    if program == "git" {
        program = format!("git-{}", words.next()?);
    }
    if !COMMANDS.contains(&program.as_str()) {
        return None;
    }
    let path = words.find(|word| !word.starts_with('-'))?;
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path).trim_end_matches('/');
    (!path.is_empty()).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories() {
        for (command, expected) in [
            ("git-upload-pack 'org/repo.git'", Some("org/repo")),
            ("git-receive-pack '/org/repo.git/'", Some("org/repo")),
            ("git-upload-archive org/repo", Some("org/repo")),
            ("git-lfs-authenticate org/repo.git download", Some("org/repo")),
            ("git-lfs-transfer 'org/repo.git' upload", Some("org/repo")),
            (
                "git upload-pack '/srv/git/it'\\''s here.git'",
                Some("srv/git/it's here"),
            ),
            ("git-upload-pack '~me/repo.git'", Some("~me/repo")),
            (
                "git-upload-pack --strict --timeout=3 \"group/sub/repo.git\"",
                Some("group/sub/repo"),
            ),
            ("/usr/local/bin/git-upload-pack 'a'", Some("a")),
            ("GIT_PROTOCOL=version=2 git-upload-pack 'a/b'", Some("a/b")),
            ("git-upload-pack '/'", None),
            ("git-upload-pack '.git'", None),
            ("git-upload-pack", None),
            ("git-upload-pack 'unbalanced", None),
            ("git status", None),
            ("rsync --server . git-upload-pack", None),
            ("", None),
        ] {
            assert_eq!(repository(command).as_deref(), expected, "{command}");
        }
    }
}
