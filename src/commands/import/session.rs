//! One saved session of PuTTY's, wherever the system keeps it.
//!
//! Read is what ssh's configuration has a word for, with PuTTY's own meaning (its `prepare_session`): a user in front of
//! the host goes before UserName, spaces and a port behind the host are dropped.
use claviger_platform::putty::{SYNCED, Settings};
use std::path::PathBuf;

/// What PuTTY starts every session from; it leads nowhere.
const DEFAULTS: &str = "Default Settings";
const SSH_PORT: u16 = 22;

/// A session that ssh can hold.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Session {
    pub(super) host: String,
    pub(super) user: Option<String>,
    /// None for ssh's usual one.
    pub(super) port: Option<u16>,
    pub(super) key: Option<PathBuf>,
    /// The kind of proxy that PuTTY would go through, by its number; ssh has other means.
    pub(super) proxied: bool,
}

/// Reads a session's settings; the error says why ssh has no use for it.
pub(super) fn read(name: &str, settings: &Settings) -> Result<Session, String> {
    if name == DEFAULTS {
        return Err("PuTTY's defaults, and no session".into());
    }
    if settings.get(SYNCED) == "1" {
        return Err("made by `claviger config sync`".into());
    }
    let value = |key: &str| settings.get(key);
    match value("Protocol") {
        "ssh" => {}
        "" => return Err("not a session of PuTTY's".into()),
        other => return Err(format!("a session of the protocol {other:?}, and not of ssh")),
    }
    let (before, host) = match value("HostName").trim().rsplit_once('@') {
        Some((user, host)) => (user, host),
        None => ("", value("HostName").trim()),
    };
    let host = bare(host);
    if host.is_empty() {
        return Err("it names no host".into());
    }
    let user = [before, value("UserName")]
        .into_iter()
        .find(|user| !user.is_empty());
    let port = match value("PortNumber") {
        "" => None,
        number => match number.parse() {
            Ok(0) | Err(_) => return Err(format!("its port {number:?} is none")),
            Ok(SSH_PORT) => None,
            Ok(port) => Some(port),
        },
    };
    Ok(Session {
        host: host.to_owned(),
        user: user.map(str::to_owned),
        port,
        key: Some(value("PublicKeyFile"))
            .filter(|path| !path.is_empty())
            .map(PathBuf::from),
        proxied: !matches!(value("ProxyMethod"), "" | "0"),
    })
}

/// The host without the brackets of an IPv6 address, and without a port.
fn bare(host: &str) -> &str {
    if let Some((address, _)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return address;
    }
    match host.split_once(':') {
        Some((name, rest)) if !rest.contains(':') => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(text: &str) -> Result<Session, String> {
        read(
            "x",
            &Settings::parse(format!("Present=1\nProtocol=ssh\n{text}").as_bytes()),
        )
    }

    #[test]
    fn hosts_users_and_ports_mean_what_they_mean_to_putty() {
        for (text, host, user, port) in [
            (
                "HostName=a.example\nPortNumber=22\nUserName=",
                "a.example",
                None,
                None,
            ),
            (
                "HostName=a\nPortNumber=2222\nUserName=me",
                "a",
                Some("me"),
                Some(2222),
            ),
            ("HostName= you@a \nUserName=me", "a", Some("you"), None),
            ("HostName=me@corp@a", "a", Some("me@corp"), None),
            ("HostName=a:2200", "a", None, None),
            ("HostName=[2001:db8::1]:22", "2001:db8::1", None, None),
            ("HostName=root@2001:db8::1", "2001:db8::1", Some("root"), None),
        ] {
            let session = session(text).unwrap();
            assert_eq!(
                (&*session.host, session.user.as_deref(), session.port),
                (host, user, port),
                "{text}"
            );
        }
        assert!(session("HostName=a\nProxyMethod=0\nProxyHost=proxy").is_ok_and(|it| !it.proxied));
        assert!(session("HostName=a\nProxyMethod=2\nProxyHost=p").is_ok_and(|it| it.proxied));
    }

    #[test]
    fn what_is_no_session_of_ssh_says_what_it_is() {
        for (text, why) in [
            ("HostName=", "no host"),
            ("HostName=me@", "no host"),
            ("HostName=a\nPortNumber=0", "port"),
            ("HostName=a\nPortNumber=70000", "port"),
        ] {
            assert!(session(text).unwrap_err().contains(why), "{text}");
        }
        assert!(
            read("x", &Settings::parse(b"Protocol=telnet\nHostName=a"))
                .unwrap_err()
                .contains("telnet")
        );
        assert!(
            read("x", &Settings::parse(&[0xff; 100]))
                .unwrap_err()
                .contains("not a session")
        );
        assert!(
            read(DEFAULTS, &Settings::parse(b"Protocol=ssh\nHostName=a"))
                .unwrap_err()
                .contains("defaults")
        );
    }
}
