//! `claviger explain`: what the next login at a host would be offered, by the code that offers it.

use super::choice::{Choice, Entry};
use super::{Destination, Offering};
use crate::policy::{Candidate, LeftOut, Offer, Reason};
use crate::session::authenticator::is_left_to;
use crate::wire::report::{ExplainReport, ExplainedKey};

/// A server that lets a source wait after failed logins (sshd 9.8 and later) does so after a few of them.
pub(in crate::session) const MANY: usize = 2;

/// Tells what `entries` a login at `host` would be offered. A look that leaves no trace.
pub(in crate::session) async fn explain(
    offering: &Offering,
    host: &str,
    mut entries: Vec<Entry<'_>>,
    own_library: &str,
) -> ExplainReport {
    let destination = Destination::named(offering, host).await;
    entries.retain(|entry| match entry {
        Entry::Held(held) => !is_left_to(&destination.asked, held, own_library),
        Entry::Foreign { .. } => true,
    });
    let choice = Choice::new(offering, &destination, entries, false);
    let settings = offering.settings();
    let rule = destination.rule(&settings);
    let listed = choice.offer.listed.iter();
    let offered = listed.filter_map(|(index, reason)| {
        let (code, text) = why(*reason, choice.candidates.get(*index)?);
        Some(explained(choice.entries.get(*index)?, code, text))
    });
    let left_out = choice.offer.left_out.iter().filter_map(|(index, reason)| {
        let (code, text) = why_not(*reason);
        Some(explained(choice.entries.get(*index)?, code, text))
    });
    ExplainReport {
        host: host.to_owned(),
        host_keys: destination
            .host
            .iter()
            .chain(destination.kin.iter().skip(1))
            .cloned()
            .collect(),
        authority: destination.authority.clone(),
        names: destination.names.clone(),
        user: destination.asked.user.clone(),
        rule: rule.map(|rule| rule.matches.join(", ")),
        confirm: rule.is_some_and(|rule| rule.confirm),
        max: choice.bounds.max,
        whole: choice.bounds.whole,
        offers_in_vain: choice.learnt.rounds,
        next: next(&destination, &choice),
        offered: offered.collect(),
        left_out: left_out.collect(),
    }
}

fn explained(entry: &Entry<'_>, code: &str, text: String) -> ExplainedKey {
    ExplainedKey {
        fingerprint: entry.fingerprint().to_owned(),
        comment: String::from_utf8_lossy(entry.comment()).into_owned(),
        path: entry
            .path()
            .map(|path| path.display().to_string())
            .unwrap_or_default(),
        reason: code.to_owned(),
        detail: text,
    }
}

fn why(reason: Reason, one: &Candidate) -> (&'static str, String) {
    let misses = one.worked.map_or(0, |worked| worked.misses);
    let worked = |what: &str| match misses {
        0 => what.to_owned(),
        1 => format!("{what}, but was not taken the last time"),
        _ => format!("{what}, but was not taken the last {misses} times"),
    };
    match reason {
        Reason::CommandLine => ("command_line", String::from("ssh's command line names it")),
        Reason::Rule => ("rule", String::from("a rule for this host names it")),
        Reason::WorkedForPath => ("worked_for_path", worked("it worked for this repository")),
        Reason::NamesPath => (
            "names_path",
            String::from("its comment, file or entry names the repository"),
        ),
        Reason::Worked => ("worked", worked("it worked here")),
        Reason::WorkedForAuthority => (
            "worked_for_authority",
            String::from("it worked at a host with a certificate of the same authority"),
        ),
        Reason::Config => ("ssh_config", String::from("ssh_config names it for this host")),
        Reason::NamesHost => (
            "names_host",
            String::from("its comment, file, entry or `--for` names the host"),
        ),
        Reason::Untried => match one.overall.0 {
            0 => ("untried", String::from("it was not offered here yet")),
            times => (
                "untried",
                format!("it was not offered here yet; used {times} times elsewhere"),
            ),
        },
        Reason::TriedBefore => (
            "tried",
            String::from("it was offered in vain before, but all others were later"),
        ),
        Reason::Default => (
            "ssh_default",
            String::from("ssh tries this file by itself, so leaving it out would save nothing"),
        ),
    }
}

fn why_not(reason: LeftOut) -> (&'static str, String) {
    match reason {
        LeftOut::Rule => ("rule", String::from("the rule for this host is about other keys")),
        LeftOut::Default => (
            "ssh_default",
            String::from("ssh tries this file by itself, behind the keys that are expected to work"),
        ),
        LeftOut::Room => ("max", String::from("offer.max leaves no room for it")),
    }
}

/// What will happen next time.
fn next(destination: &Destination, choice: &Choice<'_>) -> String {
    let Offer { listed, left_out, .. } = &choice.offer;
    let room = left_out.iter().any(|(_, reason)| *reason == LeftOut::Room);
    let works = choice
        .candidates
        .iter()
        .any(|one| one.worked.is_some_and(|worked| worked.misses == 0));
    let mut text = match (destination.host.is_some(), listed.is_empty(), works, room) {
        (_, true, ..) => {
            String::from("no key is offered, so the login needs another way, such as a password")
        }
        (false, ..) => String::from(
            "known_hosts does not have this host, so nothing could be learnt of it yet; its first login teaches it",
        ),
        (true, false, true, _) => String::from("the first key that worked here is expected to be taken"),
        (true, false, false, true) => {
            String::from("if none of these is taken, the next login is offered the next ones")
        }
        (true, false, false, false) => {
            String::from("if none of these is taken, no other key is left to offer")
        }
    };
    if choice.learnt.rounds >= MANY {
        text.push_str(&format!(
            "; {} offers were not taken here: a server (sshd 9.8 and later) may let this computer wait after failed \
             logins, so give it some seconds between two",
            choice.learnt.rounds
        ));
    }
    text
}
