//! What the person who started the agent allowed: the options of ssh-agent's command line that outlive the start.

use crate::key::Hash;
use crate::policy::WEBSAFE;
use std::time::Duration;

/// OpenSSH's own default for `-P`.
const PROVIDERS: &str = "/usr/lib*/*,/usr/local/lib*/*";

/// The options of one agent. Pattern lists are as ssh_config(5) has them: patterns parted by commas, `!` before one
/// that excludes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `-t`: how long a key that a client adds without a lifetime is kept; `None` is for good.
    pub lifetime: Option<Duration>,
    /// `-P`: which PKCS#11 and security key libraries may be loaded.
    pub providers: String,
    /// `-O websafe-allow=…`: the applications whose security keys sign anything; others sign only logins and sshsig.
    /// `None` (`-O no-restrict-websafe`) restricts none.
    pub websafe: Option<String>,
    /// `-O allow-remote-pkcs11`: also forwarded clients may have libraries loaded.
    pub allow_remote_pkcs11: bool,
    /// `-E`: how fingerprints are shown in questions.
    pub hash: Hash,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            lifetime: None,
            providers: String::from(PROVIDERS),
            websafe: Some(String::from(WEBSAFE)),
            allow_remote_pkcs11: false,
            hash: Hash::default(),
        }
    }
}

/// Why an option was not taken, in OpenSSH's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionError {
    /// `-t`; the only one that OpenSSH follows with its usage.
    #[error("Invalid lifetime")]
    Lifetime,
    /// `-E`.
    #[error("Invalid hash algorithm \"{0}\"")]
    Hash(String),
    /// `-O`.
    #[error("Unknown -O option")]
    Unknown,
    /// `-O websafe-allow` twice.
    #[error("websafe-allow already set")]
    WebsafeTwice,
    /// `-P` twice.
    #[error("-P option already specified")]
    ProvidersTwice,
}

/// Collects options as they come on a command line.
#[derive(Default)]
pub struct OptionsBuilder {
    options: Options,
    providers_given: bool,
    websafe_given: bool,
}

impl OptionsBuilder {
    /// `-t LIFE`: seconds, or a time as in sshd_config(5) (`90`, `10m`, `1h30m`, `1w`); 0 is for good.
    pub fn lifetime(&mut self, text: &str) -> Result<(), OptionError> {
        let seconds = seconds(text).ok_or(OptionError::Lifetime)?;
        self.options.lifetime = (seconds > 0).then(|| Duration::from_secs(seconds));
        Ok(())
    }

    /// `-E HASH`.
    pub fn hash(&mut self, text: &str) -> Result<(), OptionError> {
        self.options.hash = match text.to_ascii_lowercase().as_str() {
            "md5" => Hash::Md5,
            "sha1" => Hash::Sha1,
            "sha256" => Hash::Sha256,
            "sha384" => Hash::Sha384,
            "sha512" => Hash::Sha512,
            _ => return Err(OptionError::Hash(text.to_owned())),
        };
        Ok(())
    }

    /// `-P LIST`, once.
    pub fn providers(&mut self, text: &str) -> Result<(), OptionError> {
        if std::mem::replace(&mut self.providers_given, true) {
            return Err(OptionError::ProvidersTwice);
        }
        text.clone_into(&mut self.options.providers);
        Ok(())
    }

    /// `-O OPTION`. Once lifted, the restriction stays lifted whatever list is given.
    pub fn option(&mut self, text: &str) -> Result<(), OptionError> {
        match (text, text.strip_prefix("websafe-allow=")) {
            ("no-restrict-websafe", _) => self.options.websafe = None,
            ("allow-remote-pkcs11", _) => self.options.allow_remote_pkcs11 = true,
            (_, Some(_)) if std::mem::replace(&mut self.websafe_given, true) => {
                return Err(OptionError::WebsafeTwice);
            }
            (_, Some(list)) => {
                if let Some(websafe) = &mut self.options.websafe {
                    list.clone_into(websafe);
                }
            }
            _ => return Err(OptionError::Unknown),
        }
        Ok(())
    }

    /// What was collected.
    pub fn finish(self) -> Options {
        self.options
    }
}

/// OpenSSH's time format: numbers with a unit each, seconds (or a bare number) last, in all at most an `int`.
fn seconds(text: &str) -> Option<u64> {
    let (mut total, mut rest) = (0_u64, text);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number: u64 = rest[..digits].parse().ok()?;
        let (factor, after) = match rest.as_bytes().get(digits).map(u8::to_ascii_lowercase) {
            None => (1, &rest[digits..]),
            Some(unit) => (factor(unit)?, &rest[digits + 1..]),
        };
        if factor == 1 && !after.is_empty() {
            return None;
        }
        total = total.checked_add(number.checked_mul(factor)?)?;
        rest = after;
    }
    let bounded = total <= u64::from(i32::MAX.unsigned_abs());
    (bounded && !text.is_empty()).then_some(total)
}

fn factor(unit: u8) -> Option<u64> {
    match unit {
        b's' => Some(1),
        b'm' => Some(60),
        b'h' => Some(3_600),
        b'd' => Some(86_400),
        b'w' => Some(604_800),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_are_sshds_time_formats() {
        for (text, expected) in [
            ("90", 90),
            ("10m", 600),
            ("1h30m", 5400),
            ("1H30", 3630),
            ("1w2d", 777_600),
            ("1h1h", 7200),
            ("0", 0),
            ("2147483647", 2_147_483_647),
            ("24855d", 2_147_472_000),
        ] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "m",
            "5x",
            "-5",
            "+5",
            " 5",
            "1.5h",
            "5s5",
            "5s5s",
            "0x10",
            "24856d",
            "2147483648",
            "é",
            "99999999999999999999",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn zero_is_for_good_and_lists_are_taken_once() {
        let mut builder = OptionsBuilder::default();
        builder.lifetime("0").unwrap();
        builder.hash("MD5").unwrap();
        builder.providers("/a/*,!/a/b").unwrap();
        builder.option("allow-remote-pkcs11").unwrap();
        builder.option("websafe-allow=ssh:*,example.org").unwrap();
        assert_eq!(builder.providers("/b"), Err(OptionError::ProvidersTwice));
        assert_eq!(builder.option("websafe-allow=x"), Err(OptionError::WebsafeTwice));
        assert_eq!(builder.option(""), Err(OptionError::Unknown));
        let options = builder.finish();
        assert_eq!(options.lifetime, None);
        assert_eq!(options.hash, Hash::Md5);
        assert_eq!(options.providers, "/a/*,!/a/b");
        assert_eq!(options.websafe.as_deref(), Some("ssh:*,example.org"));
        assert!(options.allow_remote_pkcs11);
    }
}
