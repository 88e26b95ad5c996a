//! The clipboard: over ssh the terminal's, by OSC 52; else the desktop's.
use crate::commands::context::runtime;
use crate::commands::output::{self, Failure};
use claviger::key;
use claviger_platform::clipboard;

/// Puts the line there; says where it is.
pub(super) fn copy(line: &str) -> Result<String, Failure> {
    if is_set("SSH_CONNECTION") || is_set("SSH_TTY") {
        output::terminal(&osc52(line))?;
        return Ok("sent to your terminal's clipboard (OSC 52)".to_owned());
    }
    let by = runtime()?
        .block_on(clipboard::set(line))
        .map_err(|error| Failure::new(error.to_string()))?;
    Ok(format!("on the clipboard ({by})"))
}

#[expect(
    clippy::disallowed_methods,
    reason = "commands/ is where the environment is read"
)]
fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

/// The terminal sets the clipboard of the machine at which the person sits (xterm's control sequences, OSC 52).
fn osc52(line: &str) -> String {
    format!(
        "\x1b]52;c;{}\x07",
        String::from_utf8_lossy(&key::base64(line.as_bytes()))
    )
}
