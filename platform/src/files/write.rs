//! Replacing a file so that no crash shows a half of it.

use super::error::{FileError, at};
use super::imp;
use std::ffi::OsStr;
use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// More links in a row than this are a circle.
const MAX_LINKS: usize = 40;
/// A temporary file that is gone so often was not removed by anybody.
const MAX_TRIES: usize = 20;

/// Replaces `path` by `bytes`, mode 0600, so that a crash leaves the old file or the new one: temporary file beside
/// it, fsync, rename, fsync of the directory. Stale temporaries of crashed writers are removed first.
/// Directories are made 0700. A link is followed, so that the file it names is replaced, not the link.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    replace(path, bytes, None)
}

/// As [`write_atomic`], with another mode if one is given.
pub(super) fn replace(path: &Path, bytes: &[u8], mode: Option<Permissions>) -> Result<(), FileError> {
    let io = |source| FileError::Io {
        path: path.to_owned(),
        source,
    };
    let target = follow_links(path);
    let target = imp::long(&target);
    let (Some(dir), Some(name)) = (target.parent(), target.file_name()) else {
        return Err(io(io::ErrorKind::InvalidFilename.into()));
    };
    let dir = if dir.as_os_str().is_empty() {
        Path::new(".")
    } else {
        dir
    };
    if target.is_dir() {
        return Err(FileError::NotRegular {
            path: path.to_owned(),
            what: "a directory",
        });
    }
    imp::private_dir(dir)?;
    remove_stale(dir, name);
    let mut temporary = create(dir, name).map_err(at(dir))?;
    temporary
        .write_all(bytes)
        .and_then(|()| mode.map_or(Ok(()), |mode| temporary.as_file().set_permissions(mode)))
        .and_then(|()| temporary.as_file().sync_all())
        .map_err(io)?;
    temporary.persist(&target).map_err(|error| io(error.error))?;
    imp::sync_dir(dir).map_err(io)
}

/// The file that `path` names in the end, existing or not.
fn follow_links(path: &Path) -> PathBuf {
    let mut target = path.to_owned();
    for _ in 0..MAX_LINKS {
        match std::fs::read_link(&target) {
            Ok(next) => target = target.parent().unwrap_or(Path::new("")).join(next),
            Err(_) => break,
        }
    }
    target
}

/// A temporary file `.NAME.XXXXXX.tmp`, locked for as long as its writer lives: that is how [`remove_stale`] knows
/// the dead ones, without a guess about time or process numbers.
pub(super) fn create(dir: &Path, name: &OsStr) -> io::Result<NamedTempFile> {
    let (prefix, suffix) = affixes(name);
    let mut tries = 1..=MAX_TRIES;
    loop {
        let file = tempfile::Builder::new()
            .prefix(&prefix)
            .suffix(suffix)
            .tempfile_in(dir)?;
        imp::make_private(file.as_file(), file.path())?;
        // Where files cannot be locked, nobody can clean up either.
        let locked = file.as_file().lock().is_ok();
        // Somebody who cleaned up may have taken it between its creation and the lock. The tries are counted for file
        // systems that know no link count.
        if !locked || tries.next().is_none() || !imp::unlinked(file.as_file())? {
            return Ok(file);
        }
    }
}

fn affixes(name: &OsStr) -> (std::ffi::OsString, &'static str) {
    let mut prefix = std::ffi::OsString::from(".");
    prefix.push(name);
    prefix.push(".");
    (prefix, ".tmp")
}

