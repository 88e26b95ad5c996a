//! What the OS shows of another process: its arguments, some of its environment, its directory and program.
//!
//! All of it is the other process's own word (a process may rewrite its arguments), so it may order and never authorise.
//! Every read is bounded, and none mixes two processes: a number that was given to another one meanwhile is an error.
//!
//! The contract of an OS: `started` (what tells a process from a later one of the same number), `is_ending`, `arguments`,
//! `environment` (with `is_called`, as names of variables are compared there), `place` (directory, program, whether files
//! have the same names for it as for us).
//!
//! Not through `sysinfo`: it reads without a bound, lists all processes to find one, keeps whole environments unwiped, leaves
//! out empty arguments, and knows starts by the second.

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod imp;
#[cfg(target_os = "macos")]
#[path = "macos.rs"]
mod imp;
#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
#[path = "unsupported.rs"]
mod imp;
#[cfg(windows)]
#[path = "windows.rs"]
mod imp;
#[cfg(any(target_os = "macos", all(unix, test)))]
mod procargs;

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;

/// Longest arguments and environment that are read, in bytes each; a kernel's usual limit for both together is 2 MiB, and
/// what a person types has a few hundred.
const LONGEST: u64 = 256 << 10;

/// A process as it was when looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its arguments, the program's name first; empty for one that has ended and was not reaped.
    pub argv: Vec<OsString>,
    /// Its current directory; as the OS names it, so that of a removed one leads nowhere.
    pub cwd: PathBuf,
    /// Its program's file.
    pub exe: PathBuf,
    /// Whether a path means the same file to it as to this process; not so in most containers.
    pub same_files: bool,
    pid: u32,
    started: u64,
}

/// Why a process could not be looked at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SeenError {
    /// It has ended, or its number belongs to another process by now.
    #[error("process {0} is gone")]
    Gone(u32),
    /// It belongs to another user, or the system hides it.
    #[error("process {pid} cannot be read: {source}")]
    Unreadable {
        /// Which.
        pid: u32,
        /// What the OS said.
        source: io::Error,
    },
    /// Its arguments or its environment are longer than what is read.
    #[error("process {pid}: {what} of more than {} KiB", LONGEST >> 10)]
    TooLong {
        /// Which.
        pid: u32,
        /// Of what there is too much.
        what: &'static str,
    },
    /// This OS shows no such thing, or it is not known here how to ask.
    #[error("this system does not show other processes")]
    Unsupported,
}

/// Whether the process `pid` has ended or is about to, as one whose open files were closed by its end. Where the system does
/// not tell: no.
pub fn is_ending(pid: u32) -> bool {
    imp::is_ending(pid)
}

/// Looks at the process `pid`. Blocks, but for no longer than a few system calls.
///
/// # Errors
/// See [`SeenError`].
pub fn see(pid: u32) -> Result<Seen, SeenError> {
    let started = imp::started(pid)?;
    let argv = imp::arguments(pid)?;
    let imp::Place { cwd, exe, same_files } = imp::place(pid)?;
    let seen = Seen {
        argv,
        cwd,
        exe,
        same_files,
        pid,
        started,
    };
    seen.is_still_there()?;
    Ok(seen)
}

impl Seen {
    /// What it was started with as the variables `names`, in their order. Others are not kept: an environment may hold
    /// secrets.
    ///
    /// # Errors
    /// See [`SeenError`].
    pub fn variables(&self, names: &[String]) -> Result<Vec<Option<OsString>>, SeenError> {
        let found = imp::environment(self.pid, |name| {
            names
                .iter()
                .position(|known| imp::is_called(name, OsStr::new(known)))
        })?;
        self.is_still_there()?;
        let mut values = vec![None; names.len()];
        for (at, value) in found {
            // The first of several is what getenv(3) gives.
            values[at].get_or_insert(value);
        }
        Ok(values)
    }

