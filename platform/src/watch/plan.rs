//! Which directories to watch for a set of paths, and what an event there means. Looks at the file system, changes
//! nothing.

use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// More links in a row than this are a circle.
const MAX_LINKS: usize = 40;

/// The names that matter in one directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Interest {
    /// Every entry: this is one of the paths that the caller asked for.
    all: bool,
    /// Entries on the way to such a path, or files that were asked for.
    names: BTreeSet<OsString>,
}

/// Directories to watch.
///
/// inotify watches inodes, so a directory that is replaced takes its watch along into oblivion. Each path is
/// therefore watched twice: itself for its entries, and its name in the directory above (for a link, at each hop).
/// A missing path is watched by the first missing name on the way to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    dirs: BTreeMap<PathBuf, Interest>,
}

/// What an event means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Nothing to do with what is watched.
    Nothing,
    /// A watched file or an entry changed.
    Change,
    /// A directory or link on the way changed as well: the plan may be out of date.
    Upheaval,
}

impl Plan {
    /// For the file system as it is now.
    pub(super) fn of(paths: &[PathBuf]) -> Self {
        let mut plan = Self::default();
        for path in paths {
            plan.add(path);
        }
        plan
    }

    /// What to give to the watcher.
    pub(super) fn dirs(&self) -> impl Iterator<Item = &Path> {
        self.dirs.keys().map(PathBuf::as_path)
    }

    fn add(&mut self, path: &Path) {
        let mut path = path.to_owned();
        let mut links = 0;
        while links < MAX_LINKS {
            let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
                // The root, or a path that ends in `..`: there is no name to watch.
                return self.watch_entries(path);
            };
            if !parent.is_dir() {
                path = parent.to_owned();
                continue;
            }
            self.dirs
                .entry(parent.to_owned())
                .or_default()
                .names
                .insert(name.to_owned());
            match std::fs::read_link(&path) {
                Ok(target) => path = parent.join(target),
                Err(_) => return self.watch_entries(path),
            }
            links += 1;
        }
    }

    fn watch_entries(&mut self, path: PathBuf) {
        if path.is_dir() {
            self.dirs.entry(path).or_default().all = true;
        }
    }

    /// Judges one event. Opening and reading are nothing: the caller's own look at the files would else be a change.
    pub(super) fn judge(&self, event: &notify::Event) -> Meaning {
        if event.need_rescan() {
            // The kernel dropped events.
            return Meaning::Upheaval;
        }
        let (relevant, moves_names) = match event.kind {
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => (true, false),
            EventKind::Access(_) => (false, false),
            EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Metadata(_)) => (true, false),
            _ => (true, true),
        };
        if !relevant {
            return Meaning::Nothing;
        }
        let mut meaning = Meaning::Nothing;
        for path in &event.paths {
            let itself = self.dirs.get(path);
            let above = path.parent().and_then(|parent| self.dirs.get(parent));
            let named =
                above.is_some_and(|dir| path.file_name().is_some_and(|name| dir.names.contains(name)));
            if moves_names && (itself.is_some() || named) {
                return Meaning::Upheaval;
            }
            if named || above.is_some_and(|dir| dir.all) || itself.is_some_and(|dir| dir.all) {
                meaning = Meaning::Change;
            }
        }
        meaning
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{CreateKind, DataChange, Flag, MetadataKind, RemoveKind};

    fn event(kind: EventKind, path: &Path) -> notify::Event {
        notify::Event::new(kind).add_path(path.to_owned())
    }

    const OPENED: EventKind = EventKind::Access(AccessKind::Open(AccessMode::Any));
    const CREATED: EventKind = EventKind::Create(CreateKind::File);
    const WRITTEN: EventKind = EventKind::Modify(ModifyKind::Data(DataChange::Any));
    const MODE: EventKind = EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any));
    const GONE: EventKind = EventKind::Remove(RemoveKind::Folder);

    #[test]
    fn only_what_is_watched_counts_and_reading_never_does() {
        let dir = tempfile::tempdir().unwrap();
        let (home, ssh) = (dir.path(), dir.path().join(".ssh"));
        std::fs::create_dir(&ssh).unwrap();
        let plan = Plan::of(&[ssh.clone(), home.join("extra")]);
        let judge = |kind, path: &Path| plan.judge(&event(kind, path));
        assert_eq!(judge(CREATED, &ssh.join("id")), Meaning::Change);
        assert_eq!(judge(MODE, &ssh.join("id")), Meaning::Change);
        assert_eq!(judge(OPENED, &ssh.join("id")), Meaning::Nothing);
        assert_eq!(judge(CREATED, &home.join(".bash_history")), Meaning::Nothing);
        assert_eq!(judge(MODE, home), Meaning::Nothing);
        assert_eq!(judge(MODE, &ssh), Meaning::Change);
        assert_eq!(judge(WRITTEN, &home.join("extra")), Meaning::Change);
        assert_eq!(judge(GONE, &ssh), Meaning::Upheaval);
        assert_eq!(judge(GONE, home), Meaning::Upheaval);
        assert_eq!(judge(CREATED, &home.join("extra")), Meaning::Upheaval);
        let overflow = notify::Event::new(EventKind::Other).set_flag(Flag::Rescan);
        assert_eq!(plan.judge(&overflow), Meaning::Upheaval);
    }

    #[test]
    fn a_missing_path_is_watched_by_its_first_missing_name() {
        let dir = tempfile::tempdir().unwrap();
        let plan = Plan::of(&[dir.path().join("a/b/c")]);
        assert_eq!(plan.dirs().collect::<Vec<_>>(), [dir.path()]);
        assert_eq!(
            plan.judge(&event(CREATED, &dir.path().join("a"))),
            Meaning::Upheaval
        );
        assert_eq!(
            plan.judge(&event(CREATED, &dir.path().join("b"))),
            Meaning::Nothing
        );
    }

    #[test]
    fn a_circle_of_links_and_the_root_end() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("two", dir.path().join("one")).unwrap();
        std::os::unix::fs::symlink("one", dir.path().join("two")).unwrap();
        let plan = Plan::of(&[dir.path().join("one"), "/".into()]);
        assert_eq!(plan.dirs().collect::<Vec<_>>(), [Path::new("/"), dir.path()]);
    }
}
