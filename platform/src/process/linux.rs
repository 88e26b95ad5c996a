//! Linux: what is known of a pid, from /proc, and the end of a process, from its pidfd.

use super::named::named;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A process whose end its child waits for.
#[derive(Debug)]
pub(super) enum Watched {
    /// By descriptor: a number could be somebody else's by then.
    Descriptor(OwnedFd),
    /// Before Linux 5.3, and where a sandbox forbids such descriptors: as long as it is the parent, it is there.
    Parent(Pid),
}

/// How often a parent without a descriptor is looked for; OpenSSH looks every ten seconds.
const LOOK: Duration = Duration::from_secs(1);

impl Watched {
    /// This very process, for a child to watch.
    pub(super) fn own() -> Self {
        let own = rustix::process::getpid();
        pidfd_open(own, PidfdFlags::empty()).map_or(Self::Parent(own), Self::Descriptor)
    }

    /// Waits for its end; also one that nobody has reaped is gone.
    pub(super) async fn gone(&self) -> std::io::Result<()> {
        let own = match self {
            Self::Descriptor(fd) => fd.try_clone()?,
            Self::Parent(parent) => {
                while rustix::process::getppid() == Some(*parent) {
                    tokio::time::sleep(LOOK).await;
                }
                return Ok(());
            }
        };
        // SAFETY: an `OwnedFd` names the same open descriptor for as long as it lives, which is as long as `fd`.
        let fd = unsafe { AsyncFd::register_with_interest(own, Interest::READABLE) }?;
        fd.readable().await.map(|_| ())
    }
}

/// "ssh (pid 123)" or "pid 123" for messages. The name is the other process's own claim and is cleaned of control
/// characters; /proc/PID/comm stays readable when that process is not dumpable.
pub fn describe(pid: u32) -> String {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    named(&name, None, pid)
}

/// This very program, to be started again: by what the kernel holds and not by name, so that a replaced or removed file
/// still gives the same version.
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
pub(super) fn own_program() -> std::io::Result<PathBuf> {
    Ok(PathBuf::from("/proc/self/exe"))
}

/// Threads of this process.
pub(super) fn threads() -> std::io::Result<usize> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let count = status.lines().find_map(|line| line.strip_prefix("Threads:"));
    count.and_then(|count| count.trim().parse().ok()).ok_or_else(|| {
        std::io::Error::new(
            std::io::ErrorKind::InvalidData,
            "/proc/self/status has no thread count",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::alive;
    use crate::testing::in_child;
    use std::io::Write as _;

    /// A child of a child that has ended, and so has lost its parent.
    fn orphan(watched: impl Fn() -> Watched) {
        use std::io::Read as _;
        let (mut told, tell) = std::io::pipe().unwrap();
        in_child(|| {
            let watched = watched();
            // SAFETY: this child has a single thread.
            if unsafe { libc::fork() } == 0 {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                let gone = runtime.block_on(watched.gone());
                let _ = (&tell).write_all(if gone.is_ok() { b"gone" } else { b"lost" });
                // SAFETY: ends the orphan at once.
                unsafe { libc::_exit(0) };
            }
        });
        drop(tell);
        let mut text = String::new();
        told.read_to_string(&mut text).unwrap();
        assert_eq!(text, "gone");
    }

    #[test]
    fn the_end_of_a_parent_is_noticed_with_and_without_a_descriptor() {
        orphan(|| {
            let own = Watched::own();
            assert!(matches!(own, Watched::Descriptor(_)));
            own
        });
        orphan(|| Watched::Parent(rustix::process::getpid()));
    }

    #[test]
    fn a_live_process_has_a_name_and_a_dead_one_only_its_number() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let pid = child.id();
        assert!(alive(pid));
        assert!(describe(pid).ends_with(&format!("(pid {pid})")));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!alive(pid));
        assert_eq!(describe(pid), format!("pid {pid}"));
        assert!(!alive(0) && !alive(u32::MAX));
    }
}
