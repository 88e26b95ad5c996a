//! In which order a host is offered the keys, and which of them: those that work there first, few enough that the server does
//! not give up, and never without one that the person named.
//!
//! The order, from the first: what the client's command line names; the keys of a rule for the host; what worked here (the same
//! repository, then a key that is named for it, then the same user, then the latest); what ssh_config names for the host; keys
//! whose comment or file names the host; keys that this host was not offered yet, by their use elsewhere; and keys that
//! it was offered in vain, longest ago first. As each offer that nobody takes moves its keys to the end, a host gets the
//! next ones at its next login, until one is taken; from then on that one is first.
//!
//! It orders and shortens; whether a key may be used at all is judged elsewhere ([`Route`](super::Route), rules).

use super::rank::{rank, reason, works};

/// So many offers in a row may fail before a key that worked counts as one that no longer does.
pub const MISSES: u32 = 3;

/// Why a candidate must not be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Named {
    /// By the client's command line, at this place.
    CommandLine(usize),
    /// By the person's ssh_config for this host, at this place.
    Config(usize),
    /// It is one of the files that ssh tries by itself.
    Default,
}

/// What is known of a key that worked at this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Worked {
    /// Where: at the very host key, at another one of the same host, at a host of the same authority.
    pub at: At,
    /// For the repository that is wanted now.
    pub same_path: bool,
    /// For the user who logs in now; also true if that is not known.
    pub same_user: bool,
    /// Seconds since the epoch.
    pub last: u64,
    /// Offers in a row that it was not taken from.
    pub misses: u32,
}

/// How near a host is to the one in question; the nearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum At {
    /// The same host key.
    HostKey,
    /// Another host key of the same host.
    Kin,
    /// A host that the same authority vouches for.
    Authority,
}

/// How a key's comment, file or entry names where it is for; what says more is greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hint {
    /// Not at all.
    #[default]
    None,
    /// A part of the host's name.
    HostPart,
    /// The whole name of the host.
    Host,
    /// Whose the repository is.
    Owner,
    /// The repository.
    Repository,
}

/// A key that could be offered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidate {
    /// How many identities it is: with a certificate, two. Each costs the server a try.
    pub identities: usize,
    /// Who named it.
    pub named: Option<Named>,
    /// Its place in the rule for this host.
    pub rule: Option<usize>,
    /// What it did here.
    pub worked: Option<Worked>,
    /// What its names say.
    pub hint: Hint,
    /// The last offer here that it was in and nobody took.
    pub tried: Option<u64>,
    /// How often it was used at all, and last when.
    pub overall: (u64, u64),
}

/// The bounds of one offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Most identities; 0 is no limit.
    pub max: usize,
    /// There is a rule: only its keys, and what the person named.
    pub ruled: bool,
    /// All may be listed: the client filters by itself, or it is not known what its person named.
    pub whole: bool,
    /// The last login failed: finding the right key soon counts more than leaving a try for a password.
    pub urgent: bool,
}

/// Why a key is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The command line names it.
    CommandLine,
    /// A rule does.
    Rule,
    /// It worked for this repository.
    WorkedForPath,
    /// Its names say that it is for this repository.
    NamesPath,
    /// It worked at this host.
    Worked,
    /// It worked at a host of the same authority.
    WorkedForAuthority,
    /// ssh_config names it for this host.
    Config,
    /// Its comment, file or entry names the host.
    NamesHost,
    /// It was not offered here yet.
    Untried,
    /// It was offered, but longest ago.
    TriedBefore,
    /// ssh tries its file by itself, so leaving it out saves nothing.
    Default,
}

/// Why a key is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LeftOut {
    /// The rule for this host is about others.
    Rule,
    /// ssh tries its file by itself, behind the keys that are expected to work.
    Default,
    /// There was no room; later, if nothing that comes before is taken.
    Room,
}

/// An offer: indices of candidates with their reasons, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// Offered.
    pub listed: Vec<(usize, Reason)>,
    /// Not offered, in the order in which they would follow.
    pub left_out: Vec<(usize, LeftOut)>,
    /// How many of `listed` use up the host's patience: what comes behind them is for the client to choose from.
    pub counted: usize,
}

