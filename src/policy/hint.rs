//! What a key's comment, file name or entry says of where it is for. People write it there; the list is ordered by it.

use super::offer::Hint;

/// Shorter parts of a host's name are in too many words.
const SHORTEST: usize = 3;
/// Parts that say nothing of which host it is.
const COMMON: [&str; 14] = [
    "www",
    "ssh",
    "git",
    "com",
    "net",
    "org",
    "local",
    "localhost",
    "localdomain",
    "lan",
    "home",
    "host",
    "server",
    "example",
];

/// A host and repository, made ready to be looked for in many texts.
#[derive(Clone, Debug, Default)]
pub struct Hints {
    hosts: Vec<String>,
    parts: Vec<String>,
    owner: Option<String>,
    repository: Option<String>,
}

impl Hints {
    /// `hosts` are names and addresses, perhaps as `[host]:port`; `path` is a repository ("org/repo").
    pub fn new<'a>(hosts: impl IntoIterator<Item = &'a str>, path: Option<&str>) -> Self {
        let mut hints = Self::default();
        for host in hosts {
            let host = bare(host).to_lowercase();
            let is_address = host.contains(':') || host.chars().all(|c| c.is_ascii_digit() || c == '.');
            if !is_address {
                let labels: Vec<&str> = host.split('.').collect();
                // The last one is a country or the like, unless it is the only one.
                let telling = labels.len().max(2) - 1;
                let parts = labels.iter().take(telling).map(|part| (*part).to_owned());
                hints.parts.extend(parts.filter(|part| tells(part)));
            }
            if host.len() >= SHORTEST {
                hints.hosts.push(host);
            }
        }
        if let Some(path) = path.map(str::to_lowercase) {
            let path = path.trim_matches('/').trim_end_matches(".git").to_owned();
            hints.owner = path
                .split_once('/')
                .map(|(owner, _)| owner.to_owned())
                .filter(|owner| tells(owner));
            hints.repository = Some(path).filter(|path| !path.is_empty());
        }
        hints
    }

    /// What these texts say; the most telling counts.
    pub fn of(&self, texts: &[&str]) -> Hint {
        texts
            .iter()
            .map(|text| self.of_one(&text.to_lowercase()))
            .max()
            .unwrap_or_default()
    }

    fn of_one(&self, text: &str) -> Hint {
        let says = |word: &String| has_word(text, word);
        if self.repository.as_ref().is_some_and(says) {
            return Hint::Repository;
        }
        if self.owner.as_ref().is_some_and(says) {
            return Hint::Owner;
        }
        if self.hosts.iter().any(says) {
            return Hint::Host;
        }
        match self.parts.iter().any(says) {
            true => Hint::HostPart,
            false => Hint::None,
        }
    }
}

fn bare(host: &str) -> &str {
    let inner = host.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    inner.map_or(host, |(inner, _)| inner)
}

fn tells(part: &str) -> bool {
    part.len() >= SHORTEST && !COMMON.contains(&part) && !part.chars().all(|c| c.is_ascii_digit())
}

/// As a word of its own: "work" is not in "network".
fn has_word(text: &str, word: &str) -> bool {
    let apart = |neighbour: Option<char>| !neighbour.is_some_and(char::is_alphanumeric);
    text.match_indices(word).any(|(at, _)| {
        let (before, rest) = text.split_at(at);
        apart(before.chars().next_back()) && apart(rest.chars().nth(word.chars().count()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_telling_text_counts() {
        let hints = Hints::new(["[web1.example.net]:2222", "192.0.2.7"], None);
        for (text, expected) in [
            ("me@web1.example.net", Hint::Host),
            ("id_ed25519_WEB1", Hint::HostPart),
            ("for 192.0.2.7", Hint::Host),
            ("web12", Hint::None),
            ("example", Hint::None),
            ("me@network", Hint::None),
            ("", Hint::None),
        ] {
            assert_eq!(hints.of(&[text]), expected, "{text}");
        }
        assert_eq!(hints.of(&["nothing", "web1", "me@web1.example.net"]), Hint::Host);
        assert_eq!(hints.of(&[]), Hint::None);
    }

    #[test]
    fn hosts_of_repositories_and_short_names() {
        let hints = Hints::new(["github.com"], Some("Acme/tools.git"));
        for (text, expected) in [
            ("deploy key of acme/tools", Hint::Repository),
            ("acme laptop", Hint::Owner),
            ("id_github", Hint::HostPart),
            ("acmetools", Hint::None),
            ("tools", Hint::None),
        ] {
            assert_eq!(hints.of(&[text]), expected, "{text}");
        }
        assert_eq!(Hints::new(["nas"], None).of(&["key for nas"]), Hint::Host);
        assert_eq!(Hints::new(["a"], None).of(&["a"]), Hint::None);
        assert_eq!(
            Hints::new(["münchen.example.org"], None).of(&["für MÜNCHEN"]),
            Hint::HostPart
        );
    }
}
