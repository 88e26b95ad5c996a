//! Linux: guarded pages from memfd_secret, else locked anonymous pages, and the denial of dumps.

mod mapping;

#[cfg(test)]
pub(crate) use mapping::forking;

use super::report::{Grade, record};
use rustix::io::Errno;
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};
use zeroize::Zeroize;

/// How more memory can be locked.
pub(super) const LOCK_REMEDY: &str =
    "raise the limit of locked memory with `ulimit -l 65536`, or LimitMEMLOCK=64M in the systemd unit";

/// Refuses core images and debuggers of this process's own user (prctl(2), PR_SET_DUMPABLE).
pub(super) fn deny_inspection() -> std::io::Result<()> {
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// Forks that this process went through as the parent. Secret memory is a shared mapping, so after such a fork the
/// pages made before it belong to the child, and wiping them here would wipe them there.
static FORKS: AtomicUsize = AtomicUsize::new(0);

/// To be called in the parent after a fork whose child goes on with the secrets.
pub(crate) fn forked_parent() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

/// To be called in the child after a fork: takes the memory locks again.
pub(crate) fn forked_child() {
    if let Err(error) = mapping::lock_again() {
        record(Grade::Plain, 0, error.raw_os_error());
    }
}

/// Whole readable pages between two guard pages, wiped and unmapped on drop.
pub(super) struct Pages {
    start: NonNull<u8>,
    len: usize,
    grade: Grade,
    /// [`FORKS`] when they were made.
    born: usize,
}

// SAFETY: `Pages` owns its mapping alone; shared references only read, and writing needs `&mut`.
unsafe impl Send for Pages {}
// SAFETY: as above.
unsafe impl Sync for Pages {}

impl Pages {
    /// At least `capacity` (not zero) bytes of zeroes, in the best protection that the kernel grants now.
    pub(super) fn new(capacity: usize) -> Self {
        let len = capacity.next_multiple_of(rustix::param::page_size());
        let (start, grade) = match mapping::secret(len) {
            Ok(start) => {
                record(Grade::Secret, 0, 0);
                (start, Grade::Secret)
            }
            Err(not_secret) => {
                let (start, locked) = mapping::locked(len);
                let grade = if locked.is_ok() {
                    Grade::Locked
                } else {
                    Grade::Plain
                };
                record(
                    grade,
                    not_secret.raw_os_error(),
                    locked.err().map_or(0, Errno::raw_os_error),
                );
                (start, grade)
            }
        };
        Self {
            start,
            len,
            grade,
            born: FORKS.load(Ordering::Relaxed),
        }
    }

    /// Usable bytes.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// All of them.
    pub(super) fn bytes(&self) -> &[u8] {
        // SAFETY: `start` is `len` readable, initialised (zero-filled) bytes for as long as `self` lives.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }

    /// All of them, to be written.
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`; `&mut self` makes this the only access.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        let shared_with_child = self.grade == Grade::Secret && self.born != FORKS.load(Ordering::Relaxed);
        if !shared_with_child {
            self.bytes_mut().zeroize();
        }
        // SAFETY: these pages come from `mapping`, and nothing refers to them any more.
        unsafe { mapping::release(self.start, self.len) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{in_child, read_own_memory};
    use rustix::process::{Resource, Rlimit, setrlimit};

    /// Pages as on a kernel without memfd_secret.
    fn fallback(len: usize) -> (Pages, Result<(), Errno>) {
        let (start, locked) = mapping::locked(len);
        let grade = if locked.is_ok() {
            Grade::Locked
        } else {
            Grade::Plain
        };
        (
            Pages {
                start,
                len,
                grade,
                born: FORKS.load(Ordering::Relaxed),
            },
            locked,
        )
    }

    /// The flags of the mapping that begins at `pages`, from /proc/self/smaps.
    fn flags(pages: &Pages) -> Vec<String> {
        let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let begin = format!("{:x}-", pages.start.as_ptr() as usize);
        let mut lines = smaps.lines().skip_while(|line| !line.starts_with(&begin));
        let flags = lines.find(|line| line.starts_with("VmFlags:")).unwrap();
        flags.split_whitespace().skip(1).map(str::to_owned).collect()
    }

    #[test]
    fn the_best_pages_are_locked_left_out_of_dumps_and_hidden_even_from_the_kernel() {
        let mut pages = Pages::new(100);
        pages.bytes_mut()[..6].copy_from_slice(b"secret");
        let flags = flags(&pages);
        assert!(flags.iter().any(|flag| flag == "dd"), "{flags:?}");
        assert!(
            flags.iter().any(|flag| flag == "lo") || pages.grade == Grade::Plain,
            "{flags:?}"
        );
        let seen = read_own_memory(pages.start.as_ptr() as usize, 6);
        match pages.grade {
            Grade::Secret => assert!(seen.is_err(), "secret memory was read by a debugger's means"),
            // No such kernel: the flags above are what protects.
            Grade::Locked | Grade::Plain => assert_eq!(seen.unwrap(), b"secret"),
        }
    }

    #[test]
    fn the_fallback_is_locked_and_left_out_of_dumps() {
        let (mut pages, locked) = fallback(8192);
        assert_eq!(locked, Ok(()));
        pages.bytes_mut().fill(9);
        let flags = flags(&pages);
        assert!(flags.iter().any(|flag| flag == "lo"), "{flags:?}");
        assert!(flags.iter().any(|flag| flag == "dd"), "{flags:?}");
    }

    #[test]
    fn memory_on_either_side_cannot_be_touched() {
        let pages = Pages::new(1);
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let start = pages.start.as_ptr() as usize;
        let guard = rustix::param::page_size();
        for address in [start - guard, start + pages.len()] {
            let holder = maps.lines().find(|line| {
                let range = line.split(' ').next().unwrap().split_once('-').unwrap();
                let number = |text| usize::from_str_radix(text, 16).unwrap();
                (number(range.0)..number(range.1)).contains(&address)
            });
            assert!(holder.unwrap().contains(" ---p "), "{holder:?}");
        }
    }

    #[test]
    fn without_any_right_to_lock_it_works_and_the_report_names_the_remedy() {
        in_child(|| {
            crate::testing::become_nobody();
            setrlimit(
                Resource::Memlock,
                Rlimit {
                    current: Some(0),
                    maximum: Some(0),
                },
            )
            .unwrap();
            let mut bytes = super::super::LockedBytes::copy_of(b"still works");
            bytes.extend_from_slice(&[1; 9000]);
            assert_eq!(&bytes[..11], b"still works");
            let report = super::super::memory_report();
            assert!(!report.locked && !report.secret_memory);
            let weakness = report.weakness.unwrap();
            assert!(
                weakness.contains("ulimit -l") && weakness.contains("LimitMEMLOCK="),
                "{weakness}"
            );
        });
    }

    #[test]
    fn a_secret_survives_in_the_child_when_the_parent_drops_it() {
        in_child(|| {
            let mut pages = [Pages::new(64), fallback(4096).0];
            for page in &mut pages {
                page.bytes_mut()[..4].copy_from_slice(b"kept");
            }
            let (mut gone, tell) = std::io::pipe().unwrap();
            // SAFETY: this process has one thread.
            let pid = unsafe { libc::fork() };
            if pid > 0 {
                forked_parent();
                drop(pages);
                drop(tell);
                drop(gone);
                let mut status = 0;
                // SAFETY: `status` is a valid place.
                unsafe { libc::waitpid(pid, &mut status, 0) };
                assert_eq!(status, 0, "the child lost its secret or its lock");
                return;
            }
            forked_child();
            drop(tell);
            // Ends when the parent has dropped its pages.
            std::io::Read::read(&mut gone, &mut [0]).unwrap();
            let kept = pages.iter().all(|page| page.bytes().starts_with(b"kept"));
            // Fork takes the mark off secret memory too, but that cannot be swapped by its nature.
            let locked = |page: &Pages| flags(page).iter().any(|flag| flag == "lo");
            let locked = pages
                .iter()
                .all(|page| page.grade == Grade::Secret || locked(page));
            // SAFETY: ends the child at once.
            unsafe { libc::_exit(i32::from(!(kept && locked))) };
        });
    }
}
