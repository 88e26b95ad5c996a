//! Yes or no: may a key be used? Silence, a closed question and every failure mean no.

use super::{ASKING, Means, PromptError, Way, dialog, printable};
use crate::process::{Job, JobError, run};
use std::path::Path;
use std::sync::Arc;

/// Longer answers than "yes" are none.
const LONGEST_ANSWER: usize = 256;

impl Means {
    /// Asks whether something may be done: an askpass program in OpenSSH's way (`SSH_ASKPASS_PROMPT=confirm`), or the
    /// terminal. One question at a time over the whole process; others wait their turn.
    ///
    /// # Errors
    /// [`PromptError::Unavailable`] when nobody can be asked; the caller then refuses.
    pub async fn confirm(&self, question: &str) -> Result<bool, PromptError> {
        let question = printable(question);
        let mut reasons = Vec::new();
        for way in self.ways() {
            match way {
                Way::Askpass(program) => {
                    let _turn = Arc::new(ASKING.lock().await);
                    match self.askpass_confirms(&program, &question).await {
                        Err(JobError::Start { program, source }) => {
                            reasons.push(format!("{}: {source}", program.display()));
                        }
                        Err(JobError::TimedOut { limit, .. }) => {
                            return Err(PromptError::TimedOut(limit.as_secs()));
                        }
                        Err(other) => return Err(PromptError::Failed(other.to_string())),
                        Ok(answer) => return Ok(answer),
                    }
                }
                Way::Terminal if self.has_terminal() => {
                    let chosen = self
                        .choose(&format!("{question} [y]es, [n]o: "), &['y', 'n'])
                        .await;
                    return Ok(chosen == Some('y'));
                }
                Way::Dialog => {
                    let turn = Arc::new(ASKING.lock().await);
                    return dialog::confirm(&question, self.limit, &turn).await;
                }
                Way::Terminal | Way::Pinentry => {}
            }
        }
        if reasons.is_empty() {
            reasons.push(self.surroundings.why_none());
        }
        Err(PromptError::Unavailable(reasons.join("; ")))
    }

    /// Exit status 0, and no answer or "yes" in any case, is a yes.
    async fn askpass_confirms(&self, program: &Path, question: &str) -> Result<bool, JobError> {
        let done = run(Job {
            program: program.to_owned(),
            args: vec![question.into()],
            env: vec![("SSH_ASKPASS_PROMPT".into(), Some("confirm".into()))],
            input: None,
            limit: self.limit,
            max_output: LONGEST_ANSWER,
        })
        .await?;
        let answer = done.output.trim_ascii();
        Ok(done.code == Some(0) && (answer.is_empty() || answer.eq_ignore_ascii_case(b"yes")))
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::{Require, Surroundings};
    use std::path::PathBuf;

    fn asking(askpass: Option<PathBuf>) -> Means {
        Means::new(Surroundings {
            askpass,
            require: Require::Force,
            ..Surroundings::default()
        })
    }

    /// An askpass that answers a confirmation as told, and fails any other question.
    fn script(dir: &Path, body: &str) -> PathBuf {
        let path = dir.join("askpass");
        let text = format!("#!/bin/sh\n[ \"$SSH_ASKPASS_PROMPT\" = confirm ] || exit 9\n{body}\n");
        let source = dir.join("text");
        std::fs::write(&source, text).unwrap();
        // By another process: a child that some other test forks meanwhile would hold it open, and it could not be run.
        let install = std::process::Command::new("install")
            .args(["-m", "700"])
            .args([&source, &path])
            .status();
        assert!(install.unwrap().success());
        path
    }

    #[tokio::test]
    async fn only_a_plain_yes_is_a_yes() {
        for (body, allowed) in [
            ("exit 0", true),
            ("echo yes", true),
            ("echo YES", true),
            ("echo no", false),
            ("echo yes please", false),
            ("exit 1", false),
            ("echo yes; exit 1", false),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let means = asking(Some(script(dir.path(), body)));
            assert_eq!(
                means.confirm("Allow use of key x?").await.unwrap(),
                allowed,
                "{body}"
            );
        }
    }

    #[tokio::test]
    async fn nobody_to_ask_is_an_error_at_once() {
        let error = asking(None).confirm("Allow use of key x?").await.unwrap_err();
        assert!(matches!(error, PromptError::Unavailable(_)), "{error}");
    }
}
