//! Sockets with names of OpenSSH's kinds: one that must be new, and one in a directory made for it.

use super::bind::make;
use super::{Bound, SocketFile, TooLong, directory};
use std::io;
use std::path::Path;

/// Letters of a random part, as in OpenSSH's names.
const RANDOM: usize = 10;
/// Letters of a random directory's name.
const RANDOM_DIR: usize = 12;

impl Bound {
    /// Binds at `path`, which must not exist: what is there, even a dead socket, is left alone (`AddrInUse`). Who may
    /// write to its directory is the caller's choice.
    ///
    /// # Errors
    /// The OS's; [`TooLong`] inside of `InvalidFilename`.
    pub fn create(path: &Path) -> io::Result<Self> {
        TooLong::check(path)?;
        // The background process changes its directory, and must still find what to remove.
        let file = std::path::absolute(path)?;
        let listener = make(path)?;
        Ok(Self {
            listener,
            file: Some(SocketFile::at(&file)?),
            path: Some(path.to_owned()),
        })
    }

    /// Binds in `dir`, which is made (0700) when missing, at `prefix` and ten random letters.
    pub fn create_in(dir: &Path, prefix: &str) -> io::Result<Self> {
        crate::files::private_dir(dir).map_err(io::Error::other)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(prefix).rand_bytes(RANDOM);
        let made = builder.make_in(dir, |path| {
            let bound = Self::create(path)?;
            Ok(bound)
        })?;
        // The file is removed by its `SocketFile`.
        let (bound, path) = made.into_parts();
        path.keep().map_err(io::Error::other)?;
        Ok(bound)
    }

    /// Binds at `name` in a new directory (0700) below `parent`, `ssh-` and twelve random letters; both go with it.
    pub fn create_below(parent: &Path, name: &str) -> io::Result<Self> {
        let dir = directory::temporary(parent, "ssh-", RANDOM_DIR)?;
        let mut bound = Self::create(&dir.path().join(name))?;
        if let Some(file) = &mut bound.file {
            file.directory = Some(dir.keep());
        }
        Ok(bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::net::{UnixListener, UnixStream};

    #[test]
    fn what_exists_is_left_alone_even_a_dead_socket() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("dead");
        drop(UnixListener::bind(&path).unwrap());
        assert_eq!(Bound::create(&path).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert!(path.exists());
        let new = dir.path().join("new");
        let bound = Bound::create(&new).unwrap();
        assert_eq!(new.metadata().unwrap().mode() & 0o7777, 0o600);
        UnixStream::connect(&new).unwrap();
        drop(bound);
        assert!(!new.exists());
    }

    #[test]
    fn names_are_random_and_directories_private() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join(".ssh/agent");
        let bound = Bound::create_in(&dir, "s.host.local.1.").unwrap();
        let path = bound.path().unwrap().to_owned();
        let name = path.file_name().unwrap().to_str().unwrap();
        let random = name.strip_prefix("s.host.local.1.").unwrap();
        assert!(random.len() == 10 && random.chars().all(|c| c.is_ascii_alphanumeric()));
        assert_eq!(dir.metadata().unwrap().mode() & 0o7777, 0o700);
        assert_eq!(path.metadata().unwrap().mode() & 0o7777, 0o600);
        UnixStream::connect(&path).unwrap();
        drop(bound);
        assert!(!path.exists());
    }

    #[test]
    fn a_directory_made_for_one_socket_goes_with_it() {
        let home = tempfile::tempdir().unwrap();
        let bound = Bound::create_below(home.path(), "agent.1").unwrap();
        let dir = bound.path().unwrap().parent().unwrap().to_owned();
        let name = dir.file_name().unwrap().to_str().unwrap();
        assert_eq!(name.strip_prefix("ssh-").unwrap().len(), 12);
        assert_eq!(dir.metadata().unwrap().mode() & 0o7777, 0o700);
        drop(bound);
        assert!(!dir.exists());
        assert!(Bound::create_below(&home.path().join("missing"), "x").is_err());
    }
}
