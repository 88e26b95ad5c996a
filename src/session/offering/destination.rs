//! Where a login goes, as far as it is known: the proven host key and what known_hosts says of it; beside that, never mixed with
//! it, what the client was asked for, which is its own word.

use super::{OfferSettings, Offering, plain_fingerprint};
use crate::client::{Asked, Program};
use crate::history::{AtHost, History};
use crate::known_hosts::KnownHosts;
use crate::policy::{Binding, HostFacts, Rule};
use std::sync::Arc;

/// A server.
pub(in crate::session) struct Destination {
    /// Fingerprint of its plain key; none where nothing proves it.
    pub(in crate::session) host: Option<String>,
    /// Fingerprint of the authority that certified it.
    pub(in crate::session) authority: Option<String>,
    /// Host keys that are said to be the same host's, itself first.
    pub(super) kin: Vec<String>,
    /// Its names, verified.
    pub(in crate::session) names: Vec<String>,
    /// What the client was asked for.
    pub(in crate::session) asked: Arc<Asked>,
    /// Nothing can be known of what the person named: the client is on another host, or could not be read.
    pub(super) unread: bool,
    /// The client is on another host.
    pub(in crate::session) forwarded: bool,
    known: Arc<KnownHosts>,
}

impl Destination {
    /// The server of a connection's last bind. `asked` is none for a client on another host.
    pub(in crate::session) async fn bound(
        offering: &Offering,
        binding: &Binding,
        asked: Option<Arc<Asked>>,
    ) -> Self {
        let known = offering.known_hosts().await;
        // A host that has a certificate today may show its plain key tomorrow.
        let host = plain_fingerprint(&binding.host.blob);
        let certificate = binding
            .host
            .certificate
            .as_ref()
            .filter(|certificate| certificate.is_host);
        let authority = certificate.map(|certificate| plain_fingerprint(&certificate.ca));
        let unread = asked.as_ref().is_none_or(|asked| is_unread(asked));
        let asked_is_none = asked.is_none();
        let mut destination = Self {
            kin: known.kin_of(&host),
            names: known.names_of(&host),
            asked: asked.unwrap_or_default(),
            forwarded: asked_is_none,
            unread,
            known,
            host: Some(host),
            authority,
        };
        destination.add_names(certificate.map(|it| it.principals.as_slice()).unwrap_or_default());
        destination.add_kin(offering);
        destination
    }

    /// The server that a person means by a name, an alias, or a host key's fingerprint: as the next login there would find it.
    pub(in crate::session) async fn named(offering: &Offering, name: &str) -> Self {
        let known = offering.known_hosts().await;
        let is_key = name.starts_with("SHA256:");
        let asked = match is_key {
            true => Arc::default(),
            false => offering.clients.asked_for_host(name).await,
        };
        let kin = match is_key {
            true => known.kin_of(name),
            false => host_keys(&known, name, &asked),
        };
        let mut destination = Self {
            host: kin.first().cloned(),
            authority: None,
            names: kin.iter().flat_map(|key| known.names_of(key)).collect(),
            kin,
            unread: false,
            forwarded: false,
            asked,
            known,
        };
        destination.authority = destination.expected_authority();
        destination.names.sort();
        destination.names.dedup();
        destination.add_names(&[]);
        destination.add_kin(offering);
        destination
    }

    /// A client that binds to nothing, but whose arguments say where it goes. Nothing of it is proven.
    pub(in crate::session) async fn claimed(offering: &Offering, asked: Arc<Asked>) -> Self {
        let known = offering.known_hosts().await;
        let name = asked
            .hostname
            .as_deref()
            .or(asked.host.as_deref())
            .unwrap_or_default();
        let kin = host_keys(&known, name, &asked);
        let mut destination = Self {
            host: kin.first().cloned(),
            authority: None,
            names: claimed_names(&asked),
            kin,
            unread: false,
            forwarded: false,
            asked,
            known,
        };
        destination.add_kin(offering);
        destination
    }

