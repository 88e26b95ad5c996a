//! The arguments of PuTTY's clients, as 0.7x and 0.8x take them: `plink [options] [user@]host [command]`.

use super::arguments::{Arguments, File};
use std::ffi::OsString;

/// Options with a value; `-pw` among them, whose value is passed over and kept nowhere.
const VALUED: [&str; 19] = [
    "-load",
    "-P",
    "-l",
    "-i",
    "-cert",
    "-pw",
    "-pwfile",
    "-proxycmd",
    "-sercfg",
    "-hostkey",
    "-m",
    "-nc",
    "-D",
    "-L",
    "-R",
    "-sshlog",
    "-sshrawlog",
    "-b",
    "-title",
];

/// Reads the words behind the program's name.
pub(super) fn parse(tool: &str, words: &[OsString]) -> Arguments {
    let mut found = Arguments {
        unsure: words.iter().any(|word| word.to_str().is_none()),
        ..Arguments::default()
    };
    let mut words = words.iter().map(|word| word.to_string_lossy().into_owned());
    while let Some(word) = words.next() {
        if !word.starts_with('-') {
            match tool {
                // Its words are files, here or at a host.
                "pscp" => found.aim_at(host_of(&word)),
                _ => found.aim_at(Some(word.as_str())),
            }
            if tool == "plink" {
                found.command.extend(words);
                break;
            }
        } else if VALUED.contains(&word.as_str()) {
            match words.next() {
                Some(value) => found.take(&word, value),
                None => found.unsure = true,
            }
        }
    }
    found
}

/// The host in pscp's `[user@]host:file`, by its own rule: a colon in the second place is that of a drive, and one behind
/// a slash a file's; an address of IPv6 is in brackets.
fn host_of(word: &str) -> Option<&str> {
    if word.starts_with(':') || (!word.starts_with('[') && word.chars().nth(1) == Some(':')) {
        return None;
    }
    let bracket = word.find(']').filter(|_| word.contains('[')).unwrap_or(0);
    let at = bracket + word[bracket..].find([':', '/', '\\'])?;
    word[at..].starts_with(':').then(|| &word[..at])
}

impl Arguments {
    fn aim_at(&mut self, target: Option<&str>) {
        let Some(target) = target.filter(|_| self.host.is_none()) else {
            return;
        };
        let (user, host) = match target.rsplit_once('@') {
            Some((user, host)) => (Some(user.to_owned()), host),
            None => (None, target),
        };
        self.user = user.or(self.user.take());
        self.host = (!host.is_empty()).then(|| host.to_owned());
    }

    fn take(&mut self, option: &str, value: String) {
        match option {
            "-i" => self.files.push(File::Identity(value)),
            "-cert" => self.files.push(File::Certificate(value)),
            "-l" => self.user = Some(value),
            "-P" => {
                self.port = value.parse().ok();
                self.unsure |= self.port.is_none();
            }
            // A saved session may name a key and a host.
            "-load" => self.unsure = true,
            _ => (),
        }
    }
}
