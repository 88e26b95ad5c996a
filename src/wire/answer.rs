//! What another agent answers, as far as it has to be understood to be passed on: bounds are checked, contents are not.
//! A key type that nobody here has heard of is as good as any other.

use super::MAX_IDENTITIES;
use super::read::{string, uint32};

/// The codes that OpenSSH's client takes for failure: today's, the extension's, and two old ones.
const FAILURES: [u8; 4] = [5, 28, 30, 102];
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_RESPONSE: u8 = 14;

/// Whether the frame's body says no.
pub fn is_failure(body: &[u8]) -> bool {
    body.first().is_some_and(|kind| FAILURES.contains(kind))
}

/// The (blob, comment) pairs of an IDENTITIES_ANSWER; `None` if it is none, has more than [`MAX_IDENTITIES`], or is not
/// exactly as long as it says.
pub fn identities_answer(body: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let rest = &mut body.strip_prefix(&[IDENTITIES_ANSWER])?;
    let count = usize::try_from(uint32(rest)?).ok()?;
    if count > MAX_IDENTITIES {
        return None;
    }
    let mut found = Vec::new();
    for _ in 0..count {
        found.push((string(rest)?, string(rest)?));
    }
    rest.is_empty().then_some(found)
}

/// Whether the frame's body is a SIGN_RESPONSE that is exactly as long as it says and has a signature in it.
pub fn is_signature(body: &[u8]) -> bool {
    let Some(mut rest) = body.strip_prefix(&[SIGN_RESPONSE]) else {
        return false;
    };
    string(&mut rest).is_some_and(|signature| !signature.is_empty()) && rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::tests::{KEY, cut_and_lied};
    use crate::wire::{identities, signature};

    #[test]
    fn reads_lists_of_whatever_is_called_a_key() {
        let keys = [(KEY, &b"mine"[..]), (b"\0\0\0\x07unheard", b""), (b"", b"\xff\0")];
        let frame = identities(keys.into_iter());
        assert_eq!(identities_answer(&frame[4..]).unwrap(), keys);
        assert_eq!(identities_answer(&[12, 0, 0, 0, 0]).unwrap(), []);
    }

    #[test]
    fn refuses_lists_that_lie_or_that_no_client_would_take() {
        let frame = identities([(KEY, &b"mine"[..]), (KEY, b"")].into_iter());
        let whole = &frame[4..];
        for damaged in cut_and_lied(whole).iter().filter(|damaged| *damaged != whole) {
            // A lie about the count of keys may leave bytes behind, one inside a blob may not be seen.
            if let Some(read) = identities_answer(damaged) {
                let length: usize = read
                    .iter()
                    .map(|(blob, comment)| 8 + blob.len() + comment.len())
                    .sum();
                assert_eq!(5 + length, damaged.len(), "{damaged:?}");
            }
        }
        assert_eq!(identities_answer(&[whole, b"junk"].concat()), None);
        assert_eq!(identities_answer(&[5]), None);
        let count = u32::try_from(MAX_IDENTITIES).unwrap();
        for (count, taken) in [(count, true), (count + 1, false)] {
            let mut body = vec![12];
            body.extend(count.to_be_bytes());
            body.resize(body.len() + 8 * count as usize, 0);
            assert_eq!(identities_answer(&body).is_some(), taken, "{count}");
        }
    }

    #[test]
    fn a_signature_is_whole_or_none() {
        let frame = signature(b"signature");
        let whole = &frame[4..];
        assert!(is_signature(whole));
        for damaged in cut_and_lied(whole) {
            let same_length = damaged[..damaged.len().min(5)] == whole[..5];
            assert_eq!(
                is_signature(&damaged),
                same_length && damaged.len() == whole.len()
            );
        }
        assert!(!is_signature(&[whole, b"!"].concat()));
        assert!(!is_signature(&[14, 0, 0, 0, 0]));
        assert!(!is_signature(&[6]));
    }

    #[test]
    fn knows_every_no() {
        for kind in 0..=u8::MAX {
            assert_eq!(is_failure(&[kind]), [5, 28, 30, 102].contains(&kind));
        }
        assert!(!is_failure(&[]));
    }
}
