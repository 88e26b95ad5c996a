//! `[lock]`: when open keys are sealed without anybody asking for it.

use super::read::{Fault, checked, unplaced};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use toml::Spanned;

/// When open keys are sealed without anybody asking for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lock {
    /// `lock.idle`: after so long without use, or without input by the person; `None` = "never".
    pub idle: Option<Duration>,
    /// `lock.on_screen_lock`: when the screen is locked.
    pub on_screen_lock: bool,
    /// `lock.on_sleep`: before the machine sleeps.
    pub on_sleep: bool,
}

impl Lock {
    /// What holds where the file says nothing.
    pub const DEFAULT: Self = Self {
        idle: Some(Duration::from_secs(15 * 60)),
        on_screen_lock: true,
        on_sleep: true,
    };
    /// What holds for the drop-in for ssh-agent: as with OpenSSH's, nothing.
    pub const NEVER: Self = Self {
        idle: None,
        on_screen_lock: false,
        on_sleep: false,
    };

    /// Whether anything depends on what the person does.
    pub fn watches(&self) -> bool {
        self.idle.is_some() || self.on_screen_lock || self.on_sleep
    }
}

/// The table as TOML has it.
#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Table {
    idle: Option<Spanned<String>>,
    on_screen_lock: Option<bool>,
    on_sleep: Option<bool>,
}

impl From<&Lock> for Table {
    fn from(lock: &Lock) -> Self {
        let idle = lock.idle.map_or("never".into(), |idle| {
            humantime::format_duration(idle).to_string()
        });
        Self {
            idle: Some(unplaced(idle)),
            on_screen_lock: Some(lock.on_screen_lock),
            on_sleep: Some(lock.on_sleep),
        }
    }
}

pub(super) fn lock(table: &Table, default: Lock) -> Result<Lock, Fault> {
    Ok(Lock {
        idle: match &table.idle {
            Some(value) => checked("lock.idle", value, idle)?,
            None => default.idle,
        },
        on_screen_lock: table.on_screen_lock.unwrap_or(default.on_screen_lock),
        on_sleep: table.on_sleep.unwrap_or(default.on_sleep),
    })
}

fn idle(text: &str) -> Result<Option<Duration>, String> {
    const REMEDY: &str = "write a time such as \"15m\" or \"1h 30m\", or \"never\"";
    if text == "never" {
        return Ok(None);
    }
    match humantime::parse_duration(text) {
        Ok(time) if time < Duration::from_secs(1) => Err(format!("{text:?} is less than a second; {REMEDY}")),
        Ok(time) => Ok(Some(time)),
        Err(error) => Err(format!("{text:?} is not a time ({error}); {REMEDY}")),
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
    fn what_seals_is_read_and_shown_as_it_is() {
        assert_eq!(parsed("").unwrap().lock, Lock::DEFAULT);
        for (text, on_screen_lock, on_sleep) in [
            ("lock.on_screen_lock = false", false, true),
            ("lock.on_sleep = false", true, false),
            (
                "lock = { on_sleep = false, on_screen_lock = false }",
                false,
                false,
            ),
        ] {
            let config = parsed(text).unwrap();
            assert_eq!(
                config.lock,
                Lock {
                    on_screen_lock,
                    on_sleep,
                    ..Lock::DEFAULT
                }
            );
            assert_eq!(parsed(&config.to_toml()).unwrap(), config);
        }
        let error = parsed("[lock]\non_sleep = 'yes'\n").unwrap_err().to_string();
        assert!(
            error.starts_with("/etc/c.toml:2:12: ") && error.contains("bool"),
            "{error}"
        );
    }

    #[test]
    fn the_drop_in_watches_nothing() {
        assert!(!Lock::NEVER.watches());
        let idle = Some(Duration::from_secs(60));
        assert!(Lock { idle, ..Lock::NEVER }.watches());
    }
}
