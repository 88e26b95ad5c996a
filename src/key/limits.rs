//! What a file may have its reader spend on deriving a key from a passphrase.
//!
//! The file says how much memory and how many rounds its derivation takes, and a file may come from anywhere: one that asks
//! for a terabyte, or for a year, must cost an error line. So each reader compares with [`KdfLimits`] before it derives.
//! Memory is compared as it is. Time cannot be known beforehand, so it is estimated from the rounds with the speed of an
//! everyday processor: one setting then holds for all derivations, whose rounds mean very different things.

use std::time::Duration;

/// Most that one derivation may take: `[limits]` of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KdfLimits {
    /// `kdf_memory`, in MiB.
    pub memory: u32,
    /// `kdf_time`, as an everyday processor would need.
    pub time: Duration,
    /// `kdf_threads`.
    pub threads: u32,
}

/// A file asks for more than the limits allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "its key derivation ({kdf}) asks for {asked} {of}, and {setting} under [limits] in config.toml allows {limit}; \
     raise that if you trust the file, or save it anew at a lower cost"
)]
pub struct TooCostly {
    /// Name of the derivation.
    pub kdf: &'static str,
    /// What it asks for.
    pub asked: u64,
    /// What is allowed.
    pub limit: u64,
    /// Of what, in the plural.
    pub of: &'static str,
    /// The setting that allows more.
    pub setting: &'static str,
}

/// A key derivation, as a file asks for it.
#[derive(Clone, Copy, Debug)]
pub enum Derivation {
    /// OpenSSH's (`ssh-keygen -a`).
    Bcrypt {
        /// Rounds.
        rounds: u32,
    },
    /// PKCS#5's older one.
    Pbkdf2 {
        /// Iterations.
        iterations: u32,
    },
    /// PKCS#5's newer one (RFC 7914).
    Scrypt {
        /// N.
        cost: u64,
        /// r.
        block: u64,
        /// p.
        lanes: u64,
    },
    /// PuTTY's and KeePass's (RFC 9106).
    Argon2 {
        /// In bytes.
        memory: u64,
        /// Passes over it.
        passes: u64,
        /// Threads.
        lanes: u64,
    },
    /// KeePass's older one.
    AesKdf {
        /// Rounds.
        rounds: u64,
    },
}

const MIB: u64 = 1 << 20;
const MEMORY: &str = "MiB of memory";
const MEMORY_TIMES_PASSES: &str = "MiB of memory times passes";

impl KdfLimits {
    /// Eight times the memory that KeePass and PuTTY suggest at most, and half a minute to two minutes.
    pub const DEFAULT: Self = Self {
        memory: 1024,
        time: Duration::from_secs(120),
        threads: 64,
    };
    /// For readers that derive nothing.
    pub(super) const NONE: Self = Self {
        memory: u32::MAX,
        time: Duration::MAX,
        threads: u32::MAX,
    };

    /// Whether the derivation stays within the limits.
    ///
    /// # Errors
    /// What it asks for, and what is allowed.
    pub fn check(&self, derivation: Derivation) -> Result<(), TooCostly> {
        match derivation {
            Derivation::Bcrypt { rounds } => self.check_time("bcrypt", u64::from(rounds), "rounds", 100),
            Derivation::Pbkdf2 { iterations } => {
                self.check_time("PBKDF2", u64::from(iterations), "iterations", 500_000)
            }
            Derivation::Scrypt { cost, block, lanes } => {
                let memory = cost.saturating_mul(block).saturating_mul(128);
                self.check_memory("scrypt", memory)?;
                let work = memory.saturating_mul(lanes).div_ceil(MIB);
                self.check_time("scrypt", work, MEMORY_TIMES_PASSES, 512)
            }
            Derivation::Argon2 {
                memory,
                passes,
                lanes,
            } => {
                self.check_memory("Argon2", memory)?;
                let work = memory.saturating_mul(passes).div_ceil(MIB);
                self.check_time("Argon2", work, MEMORY_TIMES_PASSES, 1024)?;
                let limit = u64::from(self.threads);
                within("Argon2", lanes, "threads", limit, "kdf_threads")
            }
            Derivation::AesKdf { rounds } => self.check_time("AES-KDF", rounds, "rounds", 4_000_000),
        }
    }

    fn check_memory(&self, kdf: &'static str, bytes: u64) -> Result<(), TooCostly> {
        within(
            kdf,
            bytes.div_ceil(MIB),
            MEMORY,
            u64::from(self.memory),
            "kdf_memory",
        )
    }

    /// `speed`: how many of them an everyday processor does in a second.
    fn check_time(
        &self,
        kdf: &'static str,
        asked: u64,
        of: &'static str,
        speed: u64,
    ) -> Result<(), TooCostly> {
        let limit = self.time.as_millis().saturating_mul(u128::from(speed)) / 1000;
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        within(kdf, asked, of, limit, "kdf_time")
    }
}

fn within(
    kdf: &'static str,
    asked: u64,
    of: &'static str,
    limit: u64,
    setting: &'static str,
) -> Result<(), TooCostly> {
    match asked <= limit {
        true => Ok(()),
        false => Err(TooCostly {
            kdf,
            asked,
            limit,
            of,
            setting,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_choose_is_within_the_defaults_and_the_next_size_is_not() {
        const GIB: u64 = 1 << 30;
        let argon2 = |memory, passes, lanes| Derivation::Argon2 {
            memory,
            passes,
            lanes,
        };
        let scrypt = |cost, lanes| Derivation::Scrypt {
            cost,
            block: 8,
            lanes,
        };
        for (derivation, setting) in [
            (Derivation::Bcrypt { rounds: 10_000 }, None),
            (Derivation::Bcrypt { rounds: 20_000 }, Some("kdf_time")),
            (Derivation::Bcrypt { rounds: u32::MAX }, Some("kdf_time")),
            (
                Derivation::Pbkdf2 {
                    iterations: 10_000_000,
                },
                None,
            ),
            (
                Derivation::Pbkdf2 {
                    iterations: 99_000_000,
                },
                Some("kdf_time"),
            ),
            (argon2(GIB, 64, 64), None),
            (argon2(GIB + 1, 1, 1), Some("kdf_memory")),
            (argon2(GIB, 1 << 40, 1), Some("kdf_time")),
            (argon2(u64::MAX, u64::MAX, 1), Some("kdf_memory")),
            (argon2(1, 1, 65), Some("kdf_threads")),
            (scrypt(1 << 20, 1), None),
            (scrypt(1 << 21, 1), Some("kdf_memory")),
            (scrypt(1 << 20, 1000), Some("kdf_time")),
            (scrypt(u64::MAX, u64::MAX), Some("kdf_memory")),
            (Derivation::AesKdf { rounds: 200_000_000 }, None),
            (Derivation::AesKdf { rounds: u64::MAX }, Some("kdf_time")),
        ] {
            let refused = KdfLimits::DEFAULT.check(derivation).err();
            assert_eq!(refused.map(|refused| refused.setting), setting, "{derivation:?}");
            assert_eq!(
                KdfLimits::NONE.check(Derivation::Bcrypt { rounds: u32::MAX }),
                Ok(())
            );
        }
    }

    #[test]
    fn a_refusal_has_both_numbers_and_the_setting() {
        let refused = KdfLimits::DEFAULT.check(Derivation::Bcrypt { rounds: 1_000_000 });
        let text = refused.unwrap_err().to_string();
        for word in ["bcrypt", "1000000 rounds", "12000", "kdf_time", "[limits]"] {
            assert!(text.contains(word), "{word}: {text}");
        }
    }
}
