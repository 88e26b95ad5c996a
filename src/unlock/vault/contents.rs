//! What a session may keep of an opened vault: the passphrases of keys, and nothing else that the vault holds.
//!
//! They lie in one protected buffer and answer only for the very file that they were read from. That is told by the
//! file's digest: each save of a KDBX file draws new seeds, so no other content has the same bytes, while size and times
//! may be equal after two changes in one tick of the clock. Reading and hashing a few kilobytes costs microseconds.
//!
//! What does not fit within the bounds is left out and costs a derivation when it is asked for, as does a name that is
//! no fingerprint. Else what is not here is not in the vault either.

use super::entries;
use super::{Edition, Opened};
use crate::secret::Secret;
use std::collections::BTreeMap;
use std::ops::Range;

/// Keys whose passphrases are kept.
const MOST: usize = 256;
/// Bytes of one passphrase.
const LONGEST: usize = 4 << 10;
/// Bytes of all of them: half of what the strictest usual limit on locked memory leaves to the whole process.
const ROOM: usize = 32 << 10;

/// Passphrases by fingerprint.
pub(in crate::unlock) struct Contents {
    edition: Edition,
    places: BTreeMap<String, Range<usize>>,
    passphrases: Secret,
    /// Whether none had to be left out.
    complete: bool,
}

/// What is known of a key without opening the vault.
pub(in crate::unlock) enum Known {
    Passphrase(Secret),
    /// The vault has none.
    Nothing,
    /// The vault must be opened to tell.
    Unknown,
}

impl Contents {
    /// Takes them from an opened vault, unless `may_keep` says no once their buffer is there: it is asked before the
    /// buffer is filled, because the kernel may have granted less protection than so far.
    pub(in crate::unlock) fn of(opened: &Opened, may_keep: fn() -> bool) -> Option<Self> {
        let names = entries::names(&opened.database, MOST + 1);
        let mut complete = names.len() <= MOST;
        let mut chosen = Vec::new();
        let mut room = ROOM;
        for name in names.into_iter().take(MOST) {
            let Some(entry) = entries::newest(&opened.database, &name) else {
                continue;
            };
            match entry.get_password().map(str::len) {
                Some(length) if length > LONGEST || length > room => complete = false,
                Some(length) => {
                    room -= length;
                    chosen.push((name, entry));
                }
                None => {}
            }
        }
        let mut passphrases = Secret::with_capacity(ROOM - room);
        if !may_keep() {
            return None;
        }
        let mut places = BTreeMap::new();
        for (name, entry) in chosen {
            let start = passphrases.len();
            passphrases.extend_from_slice(entry.get_password().unwrap_or_default().as_bytes());
            places.insert(name, start..passphrases.len());
        }
        Some(Self {
            edition: opened.edition,
            places,
            passphrases,
            complete,
        })
    }

    /// Whether they were read from this very file.
    pub(in crate::unlock) fn are_of(&self, edition: &Edition) -> bool {
        self.edition == *edition
    }

    /// What they tell of the key `fingerprint`.
    pub(in crate::unlock) fn get(&self, fingerprint: &str) -> Known {
        match self.places.get(fingerprint) {
            Some(place) => Known::Passphrase(Secret::copy_of(&self.passphrases[place.clone()])),
            None if self.complete && entries::is_name(fingerprint) => Known::Nothing,
            None => Known::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::kdbx::{self, KdfCost};
    use super::*;
    use keepass::db::fields;

    fn opened(passphrases: &[(&str, &str)]) -> Opened {
        let mut database = kdbx::new(KdfCost::CHEAP).unwrap();
        for (name, passphrase) in passphrases {
            entries::add(&mut database, name, "title", passphrase);
        }
        Opened {
            database,
            edition: Edition::of(b"one"),
        }
    }

    fn found(contents: &Contents, name: &str) -> Option<Vec<u8>> {
        match contents.get(name) {
            Known::Passphrase(passphrase) => Some(passphrase.to_vec()),
            Known::Nothing => None,
            Known::Unknown => panic!("{name} is not known"),
        }
    }

    #[test]
    fn keys_are_found_and_nothing_else_is_kept() {
        let mut opened = opened(&[("SHA256:a", "one"), ("SHA256:b", "")]);
        let mut root = opened.database.root_mut();
        let mut mail = root.add_entry();
        mail.set_unprotected(fields::USERNAME, "me");
        mail.set_protected(fields::PASSWORD, "hunter2");
        let mut by_hand = root.add_entry();
        by_hand.set_unprotected(fields::USERNAME, "SHA256:byhand");
        by_hand.set_protected(fields::PASSWORD, "two");
        let contents = Contents::of(&opened, || true).unwrap();
        assert_eq!(found(&contents, "SHA256:a").unwrap(), b"one");
        assert_eq!(found(&contents, "SHA256:b").unwrap(), b"");
        assert_eq!(found(&contents, "SHA256:byhand").unwrap(), b"two");
        assert_eq!(found(&contents, "SHA256:none"), None);
        assert!(matches!(contents.get("me"), Known::Unknown));
        assert_eq!(contents.passphrases.len(), "one".len() + "two".len());
        assert!(contents.are_of(&Edition::of(b"one")) && !contents.are_of(&Edition::of(b"two")));
    }

    #[test]
    fn nothing_is_kept_where_it_may_not_be() {
        assert!(Contents::of(&opened(&[("SHA256:a", "one")]), || false).is_none());
    }

    #[test]
    fn what_is_too_long_or_too_many_is_left_out_and_unknown() {
        let long = "x".repeat(LONGEST + 1);
        let contents =
            Contents::of(&opened(&[("SHA256:a", "one"), ("SHA256:long", &long)]), || true).unwrap();
        assert_eq!(found(&contents, "SHA256:a").unwrap(), b"one");
        assert!(matches!(contents.get("SHA256:long"), Known::Unknown));
        assert!(matches!(contents.get("SHA256:none"), Known::Unknown));

        let names: Vec<_> = (0..=MOST).map(|n| format!("SHA256:{n}")).collect();
        let many: Vec<_> = names.iter().map(|name| (name.as_str(), "x")).collect();
        let contents = Contents::of(&opened(&many), || true).unwrap();
        assert_eq!((contents.places.len(), contents.complete), (MOST, false));

        let wide = "x".repeat(LONGEST);
        let wide: Vec<_> = names[..20].iter().map(|name| (name.as_str(), &*wide)).collect();
        let contents = Contents::of(&opened(&wide), || true).unwrap();
        assert_eq!((contents.passphrases.len(), contents.complete), (ROOM, false));
    }
}
