//! The file by which Cygwin's programs find a socket: `!<socket >PORT s SECRET`, with the attribute SYSTEM.
//!
//! It is private from its first moment on, has its name only when it is whole, and takes nobody's place.

use super::greeting::Secret;
use crate::windows::descriptor::{self, Descriptor};
use crate::windows::{done, long, wide};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::windows::io::{FromRawHandle, OwnedHandle};
use std::path::{Path, PathBuf};
use std::ptr::null_mut;
use windows_sys::Win32::Foundation::{GENERIC_WRITE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::Storage::FileSystem::{
    CREATE_NEW, CreateFileW, FILE_ATTRIBUTE_SYSTEM, MOVEFILE_WRITE_THROUGH, MoveFileExW,
};
use zeroize::Zeroizing;

/// What every socket's file begins with.
const COOKIE: &str = "!<socket >";
/// What Cygwin reads of a file, in bytes.
const LONGEST: usize = 128;

/// Sandboxes of low integrity run as the same user, and may read what has no such label; pipes are closed to them anyway.
const NOT_FROM_BELOW: &str = "S:(ML;;NRNW;;;ME)";

/// What there is at a path.
#[derive(Debug)]
pub(super) enum Found {
    Nothing,
    /// A socket's file, with port and secret.
    Socket(u16, Secret),
    /// Something that is not ours to replace.
    Foreign,
}

/// Looks at what is there, without following a link.
pub(super) fn look(path: &Path) -> io::Result<Found> {
    let state = match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        state => state?,
    };
    if !state.is_file() || state.len() > LONGEST as u64 {
        return Ok(Found::Foreign);
    }
    Ok(read(&content(path)?).map_or(Found::Foreign, |(port, secret)| Found::Socket(port, secret)))
}

/// The beginning of a file, and one byte more than a socket's has.
fn content(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
    File::open(path)?
        .take(LONGEST as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// `None` for what is not the file of a stream's socket.
fn read(bytes: &[u8]) -> Option<(u16, Secret)> {
    let text = std::str::from_utf8(bytes).ok()?;
    let text = text.strip_prefix(COOKIE)?.trim_end_matches('\0').trim_end();
    let (port, rest) = text.split_once(' ')?;
    Some((port.parse().ok()?, Secret::read(rest.strip_prefix("s ")?)?))
}

/// A socket's file of our own. Dropping it removes it, unless another has its place by then.
#[derive(Debug)]
pub(in super::super) struct SocketFile {
    path: PathBuf,
    secret: Secret,
}

impl SocketFile {
    /// Gives the socket its name.
    ///
    /// # Errors
    /// The OS's; `AlreadyExists` if there is something by now.
    pub(super) fn publish(path: &Path, port: u16, secret: &Secret) -> io::Result<Self> {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidFilename.into());
        };
        crate::files::private_dir(folder).map_err(io::Error::other)?;
        let mut unfinished = std::ffi::OsString::from(".");
        unfinished.push(name);
        unfinished.push(".unfinished");
        let unfinished = folder.join(unfinished);
        // One that was being written when its agent died.
        let _ = std::fs::remove_file(&unfinished);
        let published = write(&unfinished, port, secret).and_then(|()| rename(&unfinished, path));
        if let Err(error) = published {
            let _ = std::fs::remove_file(&unfinished);
            return Err(error);
        }
        Ok(Self {
            path: path.to_owned(),
            secret: secret.clone(),
        })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let ours = match look(&self.path) {
            Ok(Found::Socket(_, secret)) => secret.same(&self.secret),
            _ => false,
        };
        if ours && let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!("{}: not removed: {error}", self.path.display());
        }
    }
}

/// Made with its access list, so that there is no moment in which somebody else could open it.
fn write(path: &Path, port: u16, secret: &Secret) -> io::Result<()> {
    let name = wide(long(path).as_os_str())?;
    let descriptor = Descriptor::parse(&(descriptor::private(false)? + NOT_FROM_BELOW))?;
    // SAFETY: the name is terminated, the descriptor alive.
    let handle = unsafe {
        CreateFileW(
            name.as_ptr(),
            GENERIC_WRITE,
            0,
            &descriptor.attributes(),
            CREATE_NEW,
            FILE_ATTRIBUTE_SYSTEM,
            null_mut(),
        )
    };
    if handle == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: just made, owned by nobody else.
    let mut file = File::from(unsafe { OwnedHandle::from_raw_handle(handle) });
    file.write_all(format!("{COOKIE}{port} s ").as_bytes())?;
    file.write_all(secret.written().as_bytes())?;
    // As Cygwin itself ends it.
    file.write_all(b"\0")?;
    file.sync_all()
}

/// Without replacing anything, unlike the standard library's.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    let (from, to) = (wide(long(from).as_os_str())?, wide(long(to).as_os_str())?);
    // SAFETY: both names are terminated.
    done(unsafe { MoveFileExW(from.as_ptr(), to.as_ptr(), MOVEFILE_WRITE_THROUGH) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::windows::descriptor::{Kind, read as list, strangers};
    use crate::windows::sid;
    use std::os::windows::fs::MetadataExt;
    use std::os::windows::io::AsRawHandle;

    #[test]
    fn a_socket_is_found_by_whoever_may_read_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("Größe mit Platz").join("agent.sock");
        let secret = Secret::new().unwrap();
        let published = SocketFile::publish(&path, 50123, &secret).unwrap();
        let text = std::fs::read(&path).unwrap();
        let expected = format!("!<socket >50123 s {}\0", *secret.written());
        assert_eq!(String::from_utf8(text).unwrap(), expected);
        let attributes = path.metadata().unwrap().file_attributes();
        assert_ne!(
            attributes & FILE_ATTRIBUTE_SYSTEM,
            0,
            "Cygwin takes no other for a socket"
        );
        let file = File::open(&path).unwrap();
        let list = list(file.as_raw_handle(), Kind::File).unwrap();
        assert_eq!(
            strangers(&list, &sid::own().unwrap()),
            Vec::<String>::new(),
            "{list}"
        );
        drop(file);
        assert!(matches!(look(&path).unwrap(), Found::Socket(50123, found) if found.same(&secret)));
        let second = SocketFile::publish(&path, 1, &secret).unwrap_err();
        assert_eq!(second.kind(), io::ErrorKind::AlreadyExists);
        drop(published);
        let left = std::fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(left, 0, "nothing is left");
    }

    #[test]
    fn what_is_not_a_socket_is_foreign_and_another_agents_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.sock");
        assert!(matches!(look(&path).unwrap(), Found::Nothing));
        assert!(matches!(look(folder.path()).unwrap(), Found::Foreign));
        let good = "7B499653-622A1EB9-83E6B83E-A4E8D0C1";
        for foreign in [
            String::new(),
            "my notes".into(),
            format!("!<socket >70000 s {good}"),
            // A datagram's, and the form of MSYS 1.0.
            format!("!<socket >1 d {good}"),
            format!("!<socket >1 {good}"),
            format!("!<socket >1 s {good}{}", " ".repeat(100)),
        ] {
            std::fs::write(&path, &foreign).unwrap();
            assert!(matches!(look(&path).unwrap(), Found::Foreign), "{foreign}");
        }
        std::fs::remove_file(&path).unwrap();
        let ours = SocketFile::publish(&path, 1, &Secret::new().unwrap()).unwrap();
        std::fs::remove_file(&path).unwrap();
        let theirs = SocketFile::publish(&path, 2, &Secret::new().unwrap()).unwrap();
        drop(ours);
        assert!(path.exists(), "another agent's by now");
        drop(theirs);
        assert!(!path.exists());
    }
}
