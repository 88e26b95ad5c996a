//! Which hosts get which keys: what worked there, as far as the person's rules let it, under the names that known_hosts has.

use super::keys::Public;
use crate::commands::ssh_config::checked_host;
use claviger::history::Use;
use claviger::known_hosts::KnownHosts;
use claviger::policy::{HostFacts, MISSES, RuleCandidate, Rules};
use std::collections::BTreeMap;

/// ssh's own port.
const PORT: u16 = 22;

/// What is known that the plan is made of.
pub(super) struct Facts<'a> {
    /// Latest first.
    pub(super) uses: &'a [Use],
    pub(super) known: &'a KnownHosts,
    pub(super) rules: &'a Rules,
    pub(super) keys: &'a [Public],
    /// Most keys for a host; 0 is no limit.
    pub(super) most: usize,
}

/// What would be written, and what not.
#[derive(Default)]
pub(super) struct Plan<'a> {
    pub(super) hosts: Vec<Host<'a>>,
    pub(super) logins: Vec<Login<'a>>,
    /// A host, and why it is left out.
    pub(super) left_out: Vec<(String, String)>,
}

/// Names that mean one server for ssh's configuration, which knows no ports there.
pub(super) struct Host<'a> {
    pub(super) names: Vec<String>,
    /// Best first.
    pub(super) keys: Vec<&'a Public>,
}

/// Somebody on a server: what one session of PuTTY's is.
#[derive(Clone)]
pub(super) struct Login<'a> {
    pub(super) name: String,
    pub(super) port: u16,
    pub(super) user: String,
    pub(super) key: &'a Public,
    host_key: &'a str,
}

impl<'a> Plan<'a> {
    pub(super) fn new(facts: &Facts<'a>) -> Self {
        let mut plan = Self::default();
        let mut ranked: Vec<(usize, Login<'a>)> = Vec::new();
        for one in facts.uses.iter().filter(|one| one.misses < MISSES) {
            match facts.logins(one) {
                Ok(logins) => ranked.extend(logins),
                Err((host, why)) if !plan.left_out.iter().any(|(known, _)| *known == host) => {
                    plan.left_out.push((host, why));
                }
                Err(_) => {}
            }
        }
        // Where a rule ranks keys, its order holds; else, and among equals, the latest is the first.
        ranked.sort_by_key(|(rank, _)| *rank);
        plan.logins = ranked.into_iter().map(|(_, login)| login).collect();
        plan.hosts = hosts(&plan.logins, facts.most);
        let known = &plan.hosts;
        let is_there = |host: &str| known.iter().any(|one| one.names.iter().any(|name| name == host));
        plan.left_out.retain(|(host, _)| !is_there(host));
        let mut seen: Vec<(String, u16, String)> = Vec::new();
        plan.logins.retain(|login| {
            let place = (login.name.clone(), login.port, login.user.clone());
            let is_new = !seen.contains(&place);
            seen.push(place);
            is_new
        });
        plan
    }

    /// Leaves a name out.
    pub(super) fn leave_out(&mut self, name: &str, why: &str) {
        for host in &mut self.hosts {
            host.names.retain(|other| other != name);
        }
        self.hosts.retain(|host| !host.names.is_empty());
        self.left_out.push((name.to_owned(), why.to_owned()));
    }
}

impl<'a> Facts<'a> {
    /// What one use says of each name of its host, with the key's rank there.
    fn logins(&self, one: &'a Use) -> Result<Vec<(usize, Login<'a>)>, (String, String)> {
        let all = self.known.names_of(&one.host);
        let sound = |name: &String| checked_host(parts(name).0).is_ok();
        let names: Vec<&String> = all.iter().filter(|name| sound(name)).collect();
        let Some(first) = names.first() else {
            let why = "known_hosts has no name of it in clear";
            return Err((one.host.clone(), why.to_owned()));
        };
        let left_out = |why: String| Err((parts(first).0.to_owned(), why));
        let Some(key) = self.keys.iter().find(|key| key.fingerprint == one.key) else {
            return left_out(format!("its key {} is not here", one.key));
        };
        let Some(rank) = self.rank(one, &all, key) else {
            return left_out(format!("a rule keeps {} away from it", one.key));
        };
        let login = |name: &&String| {
            let (name, port) = parts(name);
            let login = Login {
                name: name.to_owned(),
                port,
                user: one.user.clone(),
                key,
                host_key: &one.host,
            };
            (rank, login)
        };
        Ok(names.iter().map(login).collect())
    }

    /// The key's place in the rule for the host, 0 where there is none; `None` if the rule is about other keys.
    fn rank(&self, one: &Use, names: &[String], key: &Public) -> Option<usize> {
        let fingerprints = [&one.host, &one.authority].map(Clone::clone);
        let rule = self.rules.for_host(&HostFacts {
            fingerprints: &fingerprints,
            names,
            is_called: &|name| self.known.is_called(&one.host, name),
            path: Some(one.path.as_str()).filter(|path| !path.is_empty()),
        });
        let Some(rule) = rule else { return Some(0) };
        rule.ranks(&RuleCandidate {
            fingerprint: &key.fingerprint,
            comment: &key.comment,
            path: key.path.as_deref().and_then(std::path::Path::to_str),
        })
    }
}

/// Names of the same server and with the same keys are one host.
fn hosts<'a>(logins: &[Login<'a>], most: usize) -> Vec<Host<'a>> {
    let mut by_name: BTreeMap<&str, (Vec<&str>, Vec<&'a Public>)> = BTreeMap::new();
    for login in logins {
        let (host_keys, keys) = by_name.entry(&login.name).or_default();
        if !host_keys.contains(&login.host_key) {
            host_keys.push(login.host_key);
        }
        let is_new = !keys.iter().any(|key| key.fingerprint == login.key.fingerprint);
        if is_new && (most == 0 || keys.len() < most) {
            keys.push(login.key);
        }
    }
    let mut hosts: Vec<(Vec<&str>, Host<'a>)> = Vec::new();
    for (name, (host_keys, keys)) in by_name {
        let same = |host: &Host<'_>| {
            let fingerprints = host.keys.iter().map(|key| &key.fingerprint);
            fingerprints.eq(keys.iter().map(|key| &key.fingerprint))
        };
        match hosts
            .iter_mut()
            .find(|(other, host)| *other == host_keys && same(host))
        {
            Some((_, host)) => host.names.push(name.to_owned()),
            None => {
                let names = vec![name.to_owned()];
                hosts.push((host_keys, Host { names, keys }));
            }
        }
    }
    hosts.into_iter().map(|(_, host)| host).collect()
}

/// "[host]:port", or a host on ssh's own port.
fn parts(name: &str) -> (&str, u16) {
    let inner = name.strip_prefix('[').and_then(|rest| rest.split_once("]:"));
    match inner.and_then(|(host, port)| Some((host, port.parse().ok()?))) {
        Some(parts) => parts,
        None => (name, PORT),
    }
}
