//! One line of a known_hosts file (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"): who it is about, and which key.
//!
//! ssh-key's reader of whole lines gives up those with a type of key that it does not know (ML-DSA), and takes each key
//! apart. So markers and hosts are its, and the key's blob is taken as it stands, as in `.pub` files.

use crate::key::{self, Hash};
use crate::policy;
use aws_lc_rs::hmac;
use ssh_key::known_hosts::{HostPatterns, Marker};

/// Longest list of names that is read as one: a host has a handful.
const LONGEST_LIST: usize = 16 << 10;

/// What stands in a line.
pub(super) struct Line {
    /// None for an ordinary host key.
    pub(super) marker: Option<Marker>,
    pub(super) hosts: Hosts,
    /// "SHA256:…" of the key.
    pub(super) fingerprint: Box<str>,
}

/// Who a line is about.
#[derive(PartialEq)]
pub(super) enum Hosts {
    /// In clear: names and patterns, in lower case, with commas between.
    Clear(Box<str>),
    /// One name, hashed.
    Hashed { salt: Box<[u8]>, hash: [u8; 20] },
}

/// `None` for remarks, empty lines, and what does not parse.
pub(super) fn parse(line: &str) -> Option<Line> {
    let line = line.trim();
    if line.starts_with('#') {
        return None;
    }
    let (marker, line) = match line.starts_with('@') {
        true => {
            let (marker, rest) = field(line)?;
            (Some(marker.parse().ok()?), rest)
        }
        false => (None, line),
    };
    let (hosts, key) = field(line)?;
    let hosts = match hosts.starts_with('|') {
        false if hosts.len() > LONGEST_LIST => return None,
        false => Hosts::Clear(hosts.to_ascii_lowercase().into_boxed_str()),
        true => match hosts.parse().ok()? {
            HostPatterns::HashedName { salt, hash } => Hosts::Hashed {
                salt: salt.into_boxed_slice(),
                hash,
            },
            HostPatterns::Patterns(_) => return None,
        },
    };
    let blob = key::blob_of_line(key.as_bytes())?;
    Some(Line {
        marker,
        hosts,
        fingerprint: key::fingerprint(&blob, Hash::Sha256).into_boxed_str(),
    })
}

fn field(line: &str) -> Option<(&str, &str)> {
    let (field, rest) = line.split_once([' ', '\t'])?;
    Some((field, rest.trim_start()))
}

impl Hosts {
    /// Whether they cover `name`, which is in lower case.
    pub(super) fn cover(&self, name: &str) -> bool {
        match self {
            Self::Clear(list) => policy::listed(list.as_bytes(), name.as_bytes()),
            Self::Hashed { salt, hash } => {
                let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, salt);
                hmac::sign(&key, name.as_bytes()).as_ref() == hash
            }
        }
    }

    /// The names that stand there as such.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let list = match self {
            Self::Clear(list) => list,
            Self::Hashed { .. } => "",
        };
        let name = |name: &&str| !name.is_empty() && !name.starts_with('!') && !name.contains(['*', '?']);
        list.split(',').filter(name)
    }

    /// Whether more than [`Hosts::names`] says who is meant.
    pub(super) fn has_patterns(&self) -> bool {
        matches!(self, Self::Clear(list) if list.contains(['*', '?', '!']))
    }
}
