//! ssh's own arguments, read as its getopt(3) does: options before and behind the host, bundled or with their value
//! attached, up to `--` or the remote command.

use super::line;
use clap_lex::RawArgs;
use std::ffi::OsString;

/// Options with a value, of OpenSSH 9.2 to 10.6. `-P` is the newer versions' tag; the older ones' is without a value, has
/// had no effect for twenty years, and is not told apart.
const VALUED: &str = "bceilmopBDEFIJLOPQRSwW";

/// What ssh was told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Arguments {
    /// Key and certificate files, in order.
    pub(super) files: Vec<File>,
    /// `-F`.
    pub(super) config: Option<String>,
    /// What else may decide what holds for the host, to be passed on.
    pub(super) deciding: Vec<String>,
    /// What tells the kind of session; decides only where a configuration asks for that.
    pub(super) session: Vec<String>,
    /// The first of each keyword given by `-o`, in lower case, with its value.
    pub(super) settings: Vec<(String, String)>,
    /// The host as typed, with user and port if they were typed with it.
    pub(super) target: Option<String>,
    pub(super) host: Option<String>,
    pub(super) user: Option<String>,
    pub(super) port: Option<u16>,
    /// The remote command.
    pub(super) command: Vec<String>,
    /// Something in it is no text, or does not parse.
    pub(super) unsure: bool,
}

/// A file named in the arguments, as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum File {
    Identity(String),
    Certificate(String),
}

impl Arguments {
    /// Reads the words behind the program's name.
    pub(super) fn parse(words: &[OsString]) -> Self {
        let mut found = Self {
            unsure: words.iter().any(|word| word.to_str().is_none()),
            ..Self::default()
        };
        let raw = RawArgs::new(words.iter().map(|word| word.to_string_lossy().into_owned()));
        let mut cursor = raw.cursor();
        // Its cursor must not go beyond the end.
        while let Some(word) = raw.peek(&cursor) {
            raw.next(&mut cursor);
            if word.is_escape() {
                break;
            }
            // A long option is to getopt(3) a bundle that begins with '-', which ssh refuses.
            found.unsure |= word.is_long();
            let Some(mut flags) = word.to_short() else {
                let word = word.to_value_os().to_string_lossy().into_owned();
                if found.target.is_some() {
                    found.command.push(word);
                    break;
                }
                found.aim(word);
                continue;
            };
            while let Some(flag) = flags.next_flag() {
                let Ok(flag) = flag else { break };
                if VALUED.contains(flag) {
                    let value = flags.next_value_os().or_else(|| {
                        raw.peek(&cursor)?;
                        raw.next_os(&mut cursor)
                    });
                    match value {
                        Some(value) => found.valued(flag, value.to_string_lossy().into_owned()),
                        None => found.unsure = true,
                    }
                } else {
                    found.plain(flag);
                }
            }
        }
        let mut rest = raw
            .remaining(&mut cursor)
            .map(|word| word.to_string_lossy().into_owned());
        if found.target.is_none()
            && let Some(target) = rest.next()
        {
            found.aim(target);
        }
        found.command.extend(rest);
        found
    }

    /// What `-o` says of `keyword` (in lower case).
    pub(super) fn setting(&self, keyword: &str) -> Option<&str> {
        let mut settings = self.settings.iter();
        settings
            .find(|(name, _)| name == keyword)
            .map(|(_, value)| value.as_str())
    }

    fn plain(&mut self, flag: char) {
        if "NsTt".contains(flag) {
            self.session.push(format!("-{flag}"));
        }
    }

    fn valued(&mut self, flag: char, value: String) {
        match flag {
            'i' => return self.files.push(File::Identity(value)),
            'F' => return self.config = Some(value),
            'o' => return self.option(value),
            'W' => return self.session.extend(["-W".to_owned(), value]),
            'l' => self.user = self.user.take().or_else(|| Some(value.clone())),
            'p' => {
                let port = value.parse().ok();
                // ssh takes a service's name too.
                self.unsure |= port.is_none();
                self.port = self.port.or(port);
            }
            'J' | 'P' => (),
            _ => return,
        }
        self.deciding.extend([format!("-{flag}"), value]);
    }

    fn option(&mut self, text: String) {
        let Some(line) = line::cut(&text) else {
            self.unsure = true;
            return;
        };
        let Some(values) = line.values else {
            self.unsure = true;
            return;
        };
        let value = values.into_iter().next().unwrap_or_default();
        match line.keyword.as_str() {
            "identityfile" => self.files.push(File::Identity(value)),
            "certificatefile" => self.files.push(File::Certificate(value)),
            _ => {
                self.deciding.extend(["-o".to_owned(), text]);
                self.settings.push((line.keyword, value));
            }
        }
    }

    /// Takes `[user@]host` or `ssh://[user@]host[:port]` apart.
    fn aim(&mut self, target: String) {
        let uri = target.strip_prefix("ssh://");
        let (user, host) = match uri.unwrap_or(&target).rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, uri.unwrap_or(&target)),
        };
        let (mut host, mut port) = (host, None);
        if uri.is_some() {
            host = host.strip_suffix('/').unwrap_or(host);
            if let Some((name, number)) = host.rsplit_once(':').filter(|(_, number)| !number.contains(']')) {
                (host, port) = (name, number.parse().ok());
                self.unsure |= port.is_none();
            }
            host = host
                .strip_prefix('[')
                .and_then(|host| host.strip_suffix(']'))
                .unwrap_or(host);
        }
        let decoded = |text: &str| match uri {
            Some(_) => percent_encoding::percent_decode_str(text)
                .decode_utf8_lossy()
                .into_owned(),
            None => text.to_owned(),
        };
        self.unsure |= host.is_empty() || host.starts_with('-');
        self.host = Some(host.to_owned());
        self.user = self.user.take().or(user.map(decoded));
        self.port = self.port.or(port);
        self.target = Some(target);
    }
}
