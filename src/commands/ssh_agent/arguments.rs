//! ssh-agent's own command line, read as getopt(3) does: options bundled or with their value attached, in order, the
//! first fault ends it. clap itself would take `-P=x` apart, see faults in another order, and tell them in other words.

use clap_lex::{RawArgs, ShortFlags};
use claviger::session::{OptionError, Options, OptionsBuilder};
use std::ffi::{OsStr, OsString};

/// What OpenSSH 10.6 prints.
pub(super) const USAGE: &str = "\
usage: ssh-agent [-c | -s] [-DdU] [-T | -A directory | -a bind_address]
                 [-E fingerprint_hash] [-O option]
                 [-P allowed_providers] [-t life]
       ssh-agent [-U] [-T | -A directory | -a bind_address]
                 [-E fingerprint_hash] [-O option]
                 [-P allowed_providers] [-t life] command [arg ...]
       ssh-agent [-c | -s] -k
       ssh-agent -u
       ssh-agent -V
";

/// A command line that makes sense.
#[derive(Default)]
pub(super) struct Arguments {
    pub(super) csh: bool,
    pub(super) sh: bool,
    pub(super) foreground: bool,
    pub(super) debug: bool,
    pub(super) kill: bool,
    /// `-a`.
    pub(super) socket: Option<OsString>,
    /// `-A`.
    pub(super) place: Option<OsString>,
    /// `-T`.
    pub(super) temporary: bool,
    /// `-u`, how often.
    pub(super) clean_up: u8,
    /// `-U`.
    pub(super) keep_stale: bool,
    pub(super) options: Options,
    pub(super) command: Vec<OsString>,
}

/// Why it makes none, or `-V`.
#[derive(Debug)]
pub(super) enum Fault {
    /// Usage, after a line that says why, if there is one.
    Usage(Option<String>),
    /// Usage, after what `-t` is told, which OpenSSH prints and does not log.
    Lifetime(OptionError),
    /// A value that OpenSSH ends at.
    Fatal(OptionError),
    /// `-V`.
    Version,
}

/// Reads the words behind the program's name.
pub(super) fn parse(words: impl Iterator<Item = OsString>) -> Result<Arguments, Fault> {
    let raw = RawArgs::new(words);
    let mut cursor = raw.cursor();
    let mut reader = Reader::default();
    while let Some(word) = raw.peek(&cursor) {
        if word.is_escape() {
            raw.next(&mut cursor);
            break;
        }
        if word.is_long() {
            return Err(unknown('-'));
        }
        let Some(mut flags) = word.to_short() else { break };
        raw.next(&mut cursor);
        while let Some(flag) = flags.next_flag() {
            let flag = flag.map_err(|_| unknown('\u{fffd}'))?;
            if "aAEOPt".contains(flag) {
                let value = value(&mut flags, || raw.next_os(&mut cursor))
                    .ok_or_else(|| Fault::Usage(Some(format!("option requires an argument -- {flag}"))))?;
                reader.valued(flag, value)?;
            } else {
                reader.plain(flag)?;
            }
        }
    }
    let command = raw.remaining(&mut cursor).map(OsStr::to_owned).collect();
    reader.finish(command)
}

/// The rest of the word, or else the next one.
fn value<'a>(flags: &mut ShortFlags<'a>, next: impl FnOnce() -> Option<&'a OsStr>) -> Option<OsString> {
    flags.next_value_os().or_else(next).map(OsStr::to_owned)
}

fn unknown(flag: char) -> Fault {
    Fault::Usage(Some(format!("unknown option -- {flag}")))
}

#[derive(Default)]
struct Reader {
    found: Arguments,
    options: OptionsBuilder,
}

impl Reader {
    fn plain(&mut self, flag: char) -> Result<(), Fault> {
        let found = &mut self.found;
        // What a second one of its kind does, or one of another: OpenSSH takes `-cc` and not `-dd`.
        let excluded = match flag {
            'c' => found.sh,
            's' => found.csh,
            'd' | 'D' => found.debug || found.foreground,
            'T' => found.temporary,
            _ => false,
        };
        match flag {
            'c' => found.csh = true,
            's' => found.sh = true,
            'd' => found.debug = true,
            'D' => found.foreground = true,
            'T' => found.temporary = true,
            'k' => found.kill = true,
            'U' => found.keep_stale = true,
            'u' => found.clean_up = found.clean_up.saturating_add(1),
            'V' => return Err(Fault::Version),
            _ => return Err(unknown(flag)),
        }
        if excluded { Err(Fault::Usage(None)) } else { Ok(()) }
    }

