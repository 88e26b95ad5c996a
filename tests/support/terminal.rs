//! A terminal: a program on a pseudo-terminal of its own (through `script`), read and typed to as a person would.

use super::{Home, LIMIT};
use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

#[derive(Default)]
struct Screen {
    text: Mutex<(String, bool)>,
    changed: Condvar,
}

/// A program on a terminal; ended and reaped when dropped.
pub(crate) struct Terminal {
    child: Child,
    keyboard: ChildStdin,
    screen: Arc<Screen>,
    /// How much of the screen was already answered.
    read: usize,
}

impl Terminal {
    /// Runs `command` (its arguments and environment) on a new terminal, and not in the session without one that
    /// [`Home::command`] gives it.
    pub(crate) fn run(home: &Home, command: &Command) -> Self {
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let words = words.skip_while(|word| *word == "setsid");
        let quoted: Vec<String> = words
            .map(|w| format!("'{}'", w.to_string_lossy().replace('\'', r"'\''")))
            .collect();
        let mut script = home.command("script");
        script
            .args(["-q", "-e", "-f", "-c", &quoted.join(" "), "/dev/null"])
            .env("SHELL", "/bin/sh")
            .env("TERM", "dumb");
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => script.env(name, value),
                None => script.env_remove(name),
            };
        }
        let mut child = script
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script starts");
        let keyboard = child.stdin.take().expect("a keyboard");
        let mut output = child.stdout.take().expect("a screen");
        let screen = Arc::new(Screen::default());
        let shown = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut buffer) {
                shown
                    .text
                    .lock()
                    .expect("the screen")
                    .0
                    .push_str(&String::from_utf8_lossy(&buffer[..count]));
                shown.changed.notify_all();
            }
            shown.text.lock().expect("the screen").1 = true;
            shown.changed.notify_all();
        });
        Self {
            child,
            keyboard,
            screen,
            read: 0,
        }
    }

    /// Waits until `wanted` is shown, after what was waited for before.
    pub(crate) fn wait_for(&mut self, wanted: &str) -> &mut Self {
        let end = Instant::now() + LIMIT;
        let mut text = self.screen.text.lock().expect("the screen");
        loop {
            if let Some(at) = text.0[self.read..].find(wanted) {
                self.read += at + wanted.len();
                break;
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(
                !text.1 && !left.is_zero(),
                "the terminal never showed {wanted:?} but:\n{}",
                text.0
            );
            text = self
                .screen
                .changed
                .wait_timeout(text, left)
                .expect("the screen")
                .0;
        }
        drop(text);
        self
    }

    /// Types a line.
    pub(crate) fn type_line(&mut self, line: &str) -> &mut Self {
        self.keyboard
            .write_all(format!("{line}\n").as_bytes())
            .expect("typed");
        self.keyboard.flush().expect("typed");
        self
    }

    /// Waits for the program's end; its exit status, and all that was shown.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().expect("its end");
        let mut text = self.screen.text.lock().expect("the screen");
        while !text.1 {
            text = self.screen.changed.wait(text).expect("the screen");
        }
        (status, text.0.clone())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
