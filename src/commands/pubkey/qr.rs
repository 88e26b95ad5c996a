//! A QR code in a terminal: two modules in the height of a letter, with the quiet zone that readers need.
//!
//! On a terminal the colours are set, so that it is dark on light whatever the terminal's own are. Elsewhere, and with
//! NO_COLOR, light modules are drawn, which is right on a dark background; readers of today take the inverse too.
use crate::commands::output::Failure;
use claviger_platform::prompt::terminal_width;
use qrcode::{Color, EcLevel, QrCode};
use std::io::IsTerminal;

/// Modules of light around the code (ISO/IEC 18004, 5.3.8).
const QUIET: usize = 4;

/// The code of `line`, as lines of text.
pub(super) fn draw(line: &str) -> Result<String, Failure> {
    // The lowest level of correction: a screen has no scratches, and a smaller code has larger modules.
    let code = QrCode::with_error_correction_level(line, EcLevel::L).map_err(|_| {
        Failure::new(format!(
            "a line of {} bytes is more than a QR code holds; leave the comment out: --comment ''",
            line.len()
        ))
    })?;
    let is_terminal = std::io::stdout().is_terminal();
    let width = code.width() + 2 * QUIET;
    if let Some(columns) = terminal_width().filter(|columns| is_terminal && *columns < width) {
        return Err(Failure::new(format!(
            "the QR code is {width} columns wide and the terminal {columns}; widen it, or make its letters smaller"
        )));
    }
    Ok(rows(&code, is_terminal && may_colour()))
}

#[expect(
    clippy::disallowed_methods,
    reason = "commands/ is where the environment is read"
)]
fn may_colour() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn rows(code: &QrCode, coloured: bool) -> String {
    let width = code.width() + 2 * QUIET;
    let light = |column: usize, row: usize| match (column.checked_sub(QUIET), row.checked_sub(QUIET)) {
        (Some(x), Some(y)) if x < code.width() && y < code.width() => code[(x, y)] == Color::Light,
        _ => true,
    };
    // White letters on black: what is drawn is light.
    let (begin, end) = match coloured {
        true => ("\x1b[38;5;231;48;5;16m", "\x1b[0m"),
        false => ("", ""),
    };
    let row = |row: usize| {
        let letters = (0..width).map(|column| match (light(column, row), light(column, row + 1)) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        });
        format!("{begin}{}{end}", letters.collect::<String>())
    };
    (0..width).step_by(2).map(row).collect::<Vec<_>>().join("\n")
}
