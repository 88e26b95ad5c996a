//! Going to the background, as `ssh-agent` does without `-D`, and taking the place of a command.

#[cfg(target_os = "linux")]
use super::linux::{Watched, threads};
#[cfg(target_os = "macos")]
use super::macos::{Watched, threads};
use std::ffi::OsString;
use std::io::{self, PipeWriter, Read, Write};
use std::os::unix::process::CommandExt;

/// Which side of a fork this is.
#[derive(Debug)]
pub enum Fork {
    /// The original process; the new one has this pid and is ready.
    Parent(u32),
    /// The new process: own session, `/` as its directory, standard streams on /dev/null.
    Child(Background),
}

/// The background process's ties to the one that started it.
#[derive(Debug)]
pub struct Background {
    ready: PipeWriter,
    parent: Watched,
}

impl Background {
    /// Lets the original process go on: it waits in [`daemonize`] for this, so that whoever it tells of the new one
    /// finds it serving and its signals caught.
    ///
    /// # Errors
    /// The OS's; the original process is gone then.
    pub fn ready(&mut self) -> io::Result<()> {
        self.ready.write_all(&[1])
    }

    /// Waits for the end of the original process, or of the command that it became.
    ///
    /// # Errors
    /// The OS's, if that cannot be known.
    pub async fn parent_gone(&self) -> io::Result<()> {
        self.parent.gone().await
    }
}

/// Goes to the background. Only while this process has a single thread (before any runtime): the child of a fork
/// has only the calling thread, and whatever lock another one held would stay locked.
///
/// Descriptors that the caller's shell had open and that nobody here took over are closed in the child: whoever waits
/// for the end of such a pipe would else wait for the agent's.
///
/// Secrets read before stay usable in the child; the parent's handles may be dropped but not written to.
///
/// # Errors
/// Also, in the parent, when the child ended before it was [`ready`](Background::ready).
pub fn daemonize() -> io::Result<Fork> {
    if threads()? != 1 {
        return Err(io::Error::other(
            "cannot go to the background: other threads run already",
        ));
    }
    let null = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/null")?;
    let (mut told, ready) = io::pipe()?;
    // Before the fork: afterwards the number could already be somebody else's.
    let parent = Watched::own();
    // SAFETY: this process has a single thread, so the child is an ordinary process with a consistent heap.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            crate::harden::forked_child();
            drop(told);
            rustix::process::setsid()?;
            rustix::process::chdir("/")?;
            for standard in 0..=2 {
                super::unix::put_on(&null, standard)?;
            }
            close_inherited();
            Ok(Fork::Child(Background { ready, parent }))
        }
        pid => {
            crate::harden::forked_parent();
            drop(ready);
            told.read_exact(&mut [0])
                .map_err(|_| io::Error::other("the background process ended before it was ready"))?;
            Ok(Fork::Parent(pid.unsigned_abs()))
        }
    }
}

/// Becomes `command`, with the limits which hardening took away. Returns only when that fails.
pub fn become_command(command: &[OsString], env: &[(OsString, OsString)]) -> io::Error {
    let Some((program, args)) = command.split_first() else {
        return io::Error::new(io::ErrorKind::InvalidInput, "no command given");
    };
    let mut command = std::process::Command::new(program);
    command
        .args(args)
        .envs(env.iter().map(|(name, value)| (name, value)));
    if let Err(error) = crate::harden::restore_for_child() {
        return error;
    }
    let error = command.exec();
    // The standard library gave SIGPIPE its default back for the command; here that would be the end of this process
    // at the first closed pipe, perhaps that of the very message about this error.
    // SAFETY: ignoring a signal runs no code of ours.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
    error
}

/// Beyond this nobody gives a child a descriptor by number; asking for each of them takes well under a millisecond.
const LAST_INHERITED: i32 = 4096;

