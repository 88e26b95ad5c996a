//! `[offer]`: how many keys a client is shown.

use super::Config;
use super::read::{Fault, unplaced};
use serde::{Deserialize, Serialize};
use toml::Spanned;

/// More than any agent holds.
const MOST: i64 = 100_000;

/// The table as TOML has it.
#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Offer {
    pub(super) max: Option<Spanned<i64>>,
    pub(super) unbound_max: Option<Spanned<i64>>,
}

impl From<&Config> for Offer {
    fn from(config: &Config) -> Self {
        Self {
            max: Some(written(config.offer_max)),
            unbound_max: Some(written(config.unbound_max)),
        }
    }
}

/// A number of keys as the file has it.
pub(super) fn written(count: usize) -> Spanned<i64> {
    unplaced(i64::try_from(count).unwrap_or(MOST))
}

/// A number of keys; 0 is no limit.
pub(super) fn count(key: &str, value: Option<&Spanned<i64>>) -> Result<Option<usize>, Fault> {
    let Some(value) = value else {
        return Ok(None);
    };
    let number = *value.get_ref();
    match usize::try_from(number) {
        Ok(count) if number <= MOST => Ok(Some(count)),
        _ => Err(Fault {
            span: value.span(),
            reason: format!("{key}: {number} is no number of keys; write 1 or more, or 0 for no limit"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, ConfigError};
    use std::path::Path;

    fn parsed(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text.as_bytes(), Path::new("/etc/c.toml"), Path::new("/home/me"))
    }

    #[test]
    fn limits_are_read_and_shown() {
        let config = parsed("[offer]\nmax = 0\nunbound_max = 12\n").unwrap();
        assert_eq!((config.offer_max, config.unbound_max), (0, 12));
        assert_eq!(parsed(&config.to_toml()).unwrap(), config);
        let config = parsed("").unwrap();
        assert_eq!((config.offer_max, config.unbound_max), (5, 0));
    }

    #[test]
    fn mistakes_have_their_place_and_a_remedy() {
        for (text, place, name) in [
            ("[offer]\nmax = -1\n", "2:7", "offer.max: -1"),
            ("offer.unbound_max = 100001", "1:21", "no limit"),
            ("[offer]\nmax = 'all'\n", "2:7", "offer.max"),
            ("[offer]\nmost = 5\n", "2:1", "unbound_max"),
        ] {
            let error = parsed(text).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("/etc/c.toml:{place}: ")) && error.contains(name),
                "{error}"
            );
        }
    }
}
