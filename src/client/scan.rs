//! Looks through ssh's configuration files without judging which lines hold: whether `ssh -G` may be run over them, all the
//! key files in them, and what an answer depends on.
//!
//! `ssh -G` runs the commands of `Match exec` as a login does. The user's own ssh may not have got to such a line (`Match`
//! stops at the first criterion that does not hold), and one that it has run must not be run twice. So ssh is asked
//! only where no such line can be. What cannot be read whole counts as if it had one.

use super::line;
use super::tokens::{self, Local};
use claviger_platform::dirs;
use claviger_platform::files::{self, FileError, Stamp, stamp};
use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

/// Include files in include files, as deep as ssh goes.
const DEPTH: usize = 16;
/// Most files, and the largest, in bytes; larger configurations are not judged.
const MOST: usize = 512;
const LARGEST: u64 = 1 << 20;
/// All files together, in bytes.
const TOGETHER: usize = 8 << 20;

/// What the files say.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Files and directories that an answer depends on, as they were before they were read.
    pub(super) stamps: Vec<(PathBuf, Option<Stamp>)>,
    /// Every `IdentityFile` and `CertificateFile`, as written.
    pub(super) identities: Vec<String>,
    pub(super) certificates: Vec<String>,
    /// Names that `Host` lines have, without patterns.
    pub(super) hosts: Vec<String>,
    /// Every variable that is referred to.
    pub(super) variables: BTreeSet<String>,
    /// Names of hosts may be looked up and replaced, which is not done here.
    pub(super) canonical: bool,
    /// The remote command or the kind of session may matter.
    pub(super) session: bool,
    /// A pattern of directories, whose changes do not show in the stamps.
    pub(super) fleeting: bool,
    /// Why ssh is not to be asked.
    pub(super) doubt: Option<&'static str>,
    seen: HashSet<PathBuf>,
    bytes: usize,
}

/// What a search needs.
pub(super) struct Search<'a> {
    pub(super) local: &'a Local,
    pub(super) variable: &'a dyn Fn(&str) -> Option<String>,
}

impl Search<'_> {
    /// Looks through `named` (`-F`, absolute, or "none"), or else the user's file and the system's.
    pub(super) fn run(&self, named: Option<&Path>) -> Scan {
        let mut scan = Scan::default();
        let own = self.local.home.join(".ssh");
        match named {
            Some(path) if path == Path::new("none") => {}
            Some(path) => self.file(&mut scan, path, &own, 0),
            None => {
                self.file(&mut scan, &own.join("config"), &own, 0);
                for path in dirs::SSH_CONFIGS.iter().map(Path::new) {
                    self.file(&mut scan, path, path.parent().unwrap_or(path), 0);
                }
            }
        }
        scan
    }

    fn file(&self, scan: &mut Scan, path: &Path, base: &Path, depth: usize) {
        if depth > DEPTH || scan.seen.len() >= MOST {
            scan.doubt.get_or_insert("too many files, or too deep");
            return;
        }
        // Once is enough, also in a circle: ssh says itself what it thinks of one.
        if path == Path::new("/dev/null") || !scan.seen.insert(path.to_owned()) {
            return;
        }
        scan.stamps.push((path.to_owned(), stamp(path)));
        let bytes = match files::read_public(path, LARGEST) {
            Ok(bytes) => bytes,
            Err(FileError::Missing { .. }) => return,
            // As if it were empty, to ssh.
            Err(FileError::NotRegular { .. }) if path.is_dir() => return,
            Err(_) => {
                scan.doubt.get_or_insert("a file cannot be read");
                return;
            }
        };
        scan.bytes += bytes.len();
        if scan.bytes > TOGETHER {
            scan.doubt.get_or_insert("files too large");
            return;
        }
        let text = String::from_utf8_lossy(&bytes);
        if text.contains(char::REPLACEMENT_CHARACTER) {
            scan.doubt.get_or_insert("a file is not UTF-8");
        }
        for text in text.lines() {
            self.line(scan, text, base, depth);
        }
    }

    fn line(&self, scan: &mut Scan, text: &str, base: &Path, depth: usize) {
        let Some(line) = line::cut(text) else { return };
        if line::may_run(text) {
            scan.doubt.get_or_insert("a Match that runs a command");
        }
        scan.variables.extend(tokens::variables(text).map(str::to_owned));
        let values = line.values;
        let first = || values.as_ref().and_then(|values| values.first());
        match line.keyword.as_str() {
            "identityfile" => scan.identities.extend(first().cloned()),
            "certificatefile" => scan.certificates.extend(first().cloned()),
            "host" => {
                let names = values.iter().flatten();
                let plain = names.filter(|name| !name.contains(['*', '?', '!']));
                scan.hosts.extend(plain.cloned());
            }
            "canonicalizehostname" => scan.canonical |= first().is_none_or(|value| !is_off(value)),
            "canonicalizepermittedcnames" => scan.canonical |= first().is_none_or(|value| !is_off(value)),
            keyword if keyword.starts_with("match") => {
                let text = text.to_ascii_lowercase();
                scan.session |= text.contains("command") || text.contains("sessiontype");
            }
            keyword if keyword.starts_with("include") => {
                if keyword != "include" || values.is_none() {
                    scan.doubt.get_or_insert("an Include that is not understood");
                }
                for value in values.unwrap_or_default() {
                    self.include(scan, &value, base, depth);
                }
            }
            _ => (),
        }
    }

    fn include(&self, scan: &mut Scan, value: &str, base: &Path, depth: usize) {
        if value.contains(['%', '\\']) {
            scan.doubt.get_or_insert("an Include with tokens");
            return;
        }
        let mut text = value.to_owned();
        for name in tokens::variables(value) {
            let Some(content) = (self.variable)(name) else {
                scan.doubt.get_or_insert("an Include with an unknown variable");
                return;
            };
            text = text.replace(&format!("${{{name}}}"), &content);
        }
        let Some(path) = self.local.at_home(&text) else {
            scan.doubt.get_or_insert("an Include of an unknown user");
            return;
        };
        let path = base.join(path);
        let Some(pattern) = path.to_str().filter(|text| text.contains(['*', '?', '['])) else {
            return self.file(scan, &path, base, depth + 1);
        };
        self.pattern(scan, pattern, base, depth);
    }

    fn pattern(&self, scan: &mut Scan, pattern: &str, base: &Path, depth: usize) {
        let folder = Path::new(pattern).parent().unwrap_or(Path::new("/"));
        scan.fleeting |= folder.to_string_lossy().contains(['*', '?', '[']);
        scan.stamps.push((folder.to_owned(), stamp(folder)));
        // Two stars are one to ssh, and a whole tree to the crate.
        let mut plain = pattern.to_owned();
        while plain.contains("**") {
            plain = plain.replace("**", "*");
        }
        let options = glob::MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: true,
        };
        let Ok(found) = glob::glob_with(&plain, options) else {
            scan.doubt
                .get_or_insert("an Include with a pattern that is not understood");
            return;
        };
        for path in found.take(MOST + 1) {
            match path {
                Ok(path) => self.file(scan, &path, base, depth + 1),
                Err(_) => {
                    scan.doubt.get_or_insert("a directory cannot be read");
                }
            }
        }
    }
}

/// How ssh's configuration says that something is not wanted.
pub(super) fn is_off(value: &str) -> bool {
    ["no", "none", "false"]
        .iter()
        .any(|off| value.eq_ignore_ascii_case(off))
}
