//! The keys that there are, as candidates for one destination, and the offer that `policy` makes of them.

use super::named::Names;
use super::{Destination, Offering};
use crate::client::Asked;
use crate::history::{AtHost, Use};
use crate::keyset::Held;
use crate::policy::{At, Bounds, Candidate, Hints, Offer, Rule, RuleCandidate, Worked, offer};
use crate::upstream::Elsewhere;
use std::path::Path;
use std::sync::Arc;

/// A key that a connection may see.
pub(in crate::session) enum Entry<'a> {
    /// One of ours.
    Held(&'a Arc<Held>),
    /// Another agent's.
    Foreign {
        key: Elsewhere<'a>,
        /// Of the plain key.
        fingerprint: String,
    },
}

/// What a destination would be offered of `entries`.
pub(in crate::session) struct Choice<'a> {
    pub(in crate::session) entries: Vec<Entry<'a>>,
    pub(in crate::session) candidates: Vec<Candidate>,
    pub(in crate::session) bounds: Bounds,
    pub(in crate::session) offer: Offer,
    pub(in crate::session) learnt: AtHost,
    /// The client takes what its person named, and nothing else.
    only_named: bool,
}

impl<'a> Choice<'a> {
    /// The keys in the order in which the agent has them; `unbound` if nothing proves the destination.
    pub(in crate::session) fn new(
        offering: &Offering,
        destination: &Destination,
        entries: Vec<Entry<'a>>,
        unbound: bool,
    ) -> Self {
        let settings = offering.settings();
        let rule = destination.rule(&settings);
        let usual = if unbound {
            settings.unbound_max
        } else {
            settings.max
        };
        let learnt = destination.learnt(offering);
        let bounds = Bounds {
            max: rule.and_then(|rule| rule.max).unwrap_or(usual),
            ruled: rule.is_some(),
            whole: destination.unread || destination.asked.identities_only,
            urgent: !learnt.tried.is_empty() && !learnt.keyless,
        };
        let candidates = Facts::new(offering, destination, &learnt, rule).candidates(&entries);
        Self {
            offer: offer(&candidates, bounds),
            entries,
            candidates,
            bounds,
            learnt,
            only_named: destination.asked.identities_only,
        }
    }

    /// The (blob, comment) pairs to list.
    pub(in crate::session) fn identities(&self) -> Vec<(&[u8], &[u8])> {
        let listed = self
            .offer
            .listed
            .iter()
            .filter_map(|(index, _)| self.entries.get(*index));
        listed.flat_map(Entry::identities).collect()
    }

    /// Fingerprints of what uses up the host's patience, in order: what the client passes over says nothing of the host.
    pub(in crate::session) fn counted(&self) -> Vec<String> {
        let is_named = |index: usize| self.candidates.get(index).is_some_and(|one| one.named.is_some());
        let counted = self.offer.listed.iter().take(self.offer.counted);
        let counted = counted.filter(|(index, _)| !self.only_named || is_named(*index));
        let mut keys: Vec<String> = Vec::new();
        for entry in counted.filter_map(|(index, _)| self.entries.get(*index)) {
            if !keys.iter().any(|known| known == entry.fingerprint()) {
                keys.push(entry.fingerprint().to_owned());
            }
        }
        keys
    }
}

impl Entry<'_> {
    pub(in crate::session) fn fingerprint(&self) -> &str {
        match self {
            Self::Held(held) => &held.public.fingerprint,
            Self::Foreign { fingerprint, .. } => fingerprint,
        }
    }

    pub(in crate::session) fn comment(&self) -> &[u8] {
        match self {
            Self::Held(held) => &held.comment,
            Self::Foreign { key, .. } => key.comment,
        }
    }

    /// Its file, if it is one.
    pub(in crate::session) fn path(&self) -> Option<&Path> {
        match self {
            Self::Held(held) => held.file(),
            Self::Foreign { .. } => None,
        }
    }

    /// The (blob, comment) pairs that it is.
    pub(in crate::session) fn identities(&self) -> Vec<(&[u8], &[u8])> {
        match self {
            Self::Held(held) => held.identities().collect(),
            Self::Foreign { key, .. } => {
                // A client gives up a whole list for a NUL in one comment.
                let comment = key.comment.split(|&byte| byte == 0).next().unwrap_or_default();
                vec![(key.blob, comment)]
            }
        }
    }

    fn hints(&self, hints: &Hints) -> crate::policy::Hint {
        let comment = String::from_utf8_lossy(self.comment());
        let file = self
            .path()
            .and_then(Path::file_name)
            .map(|name| name.to_string_lossy());
        let mut texts = vec![comment.as_ref()];
        texts.extend(file.as_deref());
        if let Self::Held(held) = self {
            texts.extend(held.purposes());
        }
        hints.of(&texts)
    }
}