/// Orders and shortens.
pub fn offer(candidates: &[Candidate], bounds: Bounds) -> Offer {
    let allowed = |one: &Candidate| !bounds.ruled || one.rule.is_some() || is_asked_for(one);
    let mut offer = Offer::default();
    let (mut order, ruled_out): (Vec<usize>, Vec<usize>) =
        (0..candidates.len()).partition(|&index| candidates.get(index).is_some_and(allowed));
    let rotates = ruled_rotates(candidates, bounds);
    let rank = |index: &usize| candidates.get(*index).map(|one| (rank(one, rotates), *index));
    order.sort_by_cached_key(rank);
    let mode = mode(candidates, &order, bounds);
    let mut room = bounds.room(candidates, &order, mode);
    for index in order {
        let Some(one) = candidates.get(index) else {
            continue;
        };
        match mode.place(one) {
            Place::Kept => {}
            // A whole list is the client's to choose from, so nothing is gained by leaving a key out of it.
            Place::LeftToSsh if !bounds.whole => {
                offer.left_out.push((index, LeftOut::Default));
                continue;
            }
            Place::LeftToSsh | Place::InTurn if room.takes(one.identities) => {}
            _ if bounds.whole => {
                offer.listed.push((index, reason(one, rotates)));
                continue;
            }
            _ if one.named == Some(Named::Default) => {
                offer.listed.push((index, Reason::Default));
                continue;
            }
            _ => {
                offer.left_out.push((index, LeftOut::Room));
                continue;
            }
        }
        offer.listed.push((index, reason(one, rotates)));
        offer.counted = offer.listed.len();
    }
    offer
        .left_out
        .extend(ruled_out.into_iter().map(|index| (index, LeftOut::Rule)));
    offer
}

/// What to do about the files that ssh tries by itself (`~/.ssh/id_ed25519` and so on). It tries them whether they are
/// listed or not, each costs a try, and those that are listed it tries first of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// A key is expected to work: ssh may try its files behind it.
    Expecting,
    /// Nothing is known to work, keys are left to be tried, and the last login failed: they take their turn as all others do,
    /// so that the right key is found soon. No try may be left for a password.
    Searching,
    /// They are listed, so that ssh asks for no passphrase, and count, so that a try is left for a password.
    Careful,
}

/// What becomes of a key.
enum Place {
    /// It is listed.
    Kept,
    /// It is listed if there is room.
    InTurn,
    /// ssh tries it by itself, behind what is listed.
    LeftToSsh,
}

impl Mode {
    fn place(self, one: &Candidate) -> Place {
        match (one.named, self) {
            (Some(Named::CommandLine(_) | Named::Config(_)), _) => Place::Kept,
            (Some(Named::Default), Self::Expecting) if !works(one) && one.rule.is_none() => Place::LeftToSsh,
            (Some(Named::Default), Self::Careful) => Place::Kept,
            _ => Place::InTurn,
        }
    }
}

fn mode(candidates: &[Candidate], order: &[usize], bounds: Bounds) -> Mode {
    let among = || order.iter().filter_map(|&index| candidates.get(index));
    let is_expected = |one: &Candidate| one.worked.is_some_and(|worked| worked.misses == 0);
    if among().any(is_expected) {
        Mode::Expecting
    } else if bounds.urgent && !among().any(works) && among().any(|one| one.tried.is_none()) {
        Mode::Searching
    } else {
        Mode::Careful
    }
}

/// What is left for keys that nobody named.
struct Room(Option<usize>);

impl Room {
    /// A key that does not fit whole ends the offer, or a lesser one would jump the queue.
    fn takes(&mut self, identities: usize) -> bool {
        let Some(left) = &mut self.0 else { return true };
        match left.checked_sub(identities) {
            Some(rest) => {
                *left = rest;
                true
            }
            None => {
                *left = 0;
                false
            }
        }
    }
}

impl Bounds {
    fn room(self, candidates: &[Candidate], order: &[usize], mode: Mode) -> Room {
        if self.max == 0 {
            return Room(None);
        }
        let mut taken = 0;
        let mut least = None;
        for one in order.iter().filter_map(|&index| candidates.get(index)) {
            match mode.place(one) {
                Place::Kept | Place::LeftToSsh => taken += one.identities,
                Place::InTurn => least = least.or(Some(one.identities)),
            }
        }
        // A key with its certificate is not to be left out for ever where one key is all there is room for.
        let least = least.filter(|_| taken == 0).unwrap_or_default();
        Room(Some(self.max.saturating_sub(taken).max(least)))
    }
}

fn is_asked_for(one: &Candidate) -> bool {
    matches!(one.named, Some(Named::CommandLine(_) | Named::Config(_)))
}

/// More keys in a rule than there is room for: they take turns, or the last would never be offered.
fn ruled_rotates(candidates: &[Candidate], bounds: Bounds) -> bool {
    let ruled = candidates.iter().filter(|one| one.rule.is_some());
    bounds.max > 0 && ruled.map(|one| one.identities).sum::<usize>() > bounds.max
}
