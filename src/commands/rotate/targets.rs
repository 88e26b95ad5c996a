//! Where a key has to be changed: the servers that the history knows, by the names that known_hosts has for them.
use crate::commands::context::Context;
use crate::commands::output::{self, Failure, visible};
use claviger::history::History;
use std::collections::BTreeSet;
use std::ffi::OsString;

/// One login: user, server, port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// As it is shown and noted: `user@host`, or `user@[host]:port`.
    pub(super) name: String,
    /// What ssh is told: `user@host`.
    pub(super) destination: String,
    port: Option<String>,
}

/// The servers with names, and the fingerprints of those without.
pub(super) struct Targets {
    pub(super) named: Vec<Target>,
    pub(super) nameless: BTreeSet<String>,
}

impl Target {
    /// `None` for what is no `USER@HOST`, or could be taken for an option.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (user, host) = name.rsplit_once('@')?;
        let (host, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once("]:")) {
            Some((host, port)) => (host, Some(port.to_owned())),
            None => (host, None),
        };
        let is_plain = |text: &str| !text.is_empty() && !text.starts_with('-') && visible(text) == text;
        let port_is_number = port.as_ref().is_none_or(|port| port.parse::<u16>().is_ok());
        (is_plain(user) && is_plain(host) && port_is_number).then(|| Self {
            name: name.to_owned(),
            destination: format!("{user}@{host}"),
            port,
        })
    }

    /// ssh's options: the person's own first, because the first one counts.
    pub(super) fn ssh(&self, own: &[OsString]) -> Vec<OsString> {
        let port = self.port.iter().flat_map(|port| ["-p".to_owned(), port.clone()]);
        own.iter().cloned().chain(port.map(OsString::from)).collect()
    }
}

/// Those where `key` worked, and those that the person names.
pub(super) fn find(context: &Context, key: &str, named: &[String]) -> Result<Targets, Failure> {
    let mut targets = Targets {
        named: Vec::new(),
        nameless: BTreeSet::new(),
    };
    for name in named {
        let target = Target::parse(name);
        targets
            .named
            .push(target.ok_or_else(|| Failure::new(format!("{:?} is not USER@HOST", visible(name))))?);
    }
    let file = context.history();
    if !file.exists() {
        return Ok(targets);
    }
    let (history, warning) = History::open(&file)?;
    if let Some(warning) = warning {
        output::error(&warning);
    }
    let hosts = context.known_hosts();
    for one in history.uses().into_iter().filter(|one| one.key == key) {
        // Several lines of known_hosts may be several machines with one host key.
        let names = hosts.machines(&one.host);
        if names.is_empty() {
            targets.nameless.insert(one.host);
            continue;
        }
        for name in names {
            let target = Target::parse(&format!("{}@{name}", one.user));
            targets
                .named
                .extend(target.filter(|new| !targets.named.contains(new)));
        }
    }
    // A person who names a server by hand names those that have no name.
    if !named.is_empty() {
        targets.nameless.clear();
    }
    Ok(targets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_named_as_known_hosts_and_ssh_do() {
        let target = Target::parse("me@[host.example.net]:2222").unwrap();
        assert_eq!(target.destination, "me@host.example.net");
        assert_eq!(
            target.ssh(&["-4".into()]),
            ["-4", "-p", "2222"].map(OsString::from)
        );
        assert_eq!(Target::parse("me@host").unwrap().ssh(&[]), [] as [OsString; 0]);
        assert_eq!(Target::parse("a@b@host").unwrap().destination, "a@b@host");
        for wrong in [
            "host", "@host", "me@", "-o@host", "me@-host", "me@[h]:x", "me@h\n",
        ] {
            assert_eq!(Target::parse(wrong), None, "{wrong:?}");
        }
    }
}
