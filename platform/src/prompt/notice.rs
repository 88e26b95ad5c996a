//! A text that asks nothing and is shown while something waits for the person, such as a touch of a security key.

use super::{Means, Way, dialog, printable, terminal};
use crate::process::Shown;

/// What is being shown; dropping it takes it away where that is possible.
#[derive(Default)]
pub struct Notice {
    _program: Option<Shown>,
    _dialog: Option<dialog::Notice>,
}

impl Means {
    /// Shows `text`: on the terminal, by an askpass program with SSH_ASKPASS_PROMPT=none, which is ended with SIGTERM
    /// when the notice is dropped (OpenSSH's way), or in an alert of the system's (macOS). `None` when there is nowhere to show it; the person may still see
    /// the token blink.
    pub fn notice(&self, text: &str) -> Option<Notice> {
        let text = printable(text);
        self.ways().into_iter().find_map(|way| match way {
            Way::Terminal => terminal::show(&text).ok().map(|()| Notice::default()),
            Way::Askpass(program) => {
                let shown = Shown::start(&program, &text);
                if let Err(error) = &shown {
                    tracing::warn!("{}: cannot be started: {error}", program.display());
                }
                shown.ok().map(|shown| Notice {
                    _program: Some(shown),
                    ..Notice::default()
                })
            }
            Way::Dialog => dialog::notice(&text).map(|shown| Notice {
                _dialog: Some(shown),
                ..Notice::default()
            }),
            Way::Pinentry => None,
        })
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::{Require, Surroundings};
    use std::os::unix::fs::PermissionsExt;

    #[tokio::test]
    async fn askpass_shows_it_until_it_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("askpass");
        let (text, ended) = (dir.path().join("text"), dir.path().join("ended"));
        for fifo in [&text, &ended] {
            let made = std::process::Command::new("mkfifo").arg(fifo).status().unwrap();
            assert!(made.success());
        }
        let script = format!(
            "#!/bin/sh\ntrap 'echo ended >{}; exit' TERM\necho \"$SSH_ASKPASS_PROMPT: $1\" >{}\n\
             while :; do sleep 0.05; done\n",
            ended.display(),
            text.display()
        );
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
        let means = Means::new(Surroundings {
            askpass: Some(program),
            require: Require::Force,
            ..Surroundings::default()
        });
        let notice = means.notice("Confirm user presence\x1b").unwrap();
        // Opening either end of a fifo waits for the other.
        let read = |path| tokio::task::spawn_blocking(move || std::fs::read_to_string(path).unwrap());
        assert_eq!(read(text).await.unwrap(), "none: Confirm user presence?\n");
        drop(notice);
        assert_eq!(read(ended).await.unwrap(), "ended\n");
    }

    #[test]
    fn without_anywhere_to_show_it_nothing_happens() {
        assert!(Means::new(Surroundings::default()).notice("touch").is_none());
    }
}
