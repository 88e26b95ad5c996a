//! The clipboard: over ssh the terminal's, by OSC 52; else the desktop's, through the program that it has for that.
//!
//! Programs, and no library: `arboard` would be some forty crates for one line of text, and on Wayland and X11 somebody has
//! to stay and serve the clipboard after claviger has ended, which is what wl-copy, xclip and xsel do.
use crate::commands::context::runtime;
use crate::commands::output::{self, Failure};
use claviger::key;
use claviger::secret::Secret;
use claviger_platform::process::{Job, run};
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
const WAYS: [Way; 5] = [
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
        program: "pbcopy",
        args: &[],
        needs: None,
    },
    Way {
        program: "clip.exe",
        args: &[],
        needs: None,
    },
];

/// Puts the line there; says where it is.
pub(super) fn copy(line: &str) -> Result<String, Failure> {
    if is_set("SSH_CONNECTION") || is_set("SSH_TTY") {
        output::terminal(&osc52(line))?;
        return Ok("sent to your terminal's clipboard (OSC 52)".to_owned());
    }
    let runtime = runtime()?;
    let (mut missing, mut reasons) = (Vec::new(), Vec::new());
    for way in WAYS.iter().filter(|way| way.needs.is_none_or(is_set)) {
        match runtime.block_on(run(job(way, line))) {
            Ok(done) if done.code == Some(0) => return Ok(format!("on the clipboard ({})", way.program)),
            Ok(done) if done.code == Some(NOT_FOUND) => missing.push(way),
            Ok(done) => reasons.push(format!("{}: {}", way.program, done.errors)),
            Err(error) => reasons.push(format!("{}: {error}", way.program)),
        }
    }
    if !reasons.is_empty() {
        let reasons = reasons.join("; ");
        return Err(Failure::new(format!("the clipboard was not set: {reasons}")));
    }
    Err(Failure::new(
        match missing.iter().find(|way| way.needs.is_some()) {
            Some(Way {
                program: "wl-copy", ..
            }) => "no clipboard: install wl-clipboard, which has wl-copy",
            Some(_) => "no clipboard: install xclip or xsel",
            None => "no clipboard here: there is no display (WAYLAND_DISPLAY, DISPLAY) and no ssh session",
        },
    ))
}

#[expect(
    clippy::disallowed_methods,
    reason = "commands/ is where the environment is read"
)]
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
        input: Some(Secret::copy_of(line.as_bytes())),
        limit: LIMIT,
        max_output: 0,
    }
}

/// The terminal sets the clipboard of the machine at which the person sits (xterm's control sequences, OSC 52).
fn osc52(line: &str) -> String {
    format!(
        "\x1b]52;c;{}\x07",
        String::from_utf8_lossy(&key::base64(line.as_bytes()))
    )
}
