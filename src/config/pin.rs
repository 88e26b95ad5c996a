//! Pins: rules about one host that a command writes and takes away again, in the person's own file.
//!
//! A pin is an ordinary `[[host]]` with one host and keys, and nothing else. It goes before all other rules, because the
//! first one holds; what a person wrote by hand with more in it is never touched.

use super::edit::{change, document, invalid};
use super::{Config, ConfigError, HostRule};
use std::path::Path;
use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, RawString, Table};

/// Has the file say that `host` (a name, or a host key's fingerprint) is shown these keys only, whatever it said of it as a
/// pin before. False when it says just that.
///
/// # Errors
/// When the file is not valid (it is left alone), or cannot be written.
pub fn pin(path: &Path, home: &Path, host: &str, keys: &[String]) -> Result<bool, ConfigError> {
    change(path, |old| pinned(old, path, home, host, Some(keys)))
}

/// Takes the pin of `host` away. False when there is none.
///
/// # Errors
/// As [`pin`].
pub fn unpin(path: &Path, home: &Path, host: &str) -> Result<bool, ConfigError> {
    change(path, |old| pinned(old, path, home, host, None))
}

impl HostRule {
    /// Whether this is a pin of `host`.
    pub fn pins(&self, host: &str) -> bool {
        let only_keys = !self.keys.is_empty() && self.path.is_none() && !self.confirm && self.max.is_none();
        only_keys && self.matches.len() == 1 && self.matches.iter().all(|one| one.eq_ignore_ascii_case(host))
    }
}

/// The new text; `None` when there is nothing to change.
fn pinned(
    old: &[u8],
    path: &Path,
    home: &Path,
    host: &str,
    keys: Option<&[String]>,
) -> Result<Option<String>, ConfigError> {
    let rules = Config::parse(old, path, home)?.hosts;
    let mut pins = rules.iter().filter(|rule| rule.pins(host));
    let is_done = match keys {
        None => pins.next().is_none(),
        Some(keys) => {
            rules
                .first()
                .is_some_and(|rule| rule.pins(host) && rule.keys == keys)
                && pins.count() == 1
        }
    };
    if is_done {
        return Ok(None);
    }
    let mut document = document(old, path)?;
    let tables = tables(&mut document).ok_or_else(|| {
        invalid(
            path,
            "host: written as an array; write each rule as a [[host]] table".into(),
        )
    })?;
    let mut at = 0;
    let mut carried = None;
    // Rules and tables stand in the same order.
    for rule in &rules {
        match rule.pins(host) {
            true => carried = carried.or(above(&tables.remove(at))),
            false => at += 1,
        }
    }
    match keys {
        Some(keys) => insert(tables, host, keys, carried),
        None => give(tables, carried),
    }
    if tables.is_empty() {
        document.remove("host");
    }
    let new = document.to_string();
    // Whatever the layout was, what comes out has to be a configuration.
    Config::parse(new.as_bytes(), path, home)?;
    Ok(Some(new))
}

fn tables(document: &mut DocumentMut) -> Option<&mut ArrayOfTables> {
    let tables = document
        .entry("host")
        .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    tables.as_array_of_tables_mut()
}

/// Puts the pin before all others. What stands above the first rule and is parted from it by an empty line, such as the
/// file's head, stays above.
fn insert(tables: &mut ArrayOfTables, host: &str, keys: &[String], carried: Option<String>) {
    let mut pin = Table::new();
    pin.insert("match", toml_edit::value(Array::from_iter([host])));
    pin.insert(
        "keys",
        toml_edit::value(Array::from_iter(keys.iter().map(String::as_str))),
    );
    let mut head = carried;
    if let Some(first) = tables.get_mut(0) {
        pin.set_position(first.position());
        let prefix = first
            .decor()
            .prefix()
            .and_then(RawString::as_str)
            .unwrap_or_default()
            .to_owned();
        if let (None, Some(end)) = (&head, prefix.rfind("\n\n")) {
            head = Some(prefix.split_at(end + 2).0.to_owned());
            first
                .decor_mut()
                .set_prefix(prefix.split_at(end + 1).1.to_owned());
        } else if !prefix.starts_with('\n') {
            first.decor_mut().set_prefix(format!("\n{prefix}"));
        }
    }
    if let Some(head) = head {
        pin.decor_mut().set_prefix(head);
    }
    tables.insert(0, pin);
}

/// The part of a table's preceding text that is not about it: all up to the last empty line.
fn above(table: &Table) -> Option<String> {
    let prefix = table.decor().prefix().and_then(RawString::as_str)?;
    let end = prefix.rfind("\n\n")?;
    (!prefix.trim().is_empty()).then(|| prefix.split_at(end + 2).0.to_owned())
}

