//! Which host a person means: a fingerprint, a name that known_hosts has (hashed too), or an alias of ssh's configuration.
use crate::commands::context::runtime;
use crate::commands::output::Failure;
use claviger::known_hosts::KnownHosts;
use claviger_platform::process::{self, Job};
use std::time::Duration;

/// ssh reads its configuration in milliseconds; what it runs for `Match exec` may take longer.
const LIMIT: Duration = Duration::from_secs(5);
const MAX_OUTPUT: usize = 1 << 20;
/// A whole fingerprint: "SHA256:" and 43 letters.
const WHOLE: usize = 50;

/// A host, as far as it is known.
pub(super) struct Host {
    /// As known_hosts would name it, or a fingerprint.
    pub(super) name: String,
    /// Fingerprints of its host keys, or of the authorities that certify it; empty if known_hosts has none.
    pub(super) keys: Vec<String>,
}

/// Finds it. `learnt` are fingerprints that are known besides those in known_hosts.
pub(super) fn host(text: &str, known: &KnownHosts, learnt: &[String]) -> Result<Host, Failure> {
    if text.starts_with("SHA256:") {
        return by_fingerprint(text, known, learnt);
    }
    let text = text.rsplit_once('@').map_or(text, |(_, host)| host);
    let is_plain = !text.is_empty() && !text.starts_with('-');
    if !is_plain || text.contains(|letter: char| letter.is_whitespace() || "*?!,".contains(letter)) {
        return Err(Failure::new(format!(
            "{text:?} names no single host; give a name, [HOST]:PORT or a host key's fingerprint"
        )));
    }
    let keys = keys(text, known);
    if !keys.is_empty() {
        return Ok(Host {
            name: text.to_owned(),
            keys,
        });
    }
    let name = as_ssh_has_it(text).unwrap_or_else(|| text.to_owned());
    let keys = self::keys(&name, known);
    Ok(Host { name, keys })
}

fn by_fingerprint(text: &str, known: &KnownHosts, learnt: &[String]) -> Result<Host, Failure> {
    let mut found: Vec<&str> = known
        .host_keys()
        .chain(learnt.iter().map(String::as_str))
        .filter(|key| key.starts_with(text))
        .collect();
    found.sort_unstable();
    found.dedup();
    match found.as_slice() {
        [one] => Ok(Host {
            name: (*one).to_owned(),
            keys: known.kin_of(one),
        }),
        [] if text.len() == WHOLE => Ok(Host {
            name: text.to_owned(),
            keys: vec![text.to_owned()],
        }),
        [] => Err(Failure::new(format!(
            "no host key begins with {text}; `claviger hosts --json` shows those that were learnt"
        ))),
        many => Err(Failure::new(format!(
            "{text:?} means several host keys: {}",
            many.join(", ")
        ))),
    }
}

/// Its host keys; on whichever port, if it has none on ssh's own; else the authorities for it.
fn keys(name: &str, known: &KnownHosts) -> Vec<String> {
    let mut keys = known.keys_of(name);
    if keys.is_empty() && !name.starts_with('[') {
        let start = format!("[{}]:", name.to_lowercase());
        let has_it = |key: &&str| known.names_of(key).iter().any(|name| name.starts_with(&start));
        keys = known.host_keys().filter(has_it).map(str::to_owned).collect();
        keys.sort_unstable();
    }
    if keys.is_empty() {
        return known.authorities_of(name);
    }
    let mut kin: Vec<String> = keys.iter().flat_map(|key| known.kin_of(key)).collect();
    kin.sort_unstable();
    kin.dedup();
    kin
}

/// The name under which ssh would look up `alias` in known_hosts: `ssh -G` reads its configuration and connects nowhere.
/// `None` without an ssh that says.
fn as_ssh_has_it(alias: &str) -> Option<String> {
    let job = Job {
        program: "ssh".into(),
        args: ["-G", "--", alias].map(Into::into).into(),
        env: Vec::new(),
        input: None,
        limit: LIMIT,
        max_output: MAX_OUTPUT,
    };
    let done = runtime().ok()?.block_on(process::run(job)).ok()?;
    name_in(&String::from_utf8_lossy(&done.output))
}

/// HostKeyAlias, or the host with its port.
fn name_in(options: &str) -> Option<String> {
    let value = |name: &str| {
        let mut lines = options.lines().filter_map(|line| line.split_once(' '));
        lines.find(|(key, _)| *key == name).map(|(_, value)| value.trim())
    };
    if let Some(alias) = value("hostkeyalias") {
        return Some(alias.to_owned());
    }
    let host = value("hostname")?;
    match value("port")? {
        "22" => Some(host.to_owned()),
        port => Some(format!("[{host}]:{port}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
    const A_IS: &str = "SHA256:UCUiLr7Pjs9wFFJMDByLgc3NrtdU344OgUM45wZPcIQ";

    fn known(text: &str) -> KnownHosts {
        KnownHosts::parse([text.as_bytes()])
    }

    #[test]
    fn a_host_is_found_by_name_port_and_fingerprint() {
        let known = known(&format!(
            "one {A}\n[two]:2222 {A}\n@cert-authority *.example.net {A}\n"
        ));
        for (text, name) in [
            ("one", "one"),
            ("me@One", "One"),
            ("[two]:2222", "[two]:2222"),
            ("two", "two"),
            ("x.example.net", "x.example.net"),
            ("SHA256:UCU", A_IS),
            (A_IS, A_IS),
        ] {
            let host = host(text, &known, &[]).unwrap();
            assert_eq!(
                (host.name.as_str(), host.keys),
                (name, vec![A_IS.to_owned()]),
                "{text}"
            );
        }
        let other = format!("SHA256:{}", "x".repeat(43));
        assert_eq!(host(&other, &known, &[]).unwrap().keys, [other]);
        for (text, reason) in [
            ("", "no single host"),
            ("-oX", "no single host"),
            ("*.example.net", "no single host"),
            ("SHA256:zz", "no host key begins"),
        ] {
            let error = host(text, &known, &[]).err().unwrap().to_string();
            assert!(error.contains(reason), "{error}");
        }
        let learnt = ["SHA256:UCUx".to_owned()];
        let error = host("SHA256:UCU", &known, &learnt).err().unwrap().to_string();
        assert!(error.contains("several"), "{error}");
    }

    #[test]
    fn an_alias_is_what_ssh_makes_of_it() {
        for (options, expected) in [
            ("host x\nhostname h.example.net\nport 22\n", Some("h.example.net")),
            ("hostname h\nport 2222\n", Some("[h]:2222")),
            ("hostkeyalias a\nhostname h\nport 2222\n", Some("a")),
            ("", None),
        ] {
            assert_eq!(name_in(options).as_deref(), expected);
        }
    }
}
