//! Our lines in a file of the person's, between two marks: put there and taken out without touching any other byte.

const BEGIN: &str = "# claviger service: begin";
const END: &str = "# claviger service: end";
/// Said behind the first mark where the person's last line had no end, so that it gets none.
const JOINED: &str = " (the line before had no line break)";

/// Where the block stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// Nowhere.
    No,
    /// `text` is between the marks; without them and what they added, the file is `before` and `behind`.
    Yes {
        before: &'a str,
        text: &'a str,
        behind: &'a str,
    },
    /// The marks do not stand around one block.
    Broken,
}

/// Looks for it.
pub(super) fn find(file: &str) -> Found<'_> {
    let mut start = 0;
    let (mut begins, mut ends) = (Vec::new(), Vec::new());
    for line in file.split_inclusive('\n') {
        let next = start + line.len();
        match line.trim_end() {
            END => ends.push((start, next)),
            text if text
                .strip_prefix(BEGIN)
                .is_some_and(|rest| rest.is_empty() || rest == JOINED) =>
            {
                begins.push((start, next, text.ends_with(JOINED)));
            }
            _ => {}
        }
        start = next;
    }
    match (&begins[..], &ends[..]) {
        ([], []) => Found::No,
        (&[(start, inside, joined)], &[(end, next)]) if inside <= end => {
            let before = &file[..start];
            Found::Yes {
                before: before.strip_suffix('\n').filter(|_| joined).unwrap_or(before),
                text: &file[inside..end],
                behind: &file[next..],
            }
        }
        _ => Found::Broken,
    }
}

/// The file with the block in its old place, else at its `top` or its end. `None` where the marks are broken.
pub(super) fn with(file: &str, text: &str, top: bool) -> Option<String> {
    let (before, behind) = match find(file) {
        Found::Broken => return None,
        Found::Yes { before, behind, .. } => (before, behind),
        Found::No if top => ("", file),
        Found::No => (file, ""),
    };
    let (gap, said) = if joins(before) { ("\n", JOINED) } else { ("", "") };
    Some(format!("{before}{gap}{BEGIN}{said}\n{text}{END}\n{behind}"))
}

/// The file without it.
pub(super) fn without(file: &str) -> Option<String> {
    match find(file) {
        Found::No => Some(file.to_owned()),
        // Lines that came behind the block must not become the end of the one before it.
        Found::Yes { before, behind, .. } if !joins(before) || behind.is_empty() => {
            Some(format!("{before}{behind}"))
        }
        Found::Yes { before, behind, .. } => Some(format!("{before}\n{behind}")),
        Found::Broken => None,
    }
}

/// Whether the person's last line has no end.
fn joins(before: &str) -> bool {
    !before.is_empty() && !before.ends_with('\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_is_there_again() {
        for old in ["", "one\n", "one", "one\n\n", "é\r\n"] {
            for top in [false, true] {
                let new = with(old, "ours\n", top).unwrap();
                assert_eq!(with(&new, "ours\n", top).as_deref(), Some(&*new), "{old:?}");
                let changed = with(&new, "other\n", top).unwrap();
                assert!(changed.contains("other\n") && !changed.contains("ours"));
                assert_eq!(without(&changed).as_deref(), Some(old));
            }
            let continued = with(old, "ours\n", false).unwrap() + "behind\n";
            let expected: Vec<_> = old.lines().chain(["behind"]).collect();
            assert_eq!(without(&continued).unwrap().lines().collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn broken_marks_are_left_alone() {
        let whole = with("", "x\n", false).unwrap();
        for broken in [
            format!("{whole}{whole}"),
            format!("{END}\n{BEGIN}\n"),
            format!("{BEGIN}\nx\n"),
        ] {
            assert_eq!(find(&broken), Found::Broken);
            assert_eq!((with(&broken, "x\n", false), without(&broken)), (None, None));
        }
    }
}
