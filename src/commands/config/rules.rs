//! The rules about hosts, and which of them do nothing: about hosts that are not known, or for keys that are not there. No mistakes, since a host may be new
//! and a key elsewhere; but a mistyped name looks just like this.
use crate::commands::client::Client;
use crate::commands::context::Context;
use crate::commands::names;
use crate::commands::output::{Failure, visible};
use claviger::config::{Config, HostRule};
use claviger::known_hosts::KnownHosts;
use claviger::policy::{HostFacts, Rule, RuleCandidate, Rules};
use claviger::unlock::Wanted;

/// The configuration's rules, as they are judged.
pub(in crate::commands) fn rules(config: &Config) -> Rules {
    let rule = |rule: &HostRule| Rule {
        matches: rule.matches.clone(),
        keys: rule.keys.clone(),
        path: rule.path.clone(),
        confirm: rule.confirm,
        max: rule.max,
    };
    Rules::new(config.hosts.iter().map(rule).collect())
}

/// One sentence for each, with what to do. The keys are the agent's, if there is one to ask.
pub(in crate::commands) fn idle(
    config: &Config,
    context: &Context,
    client: Option<&Client>,
) -> Result<Vec<String>, Failure> {
    if config.hosts.is_empty() {
        return Ok(Vec::new());
    }
    let keys = names::everywhere(client, config, &context.notes())?;
    let known = context.known_hosts();
    let mut idle = Vec::new();
    for rule in &config.hosts {
        let name = visible(&format!("[[host]] match = {:?}", rule.matches));
        if !is_about_any(rule, &known) {
            idle.push(format!("{name}: {}", no_host(&known)));
        }
        for pattern in &rule.keys {
            if !keys.iter().any(|key| fits(key, pattern)) {
                let pattern = visible(&format!("{pattern:?}"));
                idle.push(format!("{name}: keys: {pattern} {}", no_key(client.is_some())));
            }
        }
    }
    Ok(idle)
}

fn no_host(known: &KnownHosts) -> &'static str {
    match known.hides_names() {
        false => {
            "no host key in known_hosts has such a name or fingerprint; correct it, or log in there once"
        }
        true => {
            "no host key in known_hosts has such a name or fingerprint; correct it, or log in there once \
             (many names there are hashed: wildcards cannot see them, write such a host by its whole name)"
        }
    }
}

fn no_key(has_agent: bool) -> &'static str {
    match has_agent {
        true => "means no key of the agent; `claviger list` shows their fingerprints, comments and files",
        false => {
            "means no key in the configured places; correct it, or start the agent first if the key is in a database, \
             on a token or in another agent"
        }
    }
}

fn fits(key: &Wanted, pattern: &str) -> bool {
    let candidate = RuleCandidate {
        fingerprint: &key.fingerprint,
        comment: &key.comment,
        path: key.path.to_str().filter(|path| !path.is_empty()),
    };
    candidate.fits(pattern)
}

/// Whether it is about any host or authority in known_hosts.
fn is_about_any(rule: &HostRule, known: &KnownHosts) -> bool {
    let judged = Rule {
        matches: rule.matches.clone(),
        ..Rule::default()
    };
    let of_host = known.host_keys().any(|key| {
        judged.is_about(&HostFacts {
            fingerprints: &[key.to_owned()],
            names: &known.names_of(key),
            is_called: &|name| known.is_called(key, name),
            path: None,
        })
    });
    let mut meant = rule.matches.iter().filter(|one| !one.starts_with('!'));
    of_host
        || meant.any(|one| match one.starts_with("SHA256:") {
            true => known.is_authority(one),
            // Of the names that a pattern means, one stands for all.
            false => !known.authorities_of(&one.replace(['*', '?'], "x")).is_empty(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
    const A_IS: &str = "SHA256:UCUiLr7Pjs9wFFJMDByLgc3NrtdU344OgUM45wZPcIQ";

    #[test]
    fn a_rule_is_about_a_host_or_an_authority_that_is_known() {
        let hosts = format!("one.example.net,[two]:2222 {A}\n@cert-authority *.example.org {A}\n");
        let known = KnownHosts::parse([hosts.as_bytes()]);
        for (matches, expected) in [
            (&["one.example.net"][..], true),
            (&["*.example.net", "nowhere"], true),
            (&["*.example.net", "!one.*"], false),
            (&["two"], true),
            (&[A_IS], true),
            (&["*.example.org"], true),
            (&["a.example.org"], true),
            (&["*.example.com"], false),
            (&["[one.example.net]:2222"], false),
        ] {
            let rule = HostRule {
                matches: matches.iter().map(|&one| one.to_owned()).collect(),
                ..HostRule::default()
            };
            assert_eq!(is_about_any(&rule, &known), expected, "{matches:?}");
        }
    }
}
