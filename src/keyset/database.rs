//! Keys of KeePass databases: listed from what the database told last, or from what was remembered of it.
//!
//! A lifetime counts from when the database was opened, as KeeAgent has it, which adds the keys then: once it is over, the
//! key leaves the list, until the database was closed (then it is listed again, sealed) and is opened anew.

use super::Keyset;
use super::added::Terms;
use super::held::{Held, Origin};
use crate::unlock::{DatabaseView, ListedKey, Listing};
use crate::wire::report::Problem;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// Where a database's key is.
pub(super) struct InDatabase {
    /// The database.
    pub(super) path: PathBuf,
    /// UUID of its entry there.
    pub(super) entry: String,
    pub(super) title: String,
    /// The host of its URL there.
    pub(super) host: String,
    /// Name of its format.
    pub(super) format: String,
    /// Whether a passphrase protects it there.
    pub(super) protected: bool,
}

impl InDatabase {
    pub(super) fn name(&self) -> String {
        format!("{} in {}", self.title, self.path.display())
    }
}

impl Held {
    /// A key of the database at `path`, which was opened at `opened`.
    fn listed(key: &ListedKey, path: &Path, opened: Option<Instant>) -> Self {
        let expires = opened
            .zip(key.lifetime)
            .and_then(|(at, lifetime)| at.checked_add(lifetime));
        Self {
            public: key.public.clone(),
            certificate: key.certificate.clone(),
            comment: key.comment.clone(),
            terms: Terms {
                lifetime: key.lifetime,
                confirm: key.confirm,
                destinations: key.destinations.clone(),
            },
            expires,
            origin: Origin::Database(InDatabase {
                path: path.to_owned(),
                entry: key.entry.clone(),
                title: key.title.clone(),
                host: key.host.clone(),
                format: key.format.clone(),
                protected: key.protected,
            }),
            cell: Arc::default(),
        }
    }

    /// The KeePass database that it is in, if it is in one.
    pub fn database(&self) -> Option<&Path> {
        match &self.origin {
            Origin::Database(key) => Some(&key.path),
            Origin::File(_) | Origin::Added(_) | Origin::Token(_) => None,
        }
    }
}

impl Keyset {
    /// Takes over what databases told since the last time, and has it remembered.
    pub(super) fn take_databases(&self) {
        let databases = self.unlocker.databases();
        if !databases.take_changed() {
            return;
        }
        let views = databases.views();
        let listings: Vec<_> = views.iter().map(|view| self.listing(view)).collect();
        let (keys, problems) = listed(&views, &listings);
        let now = Instant::now();
        self.change(|members| {
            members.of_databases(keys, problems);
            members.expire(now);
        });
        // A database that closed by itself, as its master password was changed, takes its keys along.
        let closed = |path: &Path| {
            views
                .iter()
                .any(|view| view.table.path == path && view.opened.is_none())
        };
        for held in self.keys().iter().filter(|held| held.is_open()) {
            if held.database().is_some_and(closed) {
                held.seal();
            }
        }
        self.aged.notify_one();
        let kept = views
            .iter()
            .zip(listings)
            .filter(|(view, _)| view.table.remember_public);
        let kept = kept
            .map(|(view, listing)| (view.table.path.clone(), listing))
            .collect();
        self.remembered.keep(kept);
    }

    fn listing(&self, view: &DatabaseView) -> Arc<Listing> {
        match &view.listing {
            Some(listing) => listing.clone(),
            None if view.table.remember_public => self.remembered.of(&view.table.path),
            None => Arc::default(),
        }
    }

    /// The key as it is now that its database was looked at; none if it is gone from there.
    pub(super) async fn renewed(&self, held: Arc<Held>, blob: &[u8]) -> Option<Arc<Held>> {
        let Some(database) = held.database() else {
            return Some(held);
        };
        self.unlocker.databases().renew(database).await;
        self.take_databases();
        self.find(blob)
    }

    /// Whether the key, now that it is open, is still under the terms under which its use was allowed: opening a
    /// database reads them anew.
    pub async fn is_under(&self, blob: &[u8], terms: &Terms) -> bool {
        self.take_databases();
        self.find(blob).is_some_and(|held| held.terms == *terms)
    }
}

/// The keys of all databases, each once: the first database that has a key is where it is used from.
fn listed(views: &[DatabaseView], listings: &[Arc<Listing>]) -> (Vec<Held>, Vec<Problem>) {
    let mut first: HashMap<&[u8], &Path> = HashMap::new();
    let (mut keys, mut problems) = (Vec::new(), Vec::new());
    for (view, listing) in views.iter().zip(listings) {
        let path = view.table.path.as_path();
        problems.extend(listing.problems.iter().cloned());
        for key in &listing.keys {
            match first.get(key.public.blob.as_slice()) {
                None => {
                    first.insert(&key.public.blob, path);
                    keys.push(Held::listed(key, path, view.opened));
                }
                Some(other) => problems.push(Problem {
                    path: format!("{}, entry {:?}", path.display(), key.title),
                    reason: match *other == path {
                        true => String::from("another entry has the same key, and that one is used"),
                        false => format!("{} has the same key, and that one is used", other.display()),
                    },
                }),
            }
        }
    }
    (keys, problems)
}
