//! `[limits]`: what a file may have claviger spend on deriving its key.

use super::read::{Fault, checked, unplaced};
use crate::key::KdfLimits;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use toml::Spanned;

/// The table as TOML has it.
#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Limits {
    kdf_memory: Option<Spanned<String>>,
    kdf_time: Option<Spanned<String>>,
    kdf_threads: Option<Spanned<u32>>,
}

impl From<&KdfLimits> for Limits {
    fn from(limits: &KdfLimits) -> Self {
        let memory = match limits.memory.is_multiple_of(GIB) {
            true => format!("{}GiB", limits.memory / GIB),
            false => format!("{}MiB", limits.memory),
        };
        Self {
            kdf_memory: Some(unplaced(memory)),
            kdf_time: Some(unplaced(humantime::format_duration(limits.time).to_string())),
            kdf_threads: Some(unplaced(limits.threads)),
        }
    }
}

/// In MiB.
const GIB: u32 = 1024;

pub(super) fn limits(table: &Limits, default: KdfLimits) -> Result<KdfLimits, Fault> {
    let memory = table.kdf_memory.as_ref();
    let time = table.kdf_time.as_ref();
    Ok(KdfLimits {
        memory: memory.map_or(Ok(default.memory), |text| checked("limits.kdf_memory", text, mib))?,
        time: time.map_or(Ok(default.time), |text| checked("limits.kdf_time", text, seconds))?,
        threads: match &table.kdf_threads {
            None => default.threads,
            Some(number) if (1..=MAX_THREADS).contains(number.get_ref()) => *number.get_ref(),
            Some(number) => {
                return Err(Fault {
                    span: number.span(),
                    reason: format!("limits.kdf_threads: write a number from 1 to {MAX_THREADS}"),
                });
            }
        },
    })
}

/// More than any machine runs at once.
const MAX_THREADS: u32 = 1024;

fn mib(text: &str) -> Result<u32, String> {
    let size = |unit: &str| text.strip_suffix(unit)?.trim_end().parse::<u32>().ok();
    let size = size("MiB").or_else(|| size("GiB")?.checked_mul(GIB));
    size.filter(|size| *size > 0)
        .ok_or_else(|| format!("{text:?} is not a size; write one such as \"512MiB\" or \"2GiB\""))
}

fn seconds(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if time >= Duration::from_secs(1) => Ok(time),
        _ => Err(format!(
            "{text:?} is not a time of a second or more; write one such as \"30s\" or \"5m\""
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, ConfigError};
    use super::*;
    use std::path::Path;

    fn parsed(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text.as_bytes(), Path::new("/etc/c.toml"), Path::new("/home/Zoë"))
    }

    #[test]
    fn each_limit_is_read_and_shown_as_it_is() {
        assert_eq!(parsed("").unwrap().limits, KdfLimits::DEFAULT);
        let text = "[limits]\nkdf_memory = '1536 MiB'\nkdf_time = '1h 5m'\nkdf_threads = 2\n";
        let config = parsed(text).unwrap();
        let expected = KdfLimits {
            memory: 1536,
            time: Duration::from_secs(3900),
            threads: 2,
        };
        assert_eq!(config.limits, expected);
        assert_eq!(parsed(&config.to_toml()).unwrap(), config);
        let some = parsed("limits.kdf_memory = '4GiB'").unwrap();
        assert_eq!(some.limits.memory, 4096);
        assert_eq!(some.limits.time, KdfLimits::DEFAULT.time);
        assert!(some.to_toml().contains("4GiB"), "{}", some.to_toml());
    }

    #[test]
    fn mistakes_have_their_place_and_a_remedy() {
        for (text, place, word) in [
            ("[limits]\nkdf_memory = '1 GB'\n", "2:14", "512MiB"),
            ("[limits]\nkdf_memory = '0MiB'\n", "2:14", "kdf_memory"),
            ("[limits]\nkdf_memory = '9999999GiB'\n", "2:14", "kdf_memory"),
            ("[limits]\nkdf_memory = 5\n", "2:14", "string"),
            ("[limits]\nkdf_time = '1'\n", "2:12", "30s"),
            ("[limits]\nkdf_time = '0s'\n", "2:12", "kdf_time"),
            ("[limits]\nkdf_threads = 0\n", "2:15", "kdf_threads"),
            ("[limits]\nkdf_rounds = 1\n", "2:1", "kdf_time"),
        ] {
            let error = parsed(text).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("/etc/c.toml:{place}: ")) && error.contains(word),
                "{error}"
            );
        }
    }
}
