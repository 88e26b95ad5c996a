//! Which keys the person named for a login: on the command line, in ssh_config, or by leaving them where ssh looks.

use super::choice::Entry;
use super::plain_fingerprint;
use crate::client::Asked;
use crate::policy::Named;
use std::collections::HashMap;
use std::path::Path;

/// The person's own names for keys: by the keys' fingerprints, or by their files where those show no public half.
#[derive(Default)]
pub(super) struct Names<'a> {
    keys: HashMap<String, Named>,
    files: HashMap<&'a Path, Named>,
}

impl<'a> Names<'a> {
    /// A key that is named twice has the more telling name.
    pub(super) fn new(asked: &'a Asked) -> Self {
        let mut names = Self::default();
        let explicit = asked.explicit.iter().enumerate();
        let explicit = explicit.map(|(place, file)| (Named::CommandLine(place), file));
        let configured = asked.configured.iter().enumerate();
        let configured = configured.map(|(place, file)| (Named::Config(place), file));
        let defaults = asked.defaults.iter().map(|file| (Named::Default, file));
        for (how, file) in explicit.chain(configured).chain(defaults) {
            match &file.blob {
                Some(blob) => names.keys.entry(plain_fingerprint(blob)).or_insert(how),
                None => names.files.entry(&file.path).or_insert(how),
            };
        }
        names
    }

    /// Who named this key, if anybody did.
    pub(super) fn of(&self, entry: &Entry<'_>) -> Option<Named> {
        let by_key = self.keys.get(entry.fingerprint());
        by_key.or_else(|| self.files.get(entry.path()?)).copied()
    }
}
