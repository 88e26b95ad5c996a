//! The text of ssh's configuration: which values may stand in it, our blocks, and the line that includes them.
//!
//! It is not parsed as a whole: our own blocks stand between marks, and of the person's file only the lines before the
//! first Host or Match are looked at. Everything else stays byte for byte.
use crate::commands::output::Failure;
use std::path::Path;

/// The longest name in the DNS.
const LONGEST_HOST: usize = 253;
const BEGIN: &str = "# claviger: begin ";
const END: &str = "# claviger: end ";
const HEAD: &str = "# Written by `claviger keygen --ssh-config` and `claviger import putty`. What stands between the marks of a host is replaced as a whole.\n";

/// One host's block. The values were checked.
pub(super) struct Block {
    pub(super) host: String,
    pub(super) hostname: Option<String>,
    pub(super) user: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) key: Option<String>,
}

impl Block {
    pub(super) fn text(&self) -> String {
        let mut text = format!("{BEGIN}{0}\nHost {0}\n", self.host);
        if let Some(hostname) = &self.hostname {
            text += &format!("    HostName {hostname}\n");
        }
        if let Some(user) = &self.user {
            text += &format!("    User {user}\n");
        }
        if let Some(port) = self.port {
            text += &format!("    Port {port}\n");
        }
        if let Some(key) = &self.key {
            text += &format!("    IdentityFile {key}\n    IdentitiesOnly yes\n");
        }
        text + &format!("{END}{}\n", self.host)
    }
}

/// A name or address of one host: nothing that is a pattern, an expansion, or the end of a word or line for ssh.
pub(super) fn host(name: &str) -> Result<&str, Failure> {
    let letter = |letter: char| letter.is_ascii_alphanumeric() || ".-_:".contains(letter);
    let sound = !name.is_empty()
        && name.len() <= LONGEST_HOST
        && name.chars().all(letter)
        && !name.starts_with(['-', '.'])
        && !name.contains("..");
    match sound {
        true => Ok(name),
        false => Err(Failure::new(format!(
            "{:?} is not a host's name: letters, digits, and . - _ : in it (no pattern, no USER@)",
            shown(name)
        ))),
    }
}

/// A user's name on a server.
pub(super) fn user(name: &str) -> Result<&str, Failure> {
    let letter = |letter: char| letter.is_alphanumeric() || ".-_@+".contains(letter);
    match !name.is_empty() && name.len() <= 255 && name.chars().all(letter) && !name.starts_with('-') {
        true => Ok(name),
        false => Err(Failure::new(format!(
            "{:?} is not a user's name: letters, digits, and . - _ @ + in it",
            shown(name)
        ))),
    }
}

fn shown(name: &str) -> String {
    name.chars().take(64).collect()
}

/// A path as ssh reads it back, expansions switched off.
pub(super) fn quoted(path: &Path) -> Result<String, Failure> {
    let refused = |why: &str| Err(Failure::new(format!("{}: {why}", path.display())));
    let Some(text) = path.to_str() else {
        return refused(
            "a path that is not UTF-8 cannot stand in ssh's configuration; choose another with -f",
        );
    };
    if text.contains(['"', '\\']) || text.contains("${") || text.chars().any(char::is_control) {
        return refused(
            "a path with double quotes, backslashes or ${ cannot stand in ssh's configuration; choose another with -f",
        );
    }
    let text = text.replace('%', "%%");
    Ok(match text.contains([' ', '#', '=', ',', '\'']) {
        true => format!("\"{text}\""),
        false => text,
    })
}

/// The file with this block in the place of the host's old one, else behind all others.
pub(super) fn with_block(old: &[u8], block: &Block) -> Result<Vec<u8>, String> {
    let new = block.text();
    let (begin, end) = (format!("{BEGIN}{}", block.host), format!("{END}{}", block.host));
    let lines = lines(old);
    let at = |mark: &str| {
        lines
            .iter()
            .filter(|line| line.text == mark.as_bytes())
            .collect::<Vec<_>>()
    };
    match (at(&begin).as_slice(), at(&end).as_slice()) {
        ([], []) => {
            let mut bytes = match old.is_empty() {
                true => HEAD.as_bytes().to_vec(),
                false => old.to_vec(),
            };
            if !bytes.ends_with(b"\n") {
                bytes.push(b'\n');
            }
            bytes.extend_from_slice(new.as_bytes());
            Ok(bytes)
        }
        ([first], [last]) if first.start < last.start => {
            Ok([&old[..first.start], new.as_bytes(), &old[last.next..]].concat())
        }
        _ => Err(format!(
            "the marks \"{begin}\" and \"{end}\" do not stand around one block; \
             take out what belongs to that host, and try again"
        )),
    }
}

/// Whether there is a block of ours for this host.
pub(super) fn has_block(file: &[u8], host: &str) -> bool {
    let begin = format!("{BEGIN}{host}");
    lines(file).iter().any(|line| line.text == begin.as_bytes())
}

/// Whether a Host line names this very host. Patterns do not count: they are meant to hold beside others.
pub(super) fn names_host(file: &[u8], host: &str) -> bool {
    lines(file).iter().any(|line| {
        let text = String::from_utf8_lossy(line.text);
        match text.trim().split_once(|c: char| c.is_whitespace() || c == '=') {
            Some((keyword, rest)) if keyword.eq_ignore_ascii_case("host") => rest
                .split(|c: char| c.is_whitespace() || c == '=')
                .any(|word| word.trim_matches('"').eq_ignore_ascii_case(host)),
            _ => false,
        }
    })
}

