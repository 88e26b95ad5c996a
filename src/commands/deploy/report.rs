//! What was done on a server, as lines or as one JSON object.
use super::Key;
use super::script::Answer;
use crate::commands::output::{Failure, visible};
use serde::Serialize;
use std::fmt;

/// One key on one server.
#[derive(Serialize)]
pub(super) struct Report {
    host: String,
    fingerprint: String,
    /// "added", "present", "would_add", "removed", "would_remove", or "absent".
    result: &'static str,
    /// Lines of `authorized_keys` that held the key.
    lines: u32,
    /// Other keys that are there.
    other_keys: u32,
    /// Directories and files that were made.
    made: Vec<String>,
    /// Whether a login with the key worked; null where none was tried.
    pub(super) login: Option<bool>,
}

impl Report {
    /// What the server's answers come to, or why nothing was done.
    pub(super) fn of(host: &str, key: &Key, answers: &[Answer]) -> Result<Self, Failure> {
        let mut made = Vec::new();
        let mut report = None;
        for answer in answers {
            let (what, lines, others) = match answer {
                Answer::Made(path) => {
                    made.push(visible(path));
                    continue;
                }
                Answer::Failed(why) => return Err(Failure::new(format!("{host}: {}", visible(why)))),
                Answer::Done { what, lines, others } => (what, lines, others),
            };
            let result = match what.as_str() {
                "added" => "added",
                "present" => "present",
                "would-add" => "would_add",
                "removed" => "removed",
                "would-remove" => "would_remove",
                "absent" => "absent",
                "last" => {
                    return Err(Failure::new(format!(
                        "{host}: {} is the last key there, and nothing was changed: without it the server may have no \
                         login left; deploy another key first, or say --force",
                        key.fingerprint
                    )));
                }
                other => {
                    return Err(Failure::new(format!(
                        "{host}: an answer that is not understood: {other:?}"
                    )));
                }
            };
            report = Some((result, *lines, *others));
        }
        let (result, lines, other_keys) =
            report.ok_or_else(|| Failure::new(format!("{host}: the server did not say what was done")))?;
        Ok(Self {
            host: host.to_owned(),
            fingerprint: key.fingerprint.clone(),
            result,
            lines,
            other_keys,
            made,
            login: None,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            host,
            fingerprint,
            lines,
            other_keys,
            ..
        } = self;
        for path in &self.made {
            writeln!(out, "{host}: {path} was made")?;
        }
        match self.result {
            "added" => write!(out, "{host}: {fingerprint} added, beside {other_keys} other keys"),
            "present" => write!(out, "{host}: {fingerprint} is there already; nothing was changed"),
            "would_add" => write!(
                out,
                "{host}: would add {fingerprint} beside {other_keys} other keys; nothing was changed"
            ),
            "removed" => write!(
                out,
                "{host}: {fingerprint} removed ({lines} lines); {other_keys} other keys stay"
            ),
            "would_remove" => write!(
                out,
                "{host}: would remove {fingerprint} ({lines} lines), {other_keys} other keys would stay; nothing was \
                 changed"
            ),
            _ => write!(out, "{host}: {fingerprint} is not there; nothing was changed"),
        }
    }
}
