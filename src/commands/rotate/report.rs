//! What a rotation did on each server: a line as soon as it is known, or all of it as one JSON object at the end.
use crate::commands::output::{self, Failure};
use serde::Serialize;

/// The whole rotation.
#[derive(Serialize)]
pub(super) struct Report {
    /// Fingerprints; no new one in a dry run that would make the key.
    pub(super) old: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) new: Option<String>,
    servers: Vec<Server>,
    /// Whether every server has the new key only.
    pub(super) complete: bool,
    #[serde(skip)]
    json: bool,
}

#[derive(Serialize)]
struct Server {
    server: String,
    /// "done", "done_before", "planned", or "failed".
    result: &'static str,
    detail: String,
}

impl Report {
    pub(super) fn new(json: bool, old: &str, new: Option<&str>) -> Self {
        Self {
            old: old.to_owned(),
            new: new.map(str::to_owned),
            servers: Vec::new(),
            complete: false,
            json,
        }
    }

    /// Tells of one server; `head` is its name as a line begins with it.
    pub(super) fn server(
        &mut self,
        head: &str,
        server: &str,
        result: &'static str,
        detail: &str,
    ) -> Result<(), Failure> {
        self.servers.push(Server {
            server: server.to_owned(),
            result,
            detail: detail.to_owned(),
        });
        match (result, self.json) {
            ("failed", _) => output::error(&format!("{head}: {detail}")),
            (_, true) => {}
            (_, false) => output::line(format!("{head}: {detail}"))?,
        }
        Ok(())
    }

    /// A line for people only.
    pub(super) fn line(&self, text: String) -> Result<(), Failure> {
        match self.json {
            true => Ok(()),
            false => output::line(text),
        }
    }

    /// Those that failed.
    pub(super) fn failed(&self) -> Vec<&str> {
        let failed = self.servers.iter().filter(|server| server.result == "failed");
        failed.map(|server| server.server.as_str()).collect()
    }

    /// The end.
    pub(super) fn finish(self) -> Result<(), Failure> {
        match self.json {
            true => output::json(&self),
            false => Ok(()),
        }
    }
}
