//! Whether a file's content survives being written.
//!
//! The KDBX crate keeps what it knows of the format. What it does not know would vanish with the first save, so the XML
//! inside the file is compared with the XML that would be written, leaf by leaf: all that is there with a value must be
//! there afterwards. Times, order of a record's fields and empty elements may be written otherwise, as programs do.

use crate::unlock::vault::{VaultError, holds_all_of};
use keepass::{Database as Content, DatabaseKey};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::collections::{HashMap, HashSet};
use zeroize::Zeroize;

/// Names of lost elements that an error shows.
const SHOWN: usize = 3;
/// An identifier that is none.
const NO_UUID: &str = "aaaaaaaaaaaaaaaaaaaaaa==";

/// An element that is not closed yet.
struct Open {
    name: String,
    attributes: String,
    protected: bool,
    text: String,
    /// For a group or entry, its UUID.
    uuid: String,
}

/// Leaves: where, and how many of each value.
type Leaves = HashMap<(String, String), usize>;

/// Elements of `before` that are not in `after`, by name; a few of them.
/// With `is_old`, `before` is of KDBX 3.1: it writes times as text and has attachments among the XML.
pub(super) fn lost(before: &[u8], after: &[u8], is_old: bool) -> Result<Vec<String>, VaultError> {
    let (before, mut after) = (leaves(before, is_old)?, leaves(after, is_old)?);
    let mut lost = Vec::new();
    let pictured: HashSet<String> = before
        .keys()
        .filter_map(|(place, _)| place.strip_suffix("|CustomIconUUID").map(str::to_owned))
        .collect();
    for (leaf, count) in &before {
        let kept = after.remove(leaf).unwrap_or_default();
        if is_hidden_icon(leaf, &pictured) {
            continue;
        }
        let name = leaf.0.rsplit('|').next().unwrap_or_default().to_owned();
        if kept < *count && !lost.contains(&name) {
            lost.push(name);
        }
    }
    for (_, mut value) in before.into_keys().chain(after.into_keys()) {
        value.zeroize();
    }
    lost.sort();
    lost.truncate(SHOWN);
    Ok(lost)
}

/// Whether it is the standard icon that every program notes behind an icon of the person's own, and that nobody sees. The
/// crate writes one icon of the two; without the standard one, programs take the same again.
fn is_hidden_icon((place, value): &(String, String), pictured: &HashSet<String>) -> bool {
    let standard = matches!(value.as_str(), "0" | "48");
    let record = place.strip_suffix("|IconID").filter(|_| standard);
    record.is_some_and(|record| pictured.contains(record))
}

/// Whether `written` holds all of `content`.
pub(super) fn reads_back(written: &[u8], key: DatabaseKey, content: &Content) -> Result<(), VaultError> {
    match Content::parse(written, key) {
        Ok(copy) if holds_all_of(&copy, content) && attachments_of(&copy, content) => Ok(()),
        _ => Err(VaultError::Save("it would not read back as it is".to_owned())),
    }
}

/// Whether each entry of `content` has the same attachments in `copy`.
fn attachments_of(copy: &Content, content: &Content) -> bool {
    content.iter_all_entries().all(|entry| {
        copy.entry(entry.id()).is_some_and(|copy| {
            let mut named = entry.attachments_named();
            named.all(|(name, old)| {
                copy.attachment_by_name(name)
                    .is_some_and(|new| new.data.get() == old.data.get())
            })
        })
    })
}

/// Whether all that is written in clear is what XML may hold: the crate would write and read it, other programs would not.
pub(super) fn is_text(content: &Content) -> bool {
    let allowed = |text: &str| text.chars().all(allowed);
    content.iter_all_groups().all(|group| allowed(&group.name))
        && content.iter_all_entries().all(|entry| {
            let fields = entry.fields.iter();
            let mut fields = fields.map(|(name, value)| (name, value.is_protected() || allowed(value.get())));
            fields.all(|(name, holds)| holds && allowed(name))
                && entry.attachments_named().all(|(name, _)| allowed(name))
        })
}

/// Char, in XML 1.0.
fn allowed(letter: char) -> bool {
    !matches!(letter, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

fn leaves(xml: &[u8], is_old: bool) -> Result<Leaves, VaultError> {
    let unreadable = || VaultError::Unreadable("its content is not what a KeePass database holds".to_owned());
    let mut reader = Reader::from_reader(xml);
    reader.config_mut().expand_empty_elements = true;
    let mut leaves = Leaves::new();
    let mut stack: Vec<Open> = Vec::new();
    loop {
        match reader.read_event().map_err(|_| unreadable())? {
            Event::Start(start) => stack.push(opened(&start)?),
            Event::Text(text) => {
                if let Some(open) = stack.last_mut() {
                    open.text.push_str(&text);
                }
            }
            Event::CData(text) => {
                if let Some(open) = stack.last_mut() {
                    open.text.push_str(&text);
                }
            }
            Event::GeneralRef(name) => {
                if let Some(open) = stack.last_mut() {
                    open.text.push_str(&referred(&name));
                }
            }
            Event::End(_) => {
                let open = stack.pop().ok_or_else(unreadable)?;
                close(open, &mut stack, &mut leaves, is_old);
            }
            Event::Eof => return Ok(leaves),
            _ => {}
        }
    }
}

fn opened(start: &BytesStart<'_>) -> Result<Open, VaultError> {
    let mut attributes = Vec::new();
    let mut protected = false;
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| VaultError::Unreadable(error.to_string()))?;
        let value = attribute.value.to_lowercase();
        let name = attribute.key.as_ref().to_owned();
        protected |= name == "Protected" && value == "true";
        if value != "false" {
            attributes.push(format!("{name}={value}"));
        }
    }
    attributes.sort();
    Ok(Open {
        name: start.name().as_ref().to_owned(),
        attributes: attributes.join(" "),
        protected,
        text: String::new(),
        uuid: String::new(),
    })
}