/// Closes every descriptor above standard error that has no close-on-exec mark: what came through our own exec has
/// none, and what this program opened has one.
fn close_inherited() {
    for fd in 3..=LAST_INHERITED {
        // SAFETY: a query by number, then the closing of a descriptor that no object of this process stands for.
        unsafe {
            let flags = libc::fcntl(fd, libc::F_GETFD);
            if flags != -1 && flags & libc::FD_CLOEXEC == 0 {
                libc::close(fd);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsRawFd;

    #[test]
    fn the_child_is_detached_and_keeps_what_was_read_before() {
        crate::testing::in_child(|| {
            let secret = crate::harden::LockedBytes::copy_of(b"vault passphrase");
            let (mut told, mut tell) = std::io::pipe().unwrap();
            let (mut dropped, drop_now) = std::io::pipe().unwrap();
            match daemonize().unwrap() {
                Fork::Parent(pid) => {
                    drop((secret, tell, drop_now));
                    let mut text = String::new();
                    told.read_to_string(&mut text).unwrap();
                    assert_eq!(text, format!("vault passphrase / {pid} 0"));
                }
                Fork::Child(mut child) => {
                    child.ready().unwrap();
                    drop(drop_now);
                    dropped.read_exact(&mut [0]).unwrap_err();
                    let session = rustix::process::getsid(None).unwrap().as_raw_nonzero();
                    let read = std::io::stdin().read(&mut [0]).unwrap();
                    let here = std::env::current_dir().unwrap();
                    let text = String::from_utf8(secret.to_vec()).unwrap();
                    write!(tell, "{text} {} {session} {read}", here.display()).unwrap();
                }
            }
        });
    }

    #[test]
    fn a_pipe_of_the_callers_is_not_held_open() {
        crate::testing::in_child(|| {
            let (mut callers, held) = std::io::pipe().unwrap();
            let (mut wait, end) = std::io::pipe().unwrap();
            // As a shell passes it: without the mark.
            // SAFETY: a copy of an open descriptor.
            let inherited = unsafe { libc::fcntl(held.as_raw_fd(), libc::F_DUPFD, 200) };
            drop(held);
            match daemonize().unwrap() {
                Fork::Parent(_) => {
                    // SAFETY: the copy from above, used nowhere else.
                    unsafe { libc::close(inherited) };
                    // Ends while the child still lives.
                    assert_eq!(callers.read(&mut [0]).unwrap(), 0);
                    drop(end);
                }
                Fork::Child(mut child) => {
                    child.ready().unwrap();
                    drop(end);
                    wait.read_exact(&mut [0]).unwrap_err();
                }
            }
        });
    }

    #[test]
    fn the_parent_learns_when_the_child_ended_before_it_was_ready() {
        crate::testing::in_child(|| match daemonize() {
            Err(error) => assert!(error.to_string().contains("before it was ready")),
            Ok(Fork::Parent(_)) => panic!("nobody said so"),
            // Dropped without a word.
            Ok(Fork::Child(_)) => (),
        });
    }

    #[test]
    fn the_child_is_told_when_the_command_that_its_parent_became_ends() {
        crate::testing::in_child(|| {
            let (mut told, mut tell) = io::pipe().unwrap();
            crate::testing::in_child(|| match daemonize().unwrap() {
                Fork::Parent(_) => panic!("{}", become_command(&["true".into()], &[])),
                Fork::Child(mut child) => {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                    child.ready().unwrap();
                    runtime.unwrap().block_on(child.parent_gone()).unwrap();
                    tell.write_all(b"gone").unwrap();
                }
            });
            drop(tell);
            let mut text = String::new();
            told.read_to_string(&mut text).unwrap();
            assert_eq!(text, "gone");
        });
    }

    #[test]
    fn a_missing_command_is_told_and_closed_pipes_stay_harmless() {
        // In a child: between the attempt and its failure a closed pipe would end the other tests.
        crate::testing::in_child(|| {
            let error = become_command(&["/nonexistent/command".into()], &[]);
            assert_eq!(error.kind(), io::ErrorKind::NotFound);
            assert_eq!(become_command(&[], &[]).kind(), io::ErrorKind::InvalidInput);
            let (read, mut write) = io::pipe().unwrap();
            drop(read);
            assert_eq!(write.write(b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        });
    }

    #[test]
    fn refuses_when_other_threads_run() {
        // The test harness runs each test in a thread beside the main one.
        assert!(daemonize().unwrap_err().to_string().contains("threads"));
    }
}
