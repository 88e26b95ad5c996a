//! The person's own COMMAND under the agent.

use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use tokio::signal::unix::{SignalKind, signal};

/// Runs `command` in the foreground as a child that gets back the limits which hardening took away; returns its
/// shell-style exit status (128 + signal). A program that does not exist is `NotFound`. A dropped future leaves it
/// running.
///
/// SIGTERM and SIGHUP are passed on: whoever ends this process means the command that it stands for.
///
/// Meanwhile this process ignores SIGINT and SIGQUIT, as a shell does: the terminal sends them to both, and the
/// agent must outlive its command. They are caught and not ignored, because ignoring would be inherited. The handlers
/// stay: afterwards this process ends.
pub async fn run_foreground(command: &[OsString], env: &[(OsString, OsString)]) -> io::Result<i32> {
    let Some((program, args)) = command.split_first() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "no command given"));
    };
    // Listeners must exist before the child does; nobody reads them.
    let _swallow = (signal(SignalKind::interrupt())?, signal(SignalKind::quit())?);
    let mut command = tokio::process::Command::new(program);
    command
        .args(args)
        .envs(env.iter().map(|(name, value)| (name, value)));
    super::unharden(&mut command);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let mut child = command.spawn()?;
    let pid = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed()));
    let status = loop {
        let passed_on = tokio::select! {
            status = child.wait() => break status?,
            _ = terminate.recv() => Signal::TERM,
            _ = hang_up.recv() => Signal::HUP,
        };
        // Not yet waited for, so the number is still the child's.
        let _ = pid.map(|pid| kill_process(pid, passed_on));
    };
    Ok(status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(1))
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::in_child;
    use rustix::process::{Resource, Rlimit, setrlimit};

    async fn shell(script: &str) -> i32 {
        let command = ["sh".into(), "-c".into(), script.into()];
        run_foreground(&command, &[("GIVEN".into(), "7".into())])
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn ends_with_the_status_of_its_command() {
        assert_eq!(shell("exit $GIVEN").await, 7);
        assert_eq!(shell("kill -TERM $$").await, 128 + 15);
        let missing = run_foreground(&["/nonexistent/command".into()], &[])
            .await
            .unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        assert_eq!(
            run_foreground(&[], &[]).await.unwrap_err().kind(),
            io::ErrorKind::InvalidInput
        );
    }

    #[test]
    fn interrupts_hit_the_command_and_not_us() {
        in_child(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            assert_eq!(
                runtime.block_on(shell("kill -INT $PPID; kill -QUIT $PPID; kill -INT $$")),
                128 + 2
            );
        });
    }

    #[test]
    fn a_request_to_end_reaches_the_command() {
        in_child(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let script = "trap 'exit 5' TERM; kill -TERM $PPID; while :; do sleep 1; done";
            assert_eq!(runtime.block_on(shell(script)), 5);
        });
    }

    #[test]
    fn the_command_gets_its_core_limit_back() {
        in_child(|| {
            let before = Rlimit {
                current: Some(4096),
                maximum: Some(8192),
            };
            if setrlimit(Resource::Core, before).is_err() {
                // Not allowed to raise the hard limit of zero: what is found is what must come back.
                assert_eq!(rustix::process::getrlimit(Resource::Core).maximum, Some(0));
            }
            let found = rustix::process::getrlimit(Resource::Core).current;
            assert_eq!(crate::harden::harden_process(), Vec::<String>::new());
            let script =
                "grep 'Max core file' /proc/self/limits | tr -s ' ' | cut -d' ' -f5 | grep -qx $WANTED";
            let wanted = found.map_or("unlimited".into(), |limit| limit.to_string());
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let command = ["sh".into(), "-c".into(), script.into()];
            let status = runtime.block_on(run_foreground(&command, &[("WANTED".into(), wanted.into())]));
            assert_eq!(status.unwrap(), 0);
        });
    }
}
