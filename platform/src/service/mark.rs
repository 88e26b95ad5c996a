//! The line that makes a file ours: who wrote it, and a digest by which a later change shows.

use sha2::{Digest, Sha256};

/// Where the digest stands until it is known.
const OPEN: &str = "@DIGEST@";
const BEGIN: &str =
    "Installed by `claviger service install`; removed by `claviger service uninstall`; digest ";
/// Hexadecimal digits of it: enough to notice a change, short enough to read.
const DIGITS: usize = 16;
/// The line is among the first so many.
const LINES: usize = 3;

/// What a file says of itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// Nothing.
    None,
    /// Ours, as it was written.
    Whole,
    /// Ours, and changed since.
    Broken,
}

/// What stands in a template's place for it, until [`sealed`].
pub(super) fn open() -> String {
    format!("{BEGIN}{OPEN}")
}

/// The text with the digest of all the rest of it.
pub(super) fn sealed(text: &str) -> String {
    text.replacen(OPEN, &digest(text), 1)
}

/// Looks at a file's text.
pub(super) fn read(text: &str) -> Mark {
    let head: usize = text.split_inclusive('\n').take(LINES).map(str::len).sum();
    let Some(at) = text[..head].find(BEGIN).map(|at| at + BEGIN.len()) else {
        return Mark::None;
    };
    let Some(found) = text.get(at..at + DIGITS) else {
        return Mark::Broken;
    };
    let opened = [&text[..at], OPEN, &text[at + DIGITS..]].concat();
    match digest(&opened) == found {
        true => Mark::Whole,
        false => Mark::Broken,
    }
}

fn digest(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .take(DIGITS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_shows() {
        let text = sealed(&format!("<?xml?>\n<!-- {} -->\nrest\n", open()));
        assert_eq!(read(&text), Mark::Whole);
        for (from, to) in [
            ("rest", "test"),
            ("<?xml", "<?XML"),
            ("digest ", "digest 0"),
            (" -->", "-->"),
        ] {
            assert_eq!(read(&text.replacen(from, to, 1)), Mark::Broken, "{from}");
        }
        assert_eq!(read(&text[..text.find("digest ").unwrap() + 10]), Mark::Broken);
        assert_eq!(read("[Unit]\n"), Mark::None);
        assert_eq!(
            read(&format!("\n\n\n\n{text}")),
            Mark::None,
            "further down it is a quotation"
        );
    }
}