    fn is_still_there(&self) -> Result<(), SeenError> {
        if imp::started(self.pid)? == self.started {
            Ok(())
        } else {
            Err(SeenError::Gone(self.pid))
        }
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{become_nobody, in_child};
    use std::io::{Read, Write};
    use std::path::Path;
    use std::process::{Child, Command, Stdio};

    /// A process that is up: right after its start, the arguments of a program are not there yet.
    fn sleeper(configure: impl FnOnce(&mut Command)) -> Child {
        let mut command = Command::new("cat");
        command.arg("-").stdin(Stdio::piped()).stdout(Stdio::piped());
        configure(&mut command);
        let mut child = command.spawn().unwrap();
        child.stdin.as_mut().unwrap().write_all(b"x\n").unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        child
    }

    fn end(mut child: Child) {
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn arguments_directory_program_and_chosen_variables() {
        let child = sleeper(|command| {
            command
                .current_dir("/usr")
                .env("SHOWN", "a=b")
                .env("EMPTY", "")
                .env("OTHER", "kept back");
        });
        let seen = see(child.id()).unwrap();
        assert_eq!(seen.argv, ["cat", "-"]);
        assert_eq!(seen.cwd, Path::new("/usr"));
        assert!(seen.exe.is_absolute() && seen.same_files);
        let names = ["ABSENT", "SHOWN", "EMPTY"].map(str::to_owned);
        let values = seen.variables(&names).unwrap();
        assert_eq!(values, [None, Some("a=b".into()), Some("".into())]);
        end(child);
        assert!(matches!(seen.variables(&names), Err(SeenError::Gone(_))));
    }

    #[test]
    fn a_process_that_is_gone_and_numbers_that_none_has() {
        let child = sleeper(|_| ());
        let pid = child.id();
        end(child);
        for pid in [pid, 0, u32::MAX] {
            assert!(matches!(see(pid), Err(SeenError::Gone(gone)) if gone == pid));
        }
    }

    #[test]
    fn another_process_of_the_same_number_is_not_taken_for_it() {
        let child = sleeper(|_| ());
        let mut seen = see(child.id()).unwrap();
        seen.started -= 1;
        assert!(matches!(seen.variables(&[]), Err(SeenError::Gone(_))));
        end(child);
    }

    #[test]
    fn too_many_arguments_are_an_error() {
        let long = "x".repeat(100_000);
        let child = sleeper(|command| {
            // cat would refuse these.
            *command = Command::new("sh");
            command.args(["-c", "read line; echo; read line", &long, &long, &long]);
            command.stdin(Stdio::piped()).stdout(Stdio::piped());
        });
        let error = see(child.id()).unwrap_err();
        assert!(
            matches!(
                error,
                SeenError::TooLong {
                    what: "arguments",
                    ..
                }
            ),
            "{error}"
        );
        end(child);
    }

    #[test]
    fn another_users_process_is_an_error() {
        // Without root's rights nobody can become another user, and pid 1 is another's.
        if rustix::process::geteuid().is_root() {
            let child = sleeper(|_| ());
            let pid = child.id();
            in_child(|| {
                become_nobody();
                assert!(matches!(see(pid), Err(SeenError::Unreadable { .. })));
            });
            end(child);
        } else {
            assert!(see(1).is_err());
        }
    }

    #[test]
    fn a_process_whose_files_were_closed_by_its_end_is_ending() {
        let (reader, writer) = std::io::pipe().unwrap();
        let child = std::process::Command::new("sleep")
            .arg("1000")
            .stdout(writer)
            .spawn()
            .unwrap();
        assert!(!is_ending(child.id()));
        rustix::process::kill_process(
            rustix::process::Pid::from_child(&child),
            rustix::process::Signal::KILL,
        )
        .unwrap();
        // The end of the pipe is the first that others see of a process's end.
        assert_eq!(std::io::copy(&mut &reader, &mut std::io::sink()).unwrap(), 0);
        assert!(is_ending(child.id()));
        let pid = child.id();
        end(child);
        assert!(is_ending(pid));
    }

    #[test]
    fn a_hundred_numbers_are_each_an_answer() {
        for pid in (0..100).map(|at: u32| at.wrapping_mul(2_654_435_761) % 65_536) {
            match see(pid) {
                Ok(seen) => assert_eq!(seen.pid, pid),
                Err(error) => assert!(error.to_string().contains(&pid.to_string())),
            }
        }
    }
}
