//! The order of an offer, what stays in it, and how the keys take turns.

use crate::policy::{At, Bounds, Candidate, Hint, LeftOut, MISSES, Named, Reason, Worked, offer};
use proptest::prelude::*;

const FIVE: Bounds = Bounds {
    max: 5,
    ruled: false,
    whole: false,
    urgent: false,
};

fn key() -> Candidate {
    Candidate {
        identities: 1,
        ..Candidate::default()
    }
}

fn worked(last: u64) -> Worked {
    Worked {
        at: At::HostKey,
        same_path: false,
        same_user: true,
        last,
        misses: 0,
    }
}

fn that_worked(worked: Worked) -> Candidate {
    Candidate {
        worked: Some(worked),
        ..key()
    }
}

fn named(named: Named) -> Candidate {
    Candidate {
        named: Some(named),
        ..key()
    }
}

fn hinting(hint: Hint) -> Candidate {
    Candidate { hint, ..key() }
}

fn tried(round: u64) -> Candidate {
    Candidate {
        tried: Some(round),
        ..key()
    }
}

/// Who is listed, by index.
fn order(candidates: &[Candidate], bounds: Bounds) -> Vec<usize> {
    offer(candidates, bounds)
        .listed
        .iter()
        .map(|(index, _)| *index)
        .collect()
}

#[test]
fn the_classes_come_in_their_order() {
    use Reason::{CommandLine, Config, NamesHost, TriedBefore, Untried, WorkedForAuthority};
    let authority = Worked {
        at: At::Authority,
        ..worked(99)
    };
    let kin = Worked {
        at: At::Kin,
        ..worked(99)
    };
    let candidates = [
        tried(2),
        tried(1),
        key(),
        Candidate {
            overall: (3, 9),
            ..key()
        },
        hinting(Hint::HostPart),
        hinting(Hint::Host),
        named(Named::Config(0)),
        that_worked(authority),
        that_worked(kin),
        that_worked(worked(1)),
        that_worked(worked(2)),
        named(Named::CommandLine(0)),
    ];
    let all = Bounds { max: 0, ..FIVE };
    let offer = offer(&candidates, all);
    let expected = [
        (11, CommandLine),
        (10, Reason::Worked),
        (9, Reason::Worked),
        (8, Reason::Worked),
        (7, WorkedForAuthority),
        (6, Config),
        (5, NamesHost),
        (4, NamesHost),
        (3, Untried),
        (2, Untried),
        (1, TriedBefore),
        (0, TriedBefore),
    ];
    assert_eq!(offer.listed, expected);
    assert_eq!(offer.counted, 12);
}

#[test]
fn among_those_that_worked_repository_then_user_then_time_decides() {
    let other_user = Worked {
        same_user: false,
        ..worked(50)
    };
    let same_path = Worked {
        same_path: true,
        ..worked(1)
    };
    let named_for_path = Candidate {
        hint: Hint::Owner,
        ..key()
    };
    let candidates = [
        that_worked(other_user),
        that_worked(worked(10)),
        that_worked(worked(20)),
        that_worked(same_path),
        named_for_path,
    ];
    assert_eq!(order(&candidates, FIVE), [3, 4, 2, 1, 0]);
}

#[test]
fn what_worked_falls_back_after_three_misses() {
    let missed = |misses| Worked { misses, ..worked(9) };
    let mut fallen = that_worked(missed(MISSES));
    fallen.tried = Some(4);
    let candidates = [fallen, key(), that_worked(missed(MISSES - 1))];
    assert_eq!(order(&candidates, FIVE), [2, 1, 0]);
}

#[test]
fn what_the_person_named_is_in_every_list_and_takes_the_others_room() {
    let mut candidates = vec![key(); 6];
    candidates.extend((0..3).map(|place| named(Named::Config(place))));
    assert_eq!(order(&candidates, FIVE), [6, 7, 8, 0, 1]);
    candidates.extend((3..7).map(|place| named(Named::Config(place))));
    assert_eq!(order(&candidates, FIVE), [6, 7, 8, 9, 10, 11, 12]);
    let ruled = Bounds { ruled: true, ..FIVE };
    assert_eq!(order(&candidates, ruled), [6, 7, 8, 9, 10, 11, 12]);
}

#[test]
fn files_that_ssh_tries_anyway_count_so_that_a_try_is_left_for_a_password() {
    let mut candidates = vec![key(); 8];
    candidates.push(named(Named::Default));
    for round in [None, Some(2)] {
        for candidate in &mut candidates {
            candidate.tried = round;
        }
        assert_eq!(order(&candidates, FIVE), [0, 1, 2, 3, 8]);
    }
    // The last login failed: five others have their turn, and behind them the file, which costs nothing more.
    candidates[7].tried = None;
    let urgent = Bounds { urgent: true, ..FIVE };
    let searching = offer(&candidates, urgent);
    assert_eq!(order(&candidates, urgent), [7, 0, 1, 2, 3, 8]);
    assert_eq!((searching.listed[5].1, searching.counted), (Reason::Default, 5));
    // Nothing is left to search for.
    candidates[7].tried = Some(3);
    assert_eq!(order(&candidates, urgent), [0, 1, 2, 3, 8]);
}