/// Removes temporaries of `name` whose writer is dead. What cannot be removed is left for the next time.
fn remove_stale(dir: &Path, name: &OsStr) {
    let (prefix, suffix) = affixes(name);
    let (prefix, suffix) = (prefix.as_encoded_bytes(), suffix.as_bytes());
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let found = entry.file_name();
        let middle = found
            .as_encoded_bytes()
            .strip_prefix(prefix)
            .and_then(|rest| rest.strip_suffix(suffix));
        // Exactly the random part: `.NAME.old.XXXXXX.tmp` belongs to another file.
        let ours =
            middle.is_some_and(|middle| middle.iter().all(u8::is_ascii_alphanumeric) && middle.len() == 6);
        let path = entry.path();
        if ours
            && let Ok((file, _)) = imp::open_regular(&path)
            && File::try_lock(&file).is_ok()
        {
            let _ = std::fs::remove_file(&path);
        }
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn replaces_whole_and_private_whatever_the_umask_was() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/er/vault");
        for umask in [0o000, 0o277] {
            crate::testing::in_child(|| {
                rustix::process::umask(rustix::fs::Mode::from_raw_mode(umask));
                write_atomic(&path, format!("{umask}").as_bytes()).unwrap();
            });
            assert_eq!(fs::read_to_string(&path).unwrap(), format!("{umask}"));
            assert_eq!(path.metadata().unwrap().mode() & 0o7777, 0o600);
            fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        }
        assert_eq!(names(path.parent().unwrap()), ["vault"]);
    }

    #[test]
    fn a_link_stays_and_its_file_is_replaced_or_made() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("real")).unwrap();
        let (first, second) = (dir.path().join("first"), dir.path().join("second"));
        symlink("second", &first).unwrap();
        symlink("real/config", &second).unwrap();
        for text in ["made", "replaced"] {
            write_atomic(&first, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(dir.path().join("real/config")).unwrap(), text);
        }
        assert!(first.is_symlink() && second.is_symlink());
    }

    #[test]
    fn a_failure_leaves_the_old_file_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("vault");
        fs::create_dir_all(path.join("in the way")).unwrap();
        assert!(matches!(
            write_atomic(&path, b"new"),
            Err(FileError::NotRegular { .. })
        ));
        assert_eq!(names(dir.path()), ["vault"]);
    }

    #[test]
    fn temporaries_of_dead_writers_go_and_those_of_live_ones_and_of_others_stay() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("vault");
        let live = create(dir.path(), OsStr::new("vault")).unwrap();
        fs::write(dir.path().join(".vault.a1B2c3.tmp"), "dead").unwrap();
        for other in [
            ".vault.old.a1B2c3.tmp",
            ".vault.tmp",
            "vault.a1B2c3.tmp",
            ".config.a1B2c3.tmp",
        ] {
            fs::write(dir.path().join(other), "").unwrap();
        }
        write_atomic(&path, b"new").unwrap();
        assert!(live.path().exists());
        assert!(!dir.path().join(".vault.a1B2c3.tmp").exists());
        assert_eq!(names(dir.path()).len(), 6);
    }

    #[test]
    fn writers_at_once_never_take_each_others_temporaries() {
        let dir = tempfile::tempdir().unwrap();
        let path = &dir.path().join("vault");
        std::thread::scope(|scope| {
            for writer in 0..4u8 {
                scope.spawn(move || {
                    for _ in 0..50 {
                        write_atomic(path, &[writer; 5000]).unwrap();
                    }
                });
            }
        });
        let bytes = fs::read(path).unwrap();
        assert_eq!(bytes, [bytes[0]; 5000]);
        assert_eq!(names(dir.path()), ["vault"]);
    }

    #[test]
    fn a_writer_killed_at_any_moment_leaves_a_whole_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("vault");
        write_atomic(&path, &[0; 200_000]).unwrap();
        for round in 0..30 {
            // SAFETY: the child only writes files and is killed.
            let pid = unsafe { libc::fork() };
            if pid == 0 {
                for fill in (0..=255u8).cycle() {
                    let _ = write_atomic(&path, &[fill; 200_000]);
                }
            }
            // Waits for the child's work to be under way, then a different while each time.
            let first = fs::metadata(&path).unwrap().ino();
            while fs::metadata(&path).unwrap().ino() == first {
                std::thread::yield_now();
            }
            for _ in 0..round * 400 {
                std::hint::spin_loop();
            }
            // SAFETY: our own child; `status` is not wanted.
            unsafe {
                libc::kill(pid, libc::SIGKILL);
                libc::waitpid(pid, std::ptr::null_mut(), 0);
            }
            let bytes = fs::read(&path).unwrap();
            assert!(
                bytes.len() == 200_000 && bytes.iter().all(|&byte| byte == bytes[0]),
                "round {round}"
            );
        }
        write_atomic(&path, b"after").unwrap();
        assert_eq!(
            names(dir.path()),
            ["vault"],
            "temporaries of the killed stay behind"
        );
    }
}
