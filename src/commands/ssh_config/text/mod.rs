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

/// Whether the file includes one of `names` in front of everything else.
pub(super) fn includes(file: &[u8], names: &[String]) -> bool {
    included(file, names, |_, _| None)
}

/// Whether the file includes one of `names` where it holds for every host.
pub(super) fn includes_somewhere(file: &[u8], names: &[String]) -> bool {
    included(file, names, |keyword, rest| {
        let all = if keyword == "host" { "*" } else { "all" };
        Some(rest.trim_matches([' ', '\t', '=', '"']).eq_ignore_ascii_case(all))
    })
}

/// `holds_for_all` says it of a Host or Match line; `None` ends the search.
fn included(file: &[u8], names: &[String], holds_for_all: impl Fn(&str, &str) -> Option<bool>) -> bool {
    let mut for_all = true;
    for line in lines(file) {
        let text = String::from_utf8_lossy(line.text);
        let text = text.trim();
        let Some((keyword, rest)) = text.split_once(|c: char| c.is_whitespace() || c == '=') else {
            continue;
        };
        match keyword.to_ascii_lowercase().as_str() {
            keyword @ ("host" | "match") => match holds_for_all(keyword, rest) {
                Some(holds) => for_all = holds,
                None => return false,
            },
            "include" if for_all && words(rest).any(|word| names.iter().any(|name| *name == word)) => {
                return true;
            }
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
mod tests;
