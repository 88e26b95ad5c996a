//! Linux: files without a name.

use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, open};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

/// A file in `dir` that has no name yet; `None` where the file system or the mounts do not allow it to get one.
pub(super) fn unnamed(dir: &Path) -> io::Result<Option<File>> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    match open(dir, flags, Mode::RUSR | Mode::WUSR) {
        Ok(file) => {
            let file = File::from(file);
            // Without /proc it could not be named later.
            let nameable = own_name(&file).exists();
            Ok(nameable.then_some(file))
        }
        Err(Errno::OPNOTSUPP | Errno::ISDIR) => Ok(None),
        // An old kernel ignores the flag, and says of a missing directory the same as a new one.
        Err(error) => Err(error.into()),
    }
}

/// Names it; an error if the name is taken.
pub(super) fn give_name(file: &File, path: &Path) -> io::Result<()> {
    Ok(linkat(CWD, own_name(file), CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}

fn own_name(file: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}
