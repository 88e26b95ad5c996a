//! Scripts that stand for the person's programs, and a pseudo-terminal to type into.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Makes an executable shell script. Another process writes it: were it open for writing here while another thread
/// of the test forks, it could not be started ("text file busy").
pub(crate) fn script(dir: &Path, name: &str, body: &str) -> PathBuf {
    let path = dir.join(name);
    let mut install = Command::new("install")
        .args(["-m", "755", "/dev/stdin"])
        .arg(&path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let text = format!("#!/bin/sh\n{body}\n");
    install.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(install.wait().unwrap().success());
    path
}

/// A command on a terminal of its own, which it controls.
pub(crate) struct Terminal {
    script: Child,
    keys: ChildStdin,
    screen: ChildStdout,
    /// All that was shown so far.
    pub(crate) shown: String,
}

impl Terminal {
    /// Starts `command`, a shell's command line, with variables.
    pub(crate) fn start(command: &str, env: &[(&str, &Path)]) -> Self {
        let mut script = Command::new("script")
            .args(["-qec", command, "/dev/null"])
            .envs(env.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            keys: script.stdin.take().unwrap(),
            screen: script.stdout.take().unwrap(),
            script,
            shown: String::new(),
        }
    }

    /// Waits until `text` is shown after what was waited for before, and returns what came until then.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        let mut new = String::new();
        while !new.contains(text) {
            assert!(
                self.read_into(&mut new),
                "ended before {text:?}: {}{new}",
                self.shown
            );
        }
        self.shown.push_str(&new);
        new
    }

    /// Presses keys.
    pub(crate) fn type_in(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Waits for the end: whether the command succeeded.
    pub(crate) fn succeeded(&mut self) -> bool {
        let mut rest = String::new();
        while self.read_into(&mut rest) {}
        self.shown.push_str(&rest);
        self.script.wait().unwrap().success()
    }

    fn read_into(&mut self, text: &mut String) -> bool {
        let mut byte = [0];
        let read = self.screen.read(&mut byte).unwrap();
        text.extend((read == 1).then_some(char::from(byte[0])));
        read == 1
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.script.kill();
        let _ = self.script.wait();
    }
}
