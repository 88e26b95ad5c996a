//! A log file that only its owner reads and that cannot grow for ever.

use super::{FileError, imp, private_dir};
use std::fs::File;
use std::path::Path;

/// Opens `path` for appending, mode 0600, making its directory; one larger than `limit` bytes is begun anew.
///
/// # Errors
/// [`FileError::Io`] with the path.
pub fn append_private(path: &Path, limit: u64) -> Result<File, FileError> {
    let io = |source| FileError::Io {
        path: path.to_owned(),
        source,
    };
    if let Some(parent) = path.parent() {
        private_dir(parent)?;
    }
    let file = imp::appending(path).map_err(io)?;
    if file.metadata().map_err(io)?.len() > limit {
        file.set_len(0).map_err(io)?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn appends_until_the_limit_and_then_begins_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state/agent.log");
        for _ in 0..2 {
            append_private(&path, 10).unwrap().write_all(b"12345678").unwrap();
        }
        assert_eq!(std::fs::read(&path).unwrap().len(), 16);
        drop(append_private(&path, 10).unwrap());
        assert_eq!(std::fs::read(&path).unwrap().len(), 0);
    }
}
