//! `[[kdbx]]`: a KeePass database whose entries are keys.

use super::read::{Fault, checked, expand, unplaced};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use toml::Spanned;

/// A KeePass database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kdbx {
    /// `path`.
    pub path: PathBuf,
    /// `key_file`: the file that opens it, alone or together with its master password.
    pub key_file: Option<PathBuf>,
    /// `attachments`: whether entries without KeeAgent's settings are keys too, if a private key is attached to them.
    pub attachments: bool,
    /// `remember_public`: whether its public halves are noted on disk, so that a list shows them while it is closed.
    pub remember_public: bool,
}

/// The table as TOML has it. It is nothing without its path, so that has no default.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Database {
    path: Spanned<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key_file: Option<Spanned<String>>,
    #[serde(default)]
    attachments: bool,
    #[serde(default = "yes")]
    remember_public: bool,
}

fn yes() -> bool {
    true
}

impl From<&Kdbx> for Database {
    fn from(kdbx: &Kdbx) -> Self {
        let text = |path: &Path| unplaced(path.to_string_lossy().into_owned());
        Self {
            path: text(&kdbx.path),
            key_file: kdbx.key_file.as_deref().map(text),
            attachments: kdbx.attachments,
            remember_public: kdbx.remember_public,
        }
    }
}

/// The databases, each named once.
pub(super) fn databases(tables: &[Database], home: &Path) -> Result<Vec<Kdbx>, Fault> {
    let mut databases: Vec<Kdbx> = Vec::new();
    for table in tables {
        let path = checked("kdbx.path", &table.path, |text| expand(text, home))?;
        let key_file = |text: &Spanned<String>| checked("kdbx.key_file", text, |text| expand(text, home));
        if databases.iter().any(|database| database.path == path) {
            return Err(Fault {
                span: table.path.span(),
                reason: "kdbx.path: this database is named twice; leave one out".into(),
            });
        }
        databases.push(Kdbx {
            path,
            key_file: table.key_file.as_ref().map(key_file).transpose()?,
            attachments: table.attachments,
            remember_public: table.remember_public,
        });
    }
    Ok(databases)
}

#[cfg(test)]
mod tests {
    use super::super::{Config, ConfigError};
    use super::*;

    fn parsed(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text.as_bytes(), Path::new("/etc/c.toml"), Path::new("/home/Zoë"))
    }

    #[test]
    fn a_database_is_read_and_shown_as_it_is() {
        let text = "[[kdbx]]\npath = '~/a b.kdbx'\n[[kdbx]]\npath = '/x.kdbx'\nkey_file = '~/x.keyx'\n\
                    attachments = true\nremember_public = false\n";
        let config = parsed(text).unwrap();
        let (home, root) = (Path::new("/home/Zoë"), Path::new("/"));
        let expected = [
            Kdbx {
                path: home.join("a b.kdbx"),
                key_file: None,
                attachments: false,
                remember_public: true,
            },
            Kdbx {
                path: root.join("x.kdbx"),
                key_file: Some(home.join("x.keyx")),
                attachments: true,
                remember_public: false,
            },
        ];
        assert_eq!(config.databases, expected);
        assert_eq!(parsed(&config.to_toml()).unwrap(), config);
        assert!(parsed("").unwrap().databases.is_empty());
    }

    #[test]
    fn mistakes_have_their_place_and_a_remedy() {
        for (text, place, name) in [
            ("[[kdbx]]\n", "1:1", "path"),
            ("[[kdbx]]\npath = 'x.kdbx'\n", "2:8", "absolute"),
            ("[[kdbx]]\npath = '/x'\nkeyfile = '/y'\n", "3:1", "key_file"),
            ("[[kdbx]]\npath = '/x'\nkey_file = 'y'\n", "3:12", "kdbx.key_file"),
            ("[[kdbx]]\npath = '/x'\nattachments = 'yes'\n", "3:15", "boolean"),
            ("[[kdbx]]\npath = '/x'\n[[kdbx]]\npath = '/x'\n", "4:8", "twice"),
        ] {
            let error = parsed(text).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("/etc/c.toml:{place}: ")) && error.contains(name),
                "{error}"
            );
        }
    }
}
