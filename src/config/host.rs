//! `[[host]]`: which keys are shown to which server, and under which terms.

use super::offer;
use super::read::{Fault, checked, expand, unplaced};
use serde::{Deserialize, Serialize};
use std::path::Path;
use toml::Spanned;

/// Length of "SHA256:" and 256 bits in base64 without padding.
const FINGERPRINT: usize = 7 + 43;
/// No name of a host and no comment comes near; what is longer would match nothing.
const LONGEST: usize = 1024;

/// A rule about some servers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostRule {
    /// `match`: names with ssh's wildcards, fingerprints of host keys or of their authorities; `!` in front excludes.
    pub matches: Vec<String>,
    /// `keys`: fingerprints or their beginnings, or patterns of comments, paths and file names, best first. Empty: all keys.
    pub keys: Vec<String>,
    /// `path`: pattern of the repository that git asks for there.
    pub path: Option<String>,
    /// `confirm`: whether a person is asked before each login.
    pub confirm: bool,
    /// `max`: in the place of `offer.max`; 0 = all.
    pub max: Option<usize>,
}

/// The table as TOML has it. It is nothing without its hosts, so they have no default.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Host {
    #[serde(rename = "match")]
    matches: Spanned<Vec<Spanned<String>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keys: Option<Spanned<Vec<Spanned<String>>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<Spanned<String>>,
    #[serde(default)]
    confirm: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max: Option<Spanned<i64>>,
}

impl From<&HostRule> for Host {
    fn from(rule: &HostRule) -> Self {
        let texts = |texts: &[String]| unplaced(texts.iter().cloned().map(unplaced).collect());
        Self {
            matches: texts(&rule.matches),
            keys: (!rule.keys.is_empty()).then(|| texts(&rule.keys)),
            path: rule.path.clone().map(unplaced),
            confirm: rule.confirm,
            max: rule.max.map(offer::written),
        }
    }
}

/// The rules, in the order of the file.
pub(super) fn rules(tables: &[Host], home: &Path) -> Result<Vec<HostRule>, Fault> {
    tables.iter().map(|table| rule(table, home)).collect()
}

fn rule(table: &Host, home: &Path) -> Result<HostRule, Fault> {
    let matches = each("host.match", &table.matches, host)?;
    if matches.iter().all(|one| one.starts_with('!')) {
        return Err(Fault {
            span: table.matches.span(),
            reason: "host.match: names no host that is meant; write a name, a pattern such as \"*.example.net\", or a \
                     host key's fingerprint"
                .into(),
        });
    }
    let keys = match &table.keys {
        Some(keys) => {
            let read = each("host.keys", keys, |text| key(text, home))?;
            if read.is_empty() {
                return Err(Fault {
                    span: keys.span(),
                    reason: "host.keys: empty, so no key could be used there; name one, or leave it out"
                        .into(),
                });
            }
            read
        }
        None => Vec::new(),
    };
    let rule = HostRule {
        matches,
        keys,
        path: table
            .path
            .as_ref()
            .map(|path| checked("host.path", path, word))
            .transpose()?,
        confirm: table.confirm,
        max: offer::count("host.max", table.max.as_ref())?,
    };
    if rule.keys.is_empty() && !rule.confirm && rule.max.is_none() {
        return Err(Fault {
            span: table.matches.span(),
            reason: "host: this rule asks for nothing; give it keys, confirm or max".into(),
        });
    }
    Ok(rule)
}

fn each(
    key: &str,
    texts: &Spanned<Vec<Spanned<String>>>,
    read: impl Fn(&str) -> Result<String, String>,
) -> Result<Vec<String>, Fault> {
    let texts = texts.get_ref().iter();
    texts.map(|text| checked(key, text, &read)).collect()
}

fn host(text: &str) -> Result<String, String> {
    let name = text.strip_prefix('!').unwrap_or(text);
    if name.starts_with("SHA256:") && name.len() != FINGERPRINT {
        return Err(format!(
            "{text:?} is no whole fingerprint; `claviger hosts` and `ssh-keygen -l -F HOST` show them"
        ));
    }
    if name.contains([',', ' ', '\t', '@']) || name.starts_with('!') {
        return Err(format!(
            "{text:?} is no name of a host; write each name or pattern by itself, without a user"
        ));
    }
    word(name)?;
    Ok(text.to_owned())
}