/// Whether the file includes one of `names` where it holds for every host.
pub(super) fn includes(file: &[u8], names: &[String]) -> bool {
    for line in lines(file) {
        let text = String::from_utf8_lossy(line.text);
        let text = text.trim();
        let Some((keyword, rest)) = text.split_once(|c: char| c.is_whitespace() || c == '=') else {
            continue;
        };
        match keyword.to_ascii_lowercase().as_str() {
            "host" | "match" => return false,
            "include" if words(rest).any(|word| names.iter().any(|name| *name == word)) => return true,
            _ => {}
        }
    }
    false
}

/// The words of a line, quotes taken off; as far as our own lines go.
fn words(rest: &str) -> impl Iterator<Item = &str> {
    let rest = rest.trim_start_matches([' ', '\t', '=']);
    let (quoted, plain) = match rest.strip_prefix('"') {
        Some(quoted) => (quoted.split('"').next(), ""),
        None => (None, rest),
    };
    quoted.into_iter().chain(plain.split_whitespace())
}

struct Line<'a> {
    start: usize,
    /// Where the next line starts.
    next: usize,
    /// Without its line break.
    text: &'a [u8],
}

fn lines(bytes: &[u8]) -> Vec<Line<'_>> {
    let mut start = 0;
    let whole = bytes.split_inclusive(|byte| *byte == b'\n');
    whole
        .map(|line| {
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            let this = Line {
                start,
                next: start + line.len(),
                text,
            };
            start = this.next;
            this
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(host: &str, port: Option<u16>) -> Block {
        Block {
            host: host.into(),
            hostname: None,
            user: None,
            port,
            key: Some("/k".into()),
        }
    }

    #[test]
    fn names_that_could_mean_more_than_one_host_or_end_the_line_are_refused() {
        for good in [
            "example.net",
            "web-1",
            "10.0.0.1",
            "2001:db8::1",
            "my_host",
            "WEB",
        ] {
            assert!(host(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "*",
            "a*",
            "!a",
            "a?b",
            "a b",
            "a\nUser root",
            "a\"b",
            "a'b",
            "a#b",
            "%h",
            "-oProxyCommand=x",
            "u@h",
            "../x",
            "a/b",
            ".a",
            "a..b",
            "a=b",
            "a,b",
            "a\\b",
            "a\0",
            "${HOME}",
            "ü",
        ] {
            assert!(host(bad).is_err(), "{bad:?}");
        }
        assert!(host(&"a".repeat(254)).is_err());
        for bad in ["", "a b", "-l", "a\n", "%r", "a\"", "a$b"] {
            assert!(user(bad).is_err(), "{bad:?}");
        }
        for bad in ["/a\"b", "/a\nb", "/${HOME}/x", "/a\\b"] {
            assert!(quoted(Path::new(bad)).is_err(), "{bad:?}");
        }
        assert_eq!(quoted(Path::new("/a b/100%")).unwrap(), "\"/a b/100%%\"");
    }

    #[test]
    fn a_block_is_replaced_whole_and_its_neighbours_stay() {
        let one = with_block(b"", &block("one", None)).unwrap();
        let both = with_block(&one, &block("two", Some(22))).unwrap();
        assert_eq!(with_block(&both, &block("two", Some(22))).unwrap(), both);
        let mut edited = both.clone();
        edited.extend_from_slice(b"Host mine\r\n  Port 7 # \xff");
        let changed = with_block(&edited, &block("one", Some(2222))).unwrap();
        let text = String::from_utf8_lossy(&changed);
        assert_eq!(text.matches("Host one\n").count(), 1, "{text}");
        assert!(text.contains("Host one\n    Port 2222\n"), "{text}");
        assert!(changed.ends_with(b"Host mine\r\n  Port 7 # \xff"));
        let third = with_block(&changed, &block("three", None)).unwrap();
        assert!(
            third.starts_with(&changed) && third[changed.len()..].starts_with(b"\n# claviger: begin three\n")
        );
    }

    #[test]
    fn marks_that_do_not_match_are_an_error() {
        for broken in [
            "# claviger: begin one\nHost one\n",
            "# claviger: end one\n",
            "# claviger: end one\n# claviger: begin one\n",
            "# claviger: begin one\n# claviger: begin one\n# claviger: end one\n",
        ] {
            let why = with_block(broken.as_bytes(), &block("one", None)).unwrap_err();
            assert!(why.contains("begin one"), "{why}");
            assert!(with_block(broken.as_bytes(), &block("on", None)).is_ok());
        }
    }

    #[test]
    fn an_include_counts_only_where_it_holds_for_every_host() {
        let names = [
            "claviger.config".to_owned(),
            "/home/a b/.ssh/claviger.config".to_owned(),
        ];
        for (text, there) in [
            ("Include claviger.config\n", true),
            ("# mine\r\n\tinclude\tother claviger.config\r\n", true),
            ("Include=claviger.config", true),
            ("Include \"/home/a b/.ssh/claviger.config\"\n", true),
            ("Port 7\nInclude claviger.config\n", true),
            ("Host a\nInclude claviger.config\n", false),
            ("Match all\nInclude claviger.config\n", false),
            ("#Include claviger.config\n", false),
            ("Include claviger.config.d\n", false),
            ("", false),
        ] {
            assert_eq!(includes(text.as_bytes(), &names), there, "{text:?}");
        }
    }
}
