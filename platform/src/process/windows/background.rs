//! Commands under the agent; and the background, which does not exist here: there is no fork, and a process that only
//! lost its console is nobody's to end. The service manager has the place for that.

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use tokio::signal::windows::{ctrl_break, ctrl_c};

/// Which side of a fork this is; there is none here.
#[derive(Debug)]
pub enum Fork {
    /// The original process.
    Parent(u32),
    /// The new process.
    Child(Background),
}

/// The background process's ties to the one that started it; there are none here.
#[derive(Debug)]
pub enum Background {}

impl Background {
    /// Never called.
    ///
    /// # Errors
    /// None.
    pub fn ready(&mut self) -> io::Result<()> {
        match *self {}
    }

    /// Never called.
    ///
    /// # Errors
    /// None.
    #[expect(clippy::unused_async, reason = "elsewhere it waits")]
    pub async fn parent_gone(&self) -> io::Result<()> {
        match *self {}
    }
}

/// Always an error, which says what to do instead.
///
/// # Errors
/// `Unsupported`.
pub fn daemonize() -> io::Result<Fork> {
    Err(io::Error::new(
        ErrorKind::Unsupported,
        "Windows has no way to the background from here: use `claviger agent -D`, or `claviger service install`",
    ))
}

/// Runs `command` and ends with its exit code, as near as Windows comes to becoming it. Returns only when that fails.
pub fn become_command(command: &[OsString], env: &[(OsString, OsString)]) -> io::Error {
    let Some((program, args)) = command.split_first() else {
        return io::Error::new(ErrorKind::InvalidInput, "no command given");
    };
    let mut command = std::process::Command::new(program);
    command
        .args(args)
        .envs(env.iter().map(|(name, value)| (name, value)));
    match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    }
}

/// Runs `command` in the foreground as a child; returns its exit code. A program that does not exist is `NotFound`. A
/// dropped future leaves it running. Ctrl+C and Ctrl+Break reach the command by themselves, and the agent outlives them.
///
/// # Errors
/// It cannot be started.
pub async fn run_foreground(command: &[OsString], env: &[(OsString, OsString)]) -> io::Result<i32> {
    let Some((program, args)) = command.split_first() else {
        return Err(io::Error::new(ErrorKind::InvalidInput, "no command given"));
    };
    let _swallow = (ctrl_c()?, ctrl_break()?);
    let mut command = tokio::process::Command::new(program);
    command
        .args(args)
        .envs(env.iter().map(|(name, value)| (name, value)));
    crate::process::unharden(&mut command);
    Ok(command.spawn()?.wait().await?.code().unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_background_is_refused_with_the_remedy() {
        let refused = daemonize().unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unsupported);
        assert!(refused.to_string().contains("claviger agent -D"));
    }

    #[tokio::test]
    async fn a_command_gets_its_variables_and_its_exit_code_comes_back() {
        let line = ["cmd.exe", "/c", "exit %CODE%"].map(OsString::from);
        let env = [("CODE".into(), "7".into())];
        assert_eq!(run_foreground(&line, &env).await.unwrap(), 7);
        let missing = run_foreground(&["no such program".into()], &[])
            .await
            .unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
    }
}