#[test]
fn a_key_that_is_expected_to_work_comes_before_the_files_that_ssh_tries_anyway() {
    let mut candidates = vec![named(Named::Default), that_worked(worked(1))];
    candidates.extend(vec![key(); 5]);
    let expecting = offer(&candidates, FIVE);
    assert_eq!(order(&candidates, FIVE), [1, 2, 3, 4]);
    assert_eq!(expecting.left_out[0], (0, LeftOut::Default));
    // It was not taken the last time: ssh's file is listed again, or ssh would ask for its passphrase.
    candidates[1].worked = Some(Worked {
        misses: 1,
        ..worked(1)
    });
    assert_eq!(order(&candidates, FIVE), [1, 0, 2, 3, 4]);
    // The file itself worked.
    candidates[0].worked = Some(worked(2));
    assert_eq!(order(&candidates, FIVE), [0, 1, 2, 3, 4]);
}

#[test]
fn a_rules_keys_are_the_only_ones_and_take_turns_if_they_are_too_many() {
    let ruled = Bounds { ruled: true, ..FIVE };
    let in_rule = |place| Candidate {
        rule: Some(place),
        ..key()
    };
    let mut candidates = vec![key(), in_rule(2), that_worked(worked(1)), in_rule(1)];
    let few = offer(&candidates, ruled);
    assert_eq!(few.listed, [(3, Reason::Rule), (1, Reason::Rule)]);
    assert_eq!(few.left_out, [(0, LeftOut::Rule), (2, LeftOut::Rule)]);
    candidates.extend((3..9).map(in_rule));
    assert_eq!(order(&candidates, ruled), [3, 1, 4, 5, 6]);
    for index in [3, 1, 4, 5, 6] {
        candidates[index].tried = Some(1);
    }
    assert_eq!(order(&candidates, ruled), [7, 8, 9, 3, 1]);
}

#[test]
fn certificates_cost_a_try_of_their_own() {
    let with_certificate = Candidate {
        identities: 2,
        ..key()
    };
    let candidates = vec![with_certificate.clone(); 4];
    assert_eq!(order(&candidates, FIVE), [0, 1]);
    let one = Bounds { max: 1, ..FIVE };
    assert_eq!(
        order(&candidates, one),
        [0],
        "a key that fits nowhere is not hidden for ever"
    );
}

#[test]
fn a_whole_list_is_ordered_and_only_its_beginning_counts() {
    let whole = Bounds { whole: true, ..FIVE };
    let mut candidates = vec![key(); 7];
    candidates[0].tried = Some(1);
    let offer = offer(&candidates, whole);
    assert_eq!(offer.listed.len(), 7);
    assert_eq!((offer.listed[6].0, offer.counted), (0, 5));
}

/// Logs in as ssh does, with `right` as the only key that works; returns how many logins it took.
fn logins(count: usize, right: usize, max: usize) -> usize {
    let mut candidates = vec![key(); count];
    for login in 1.. {
        let offered = order(&candidates, Bounds { max, ..FIVE });
        if offered.contains(&right) {
            return login;
        }
        for index in offered {
            candidates[index].tried = Some(login as u64);
        }
    }
    unreachable!()
}

fn candidates() -> impl Strategy<Value = Vec<Candidate>> {
    let named = prop_oneof![
        4 => Just(None),
        1 => (0..4usize).prop_map(|place| Some(Named::CommandLine(place))),
        1 => (0..4usize).prop_map(|place| Some(Named::Config(place))),
        1 => Just(Some(Named::Default)),
    ];
    let worked = proptest::option::of((any::<bool>(), any::<bool>(), 0..9u64, 0..5u32));
    let one = (
        1..3usize,
        named,
        proptest::option::of(0..3usize),
        worked,
        proptest::option::of(0..9u64),
    );
    let one = one.prop_map(|(identities, named, rule, worked, tried)| Candidate {
        identities,
        named,
        rule,
        worked: worked.map(|(same_path, same_user, last, misses)| Worked {
            at: At::Kin,
            same_path,
            same_user,
            last,
            misses,
        }),
        tried,
        ..Candidate::default()
    });
    proptest::collection::vec(one, 0..30)
}

proptest! {
    #[test]
    fn the_right_key_is_found_in_as_few_logins_as_there_are_offers(count in 1..60usize, max in 1..9usize, seed: usize) {
        prop_assert!(logins(count, seed % count, max) <= count.div_ceil(max));
    }

    #[test]
    fn each_key_is_told_of_once_and_no_named_one_is_left_out(
        candidates in candidates(), max in 0..9usize, ruled: bool, whole: bool, urgent: bool
    ) {
        let offer = offer(&candidates, Bounds { max, ruled, whole, urgent });
        let mut all: Vec<usize> = offer.listed.iter().map(|(index, _)| *index).collect();
        all.extend(offer.left_out.iter().map(|(index, _)| *index));
        all.sort_unstable();
        prop_assert_eq!(all, (0..candidates.len()).collect::<Vec<_>>());
        for (index, _) in &offer.left_out {
            let named = candidates[*index].named;
            prop_assert!(!matches!(named, Some(Named::CommandLine(_) | Named::Config(_))));
        }
        for (index, _) in &offer.listed {
            let one = &candidates[*index];
            prop_assert!(!ruled || one.rule.is_some() || one.named.is_some());
        }
    }
}