    /// The rule that holds for it.
    pub(in crate::session) fn rule<'a>(&self, settings: &'a OfferSettings) -> Option<&'a Rule> {
        let fingerprints: Vec<String> = self.host.iter().chain(&self.authority).cloned().collect();
        settings.rules.for_host(&HostFacts {
            fingerprints: &fingerprints,
            names: &self.names,
            is_called: &|name| {
                self.host
                    .as_ref()
                    .is_some_and(|host| self.known.is_called(host, name))
            },
            path: self.asked.path.as_deref(),
        })
    }

    /// What the history knows of it. Logins through other hosts have their own, beside what is known from here.
    pub(super) fn learnt(&self, offering: &Offering) -> AtHost {
        let host = self.host.as_deref().unwrap_or_default();
        let at = |history: &History| history.view().at(host, &self.kin, self.authority.as_deref());
        let mut known = at(&offering.history);
        if self.forwarded {
            let passing = at(&offering.passing);
            (known.tried, known.rounds, known.keyless) = (passing.tried, passing.rounds, passing.keyless);
            for (key, uses) in passing.own {
                known.own.entry(key).or_default().extend(uses);
            }
        }
        known
    }

    /// Whether the person named this key for this login.
    pub(in crate::session) fn names_key(&self, fingerprint: &str) -> bool {
        let named = self.asked.explicit.iter().chain(&self.asked.configured);
        named
            .filter_map(|file| file.blob.as_deref())
            .any(|blob| plain_fingerprint(blob) == fingerprint)
    }

    /// Its names that stand in known_hosts in clear.
    pub(in crate::session) fn clear_names(&self) -> Vec<String> {
        self.host
            .iter()
            .flat_map(|host| self.known.names_of(host))
            .collect()
    }

    /// What the person typed counts as its name where known_hosts confirms that, hashed or not; a certificate's principals
    /// where known_hosts lets the authority vouch for them.
    fn add_names(&mut self, principals: &[Vec<u8>]) {
        let Some(host) = self.host.clone() else {
            // Nothing is proven and nobody logs in: `explain` of a host that is not known yet.
            self.names.extend(claimed_names(&self.asked));
            return;
        };
        let claimed = claimed_names(&self.asked);
        let confirmed = claimed
            .into_iter()
            .filter(|name| self.known.is_called(&host, name));
        let vouched = principals.iter().filter_map(|principal| {
            let name = String::from_utf8(principal.clone()).ok()?;
            let authorities = self.known.authorities_of(&name);
            self.authority
                .as_ref()
                .filter(|authority| authorities.contains(authority))?;
            Some(name)
        });
        for name in confirmed.chain(vouched).collect::<Vec<_>>() {
            // Hashed entries of one name show nothing in common: only the name itself tells that they are one host's.
            for key in self.known.keys_of(&name) {
                if !self.kin.contains(&key) {
                    self.kin.push(key);
                }
            }
            if !self.names.contains(&name) {
                self.names.push(name);
            }
        }
    }

    /// A host whose key was replaced is found by the names that it had when a key worked there.
    fn add_kin(&mut self, offering: &Offering) {
        for host in offering.history.view().once_named(&self.names) {
            if !self.kin.contains(&host) {
                self.kin.push(host);
            }
        }
    }

    fn expected_authority(&self) -> Option<String> {
        let claimed = claimed_names(&self.asked);
        claimed
            .iter()
            .flat_map(|name| self.known.authorities_of(name))
            .next()
    }
}

/// Programs that pass on what others say: who asks is behind them.
const RELAYS: [&str; 6] = ["socat", "nc", "ncat", "systemd-socket-proxyd", "claviger", "sshd"];

fn is_unread(asked: &Asked) -> bool {
    match &asked.program {
        Program::Other(name) => name.is_empty() || RELAYS.contains(&name.as_str()),
        _ => asked.unsure && asked.host.is_none(),
    }
}

/// The host keys under which ssh would look the name up.
fn host_keys(known: &KnownHosts, name: &str, asked: &Asked) -> Vec<String> {
    let names = std::iter::once(name.to_owned()).chain(claimed_names(asked));
    let mut keys = Vec::new();
    for key in names.flat_map(|name| known.keys_of(&name)) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let kin: Vec<String> = keys.iter().flat_map(|key| known.kin_of(key)).collect();
    for key in kin {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

/// What known_hosts may have it as.
fn claimed_names(asked: &Asked) -> Vec<String> {
    if let Some(alias) = &asked.host_key_alias {
        return vec![alias.clone()];
    }
    let port = asked.port.filter(|&port| port != 22);
    let names = asked.hostname.iter().chain(&asked.host);
    let mut claimed: Vec<String> = names
        .map(|name| match port {
            Some(port) => format!("[{name}]:{port}"),
            None => name.clone(),
        })
        .collect();
    claimed.dedup();
    claimed
}
