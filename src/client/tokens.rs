//! Names of key files as ssh's configuration writes them: `~`, `%h` and its like, `${VARIABLE}`.

use claviger_platform::dirs;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Who runs ssh here: what does not change from login to login.
#[derive(Clone, Debug)]
pub(super) struct Local {
    /// The user database's home, as ssh takes it; HOME means nothing to ssh.
    pub(super) home: PathBuf,
    pub(super) user: Option<String>,
    pub(super) uid: u32,
    pub(super) host: String,
}

impl Local {
    pub(super) fn new() -> Option<Self> {
        let (uid, user) = dirs::user();
        Some(Self {
            home: dirs::home_of(None)?,
            user: user.and_then(|user| user.into_string().ok()),
            uid,
            host: dirs::host_name().to_string_lossy().into_owned(),
        })
    }

    /// `~` and `~user` in front.
    pub(super) fn at_home(&self, text: &str) -> Option<PathBuf> {
        let Some(rest) = text.strip_prefix('~') else {
            return Some(text.into());
        };
        // The second is how Windows' users write it; a user's name has no such beginning.
        let (user, rest) = rest
            .strip_prefix('\\')
            .map(|rest| ("", rest))
            .or_else(|| rest.split_once('/'))
            .unwrap_or((rest, ""));
        match user {
            "" => Some(self.home.join(rest)),
            user => Some(dirs::home_of(Some(OsStr::new(user)))?.join(rest)),
        }
    }
}

/// What a name may refer to.
pub(super) struct Tokens<'a> {
    pub(super) local: &'a Local,
    /// Where relative names begin.
    pub(super) cwd: &'a Path,
    pub(super) host: &'a str,
    pub(super) hostname: Option<&'a str>,
    pub(super) port: Option<u16>,
    pub(super) user: Option<&'a str>,
    pub(super) host_key_alias: Option<&'a str>,
    pub(super) variable: &'a dyn Fn(&str) -> Option<String>,
}

impl Tokens<'_> {
    /// The absolute path; none where it refers to what is not known here.
    pub(super) fn path(&self, text: &str) -> Option<PathBuf> {
        let text = self.expand(self.local.at_home(text)?.to_str()?)?;
        (!text.is_empty()).then(|| self.cwd.join(text))
    }

    fn expand(&self, text: &str) -> Option<String> {
        let mut whole = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['%', '$']) {
            whole.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some(variable) = rest.strip_prefix("${") {
                let (name, behind) = variable.split_once('}')?;
                whole.push_str(&(self.variable)(name)?);
                rest = behind;
            } else if let Some(behind) = rest.strip_prefix('$') {
                whole.push('$');
                rest = behind;
            } else {
                let mut letters = rest[1..].chars();
                whole.push_str(&self.token(letters.next()?)?);
                rest = letters.as_str();
            }
        }
        whole.push_str(rest);
        Some(whole)
    }

    fn token(&self, letter: char) -> Option<String> {
        let host = || self.host.to_ascii_lowercase();
        Some(match letter {
            '%' => "%".to_owned(),
            'd' => self.local.home.to_str()?.to_owned(),
            'u' => self.local.user.clone()?,
            'i' => self.local.uid.to_string(),
            'l' => self.local.host.clone(),
            'L' => self.local.host.split('.').next()?.to_owned(),
            'h' => self.hostname.map_or_else(host, str::to_owned),
            'n' => self.host.to_owned(),
            'p' => self.port.unwrap_or(22).to_string(),
            'r' => self.user.map(str::to_owned).or_else(|| self.local.user.clone())?,
            'k' => self.host_key_alias.map_or_else(host, str::to_owned),
            // %C (a digest), %j (ProxyJump) and those to come.
            _ => return None,
        })
    }
}

/// The variables that `text` refers to.
pub(super) fn variables(text: &str) -> impl Iterator<Item = &str> {
    text.split("${")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('}')?.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files() {
        let local = Local {
            home: "/home/me".into(),
            user: Some("me".into()),
            uid: 1000,
            host: "box.example".into(),
        };
        let tokens = Tokens {
            local: &local,
            cwd: Path::new("/work"),
            host: "Alias",
            hostname: Some("host.example"),
            port: Some(2222),
            user: Some("git"),
            host_key_alias: None,
            variable: &|name| (name == "KEYS").then(|| "/keys".to_owned()),
        };
        for (text, expected) in [
            ("~/.ssh/id", Some("/home/me/.ssh/id")),
            ("id", Some("/work/id")),
            ("~", Some("/home/me")),
            (r"~\id", Some("/home/me/id")),
            (
                "%d/%u-%i/%h_%p_%r",
                Some("/home/me/me-1000/host.example_2222_git"),
            ),
            ("/%n/%l/%L/%k/100%%", Some("/Alias/box.example/box/alias/100%")),
            ("${KEYS}/a$b", Some("/keys/a$b")),
            ("${NONE}/a", None),
            ("${KEYS", None),
            ("/%C", None),
            ("/%", None),
            ("~nobody-of-that-name/x", None),
            ("", None),
        ] {
            assert_eq!(tokens.path(text).as_deref(), expected.map(Path::new), "{text}");
        }
        assert_eq!(variables("${A}/${B}${C").collect::<Vec<_>>(), ["A", "B"]);
    }
}
