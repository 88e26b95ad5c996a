//! What the doctor says: the worst first, each thing in three lines; the same as JSON.

use super::finding::{Finding, Severity};
use crate::commands::output::{self, Failure, visible};
use serde_json::{Value, json};

/// Prints the findings, which are in their order.
pub(super) fn print(findings: &[Finding]) -> Result<(), Failure> {
    if findings.is_empty() {
        return output::line("nothing is wrong");
    }
    for (severity, title) in [
        (Severity::Error, "errors"),
        (Severity::Warning, "warnings"),
        (Severity::Info, "worth knowing"),
    ] {
        let mut group = findings
            .iter()
            .filter(|one| one.code.severity() == severity)
            .peekable();
        if group.peek().is_some() {
            output::line(format!("{title}:"))?;
        }
        for finding in group {
            output::line(text(finding))?;
        }
    }
    output::line(summary(findings))
}

fn text(finding: &Finding) -> String {
    let mut text = format!(
        "  {}: {}\n      {}\n",
        finding.code.text(),
        visible(&finding.subject),
        visible(&finding.message)
    );
    let what = match (&finding.failure, finding.fixed) {
        (Some(failure), _) => format!("not mended: {failure}; remedy: {}", finding.remedy),
        (None, true) => format!("mended, as with: {}", finding.remedy),
        (None, false) => format!("remedy: {}", finding.remedy),
    };
    text.push_str("      ");
    text.push_str(&visible(&what));
    text
}

fn summary(findings: &[Finding]) -> String {
    let remain = findings.iter().filter(|one| one.remains()).count();
    let fixable = findings
        .iter()
        .filter(|one| one.fixable() && !one.fixed && one.failure.is_none());
    match (remain, fixable.count()) {
        (0, 0) => "nothing needs to be done".into(),
        (_, 0) => format!("{remain} to be mended; docs/doctor.md has each code"),
        (_, fixable) => format!("{remain} to be mended; `claviger doctor --fix` mends {fixable}"),
    }
}

/// Field names are stable.
pub(super) fn json(findings: &[Finding]) -> Value {
    let count = |severity| {
        let left = findings
            .iter()
            .filter(|one| one.code.severity() == severity && !one.fixed);
        left.count()
    };
    json!({
        "findings": findings.iter().map(Finding::json).collect::<Vec<_>>(),
        "errors": count(Severity::Error),
        "warnings": count(Severity::Warning),
        "infos": count(Severity::Info),
    })
}