fn give(tables: &mut ArrayOfTables, carried: Option<String>) {
    if let (Some(text), Some(first)) = (carried, tables.get_mut(0)) {
        let prefix = first
            .decor()
            .prefix()
            .and_then(RawString::as_str)
            .unwrap_or_default();
        let joined = format!("{text}{}", prefix.trim_start_matches('\n'));
        first.decor_mut().set_prefix(joined);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "git.example.net";

    fn edit(old: &str, host: &str, keys: Option<&[&str]>) -> Option<String> {
        let keys: Option<Vec<String>> = keys.map(|keys| keys.iter().map(|&key| key.to_owned()).collect());
        pinned(
            old.as_bytes(),
            Path::new("/c"),
            Path::new("/home/me"),
            host,
            keys.as_deref(),
        )
        .unwrap()
    }

    #[test]
    fn an_empty_file_gets_the_pin_and_loses_it_again() {
        let new = edit("", HOST, Some(&["SHA256:a"])).unwrap();
        assert_eq!(
            new,
            "[[host]]\nmatch = [\"git.example.net\"]\nkeys = [\"SHA256:a\"]\n"
        );
        assert_eq!(edit(&new, HOST, Some(&["SHA256:a"])), None);
        assert_eq!(edit(&new, HOST, None).unwrap(), "");
        assert_eq!(edit("", HOST, None), None);
    }

    #[test]
    fn comments_and_layout_stay_and_the_pin_goes_before_other_rules() {
        let old = "# head\n\n[lock]   # about locks\nidle = '1h'\n\n# all others\n[[host]]\nmatch = [ '*' ] # any\nmax = 3\n\n\
                   # the end\n[offer]\nmax = 4\n# last\n";
        let new = edit(old, HOST, Some(&["SHA256:a", "SHA256:b"])).unwrap();
        let pin = "[[host]]\nmatch = [\"git.example.net\"]\nkeys = [\"SHA256:a\", \"SHA256:b\"]\n\n";
        assert_eq!(
            new,
            old.replace("# all others", &format!("{pin}# all others")),
            "{new}"
        );
        let other = edit(&new, HOST, Some(&["SHA256:b"])).unwrap();
        assert_eq!(other, new.replace("\"SHA256:a\", ", ""), "{other}");
        let back = edit(&other, "GIT.example.net", None).unwrap();
        assert_eq!(back, old, "{back}");
    }

    #[test]
    fn a_second_pin_stands_before_the_first_and_goes_alone() {
        let one = edit("[lock]\nidle = 'never'\n", HOST, Some(&["SHA256:a"])).unwrap();
        let two = edit(&one, "other", Some(&["SHA256:b"])).unwrap();
        let hosts = |text: &str| {
            let config = Config::parse(text.as_bytes(), Path::new("/c"), Path::new("/home/me")).unwrap();
            config
                .hosts
                .into_iter()
                .map(|rule| rule.matches.concat())
                .collect::<Vec<_>>()
        };
        assert_eq!(hosts(&two), ["other", HOST]);
        assert_eq!(hosts(&edit(&two, HOST, None).unwrap()), ["other"]);
        assert_eq!(
            hosts(&edit(&two, HOST, Some(&["SHA256:c"])).unwrap()),
            [HOST, "other"]
        );
    }

    #[test]
    fn a_file_that_starts_with_a_rule_keeps_its_head() {
        let old = "# my claviger\n\n# github\n[[host]]\nmatch = ['x']\nmax = 1\n";
        let new = edit(old, HOST, Some(&["SHA256:a"])).unwrap();
        assert!(
            new.starts_with("# my claviger\n\n[[host]]\nmatch = [\"git"),
            "{new}"
        );
        assert!(new.contains("\n\n# github\n[[host]]\nmatch = ['x']"), "{new}");
        let back = edit(&new, HOST, None).unwrap();
        assert_eq!(back, old, "{back}");
    }

    #[test]
    fn rules_of_the_persons_own_are_no_pins() {
        let old = "[[host]]\nmatch = ['git.example.net']\nkeys = ['a']\nconfirm = true\n";
        assert_eq!(edit(old, HOST, None), None);
        let two = "[[host]]\nmatch = ['git.example.net', 'b']\nkeys = ['a']\n";
        assert_eq!(edit(two, HOST, None), None);
        let array = "host = [{ match = ['git.example.net'], keys = ['a'] }]\n";
        let error = pinned(array.as_bytes(), Path::new("/c"), Path::new("/h"), HOST, None).unwrap_err();
        assert!(error.to_string().contains("[[host]]"), "{error}");
    }
}