    fn valued(&mut self, flag: char, value: OsString) -> Result<(), Fault> {
        let text = value.to_string_lossy();
        let taken = match flag {
            'a' => {
                self.found.socket = Some(value);
                return Ok(());
            }
            'A' => {
                self.found.place = Some(value);
                return Ok(());
            }
            'E' => self.options.hash(&text),
            'O' => self.options.option(&text),
            'P' => self.options.providers(&text),
            _ => self.options.lifetime(&text),
        };
        taken.map_err(|error| match error {
            OptionError::Lifetime => Fault::Lifetime(error),
            _ => Fault::Fatal(error),
        })
    }

    fn finish(self, command: Vec<OsString>) -> Result<Arguments, Fault> {
        let found = Arguments {
            options: self.options.finish(),
            command,
            ..self.found
        };
        let modes = found.csh || found.sh || found.debug || found.foreground || found.kill;
        let with_command = modes || found.clean_up > 0;
        let places = [found.socket.is_some(), found.place.is_some(), found.temporary];
        if !found.command.is_empty() && with_command || places.iter().filter(|&&given| given).count() > 1 {
            return Err(Fault::Usage(None));
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn read(words: &[&str]) -> Result<Arguments, Fault> {
        parse(words.iter().map(OsString::from))
    }

    #[test]
    fn everything_is_read_where_getopt_finds_it() {
        let found = read(&["-P/*", "-dst1h", "-a", "-D", "-Emd5"]).ok().unwrap();
        assert!(found.debug && found.sh && !found.foreground);
        assert_eq!(found.socket, Some("-D".into()));
        assert_eq!(found.options.lifetime, Some(Duration::from_secs(3600)));
        assert_eq!(found.options.providers, "/*");
        let found = read(&["-P=x", "sh", "-c", "echo"]).ok().unwrap();
        assert_eq!(found.options.providers, "=x");
        assert_eq!(found.command, ["sh", "-c", "echo"]);
        assert_eq!(read(&["--", "-x"]).ok().unwrap().command, ["-x"]);
        assert_eq!(read(&["-", "-x"]).ok().unwrap().command, ["-", "-x"]);
        assert_eq!(read(&["-uu"]).ok().unwrap().clean_up, 2);
    }

    #[test]
    fn faults_are_told_in_opensshs_words_and_order() {
        let usage = |words: &[&str]| match read(words) {
            Err(Fault::Usage(reason)) => reason.unwrap_or_default(),
            _ => panic!("{words:?}"),
        };
        assert_eq!(usage(&["-h"]), "unknown option -- h");
        assert_eq!(usage(&["--help"]), "unknown option -- -");
        assert_eq!(usage(&["-a"]), "option requires an argument -- a");
        assert!(matches!(read(&["-t", "xx"]), Err(Fault::Lifetime(_))));
        for words in [
            &["-c", "-s"][..],
            &["-d", "-D"],
            &["-dd"],
            &["-T", "-T"],
            &["-a", "x", "-T"],
            &["-A", "x", "-a", "y"],
            &["-k", "true"],
            &["-c", "true"],
            &["-u", "true"],
            &["-D", "true"],
        ] {
            assert_eq!(usage(words), "", "{words:?}");
        }
        for (words, text) in [
            (&["-E", "xx", "-h"][..], "Invalid hash algorithm \"xx\""),
            (&["-Pa", "-Pb"], "-P option already specified"),
            (&["-O", "zz"], "Unknown -O option"),
        ] {
            assert!(matches!(read(words), Err(Fault::Fatal(error)) if error.to_string() == text));
        }
        assert!(matches!(read(&["-dV"]), Err(Fault::Version)));
        for words in [&["-cc"][..], &["-ss"], &["-kk"], &["-UU"], &["-k", "-D", "-u"]] {
            assert!(read(words).is_ok(), "{words:?}");
        }
    }
}
