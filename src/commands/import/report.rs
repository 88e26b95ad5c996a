//! What an import did, item by item: a line as soon as it is done, or all of it as one JSON array at the end.
use crate::commands::output::{self, Failure};
use serde::Serialize;

/// What was done with one file, session or key.
#[derive(Serialize)]
pub(super) struct Done {
    /// "imported", "would_import", "present", or "passed_over".
    pub(super) result: &'static str,
    /// The file that holds it now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<String>,
    /// The key's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fingerprint: Option<String>,
    /// The sentence for people.
    pub(super) detail: String,
}

impl Done {
    pub(super) fn new(result: &'static str, detail: impl Into<String>) -> Self {
        Self {
            result,
            path: None,
            fingerprint: None,
            detail: detail.into(),
        }
    }
}

#[derive(Serialize)]
struct Item {
    source: String,
    #[serde(flatten)]
    done: Done,
}

/// Tells of each item, and remembers whether one failed.
pub(super) struct Telling {
    /// None where each is told at once.
    items: Option<Vec<Item>>,
    pub(super) failed: bool,
}

impl Telling {
    pub(super) fn new(json: bool) -> Self {
        Self {
            items: json.then(Vec::new),
            failed: false,
        }
    }

    /// Tells of one; `source` is printable. A failure goes to standard error in either form.
    pub(super) fn tell(&mut self, source: String, done: Result<Done, Failure>) -> Result<(), Failure> {
        let done = done.unwrap_or_else(|failure| {
            self.failed = true;
            output::error(&format!("{source}: {failure}"));
            Done::new("failed", failure.to_string())
        });
        match &mut self.items {
            Some(items) => items.push(Item { source, done }),
            None if done.result == "failed" => {}
            None => output::line(format!("{source}: {}", done.detail))?,
        }
        Ok(())
    }

    /// A closing line, for people only.
    pub(super) fn line(&self, text: String) -> Result<(), Failure> {
        match self.items {
            Some(_) => Ok(()),
            None => output::line(text),
        }
    }

    /// The end.
    pub(super) fn finish(self) -> Result<(), Failure> {
        self.items.map_or(Ok(()), |items| output::json(&items))
    }
}
