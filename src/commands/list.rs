//! `claviger list`: the agent's keys, as a table or as JSON.
use super::client::Client;
use super::context::Context;
use super::output::{self, Failure, visible};
use super::table;
use crate::cli::ReportArgs;
use claviger::wire::report::KeyReport;
use std::process::ExitCode;

const HEAD: [&str; 7] = [
    "STATE",
    "TYPE",
    "BITS",
    "FINGERPRINT",
    "COMMENT",
    "FILE",
    "LAST USED",
];

pub(crate) fn run(args: &ReportArgs, context: &Context) -> Result<ExitCode, Failure> {
    let keys = Client::find(context, args.client.socket.as_deref())?.list()?;
    match (args.json, keys.is_empty()) {
        (true, _) => output::json(&keys)?,
        (false, true) => {
            output::line("no keys; `claviger status` says which files were not listed, and why")?
        }
        (false, false) => output::line(table(&keys))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn table(keys: &[KeyReport]) -> String {
    table::lines(HEAD, keys.iter().map(row))
}

fn row(key: &KeyReport) -> [String; 7] {
    let kind = match key.certificate {
        true => format!("{} +cert", key.kind),
        false => key.kind.clone(),
    };
    let state = match (key.state.as_str(), key.protected) {
        ("token", _) => String::from("on its token"),
        ("elsewhere", _) => String::from("elsewhere"),
        (state, true) => state.to_owned(),
        (state, false) => format!("{state} (no passphrase)"),
    };
    let bits = match key.bits {
        0 => "-".into(),
        bits => bits.to_string(),
    };
    let place = key.upstream.as_ref().unwrap_or(&key.path);
    let used = key.last_used.clone().unwrap_or_else(|| "-".into());
    [
        state,
        kind,
        bits,
        key.fingerprint.clone(),
        visible(&key.comment),
        visible(place),
        used,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(comment: &str, path: &str) -> KeyReport {
        KeyReport {
            fingerprint: "SHA256:x".into(),
            kind: "ssh-ed25519".into(),
            bits: 256,
            comment: comment.into(),
            state: "sealed".into(),
            source: "file".into(),
            path: path.into(),
            format: "OpenSSH".into(),
            protected: true,
            certificate: false,
            last_used: None,
            upstream: None,
        }
    }

    #[test]
    fn columns_line_up_whatever_the_letters() {
        let text = table(&[key("Zoë", "/a"), key("me@work", "/b")]);
        let lines: Vec<&str> = text.lines().collect();
        let columns: Vec<usize> = ["FILE", "/a", "/b"]
            .iter()
            .zip(&lines)
            .map(|(cell, line)| line.split(cell).next().unwrap().chars().count())
            .collect();
        assert_eq!(columns, [columns[0]; 3], "{text}");
    }

    #[test]
    fn a_comment_cannot_steer_the_terminal() {
        let text = table(&[key("\u{1b}]0;owned\u{7}", "/a\nsealed")]);
        assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'), "{text:?}");
        assert_eq!(text.lines().count(), 2);
    }
}
