//! The person's rules about servers: which one is about a server, and which keys it means, in which order.
//!
//! Names come here as facts that were established elsewhere: what known_hosts says of the proven host key, what its
//! certificate says, never what a client merely claims.

use super::pattern::matches;

/// One `[[host]]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// Names with ssh's wildcards, fingerprints of host keys or their authorities; `!` in front excludes.
    pub matches: Vec<String>,
    /// Fingerprints or their beginnings, or patterns of comments, paths and file names. Empty: all keys.
    pub keys: Vec<String>,
    /// Pattern of a repository's path; a rule that has one says nothing of other logins.
    pub path: Option<String>,
    /// Whether a person is asked before each login.
    pub confirm: bool,
    /// Most keys to show; 0 = all.
    pub max: Option<usize>,
}

/// What is known of the server behind a connection.
pub struct HostFacts<'a> {
    /// "SHA256:…" of its key, and of the authority that certified it.
    pub fingerprints: &'a [String],
    /// Its names, `[host]:port` where the port is not 22.
    pub names: &'a [String],
    /// Whether a name without wildcards is one of its names that are known only as a hash.
    pub is_called: &'a dyn Fn(&str) -> bool,
    /// The repository that is asked for, such as "org/repo".
    pub path: Option<&'a str>,
}

/// A key that may be shown.
pub struct Candidate<'a> {
    /// "SHA256:…"
    pub fingerprint: &'a str,
    /// As people see it.
    pub comment: &'a str,
    /// Where it is, if it is a file.
    pub path: Option<&'a str>,
}

/// All of them, in the person's order.
#[derive(Clone, Debug, Default)]
pub struct Rules(Vec<Rule>);

impl Rules {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In the order in which they are asked.
    pub fn new(rules: Vec<Rule>) -> Self {
        Self(rules)
    }

    /// The rule that holds: the first one that names the repository, else the first one without a path.
    pub fn for_host(&self, facts: &HostFacts<'_>) -> Option<&Rule> {
        let about = |rule: &&Rule| rule.is_about(facts);
        let for_path = self.0.iter().filter(|rule| rule.path.is_some()).find(about);
        for_path.or_else(|| self.0.iter().filter(|rule| rule.path.is_none()).find(about))
    }
}

impl Rule {
    /// Whether it is about this server, and this repository there if it names one. Whatever `!` excludes, by any of the
    /// server's names, is excluded.
    pub fn is_about(&self, facts: &HostFacts<'_>) -> bool {
        let (excluded, meant): (Vec<&str>, Vec<&str>) = self
            .matches
            .iter()
            .map(String::as_str)
            .partition(|one| one.starts_with('!'));
        let names_repository = match (&self.path, facts.path) {
            (None, _) => true,
            (Some(pattern), Some(path)) => {
                let plain = |path: &str| path.trim_start_matches('/').trim_end_matches(".git").to_owned();
                matches(plain(pattern).as_bytes(), plain(path).as_bytes())
            }
            (Some(_), None) => false,
        };
        names_repository
            && meant.iter().any(|one| facts.are(one))
            && !excluded.iter().any(|one| facts.are(one.trim_start_matches('!')))
    }

    /// Position of the first of its `keys` that means this key; `None` for a key that is not to be shown there.
    pub fn ranks(&self, candidate: &Candidate<'_>) -> Option<usize> {
        if self.keys.is_empty() {
            return Some(0);
        }
        self.keys.iter().position(|pattern| candidate.fits(pattern))
    }
}

impl HostFacts<'_> {
    /// Whether this fingerprint, name or pattern is the server's. A name without port is one on any port.
    fn are(&self, one: &str) -> bool {
        if one.starts_with("SHA256:") {
            return self.fingerprints.iter().any(|fingerprint| fingerprint == one);
        }
        let wanted = one.to_lowercase();
        let fits = |name: &str| matches(wanted.as_bytes(), name.as_bytes());
        let in_clear = self.names.iter().any(|name| {
            let name = name.to_lowercase();
            fits(&name) || (!wanted.starts_with('[') && without_port(&name).is_some_and(fits))
        });
        in_clear || (!wanted.contains(['*', '?']) && (self.is_called)(&wanted))
    }
}

/// The host in `[host]:port`.
fn without_port(name: &str) -> Option<&str> {
    Some(name.strip_prefix('[')?.rsplit_once("]:")?.0)
}

