//! The programs that a desktop has for its clipboard; on Linux also Windows' own, for a shell under WSL.

use super::ClipboardError;
use crate::harden::LockedBytes;
use crate::process::{Job, run};
use std::time::Duration;

/// A desktop that does not answer within this does not answer.
const LIMIT: Duration = Duration::from_secs(10);

/// What a shell says of a program that is not there.
const NOT_FOUND: i32 = 127;

/// A way to the clipboard.
struct Way {
    program: &'static str,
    args: &'static [&'static str],
    /// The variable without which it does not work; none: where the program is there, it works.
    needs: Option<&'static str>,
}

/// In the order in which they are tried. What is said to install is the first whose display is there.
const WAYS: [Way; 4] = [
    Way {
        program: "wl-copy",
        args: &[],
        needs: Some("WAYLAND_DISPLAY"),
    },
    Way {
        program: "xclip",
        args: &["-selection", "clipboard"],
        needs: Some("DISPLAY"),
    },
    Way {
        program: "xsel",
        args: &["--clipboard", "--input"],
        needs: Some("DISPLAY"),
    },
    Way {
        program: "clip.exe",
        args: &[],
        needs: None,
    },
];

/// Puts `text` there; says by which program.
///
/// # Errors
/// See [`ClipboardError`].
pub async fn set(text: &str) -> Result<&'static str, ClipboardError> {
    let (mut missing, mut reasons) = (Vec::new(), Vec::new());
    for way in WAYS.iter().filter(|way| way.needs.is_none_or(is_set)) {
        match run(job(way, text)).await {
            Ok(done) if done.code == Some(0) => return Ok(way.program),
            Ok(done) if done.code == Some(NOT_FOUND) => missing.push(way),
            Ok(done) => reasons.push(format!("{}: {}", way.program, done.errors)),
            Err(error) => reasons.push(format!("{}: {error}", way.program)),
        }
    }
    if !reasons.is_empty() {
        return Err(ClipboardError::Failed(reasons.join("; ")));
    }
    Err(match missing.iter().find(|way| way.needs.is_some()) {
        Some(Way {
            program: "wl-copy", ..
        }) => ClipboardError::Missing("wl-clipboard, which has wl-copy"),
        Some(_) => ClipboardError::Missing("xclip or xsel"),
        None => ClipboardError::NoDisplay,
    })
}

#[expect(clippy::disallowed_methods, reason = "which desktop there is")]
fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

/// xclip stays behind with the output that it was given, so it must not be ours: the end of it would never come.
fn job(way: &Way, line: &str) -> Job {
    let script = "exec \"$@\" >/dev/null";
    let words = ["-c", script, "sh", way.program];
    Job {
        program: "sh".into(),
        args: words.iter().chain(way.args).map(Into::into).collect(),
        env: Vec::new(),
        input: Some(LockedBytes::copy_of(line.as_bytes())),
        limit: LIMIT,
        max_output: 0,
    }
}
