//! The lines of all files, and the questions that are asked of them. Keys are named by their "SHA256:…" fingerprints.
//!
//! A login asks about one host key and must not pay for the other 100,000 lines: so lines are found by key and by name in
//! clear. Only a name that hashed entries or patterns may mean has to be tried on each of those.

use super::index::Index;
use super::line::{Hosts, Line, parse};
use ssh_key::known_hosts::Marker;
use std::collections::HashSet;

/// What known_hosts says.
#[derive(Default)]
pub struct KnownHosts {
    /// Ordinary lines, in the order of the files.
    lines: Vec<Line>,
    by_key: Index,
    /// By each name in clear.
    by_name: Index,
    /// By salt and hash: a line that was copied with its hash is about the same name.
    by_token: Index,
    /// Those of which only trying tells whether they cover a name.
    tried: Vec<usize>,
    authorities: Vec<Line>,
    revoked: Vec<Line>,
}

impl KnownHosts {
    /// Takes in what stands in `files`, which need not be UTF-8 all over.
    pub fn parse<'a>(files: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut known = Self::default();
        for file in files {
            for line in file.split(|&byte| byte == b'\n') {
                // A comment may be in any encoding; a name that is not text is no name.
                if let Some(line) = parse(&String::from_utf8_lossy(line)) {
                    known.take(line);
                }
            }
        }
        for index in [&mut known.by_key, &mut known.by_name, &mut known.by_token] {
            index.finish();
        }
        known.lines.shrink_to_fit();
        known
    }

    fn take(&mut self, line: Line) {
        match line.marker {
            Some(Marker::CertAuthority) => return self.authorities.push(line),
            Some(Marker::Revoked) => return self.revoked.push(line),
            None => {}
        }
        let at = self.lines.len();
        self.by_key.add(&line.fingerprint, at);
        for name in line.hosts.names() {
            self.by_name.add(name, at);
        }
        if let Hosts::Hashed { salt, hash } = &line.hosts {
            self.by_token.add((salt, hash), at);
        }
        if matches!(line.hosts, Hosts::Hashed { .. }) || line.hosts.has_patterns() {
            self.tried.push(at);
        }
        self.lines.push(line);
    }

    /// The names of a host key that stand there in clear, each once, without patterns; `[host]:port` as it is.
    pub fn names_of(&self, host_key: &str) -> Vec<String> {
        let names = self
            .lines_of(host_key)
            .flat_map(|line| self.names_in(line))
            .map(str::to_owned);
        each_once(names)
    }

    /// One name for each machine that has this host key: those of one line are one machine's.
    pub fn machines(&self, host_key: &str) -> Vec<String> {
        let first = |line| self.names_in(line).next().map(str::to_owned);
        each_once(self.lines_of(host_key).filter_map(first))
    }

    /// The host keys that share a name with this one, which is itself the first: a server has several, of several types.
    pub fn kin_of(&self, host_key: &str) -> Vec<String> {
        let mut kin = vec![host_key.to_owned()];
        for line in self.lines_of(host_key) {
            for name in self.names_in(line) {
                let sharing = self.by_name.find(name).filter_map(|at| self.lines.get(at));
                let sharing = sharing.filter(|other| self.names_in(other).any(|one| one == name));
                kin.extend(sharing.map(|other| other.fingerprint.to_string()));
            }
            if let Hosts::Hashed { salt, hash } = &line.hosts {
                let sharing = self
                    .by_token
                    .find((salt, hash))
                    .filter_map(|at| self.lines.get(at));
                let sharing = sharing.filter(|other| other.hosts == line.hosts);
                kin.extend(sharing.map(|other| other.fingerprint.to_string()));
            }
        }
        each_once(kin.into_iter())
    }

    /// Whether this host key is `name`'s (or `[name]:port`'s): in clear, hashed, or by a pattern.
    pub fn is_called(&self, host_key: &str, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        self.lines_of(host_key).any(|line| line.hosts.cover(&name)) && !self.is_revoked(host_key, &name)
    }

    /// The host keys that have this name: in clear, hashed, or by a pattern.
    pub fn keys_of(&self, name: &str) -> Vec<String> {
        let name = name.to_ascii_lowercase();
        let by_name = self.by_name.find(name.as_str());
        let mut found: Vec<usize> = by_name.chain(self.tried.iter().copied()).collect();
        found.sort_unstable();
        found.dedup();
        let keys = found
            .into_iter()
            .filter_map(|at| self.lines.get(at))
            .filter(|line| line.hosts.cover(&name) && !self.is_revoked(&line.fingerprint, &name));
        each_once(keys.map(|line| line.fingerprint.to_string()))
    }

    /// The authorities (`@cert-authority`) that may certify hosts of this name.
    pub fn authorities_of(&self, name: &str) -> Vec<String> {
        let name = name.to_ascii_lowercase();
        let keys = self
            .authorities
            .iter()
            .filter(|line| line.hosts.cover(&name) && !self.is_revoked(&line.fingerprint, &name));
        each_once(keys.map(|line| line.fingerprint.to_string()))
    }

    /// Whether an authority of this fingerprint stands there, for whatever names.
    pub fn is_authority(&self, key: &str) -> bool {
        self.authorities.iter().any(|line| *line.fingerprint == *key)
    }

    /// The host keys that stand there, in no order.
    pub fn host_keys(&self) -> impl Iterator<Item = &str> {
        let keys: HashSet<&str> = self.lines.iter().map(|line| &*line.fingerprint).collect();
        keys.into_iter()
    }

    /// Whether there are hashed entries.
    pub fn hides_names(&self) -> bool {
        !self.by_token.is_empty()
    }

    /// Whether there are no ordinary lines.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    fn lines_of<'a>(&'a self, host_key: &'a str) -> impl Iterator<Item = &'a Line> {
        let lines = self.by_key.find(host_key).filter_map(|at| self.lines.get(at));
        lines.filter(move |line| *line.fingerprint == *host_key)
    }

    fn names_in<'a>(&self, line: &'a Line) -> impl Iterator<Item = &'a str> {
        line.hosts
            .names()
            .filter(|name| !self.is_revoked(&line.fingerprint, name))
    }

    fn is_revoked(&self, key: &str, name: &str) -> bool {
        let mut lines = self.revoked.iter().filter(|line| *line.fingerprint == *key);
        lines.any(|line| line.hosts.cover(name))
    }
}

fn each_once(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = HashSet::new();
    texts.filter(|text| seen.insert(text.clone())).collect()
}
