//! Which key a person means: by SHA256 fingerprint, a prefix of it, comment, path or file name.
use super::client::Client;
use super::output::Failure;
use claviger::config::Config;
use claviger::keyset::{self, Notes};
use claviger::unlock::Wanted;
use claviger::wire::report::KeyReport;
use std::path::{Path, PathBuf};

/// A fingerprint's length with its "SHA256:"; a whole one names a key even when its file is gone.
const WHOLE: usize = 50;

/// The keys that can be named: the agent's, or those of the configured places when none runs.
pub(crate) fn known(client: Option<&Client>, config: &Config, notes: &Notes) -> Result<Vec<Wanted>, Failure> {
    // Nothing can be done here to a key that another agent has.
    listed(client, config, notes, |key| key.upstream.is_none())
}

/// The same, and the keys that other agents have.
pub(crate) fn everywhere(
    client: Option<&Client>,
    config: &Config,
    notes: &Notes,
) -> Result<Vec<Wanted>, Failure> {
    listed(client, config, notes, |_| true)
}

fn listed(
    client: Option<&Client>,
    config: &Config,
    notes: &Notes,
    counts: impl Fn(&KeyReport) -> bool,
) -> Result<Vec<Wanted>, Failure> {
    let Some(client) = client else {
        let found = keyset::discover(&config.limits, &config.key_dirs, &config.key_files, notes);
        return Ok(found.keys.iter().map(wanted).collect());
    };
    let keys = client.list()?.into_iter().filter(counts);
    let wanted = |key: KeyReport| Wanted {
        fingerprint: key.fingerprint,
        path: key.path.into(),
        comment: key.comment,
    };
    Ok(keys.map(wanted).collect())
}

/// How stores and questions name a key that was found.
pub(crate) fn wanted(found: &keyset::Found) -> Wanted {
    Wanted {
        fingerprint: found.inspected.public.fingerprint.clone(),
        path: found.path.clone(),
        comment: String::from_utf8_lossy(&found.inspected.comment).into_owned(),
    }
}

/// The one key that `name` means. What it names exactly goes before what it begins.
pub(crate) fn resolve(keys: &[Wanted], name: &str) -> Result<Wanted, Failure> {
    let path = whole(Path::new(name));
    let exact =
        |key: &&Wanted| key.fingerprint == name || key.comment == name || Some(&key.path) == path.as_ref();
    let file = |key: &&Wanted| key.path.file_name().is_some_and(|file| file == name);
    let begins = |key: &&Wanted| {
        let hash = key.fingerprint.trim_start_matches("SHA256:");
        let start = name.trim_start_matches("SHA256:");
        !start.is_empty() && hash.starts_with(start)
    };
    let mut matching: Vec<&Wanted> = keys.iter().filter(exact).collect();
    if matching.is_empty() {
        matching = keys.iter().filter(file).collect();
    }
    if matching.is_empty() {
        matching = keys.iter().filter(begins).collect();
    }
    match matching.as_slice() {
        [one] => Ok((*one).clone()),
        [] if name.starts_with("SHA256:") && name.len() == WHOLE => Ok(Wanted {
            fingerprint: name.to_owned(),
            path: PathBuf::new(),
            comment: String::new(),
        }),
        [] => Err(Failure::new(format!(
            "no key is called {name:?}; give a fingerprint, a comment or a path as `claviger list` shows them"
        ))),
        many => {
            let names = many
                .iter()
                .map(|key| format!("\n  {} {}", key.fingerprint, key.path.display()));
            Err(Failure::new(format!(
                "{name:?} means several keys; give the fingerprint of one:{}",
                names.collect::<String>()
            )))
        }
    }
}

/// Whether the agent looks at this file already: the configuration names it, or its directory.
pub(crate) fn known_place(config: &Config, path: &Path) -> bool {
    let parent = path.parent().and_then(|parent| parent.canonicalize().ok());
    let in_dir =
        |dir: &PathBuf| path.parent() == Some(dir) || parent.is_some() && dir.canonicalize().ok() == parent;
    config.key_files.iter().any(|file| file == path) || config.key_dirs.iter().any(in_dir)
}

/// The path from the root, without `..`. Links stay: they are how the person knows the file.
pub(crate) fn whole(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    match path
        .components()
        .any(|part| part == std::path::Component::ParentDir)
    {
        true => Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?)),
        false => Some(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Vec<Wanted> {
        [
            ("SHA256:abcd", "/k/one", "me@host"),
            ("SHA256:abxy", "/k/two", "me@host"),
            ("SHA256:q", "/k/a b", "abcd"),
        ]
        .map(|(fingerprint, path, comment)| Wanted {
            fingerprint: fingerprint.into(),
            path: path.into(),
            comment: comment.into(),
        })
        .into()
    }

    #[test]
    fn a_key_is_found_by_fingerprint_prefix_comment_and_path() {
        for (name, path) in [
            ("SHA256:abcd", "/k/one"),
            ("SHA256:abc", "/k/one"),
            ("abx", "/k/two"),
            ("/k/a b", "/k/a b"),
            ("abcd", "/k/a b"),
            ("a b", "/k/a b"),
            ("two", "/k/two"),
        ] {
            assert_eq!(resolve(&keys(), name).unwrap().path, Path::new(path), "{name}");
        }
    }

    #[test]
    fn several_and_none_are_errors_that_help() {
        let error = resolve(&keys(), "me@host").unwrap_err().to_string();
        assert!(
            error.contains("SHA256:abcd /k/one") && error.contains("SHA256:abxy /k/two"),
            "{error}"
        );
        for name in ["ab", "SHA256:ab"] {
            assert!(
                resolve(&keys(), name)
                    .unwrap_err()
                    .to_string()
                    .contains("several")
            );
        }
        for name in ["", "SHA256:", "zzz", "/k"] {
            assert!(
                resolve(&keys(), name)
                    .unwrap_err()
                    .to_string()
                    .contains("no key is called")
            );
        }
    }

    #[test]
    fn a_whole_fingerprint_names_a_key_whose_file_is_gone() {
        let name = format!("SHA256:{}", "x".repeat(43));
        assert_eq!(resolve(&keys(), &name).unwrap().fingerprint, name);
    }
}
