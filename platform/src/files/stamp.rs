//! What shows at a glance that a file is no longer the one that was read.

use super::imp;
use std::path::Path;
use std::time::SystemTime;

/// A file's size, the time of its last change, and which file it is: one that was renamed into place is another, however
/// equal the rest. Two changes of the same size within one tick of the file system's clock are not told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    size: u64,
    modified: Option<SystemTime>,
    identity: (u64, u64),
}

/// The state of the file behind `path`; `None` if there is none, or it cannot be asked. Blocks as long as its drive does.
pub fn stamp(path: &Path) -> Option<Stamp> {
    let state = path.metadata().ok()?;
    Some(Stamp {
        size: state.len(),
        modified: state.modified().ok(),
        identity: imp::identity(path, &state),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_change_and_a_replacement_show() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        assert_eq!(stamp(&path), None);
        fs::write(&path, "one").unwrap();
        let first = stamp(&path).unwrap();
        assert_eq!(stamp(&path), Some(first));
        fs::write(&path, "longer").unwrap();
        let second = stamp(&path).unwrap();
        assert_ne!(first, second);
        let other = dir.path().join("other");
        fs::write(&other, "LONGER").unwrap();
        let file = fs::File::open(&other).unwrap();
        file.set_modified(second.modified.unwrap()).unwrap();
        fs::rename(&other, &path).unwrap();
        assert_ne!(stamp(&path), Some(second));
    }
}
