//! Where a key stands among the others, and why.

use super::offer::{At, Candidate, Hint, MISSES, Named, Reason, Worked};
use std::cmp::Reverse;

/// What comes first is least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    CommandLine(usize),
    Rule(usize),
    Worked {
        not_path: bool,
        less_hinted: Reverse<Hint>,
        other_user: bool,
        at: At,
        misses: u32,
        last: Reverse<u64>,
    },
    Config(usize),
    Hint(Reverse<Hint>),
    Untried(Reverse<(u64, u64)>),
    Tried(u64, Option<usize>, Reverse<Hint>, Reverse<(u64, u64)>),
}

/// Where a key stands; `rotates` where a rule has more keys than there is room for.
pub(super) fn rank(one: &Candidate, rotates: bool) -> Rank {
    if let Some(Named::CommandLine(place)) = one.named {
        return Rank::CommandLine(place);
    }
    if let (Some(place), false) = (one.rule, rotates) {
        return Rank::Rule(place);
    }
    if let Some(worked) = worked(one) {
        return Rank::Worked {
            not_path: !worked.same_path,
            less_hinted: Reverse(one.hint.max(Hint::Host)),
            other_user: !worked.same_user,
            at: worked.at,
            misses: worked.misses,
            last: Reverse(worked.last),
        };
    }
    if let Some(Named::Config(place)) = one.named {
        return Rank::Config(place);
    }
    match (one.tried, one.rule, one.hint) {
        (Some(round), place, _) => Rank::Tried(round, place, Reverse(one.hint), Reverse(one.overall)),
        (None, Some(place), _) => Rank::Rule(place),
        (None, None, Hint::None) => Rank::Untried(Reverse(one.overall)),
        (None, None, hint) => Rank::Hint(Reverse(hint)),
    }
}

/// A key that is named for the repository stands among those that worked: another account's key may work here as well, and
/// be the wrong one.
fn worked(one: &Candidate) -> Option<Worked> {
    let for_path = one.hint >= Hint::Owner && one.tried.is_none();
    let nothing = Worked {
        at: At::Authority,
        same_path: false,
        same_user: true,
        last: 0,
        misses: 0,
    };
    one.worked
        .filter(|_| works(one))
        .or_else(|| for_path.then_some(nothing))
}

/// Why it stands there.
pub(super) fn reason(one: &Candidate, rotates: bool) -> Reason {
    match rank(one, rotates) {
        Rank::CommandLine(_) => Reason::CommandLine,
        Rank::Rule(_) => Reason::Rule,
        Rank::Worked { not_path: false, .. } => Reason::WorkedForPath,
        Rank::Worked { .. } if one.hint >= Hint::Owner => Reason::NamesPath,
        Rank::Worked {
            at: At::Authority, ..
        } => Reason::WorkedForAuthority,
        Rank::Worked { .. } => Reason::Worked,
        Rank::Config(_) => Reason::Config,
        Rank::Hint(_) => Reason::NamesHost,
        Rank::Untried(_) => Reason::Untried,
        Rank::Tried(..) => Reason::TriedBefore,
    }
}

/// Whether it worked here and may be expected to.
pub(super) fn works(one: &Candidate) -> bool {
    one.worked.is_some_and(|worked| worked.misses < MISSES)
}
