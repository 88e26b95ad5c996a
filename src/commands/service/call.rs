//! Tells the service manager, through its own program.
use crate::commands::context::runtime;
use crate::commands::output::Failure;
use claviger_platform::process::{Done, Job, JobError, run};
use claviger_platform::service::Call;
use std::time::Duration;

/// systemd gives a unit 90 s to start or stop.
const LIMIT: Duration = Duration::from_secs(100);
/// Far more than any of these programs says.
const MOST: usize = 1 << 20;

/// How a call ended.
pub(super) enum Told {
    /// As wanted.
    Yes,
    /// With another exit status, and these words.
    No(String),
    /// Its program is not installed or does not answer.
    NoManager(String),
}

/// Makes one call and waits for its end.
pub(super) fn tell(call: &Call) -> Result<Told, Failure> {
    let job = Job {
        program: call.program.into(),
        args: call.args.clone(),
        env: Vec::new(),
        input: None,
        limit: LIMIT,
        max_output: MOST,
    };
    Ok(match runtime()?.block_on(run(job)) {
        Ok(Done { code: Some(0), .. }) => Told::Yes,
        Ok(Done { code, errors, .. }) => {
            let why = errors.trim();
            Told::No(match why.is_empty() {
                true => format!("{call}: exit status {}", code.unwrap_or(-1)),
                false => format!("{call}: {why}"),
            })
        }
        Err(JobError::Start { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            Told::NoManager(format!("{} is not installed", call.program))
        }
        Err(error) => Told::NoManager(error.to_string()),
    })
}
