//! Unix: owner and mode.

use super::access::{Access, Mend, Owner};
use super::error::{FileError, at};
use std::fs::{Metadata, OpenOptions, Permissions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// What holds for the thing that `path` names, links followed.
///
/// # Errors
/// [`FileError::Missing`], also for a link to nothing, and the OS's.
pub fn access(path: &Path) -> Result<Access, FileError> {
    let state = path.metadata().map_err(at(path))?;
    let mode = state.mode() & 0o7777;
    Ok(Access {
        owner: owner(&state),
        others_read: mode & 0o055 != 0,
        others_write: mode & 0o022 != 0,
        others_replace: state.is_dir() && mode & 0o022 != 0 && mode & 0o1000 == 0,
        shown: format!("permissions {mode:04o}"),
    })
}

fn owner(state: &Metadata) -> Owner {
    match state.uid() {
        uid if uid == rustix::process::geteuid().as_raw() => Owner::Own,
        0 => Owner::System,
        uid => Owner::Other(format!("uid {uid}")),
    }
}

/// Takes it away from others; what the owner may stays as it is. Only from a file or directory of this very user's.
///
/// # Errors
/// [`FileError::Stranger`], [`FileError::NotRegular`], and the OS's, such as of a file system that is only read.
pub fn mend(path: &Path, mend: Mend) -> Result<(), FileError> {
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path);
    let file = opened.map_err(at(path))?;
    let state = file.metadata().map_err(at(path))?;
    if owner(&state) != Owner::Own {
        return Err(FileError::Stranger {
            path: path.to_owned(),
        });
    }
    if !state.is_file() && !state.is_dir() {
        return Err(FileError::NotRegular {
            path: path.to_owned(),
            what: "a FIFO, a socket or a device",
        });
    }
    let mode = state.mode() & 0o7777 & !bits(mend);
    file.set_permissions(Permissions::from_mode(mode))
        .map_err(at(path))
}

fn bits(mend: Mend) -> u32 {
    match mend {
        Mend::Private => 0o077,
        Mend::Unwritable => 0o022,
    }
}

/// A command that does the same.
pub fn mending(path: &Path, mend: Mend) -> String {
    let what = match mend {
        Mend::Private => "go-rwx",
        Mend::Unwritable => "go-w",
    };
    let path = path.to_string_lossy();
    let plain = |letter: char| letter.is_alphanumeric() || "/._-+@".contains(letter);
    match path.chars().all(plain) {
        true => format!("chmod {what} {path}"),
        false => format!("chmod {what} '{}'", path.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn with_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().mode() & 0o7777
    }

    #[test]
    fn what_others_may_is_seen_and_taken_away_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        for (found, read, write, private, unwritable) in [
            (0o600, false, false, 0o600, 0o600),
            (0o400, false, false, 0o400, 0o400),
            (0o644, true, false, 0o600, 0o644),
            (0o620, false, true, 0o600, 0o600),
            (0o466, true, true, 0o400, 0o444),
            (0o4755, true, false, 0o4700, 0o4755),
        ] {
            for (mended, expected) in [(Mend::Private, private), (Mend::Unwritable, unwritable)] {
                with_mode(&file, found);
                let seen = access(&file).unwrap();
                assert_eq!((seen.others_read, seen.others_write), (read, write), "{found:o}");
                assert!(seen.owner == Owner::Own && !seen.others_replace);
                assert_eq!(seen.shown, format!("permissions {found:04o}"));
                for _ in 0..2 {
                    mend(&file, mended).unwrap();
                    assert_eq!(mode(&file), expected, "{found:o}");
                }
            }
        }
    }

    #[test]
    fn in_a_sticky_directory_nobody_replaces_anything() {
        let dir = tempfile::tempdir().unwrap();
        for (mode, replace) in [(0o777, true), (0o1777, false), (0o755, false)] {
            with_mode(dir.path(), mode);
            assert_eq!(access(dir.path()).unwrap().others_replace, replace);
        }
        mend(dir.path(), Mend::Private).unwrap();
        assert_eq!(mode(dir.path()), 0o700);
    }

    #[test]
    fn a_link_stands_for_what_it_leads_to() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        fs::write(&file, "").unwrap();
        with_mode(&file, 0o644);
        symlink("file", &link).unwrap();
        assert!(access(&link).unwrap().others_read);
        mend(&link, Mend::Private).unwrap();
        assert!(mode(&file) == 0o600 && link.is_symlink());
        fs::remove_file(&file).unwrap();
        assert!(matches!(access(&link), Err(FileError::Missing { .. })));
        assert!(matches!(
            mend(&link, Mend::Private),
            Err(FileError::Missing { .. })
        ));
    }

    #[test]
    fn what_is_not_ones_own_is_never_touched() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        with_mode(&file, 0o666);
        let foreign = match rustix::process::geteuid().is_root() {
            true => {
                std::os::unix::fs::chown(&file, Some(65534), None).unwrap();
                assert_eq!(access(&file).unwrap().owner, Owner::Other("uid 65534".into()));
                file.as_path()
            }
            false => {
                assert_eq!(access(Path::new("/etc/passwd")).unwrap().owner, Owner::System);
                Path::new("/etc/passwd")
            }
        };
        let before = mode(foreign);
        assert!(matches!(
            mend(foreign, Mend::Private),
            Err(FileError::Stranger { .. })
        ));
        assert_eq!(mode(foreign), before);
        assert!(matches!(
            mend(Path::new("/dev/null"), Mend::Private),
            Err(FileError::Stranger { .. } | FileError::NotRegular { .. })
        ));
    }

    #[test]
    fn the_command_does_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("it's a file");
        fs::write(&file, "").unwrap();
        for (mended, expected) in [(Mend::Unwritable, 0o644), (Mend::Private, 0o600)] {
            with_mode(&file, 0o666);
            let mut shell = std::process::Command::new("sh");
            let done = shell.args(["-c", &mending(&file, mended)]).status().unwrap();
            assert!(done.success());
            assert_eq!(mode(&file), expected);
        }
    }
}
