//! OpenSSH's patterns: `*` is any run of bytes, `?` any one byte, everything else itself; upper and lower case differ.

/// Longest pattern and longest text that are compared as such; longer ones match nothing. No name of a user or a host
/// comes near, nor does the path of a library. Matching takes time in the product of both, and either may come from
/// a remote host.
const LONGEST: usize = 1024;

/// Whether the whole of `text` is what `pattern` says.
pub(super) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    if pattern.len() > LONGEST || text.len() > LONGEST {
        return false;
    }
    let (mut at, mut read) = (0, 0);
    // Behind the last star, and how much of the text that star has swallowed. An earlier star never needs to be
    // tried again: what the last one could not find behind it, none would.
    let mut star: Option<(usize, usize)> = None;
    while let Some(&byte) = text.get(read) {
        match (pattern.get(at), star) {
            (Some(b'*'), _) => {
                at += 1;
                star = Some((at, read));
            }
            (Some(&wanted), _) if wanted == b'?' || wanted == byte => (at, read) = (at + 1, read + 1),
            (_, Some((behind, swallowed))) => {
                (at, read) = (behind, swallowed + 1);
                star = Some((behind, read));
            }
            (_, None) => return false,
        }
    }
    pattern.iter().skip(at).all(|&left| left == b'*')
}

/// Whether one of the patterns, which commas part, matches, and none that `!` precedes does.
pub fn list_matches(list: &[u8], text: &[u8]) -> bool {
    let mut found = false;
    for pattern in list.split(|&byte| byte == b',') {
        match pattern.strip_prefix(b"!") {
            Some(excluded) if matches(excluded, text) => return false,
            Some(_) => {}
            None => found |= matches(pattern, text),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("**", "abc", true),
            ("?", "", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a*", "a", true),
            ("*.example.net", "host.example.net", true),
            ("*.example.net", "example.net", false),
            ("*ab*ab", "abxabab", true),
            ("*ab*ab", "abxaba", false),
            ("a*b?c*", "axxbxbycz", true),
            ("Alice", "alice", false),
            ("!alice", "bob", false),
            ("[ab]", "a", false),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), text.as_bytes()),
                expected,
                "{pattern:?} {text:?}"
            );
        }
    }

    #[test]
    fn what_is_too_long_matches_nothing() {
        assert!(matches(b"*", &[b'a'; LONGEST]));
        assert!(!matches(b"*", &[b'a'; LONGEST + 1]));
        assert!(matches(&[b'*'; LONGEST], b"a"));
        assert!(!matches(&[b'*'; LONGEST + 1], b"a"));
    }

    #[test]
    fn lists() {
        for (list, text, expected) in [
            ("ssh:*", "ssh:", true),
            ("ssh:*", "ssh:work", true),
            ("ssh:*", "https://example.com", false),
            ("a,b", "b", true),
            ("*,!b", "b", false),
            ("!b,*", "b", false),
            ("!b", "a", false),
            ("", "a", false),
        ] {
            assert_eq!(
                list_matches(list.as_bytes(), text.as_bytes()),
                expected,
                "{list:?} {text:?}"
            );
        }
    }

    /// The definition, in exponential time.
    fn defined(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, _) => text.is_empty(),
            (Some((b'*', rest)), _) => (0..=text.len()).any(|taken| defined(rest, &text[taken..])),
            (Some((wanted, rest)), Some((byte, left))) => {
                (*wanted == b'?' || wanted == byte) && defined(rest, left)
            }
            (Some(_), None) => false,
        }
    }

    proptest! {
        #[test]
        fn matches_as_defined(pattern in "[ab*?]{0,8}", text in "[ab]{0,10}") {
            let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
            prop_assert_eq!(matches(pattern, text), defined(pattern, text));
        }
    }
}