/// What is known that candidates are made of.
struct Facts<'a> {
    offering: &'a Offering,
    learnt: &'a AtHost,
    rule: Option<&'a Rule>,
    names: Names<'a>,
    hints: Hints,
    asked: &'a Asked,
}

impl<'a> Facts<'a> {
    fn new(
        offering: &'a Offering,
        destination: &'a Destination,
        learnt: &'a AtHost,
        rule: Option<&'a Rule>,
    ) -> Self {
        let asked = &*destination.asked;
        let claimed = [&asked.host, &asked.hostname, &asked.host_key_alias]
            .into_iter()
            .flatten();
        let names = destination.names.iter().chain(claimed).map(String::as_str);
        Self {
            offering,
            learnt,
            rule,
            names: Names::new(asked),
            hints: Hints::new(names, asked.path.as_deref()),
            asked,
        }
    }

    fn candidates(&self, entries: &[Entry<'_>]) -> Vec<Candidate> {
        let view = self.offering.history.view();
        entries
            .iter()
            .map(|entry| {
                let key = entry.fingerprint();
                let overall = view.overall(key);
                Candidate {
                    identities: entry.identities().len(),
                    named: self.names.of(entry),
                    rule: self.rule.and_then(|rule| ranks(rule, entry)),
                    worked: self.worked(key),
                    hint: entry.hints(&self.hints),
                    tried: self.learnt.tried.get(key).map(|tried| tried.round),
                    overall: (overall.times, overall.last),
                }
            })
            .collect()
    }

    fn worked(&self, key: &str) -> Option<Worked> {
        let all = |at: At, uses: Option<&Vec<Use>>| {
            let uses = uses.into_iter().flatten();
            uses.map(|one| self.one(at, one)).collect::<Vec<_>>()
        };
        let own = all(At::HostKey, self.learnt.own.get(key));
        let kin = all(At::Kin, self.learnt.kin.get(key));
        let authority = self.learnt.authority.get(key).map(|&last| Worked {
            at: At::Authority,
            same_path: false,
            same_user: false,
            last,
            // What the host itself has refused since is told by `tried`.
            misses: if self.learnt.tried.contains_key(key) {
                u32::MAX
            } else {
                0
            },
        });
        let best = |one: &Worked| {
            let nearest = std::cmp::Reverse(one.at);
            (
                one.misses < crate::policy::MISSES,
                one.same_path,
                one.same_user,
                nearest,
                one.last,
            )
        };
        own.into_iter().chain(kin).chain(authority).max_by_key(best)
    }

    fn one(&self, at: At, one: &Use) -> Worked {
        let same = |wanted: Option<&String>, had: &str| wanted.is_none_or(|wanted| wanted == had);
        Worked {
            at,
            same_path: self.asked.path.as_deref().is_some_and(|path| path == one.path),
            same_user: same(self.asked.user.as_ref(), &one.user),
            last: one.last,
            misses: one.misses,
        }
    }
}

/// The place that a rule gives a key.
pub(in crate::session) fn ranks(rule: &Rule, entry: &Entry<'_>) -> Option<usize> {
    rule.ranks(&RuleCandidate {
        fingerprint: entry.fingerprint(),
        comment: &String::from_utf8_lossy(entry.comment()),
        path: entry.path().and_then(Path::to_str),
    })
}
