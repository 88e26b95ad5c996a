//! The agent's lock (`ssh-add -x`): a passphrase of which only a slow salted hash is kept.
//!
//! The same derivation gives a second half that is never kept: the key under which added keys are sealed while the
//! agent is locked. So a locked agent's memory does not hold what would open them.

use super::shield::{KEY, Shield};
use crate::secret::Secret;
use aws_lc_rs::{constant_time, pbkdf2, rand};
use std::num::NonZeroU32;
use std::time::Duration;

/// PBKDF2-HMAC-SHA512 passes: OWASP's figure; about a tenth of a second.
const PASSES: NonZeroU32 = NonZeroU32::new(210_000).unwrap();
const SALT: usize = 16;
/// Each failure in a row makes the next one slower by this much (as in OpenSSH) ...
const STEP: Duration = Duration::from_millis(100);
/// ... up to this.
const LONGEST: Duration = Duration::from_secs(10);

/// A lock that is closed.
pub(super) struct Lock {
    salt: [u8; SALT],
    verifier: [u8; KEY],
}

impl Lock {
    /// Locks with `passphrase`; slow. None when the system has no randomness.
    pub(super) fn close(passphrase: &[u8]) -> Option<(Self, Shield)> {
        let mut salt = [0; SALT];
        rand::fill(&mut salt).ok()?;
        let (verifier, shield) = derive(passphrase, &salt);
        Some((Self { salt, verifier }, shield))
    }

    /// What opens the keys again, if `passphrase` is the one; slow.
    pub(super) fn open(&self, passphrase: &[u8]) -> Option<Shield> {
        let (verifier, shield) = derive(passphrase, &self.salt);
        constant_time::verify_slices_are_equal(&verifier, &self.verifier).ok()?;
        Some(shield)
    }

    /// The same lock, for a derivation on another thread.
    pub(super) fn share(&self) -> Self {
        Self {
            salt: self.salt,
            verifier: self.verifier,
        }
    }
}

/// How long the `failures`th wrong passphrase in a row is answered late.
pub(super) fn delay(failures: u32) -> Duration {
    STEP.saturating_mul(failures).min(LONGEST)
}

fn derive(passphrase: &[u8], salt: &[u8]) -> ([u8; KEY], Shield) {
    let mut both = Secret::zeroed(2 * KEY);
    pbkdf2::derive(
        pbkdf2::PBKDF2_HMAC_SHA512,
        PASSES,
        salt,
        passphrase,
        both.as_mut_slice(),
    );
    let mut verifier = [0; KEY];
    verifier.copy_from_slice(&both[..KEY]);
    (verifier, Shield::from_key(Secret::copy_of(&both[KEY..])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_passphrase_opens_and_gives_the_key_back() {
        let (lock, shield) = Lock::close(b"lock me").unwrap();
        let sealed = shield.seal(b"fields").unwrap();
        drop(shield);
        assert!(lock.open(b"lock you").is_none());
        assert_eq!(
            &lock.open(b"lock me").unwrap().open(&sealed).unwrap()[..],
            b"fields"
        );
    }

    #[test]
    fn delays_grow_to_a_limit() {
        assert_eq!(delay(1), Duration::from_millis(100));
        assert_eq!(delay(4), Duration::from_millis(400));
        assert_eq!(delay(1_000_000), Duration::from_secs(10));
    }
}