/// `~/` is the home; a comment may hold anything.
fn key(text: &str, home: &Path) -> Result<String, String> {
    word(text)?;
    match text.starts_with("~/") {
        true => expand(text, home)?.into_os_string().into_string().map_err(|_| {
            format!("{text:?}: the home directory's name is not UTF-8; name the key by its fingerprint")
        }),
        false => Ok(text.to_owned()),
    }
}

fn word(text: &str) -> Result<String, String> {
    match text.trim().len() {
        0 => Err("empty, so it would match nothing; leave it out".into()),
        length if length > LONGEST => Err(format!(
            "{length} bytes, more than the {LONGEST} that are compared"
        )),
        _ => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, ConfigError};
    use super::*;

    const PRINT: &str = "SHA256:UCUiLr7Pjs9wFFJMDByLgc3NrtdU344OgUM45wZPcIQ";

    fn parsed(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text.as_bytes(), Path::new("/etc/c.toml"), Path::new("/home/Zoë"))
    }

    #[test]
    fn a_rule_is_read_and_shown_as_it_is() {
        let text = format!(
            "[[host]]\nmatch = ['*.Example.net', '!x.example.net', '{PRINT}', '[h]:2222']\n\
             keys = ['SHA256:abc', 'work *', '~/.ssh/id_*']\npath = 'org/*'\nconfirm = true\nmax = 3\n\
             [[host]]\nmatch = ['*']\nmax = 0\n"
        );
        let config = parsed(&text).unwrap();
        let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        let expected = [
            HostRule {
                matches: texts(&["*.Example.net", "!x.example.net", PRINT, "[h]:2222"]),
                keys: texts(&["SHA256:abc", "work *", "/home/Zoë/.ssh/id_*"]),
                path: Some("org/*".into()),
                confirm: true,
                max: Some(3),
            },
            HostRule {
                matches: texts(&["*"]),
                max: Some(0),
                ..HostRule::default()
            },
        ];
        assert_eq!(config.hosts, expected);
        assert_eq!(parsed(&config.to_toml()).unwrap(), config);
        assert!(parsed("").unwrap().hosts.is_empty());
    }

    #[test]
    fn mistakes_have_their_place_and_a_remedy() {
        for (text, place, name) in [
            ("[[host]]\nkeys = ['a']\n", "1:1", "match"),
            ("[[host]]\nmatch = 'a'\nmax = 1\n", "2:9", "host.match"),
            ("[[host]]\nmatch = []\nmax = 1\n", "2:9", "names no host"),
            ("[[host]]\nmatch = ['!a']\nmax = 1\n", "2:9", "*.example.net"),
            ("[[host]]\nmatch = ['a', '']\nmax = 1\n", "2:15", "empty"),
            ("[[host]]\nmatch = ['a,b']\nmax = 1\n", "2:10", "by itself"),
            ("[[host]]\nmatch = ['me@a']\nmax = 1\n", "2:10", "without a user"),
            (
                "[[host]]\nmatch = ['SHA256:abc']\nmax = 1\n",
                "2:10",
                "claviger hosts",
            ),
            ("[[host]]\nmatch = ['a']\n", "2:9", "keys, confirm or max"),
            ("[[host]]\nmatch = ['a']\nkeys = []\n", "3:8", "host.keys"),
            ("[[host]]\nmatch = ['a']\nkeys = [' ']\n", "3:9", "host.keys"),
            (
                "[[host]]\nmatch = ['a']\nkeys = ['b']\npath = ''\n",
                "4:8",
                "host.path",
            ),
            ("[[host]]\nmatch = ['a']\nmax = -2\n", "3:7", "host.max: -2"),
            ("[[host]]\nmatch = ['a']\nmaximum = 2\n", "3:1", "confirm"),
        ] {
            let error = parsed(text).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("/etc/c.toml:{place}: ")) && error.contains(name),
                "{error}"
            );
        }
    }
}