/// Notes the element's own value, under the record that it is in.
fn close(mut open: Open, stack: &mut [Open], leaves: &mut Leaves, is_old: bool) {
    let path: Vec<&str> = stack.iter().map(|open| open.name.as_str()).collect();
    let path = path.join("/");
    let record = stack.iter().rev().find(|open| !open.uuid.is_empty());
    let record = record.map(|open| open.uuid.clone()).unwrap_or_default();
    if open.name == "UUID"
        && let Some(parent) = stack.last_mut()
    {
        parent.uuid = open.text.trim().to_owned();
    }
    if is_old && path.ends_with("Meta/Binaries") {
        return;
    }
    if is_old && open.attributes.starts_with("Ref=") {
        open.attributes = "Ref".to_owned();
    }
    let value = match open.name.as_str() {
        name if is_old && (name.ends_with("Time") || name.ends_with("Changed")) => "time".to_owned(),
        // Another stream encrypts them; their values are compared once they are decrypted.
        _ if open.protected => format!("protected {}", open.text.trim().len()),
        "Tags" => tags(&open.text),
        _ => open.text.trim().to_lowercase(),
    };
    let is_own_name = matches!(open.name.as_str(), "Generator" | "HeaderHash");
    if (value.is_empty() && open.attributes.is_empty()) || value == "null" || value == NO_UUID || is_own_name
    {
        return;
    }
    let place = format!("{record}|{path}|{} {}", open.name, open.attributes);
    let place = place.trim_end().to_owned();
    *leaves.entry((place, value)).or_default() += 1;
}

/// Programs separate and order them differently.
fn tags(text: &str) -> String {
    let mut tags: Vec<String> = text
        .split([',', ';'])
        .map(|tag| tag.trim().to_lowercase())
        .filter(|tag| !tag.is_empty())
        .collect();
    tags.sort();
    tags.join(";")
}

/// The character that an entity stands for, so that two spellings of one text are equal.
fn referred(name: &str) -> String {
    let number = name
        .strip_prefix('#')
        .and_then(|number| match number.strip_prefix('x') {
            Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok(),
            None => number.parse().ok(),
        });
    match (number.and_then(char::from_u32), name) {
        (Some(letter), _) => letter.to_string(),
        (None, "lt") => "<".to_owned(),
        (None, "gt") => ">".to_owned(),
        (None, "amp") => "&".to_owned(),
        (None, "quot") => "\"".to_owned(),
        (None, "apos") => "'".to_owned(),
        (None, other) => format!("&{other};"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what_is_lost(before: &str, after: &str) -> Vec<String> {
        lost(before.as_bytes(), after.as_bytes(), false).unwrap()
    }

    #[test]
    fn what_vanishes_or_changes_is_named() {
        let before =
            "<F><Entry><UUID>A</UUID><New x='1'/><Title>a &amp; b</Title><Tags>b;a</Tags><E/></Entry></F>";
        let same =
            "<F><Entry><UUID>A</UUID><Tags>a,b</Tags><Title>a &#38; b</Title><New x='1'></New></Entry></F>";
        assert!(what_is_lost(before, same).is_empty());
        let other = same.replace("<New x='1'></New>", "");
        assert_eq!(what_is_lost(before, &other), ["New x=1"]);
        let other = same.replace("&#38;", "+");
        assert_eq!(what_is_lost(before, &other), ["Title"]);
        let other = same.replace("<UUID>A</UUID>", "<UUID>B</UUID>");
        assert!(what_is_lost(before, &other).contains(&"Title".to_owned()));
    }

    #[test]
    fn a_standard_icon_may_go_behind_an_own_one_and_no_other() {
        let entry = |inside: &str| format!("<Entry><UUID>A</UUID>{inside}</Entry>");
        let own = "<CustomIconUUID>B</CustomIconUUID>";
        let lost = |icon: &str, own: &str| what_is_lost(&entry(&format!("{icon}{own}")), &entry(own));
        assert!(lost("<IconID>0</IconID>", own).is_empty());
        assert_eq!(lost("<IconID>22</IconID>", own), ["IconID"]);
        assert_eq!(lost("<IconID>0</IconID>", ""), ["IconID"]);
    }

    #[test]
    fn a_value_that_is_there_twice_must_stay_twice() {
        let twice = "<Entry><String><Key>a</Key></String><String><Key>a</Key></String></Entry>";
        let once = "<Entry><String><Key>a</Key></String></Entry>";
        assert_eq!(what_is_lost(twice, once), ["Key"]);
        assert!(what_is_lost(once, twice).is_empty());
    }
}
