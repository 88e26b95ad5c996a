//! Reading whole files within a limit, also when they grow meanwhile.

use super::error::{FileError, at};
use super::imp;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use zeroize::Zeroizing;

/// Reads a private file as ssh would: regular (opened without blocking on a FIFO), own (or root's), not group or
/// world accessible, at most `limit` bytes.
pub fn read_private(path: &Path, limit: u64) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let (file, state) = imp::open_regular(path)?;
    imp::refuse_shared(path, &file, &state)?;
    read_all(path, &file, state.len(), limit)
}

/// Reads a file that holds a secret but was not kept as one, to make a private copy of it: regular, at most `limit` bytes.
/// True when others could read or change it.
pub fn read_exposed(path: &Path, limit: u64) -> Result<(Zeroizing<Vec<u8>>, bool), FileError> {
    let (file, state) = imp::open_regular(path)?;
    let exposed = imp::refuse_shared(path, &file, &state).is_err();
    Ok((read_all(path, &file, state.len(), limit)?, exposed))
}

/// Reads a file that is no secret (`.pub`, configuration): regular, at most `limit` bytes; the mode does not matter.
pub fn read_public(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let (file, state) = imp::open_regular(path)?;
    let mut bytes = read_all(path, &file, state.len(), limit)?;
    Ok(std::mem::take(&mut *bytes))
}

/// The first `length` bytes of a regular file (fewer if it is shorter), whatever its mode; never blocks on a FIFO.
pub fn read_head(path: &Path, length: usize) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let (file, state) = imp::open_regular(path)?;
    let length = usize::try_from(state.len()).unwrap_or(usize::MAX).min(length);
    let mut bytes = Zeroizing::new(vec![0; length]);
    let filled = fill(&file, &mut bytes, 0).map_err(at(path))?;
    bytes.truncate(filled);
    Ok(bytes)
}

/// Reads to the end. The buffer is made once in the size that the file claims: a vector that grows by itself would
/// leave unwiped pieces behind.
fn read_all(path: &Path, file: &File, claimed: u64, limit: u64) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let too_large = |size| FileError::TooLarge {
        path: path.to_owned(),
        size,
        limit,
    };
    if claimed > limit {
        return Err(too_large(claimed));
    }
    let claimed = usize::try_from(claimed).map_err(|_| too_large(claimed))?;
    // One byte more shows whether it grew since.
    let mut bytes = Zeroizing::new(vec![0; claimed + 1]);
    let mut filled = fill(file, &mut bytes, 0).map_err(at(path))?;
    while filled == bytes.len() {
        if filled as u64 > limit {
            return Err(too_large(filled as u64));
        }
        let mut larger = Zeroizing::new(vec![0; filled * 2]);
        larger[..filled].copy_from_slice(&bytes);
        bytes = larger;
        filled = fill(file, &mut bytes, filled).map_err(at(path))?;
    }
    if filled as u64 > limit {
        return Err(too_large(filled as u64));
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// Reads from `filled` on until the buffer is full or the file ends; returns how much of the buffer is filled.
fn fill(mut file: &File, buffer: &mut [u8], mut filled: usize) -> io::Result<usize> {
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::PathBuf;

    fn home() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    fn write(dir: &tempfile::TempDir, name: &str, bytes: &[u8], mode: u32) -> PathBuf {
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn reads_a_private_file_up_to_its_limit() {
        let dir = home();
        let path = write(&dir, "key", b"0123456789", 0o600);
        assert_eq!(&**read_private(&path, 10).unwrap(), b"0123456789");
        let error = read_private(&path, 9).unwrap_err();
        assert!(
            matches!(
                error,
                FileError::TooLarge {
                    size: 10,
                    limit: 9,
                    ..
                }
            ),
            "{error}"
        );
        let empty = write(&dir, "empty", b"", 0o400);
        assert!(read_private(&empty, 10).unwrap().is_empty());
    }

    #[test]
    fn a_file_that_claims_nothing_is_still_bounded() {
        // Files of /proc say that they are empty, as a file does that grows between the look and the read.
        let path = Path::new("/proc/self/status");
        assert!(read_public(path, 100_000).unwrap().len() > 200);
        assert!(matches!(read_public(path, 100), Err(FileError::TooLarge { .. })));
    }

    #[test]
    fn a_gigabyte_is_refused_without_reading_it() {
        let dir = home();
        let path = write(&dir, "huge", b"", 0o600);
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(1 << 30)
            .unwrap();
        assert!(matches!(
            read_private(&path, 1 << 20),
            Err(FileError::TooLarge { .. })
        ));
        assert_eq!(read_head(&path, 64).unwrap().len(), 64);
    }

    #[test]
    fn modes_that_let_others_in_are_refused_with_the_remedy() {
        let dir = home();
        for mode in [0o640, 0o604, 0o620, 0o601, 0o644] {
            let path = write(&dir, "key", b"secret", mode);
            let error = read_private(&path, 100).unwrap_err();
            assert!(matches!(error, FileError::TooOpen { .. }), "{mode:o}: {error}");
            let remedy = format!("chmod 600 {}", path.display());
            assert!(error.to_string().ends_with(&remedy), "{error}");
            assert!(read_public(&path, 100).is_ok());
            let (bytes, exposed) = read_exposed(&path, 100).unwrap();
            assert!(exposed && &**bytes == b"secret");
        }
    }

    #[test]
    fn a_strangers_file_is_refused() {
        // Root makes such a file; everybody else finds one in a file of root's that is as closed as this user can see.
        let dir = home();
        let path = write(&dir, "key", b"secret", 0o600);
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&path, Some(65534), Some(65534)).unwrap();
            assert!(matches!(
                read_private(&path, 100),
                Err(FileError::Stranger { .. })
            ));
        } else {
            let shared = Path::new("/etc/passwd");
            assert!(matches!(
                read_private(shared, 1 << 20),
                Err(FileError::TooOpen { .. })
            ));
        }
    }

    #[test]
    fn what_is_not_a_regular_file_is_named_and_never_waited_for() {
        let dir = home();
        let fifo = dir.path().join("fifo");
        let made = std::process::Command::new("mkfifo")
            .arg("-m600")
            .arg(&fifo)
            .status()
            .unwrap();
        assert!(made.success());
        let socket = dir.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let null = Path::new("/dev/null");
        for (path, named) in [
            (&*fifo, "FIFO"),
            (dir.path(), "directory"),
            (&*socket, "socket"),
            (null, "device"),
        ] {
            for error in [
                read_private(path, 100).unwrap_err(),
                read_public(path, 100).unwrap_err(),
                read_head(path, 100).unwrap_err(),
            ] {
                assert!(matches!(error, FileError::NotRegular { .. }), "{error}");
                assert!(error.to_string().contains(named), "{error}");
            }
        }
    }

    #[test]
    fn links_are_followed_and_dangling_ones_are_missing() {
        let dir = home();
        let key = write(&dir, "key", b"secret", 0o600);
        let link = dir.path().join("link");
        symlink(&key, &link).unwrap();
        assert_eq!(&**read_private(&link, 100).unwrap(), b"secret");
        fs::remove_file(&key).unwrap();
        assert!(matches!(read_private(&link, 100), Err(FileError::Missing { .. })));
        assert!(matches!(read_private(&key, 100), Err(FileError::Missing { .. })));
    }
}
