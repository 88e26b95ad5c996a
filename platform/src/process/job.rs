//! Runs one helper program: bounded in time and in output, its answer never outside protected memory.

use super::exchange::{Broken, converse};
use super::imp::Leash;
use crate::harden::LockedBytes;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};

/// One program to run, bounded in time and output.
pub struct Job {
    /// Absolute path or name searched in PATH.
    pub program: PathBuf,
    /// Arguments; never a secret.
    pub args: Vec<OsString>,
    /// Variables to set (`Some`) or remove (`None`) on top of ours.
    pub env: Vec<(OsString, Option<OsString>)>,
    /// Written to its standard input; never a secret's only copy.
    pub input: Option<LockedBytes>,
    /// When it is killed, with its whole process group.
    pub limit: Duration,
    /// More standard output than this is an error.
    pub max_output: usize,
}

/// What came of a [`Job`].
pub struct Done {
    /// Exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub output: LockedBytes,
    /// The first kilobyte of its standard error, without control characters, for messages.
    pub errors: String,
}

/// Why a [`Job`] gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JobError {
    /// Could not be started.
    #[error("{}: cannot be started: {source}", program.display())]
    Start {
        /// As the job named it.
        program: PathBuf,
        /// What the OS said.
        source: io::Error,
    },
    /// Took longer than its limit; it was killed.
    #[error("{}: no answer within {} s", program.display(), limit.as_secs())]
    TimedOut {
        /// As the job named it.
        program: PathBuf,
        /// The job's limit.
        limit: Duration,
    },
    /// Wrote more than its limit; it was killed.
    #[error("{}: answer longer than {limit} bytes", program.display())]
    TooMuch {
        /// As the job named it.
        program: PathBuf,
        /// The job's limit in bytes.
        limit: usize,
    },
    /// Pipe trouble.
    #[error("{}: {source}", program.display())]
    Io {
        /// As the job named it.
        program: PathBuf,
        /// What the OS said.
        source: io::Error,
    },
}

/// Runs it in a process group of its own; dropped futures kill it. Done when it closed its standard output and
/// ended. Any exit status is an answer, not an error.
pub async fn run(job: Job) -> Result<Done, JobError> {
    let Job {
        program,
        args,
        env,
        input,
        limit,
        max_output,
    } = job;
    let mut command = Command::new(&program);
    command.args(args).kill_on_drop(true);
    command.stdin(if input.is_some() {
        Stdio::piped()
    } else {
        Stdio::null()
    });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    super::unharden(&mut command);
    super::imp::lead_group(&mut command);
    for (name, value) in env {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let mut group = match command.spawn() {
        Ok(child) => Group::new(child),
        Err(source) => return Err(JobError::Start { program, source }),
    };
    match tokio::time::timeout(limit, converse(&mut group.child, input, max_output)).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(Broken::TooMuch)) => Err(JobError::TooMuch {
            program,
            limit: max_output,
        }),
        Ok(Err(Broken::Io(source))) => Err(JobError::Io { program, source }),
        Err(_) => Err(JobError::TimedOut { program, limit }),
    }
}

/// A child that leads its own process group. Dropping it kills the group, unless the child was waited for: then
/// `id` is `None`, and its number may already belong to somebody else.
pub(super) struct Group {
    pub(super) child: Child,
    leash: Leash,
}

