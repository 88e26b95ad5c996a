//! An askpass program as OpenSSH runs it: the question is its only argument, the first line of its output the answer.
use super::{Attempt, LONGEST, PromptError, unanswered};
use crate::process::{Job, run};
use std::path::Path;
use std::time::Duration;

pub(super) async fn ask(program: &Path, question: &str, limit: Duration) -> Attempt {
    let job = Job {
        program: program.to_owned(),
        args: vec![question.into()],
        // It would make the program ask for a yes or no, or only show the text.
        env: vec![("SSH_ASKPASS_PROMPT".into(), None)],
        input: None,
        limit,
        max_output: LONGEST,
    };
    let mut done = match run(job).await {
        Ok(done) => done,
        Err(error) => return unanswered(error),
    };
    Attempt::Asked(match done.code {
        Some(0) => {
            let end = done.output.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            done.output.truncate(end.unwrap_or(done.output.len()));
            Ok(done.output)
        }
        Some(_) => Err(PromptError::Cancelled),
        None => Err(PromptError::Failed(format!(
            "{}: ended by a signal",
            program.display()
        ))),
    })
}
