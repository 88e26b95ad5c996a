//! Destinations: the hosts for which an entry's key is, as the restrictions that OpenSSH's agent knows.

use super::xml::{Constraint, KeySpec, Keys};
use crate::key;
use crate::wire::{Destination, Hop};

/// As OpenSSH has it for one key.
const MAX_DESTINATIONS: usize = 1024;

/// A list that could not be held as it is meant would let the key go further than its owner allows, so it is an error.
pub(super) fn destinations(constraints: &[Constraint]) -> Result<Vec<Destination>, &'static str> {
    if constraints.is_empty() || constraints.len() > MAX_DESTINATIONS {
        return Err("it is for certain destinations only, but names none, or more than 1024");
    }
    constraints.iter().map(destination).collect()
}

fn destination(constraint: &Constraint) -> Result<Destination, &'static str> {
    let from = Hop {
        user: Vec::new(),
        host: constraint.from_host.0.clone().into_bytes(),
        keys: host_keys(&constraint.from_host_keys)?,
    };
    let to = Hop {
        user: constraint.to_user.0.clone().into_bytes(),
        host: constraint.to_host.0.clone().into_bytes(),
        keys: host_keys(&constraint.to_host_keys)?,
    };
    if from.host.is_empty() != from.keys.is_empty() || to.host.is_empty() || to.keys.is_empty() {
        return Err("one of its destinations lacks a host or the host's keys");
    }
    Ok(Destination { from, to })
}

fn host_keys(keys: &Keys) -> Result<Vec<(Vec<u8>, bool)>, &'static str> {
    let blob = |spec: &KeySpec| {
        let blob = key::blob_of_line(spec.host_key.0.as_bytes()).filter(|blob| key::is_whole(blob));
        blob.map(|blob| (blob, spec.is_ca.0))
            .ok_or("one of its destinations names a host by what is no key")
    };
    keys.keys.iter().map(blob).collect()
}
