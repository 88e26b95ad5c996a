//! What a check finds: one fault, about one thing, with its remedy, and how it is mended where that can be done for the person.

use super::codes::Code;
use claviger_platform::files::{self, Mend};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Severity {
    /// Something does not work, or lets others in.
    Error,
    /// Something will not work as expected.
    Warning,
    /// Worth knowing.
    Info,
}

impl Severity {
    /// As `--json` has it.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// One fault.
#[derive(Debug)]
pub(super) struct Finding {
    /// Which.
    pub(super) code: Code,
    /// The file, setting or program that it is about.
    pub(super) subject: String,
    /// What is wrong and what comes of it.
    pub(super) message: String,
    /// What to do.
    pub(super) remedy: String,
    /// What `--fix` does about it.
    mend: Option<(PathBuf, Mend)>,
    /// Whether it did.
    pub(super) fixed: bool,
    /// Why it could not.
    pub(super) failure: Option<String>,
}

impl Finding {
    /// One that the person has to mend.
    pub(super) fn new(
        code: Code,
        subject: impl Into<String>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            code,
            subject: subject.into(),
            message: message.into(),
            remedy: remedy.into(),
            mend: None,
            fixed: false,
            failure: None,
        }
    }

    /// One about a file's or a directory's permissions, which can be mended here.
    pub(super) fn permissions(code: Code, path: &Path, message: impl Into<String>, mend: Mend) -> Self {
        let remedy = files::mending(path, mend);
        Self {
            mend: Some((path.to_owned(), mend)),
            ..Self::new(code, path.display().to_string(), message, remedy)
        }
    }

    /// Whether `--fix` knows what to do.
    pub(super) fn fixable(&self) -> bool {
        self.mend.is_some()
    }

    /// Whether it still counts, and is worse than worth knowing.
    pub(super) fn remains(&self) -> bool {
        !self.fixed && self.code.severity() != Severity::Info
    }

    /// Mends it, if that can be done here.
    pub(super) fn fix(&mut self) {
        let Some((path, mend)) = &self.mend else {
            return;
        };
        match files::mend(path, *mend) {
            Ok(()) => self.fixed = true,
            Err(error) => self.failure = Some(error.to_string()),
        }
    }

    /// Field names are stable.
    pub(super) fn json(&self) -> Value {
        json!({
            "code": self.code.text(),
            "severity": self.code.severity().text(),
            "subject": self.subject,
            "message": self.message,
            "remedy": self.remedy,
            "fixable": self.fixable(),
            "fixed": self.fixed,
            "failure": self.failure,
        })
    }
}