impl Candidate<'_> {
    /// Whether `pattern` means this key.
    pub fn fits(&self, pattern: &str) -> bool {
        if pattern.starts_with("SHA256:") {
            return self.fingerprint.starts_with(pattern);
        }
        let fits = |text: &str| matches(pattern.as_bytes(), text.as_bytes());
        let file = |path: &str| path.rsplit(['/', '\\']).next().is_some_and(fits);
        fits(self.comment) || self.path.is_some_and(|path| fits(path) || file(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    fn rule(matches: &[&str], keys: &[&str], path: Option<&str>) -> Rule {
        Rule {
            matches: texts(matches),
            keys: texts(keys),
            path: path.map(str::to_owned),
            ..Rule::default()
        }
    }

    /// A server of these names, and of one more that is known only as a hash.
    fn is_about(rule: &Rule, names: &[&str], hashed: &str, path: Option<&str>) -> bool {
        rule.is_about(&HostFacts {
            fingerprints: &texts(&["SHA256:host", "SHA256:ca"]),
            names: &texts(names),
            is_called: &|name| name == hashed,
            path,
        })
    }

    #[test]
    fn a_server_is_found_by_any_name_and_fingerprint() {
        let table: &[(&[&str], &[&str], &str, bool)] = &[
            (&["host"], &["host"], "", true),
            (&["HOST.example.net"], &["host.Example.net"], "", true),
            (&["*.example.net"], &["192.0.2.1", "a.example.net"], "", true),
            (&["*.example.net"], &["example.net"], "", false),
            (&["*.example.net", "!b.*"], &["a.example.net"], "", true),
            (
                &["*.example.net", "!b.*"],
                &["a.example.net", "b.example.net"],
                "",
                false,
            ),
            (&["SHA256:host"], &[], "", true),
            (&["SHA256:ca"], &[], "", true),
            (&["SHA256:hos"], &[], "", false),
            (&["*", "!SHA256:ca"], &["host"], "", false),
            (&["*"], &[], "", false),
            (&["host"], &["[host]:2222"], "", true),
            (&["[host]:2222"], &["[host]:2222"], "", true),
            (&["[host]:2223"], &["[host]:2222"], "", false),
            (&["[host]:*"], &["host"], "", false),
            (&["hidden"], &[], "hidden", true),
            (&["Hidden"], &[], "hidden", true),
            (&["hid*"], &[], "hidden", false),
            (&["host", "!hidden"], &["host"], "hidden", false),
        ];
        for (matches, names, hashed, expected) in table {
            let rule = rule(matches, &[], None);
            assert_eq!(
                is_about(&rule, names, hashed, None),
                *expected,
                "{matches:?} {names:?}"
            );
        }
    }

    #[test]
    fn a_rule_with_a_path_is_about_its_repositories_alone() {
        let one = rule(&["host"], &[], Some("org/*"));
        for (path, expected) in [
            (Some("org/repo"), true),
            (Some("/org/repo.git"), true),
            (Some("other/repo"), false),
            (None, false),
        ] {
            assert_eq!(is_about(&one, &["host"], "", path), expected, "{path:?}");
        }
        let exact = rule(&["host"], &[], Some("org/repo.git"));
        assert!(is_about(&exact, &["host"], "", Some("org/repo")));
    }

    #[test]
    fn the_first_rule_holds_and_one_for_the_repository_before_others() {
        let rules = Rules::new(vec![
            rule(&["host"], &["first"], None),
            rule(&["*"], &["second"], None),
            rule(&["*"], &["org"], Some("org/*")),
        ]);
        let keys = |name: &str, path| {
            let facts = HostFacts {
                fingerprints: &[],
                names: &texts(&[name]),
                is_called: &|_| false,
                path,
            };
            rules.for_host(&facts).map(|rule| rule.keys[0].clone())
        };
        assert_eq!(keys("host", None).unwrap(), "first");
        assert_eq!(keys("other", Some("you/repo")).unwrap(), "second");
        assert_eq!(keys("host", Some("org/repo")).unwrap(), "org");
        assert!(Rules::default().0.is_empty());
    }

    #[test]
    fn keys_rank_by_the_first_pattern_that_means_them() {
        let key = |fingerprint, comment, path| Candidate {
            fingerprint,
            comment,
            path,
        };
        let rule = rule(&["*"], &["SHA256:abc", "work *", "id_?", "/srv/*/key"], None);
        for (candidate, expected) in [
            (key("SHA256:abcdef", "work laptop", None), Some(0)),
            (key("SHA256:xyz", "work laptop", None), Some(1)),
            (key("SHA256:xyz", "Work laptop", None), None),
            (key("SHA256:xyz", "", Some("/home/me/.ssh/id_1")), Some(2)),
            (key("SHA256:xyz", "", Some("C:\\keys\\id_1")), Some(2)),
            (key("SHA256:xyz", "", Some("/srv/a/key")), Some(3)),
            (key("SHA256:xyz", "", Some("/srv/a/key2")), None),
        ] {
            assert_eq!(rule.ranks(&candidate), expected, "{:?}", candidate.comment);
        }
        assert_eq!(Rule::default().ranks(&key("SHA256:x", "", None)), Some(0));
    }
}
