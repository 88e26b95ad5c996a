//! A small language for the cases of this room, in which a host is a word and its key has the same name.

mod binds;
mod hosts;
mod offer;
mod properties;
mod signing;
mod table;

use super::{Binding, HostKey, Route};
use crate::wire::{Destination, Hop, Signed};

/// A time in the midst of all certificates' validity.
const NOW: u64 = 1_800_000_000;

/// The key that signs, unless a case says otherwise.
const KEY: &[u8] = b"the key";

fn plain(name: &str) -> HostKey {
    HostKey {
        blob: name.as_bytes().to_vec(),
        certificate: None,
    }
}

fn hop(user: &str, host: &str) -> Hop {
    let host = host.as_bytes().to_vec();
    Hop {
        user: user.as_bytes().to_vec(),
        keys: vec![(host.clone(), false)],
        host,
    }
}

/// "host", "user@host", "from>host" or "from>user@host".
fn destination(text: &str) -> Destination {
    let (from, to) = match text.split_once('>') {
        Some((from, to)) => (hop("", from), to),
        None => (Hop::default(), text),
    };
    let (user, host) = to.split_once('@').unwrap_or(("", to));
    Destination {
        from,
        to: hop(user, host),
    }
}

/// Destinations, parted by spaces.
fn destinations(text: &str) -> Vec<Destination> {
    text.split_whitespace().map(destination).collect()
}

/// The binding number `hop` to the host of this name.
fn binding(hop: usize, host: &str, forwarding: bool) -> Binding {
    Binding {
        host: plain(host),
        session_id: format!("session {hop}").into_bytes(),
        forwarding,
    }
}

/// Hosts, parted by spaces: "host+" is a forwarding, "host" a login, "!" a bind that failed.
fn route(text: &str) -> Route {
    let mut route = Route::default();
    for (at, word) in text.split_whitespace().enumerate() {
        route.attempt();
        if word != "!" {
            let host = word.trim_end_matches('+');
            route.bind(binding(at, host, host != word)).unwrap();
        }
    }
    route
}

/// The login that ssh makes at the end of a route: to its last session, bound to its last host.
fn login<'a>(route: &'a Route, user: &'a str) -> Signed<'a> {
    let last = route.bindings().last();
    Signed::UserAuth {
        session_id: last.map_or(b"session 0", |last| &last.session_id),
        user: user.as_bytes(),
        algorithm: b"ssh-ed25519",
        key: KEY,
        host_key: Some(last.map_or(b"host", |last| &last.host.blob)),
    }
}

fn is_key(blob: &[u8]) -> bool {
    blob == KEY
}