impl Group {
    /// Of a child that was started with `lead_group`.
    pub(super) fn new(child: Child) -> Self {
        let leash = Leash::of(&child);
        Self { child, leash }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.child.id() {
            self.leash.kill(leader);
        }
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Job {
        Job {
            program: "sh".into(),
            args: vec!["-c".into(), script.into()],
            env: Vec::new(),
            input: None,
            limit: Duration::from_secs(30),
            max_output: 100_000,
        }
    }

    async fn gone(pid: u32) {
        while crate::process::alive(pid) {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn answers_with_output_exit_code_and_complaints() {
        let job = Job {
            env: vec![("ADDED".into(), Some("yes".into())), ("HOME".into(), None)],
            ..shell("echo $ADDED ${HOME-none}; echo 'bad\tthing' >&2; exit 3")
        };
        let done = run(job).await.unwrap();
        assert_eq!((done.code, &*done.output), (Some(3), &b"yes none\n"[..]));
        assert_eq!(done.errors, "bad thing");
        assert_eq!(run(shell("kill -9 $$")).await.unwrap().code, None);
    }

    #[tokio::test]
    async fn input_larger_than_any_pipe_is_echoed_whole() {
        let sent: Vec<u8> = (0..1_000_000u32).map(|at| (at % 251) as u8).collect();
        let job = Job {
            input: Some(LockedBytes::copy_of(&sent)),
            max_output: sent.len(),
            ..shell("cat")
        };
        let done = run(job).await.unwrap();
        assert!(*done.output == *sent);
    }

    #[tokio::test]
    async fn a_program_that_ignores_its_input_is_no_error() {
        let job = Job {
            input: Some(LockedBytes::copy_of(&[0; 1_000_000])),
            ..shell("exec <&-; echo done")
        };
        assert_eq!(&*run(job).await.unwrap().output, b"done\n");
    }

    #[tokio::test]
    async fn too_much_output_is_an_error_and_exactly_the_limit_is_not() {
        let job = Job {
            max_output: 3,
            ..shell("printf abc")
        };
        assert_eq!(&*run(job).await.unwrap().output, b"abc");
        let job = Job {
            max_output: 3,
            ..shell("yes")
        };
        assert!(matches!(run(job).await, Err(JobError::TooMuch { limit: 3, .. })));
    }

    #[tokio::test]
    async fn a_time_out_kills_the_whole_group() {
        let dir = tempfile::tempdir().unwrap();
        let note = dir.path().join("pid");
        // The grandchild would outlive a kill of the shell alone.
        let script = format!(
            "sleep 300 & echo $! > {0}.new; mv {0}.new {0}; wait",
            note.display()
        );
        let job = Job {
            limit: Duration::from_millis(400),
            ..shell(&script)
        };
        assert!(matches!(run(job).await, Err(JobError::TimedOut { .. })));
        let grandchild = std::fs::read_to_string(&note).unwrap().trim().parse().unwrap();
        tokio::time::timeout(Duration::from_secs(20), gone(grandchild))
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn a_dropped_future_kills_the_whole_group() {
        let dir = tempfile::tempdir().unwrap();
        let note = dir.path().join("pid");
        let script = format!(
            "sleep 300 & echo $! > {0}.new; mv {0}.new {0}; wait",
            note.display()
        );
        let wanted = async {
            while !note.exists() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            _ = run(shell(&script)) => panic!("ended by itself"),
            () = wanted => (),
        }
        let grandchild = std::fs::read_to_string(&note).unwrap().trim().parse().unwrap();
        tokio::time::timeout(Duration::from_secs(20), gone(grandchild))
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn a_missing_program_is_named() {
        let job = Job {
            program: "/nonexistent/askpass".into(),
            ..shell("")
        };
        let error = run(job).await.err().unwrap();
        assert!(
            error
                .to_string()
                .starts_with("/nonexistent/askpass: cannot be started: No such file")
        );
    }

    #[tokio::test]
    async fn a_child_has_default_signals_and_no_handed_over_sockets() {
        let job = Job {
            env: vec![("LISTEN_FDS".into(), None)],
            ..shell("grep -E '^Sig(Blk|Ign):' /proc/self/status; echo \"${LISTEN_PID-none}\"")
        };
        let done = run(job).await.unwrap();
        let text = String::from_utf8(done.output.to_vec()).unwrap();
        let mask = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            u64::from_str_radix(line.trim(), 16).unwrap()
        };
        assert_eq!(mask("SigBlk:"), 0);
        // This process itself ignores it, as every Rust program does.
        assert_eq!(mask("SigIgn:") & (1 << (libc::SIGPIPE - 1)), 0);
        assert!(text.ends_with("none\n"), "{text}");
    }
}
