//! Passwords that point at other fields: `{REF:P@I:UUID}` and the like, resolved as KeePass does.
//!
//! KeePassXC hands its agent the text as it is written, KeeAgent what it stands for; a person may have meant either, so
//! both are tried, and then the empty passphrase.

use keepass::Database;
use keepass::db::{EntryRef, fields};
use zeroize::Zeroizing;

/// How far a reference to a reference is followed.
const DEEPEST: usize = 8;
/// Longest text that references may grow to.
const LONGEST: usize = 64 << 10;

/// What may open the entry's key, most likely first.
pub(super) fn passphrases(database: &Database, entry: &EntryRef<'_>) -> Vec<Zeroizing<String>> {
    let written = entry.get_password().unwrap_or_default();
    let mut found = vec![resolved(database, entry, written, 0)];
    for other in [written, ""] {
        if found.iter().all(|known| known.as_str() != other) {
            found.push(Zeroizing::new(other.to_owned()));
        }
    }
    found
}

/// `text` with what its references stand for; those that lead nowhere stay as they are.
fn resolved(database: &Database, entry: &EntryRef<'_>, text: &str, depth: usize) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::new());
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        let Some(length) = rest[start..].find('}') else {
            break;
        };
        out.push_str(&rest[..start]);
        let placeholder = &rest[start..=start + length];
        match value(database, entry, &placeholder[1..length], depth) {
            Some(value) if out.len() + value.len() <= LONGEST => out.push_str(&value),
            _ => out.push_str(placeholder),
        }
        rest = &rest[start + length + 1..];
    }
    out.push_str(rest);
    out
}

fn value(
    database: &Database,
    entry: &EntryRef<'_>,
    placeholder: &str,
    depth: usize,
) -> Option<Zeroizing<String>> {
    if depth == DEEPEST {
        return None;
    }
    let upper = placeholder.to_ascii_uppercase();
    if let Some(reference) = upper.strip_prefix("REF:") {
        let mut letters = reference.chars();
        let (wanted, at, by, colon) = (letters.next()?, letters.next()?, letters.next()?, letters.next()?);
        // The text to look for, with its own letters.
        let text = placeholder.get("REF:P@I:".len()..)?;
        if (at, colon) != ('@', ':') {
            return None;
        }
        let other = find(database, by, text)?;
        return Some(resolved(database, &other, &field(&other, wanted)?, depth + 1));
    }
    let own = match upper.as_str() {
        "TITLE" => entry.get_title(),
        "USERNAME" => entry.get_username(),
        "URL" => entry.get_url(),
        "NOTES" => entry.get(fields::NOTES),
        // The password itself is what is being resolved.
        _ => entry.get(
            placeholder
                .strip_prefix("S:")
                .or_else(|| placeholder.strip_prefix("s:"))?,
        ),
    };
    Some(resolved(database, entry, own?, depth + 1))
}

/// The field that a letter of a reference means.
fn field(entry: &EntryRef<'_>, letter: char) -> Option<Zeroizing<String>> {
    let text = match letter {
        'T' => entry.get_title(),
        'U' => entry.get_username(),
        'P' => entry.get_password(),
        'A' => entry.get_url(),
        'N' => entry.get(fields::NOTES),
        'I' => {
            return Some(Zeroizing::new(
                entry.id().uuid().simple().to_string().to_uppercase(),
            ));
        }
        _ => None,
    };
    text.map(|text| Zeroizing::new(text.to_owned()))
}

/// The entry of which the field `by` is `text`, else contains it.
fn find<'a>(database: &'a Database, by: char, text: &str) -> Option<EntryRef<'a>> {
    let wanted = Zeroizing::new(text.to_lowercase());
    let of = |entry: &EntryRef<'_>| {
        let value = match by {
            // Own fields have no letter of their own.
            'O' => entry
                .fields
                .iter()
                .filter(|(name, _)| !fields::KNOWN_FIELDS.contains(&name.as_str()))
                .map(|(_, value)| Zeroizing::new(value.get().to_lowercase()))
                .find(|value| value.contains(wanted.as_str())),
            _ => field(entry, by).map(|value| Zeroizing::new(value.to_lowercase())),
        };
        value.unwrap_or_default()
    };
    if by == 'I' {
        let plain = wanted.replace('-', "");
        return database.iter_all_entries().find(|entry| *of(entry) == plain);
    }
    if wanted.is_empty() {
        return None;
    }
    let exact = database.iter_all_entries().find(|entry| *of(entry) == *wanted);
    exact.or_else(|| {
        database
            .iter_all_entries()
            .find(|entry| of(entry).contains(wanted.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_followed_and_what_leads_nowhere_stays() {
        let mut database = Database::new();
        let mut root = database.root_mut();
        let mut other = root.add_entry();
        other.set_unprotected(fields::TITLE, "Shared Key");
        other.set_unprotected(fields::USERNAME, "zoë");
        other.set_protected(fields::PASSWORD, "geheim {S:more}");
        other.set_protected("more", "ü");
        let uuid = other.id().uuid().simple().to_string();
        let mut entry = root.add_entry();
        entry.set_unprotected(fields::TITLE, "Mine");
        let id = entry.id();
        let mut loops = root.add_entry();
        loops.set_unprotected(fields::TITLE, "loop");
        loops.set_protected(fields::PASSWORD, "{REF:P@T:loop}");
        let entry = database.entry(id).unwrap();
        let text = |text: &str| resolved(&database, &entry, text, 0).to_string();
        let by_uuid = format!("{{REF:P@I:{}}}", uuid.to_uppercase());
        assert_eq!(text(&by_uuid), "geheim ü");
        assert_eq!(text(&format!("a{by_uuid}b{{ref:u@t:shared}}")), "ageheim übzoë");
        assert_eq!(text("{TITLE}/{REF:P@O:ü}"), "Mine/geheim ü");
        for nowhere in ["{REF:P@I:00}", "{REF:}", "{", "{x}", "a}b{", "{REF:P@T:}", "{ü}"] {
            assert_eq!(text(nowhere), nowhere);
        }
        assert_eq!(text("{REF:P@T:loop}"), "{REF:P@T:loop}");
    }

    #[test]
    fn the_resolved_text_goes_before_the_written_and_the_empty_one() {
        let mut database = Database::new();
        let id = {
            let mut root = database.root_mut();
            let mut entry = root.add_entry();
            entry.set_unprotected(fields::TITLE, "t");
            entry.set_protected(fields::PASSWORD, "{TITLE}");
            entry.id()
        };
        let tried = passphrases(&database, &database.entry(id).unwrap());
        let tried: Vec<&str> = tried.iter().map(|text| text.as_str()).collect();
        assert_eq!(tried, ["t", "{TITLE}", ""]);
    }
}
