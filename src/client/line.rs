//! A line of ssh's configuration, cut into words as ssh does; also the value of `-o`, which is such a line.
//!
//! Own work, because what is needed is to see *every* `Include`, `Match` and key file, and the published readers of the
//! format refuse whole files for one line that they do not know.

/// A line that says something.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// In lower case.
    pub(super) keyword: String,
    /// None where quotes do not close: ssh refuses such a line.
    pub(super) values: Option<Vec<String>>,
}

/// Cuts a line; none for a comment or an empty one. More is taken for a keyword than ssh would (it may be quoted, or
/// stand behind an `=`), so that none is overlooked.
pub(super) fn cut(line: &str) -> Option<Line> {
    let line = line.trim_matches(|letter: char| letter.is_ascii_whitespace() || letter == '\0');
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let line = line.trim_start_matches(|letter| "=\"' \t".contains(letter));
    let end = line
        .find(|letter: char| letter.is_ascii_whitespace() || "=\"".contains(letter))
        .unwrap_or(line.len());
    let (keyword, rest) = line.split_at(end);
    let rest = rest.strip_prefix('"').unwrap_or(rest).trim_start();
    let rest = rest.strip_prefix('=').unwrap_or(rest);
    Some(Line {
        keyword: keyword.to_ascii_lowercase(),
        values: words(rest),
    })
}

/// Whether this may be a `Match` line that runs a command. Quotes and escapes are taken out first, and the word is
/// looked for anywhere: versions of ssh differ in how they cut such a line, and a false alarm costs little.
pub(super) fn may_run(line: &str) -> bool {
    let bare: String = line
        .chars()
        .filter(|letter| !"\"'\\=".contains(*letter))
        .collect();
    let bare = bare.trim_start().to_ascii_lowercase();
    bare.starts_with("match") && bare.contains("exec")
}

/// Words as ssh's `argv_split` makes them: quotes of both kinds, backslash before a quote, a backslash or a blank; `#`
/// at the beginning of a word ends the line.
fn words(text: &str) -> Option<Vec<String>> {
    let mut found = Vec::new();
    let mut letters = text.chars().peekable();
    loop {
        while letters.next_if(char::is_ascii_whitespace).is_some() {}
        if matches!(letters.peek(), None | Some('#')) {
            return Some(found);
        }
        let (mut word, mut quote) = (String::new(), None);
        while let Some(letter) = letters.next() {
            match letter {
                '\\' => {
                    let escaped = |next: &char| "\"'\\".contains(*next) || (quote.is_none() && *next == ' ');
                    word.push(letters.next_if(escaped).unwrap_or('\\'));
                }
                '"' | '\'' if quote.is_none() => quote = Some(letter),
                _ if quote == Some(letter) => quote = None,
                _ if quote.is_none() && letter.is_ascii_whitespace() => break,
                _ => word.push(letter),
            }
        }
        if quote.is_some() {
            return None;
        }
        found.push(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        for (text, keyword, values) in [
            ("IdentityFile ~/.ssh/a", "identityfile", &["~/.ssh/a"][..]),
            ("\t identityFILE=~/.ssh/a \r", "identityfile", &["~/.ssh/a"]),
            ("IdentityFile = \"a b\" # why", "identityfile", &["a b"]),
            ("IdentityFile 'a b'", "identityfile", &["a b"]),
            ("IdentityFile a\\ b", "identityfile", &["a b"]),
            ("IdentityFile \"a\\\"b\"", "identityfile", &["a\"b"]),
            ("IdentityFile C:\\keys\\a", "identityfile", &["C:\\keys\\a"]),
            ("\"Include\" one two", "include", &["one", "two"]),
            ("=Include one", "include", &["one"]),
            ("Include", "include", &[]),
        ] {
            let line = cut(text).unwrap();
            assert_eq!(line.keyword, keyword, "{text}");
            assert_eq!(line.values.unwrap(), values, "{text}");
        }
        assert_eq!(cut("  # IdentityFile a"), None);
        assert_eq!(cut(" \t\r"), None);
        assert_eq!(cut("IdentityFile \"a").unwrap().values, None);
    }

    #[test]
    fn matches_that_may_run_something() {
        for text in [
            "Match exec true",
            "  match host a EXEC=\"test -f /x\"",
            "\"Match\" !exec true",
            "Match \"exec\"x",
            "Match host a,b ex\"ec\" true",
            "=Match exec=true",
        ] {
            assert!(may_run(text), "{text}");
        }
        for text in [
            "Match host a",
            "# Match exec true",
            "ProxyCommand exec nc",
            "Host match exec",
        ] {
            assert!(!may_run(text), "{text}");
        }
    }
}
