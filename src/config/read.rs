//! Text to [`Config`]: every complaint has the line and column of what it complains about, and a remedy.
use super::kdbx::{self, Database};
use super::upstream::{self, Upstream};
use super::{Config, ConfigError, MAX_BYTES, Source};
use claviger_platform::files::{self, FileError};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::Spanned;

/// The file as TOML has it; what is missing is left to the defaults.
#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Text {
    keys: Keys,
    vault: Vault,
    lock: Lock,
    history: History,
    upstream: Vec<Upstream>,
    kdbx: Vec<Database>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Keys {
    dirs: Option<Vec<Spanned<String>>>,
    files: Option<Vec<Spanned<String>>>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Vault {
    order: Option<Spanned<Vec<Spanned<Source>>>>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Lock {
    idle: Option<Spanned<String>>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct History {
    keep: Option<bool>,
}

impl From<&Config> for Text {
    fn from(config: &Config) -> Self {
        let paths = |paths: &[PathBuf]| {
            let texts = paths
                .iter()
                .map(|path| unplaced(path.to_string_lossy().into_owned()));
            Some(texts.collect::<Vec<_>>())
        };
        let idle = config.idle.map_or("never".into(), |idle| {
            humantime::format_duration(idle).to_string()
        });
        Self {
            keys: Keys {
                dirs: paths(&config.key_dirs),
                files: paths(&config.key_files),
            },
            vault: Vault {
                order: Some(unplaced(config.order.iter().copied().map(unplaced).collect())),
            },
            lock: Lock {
                idle: Some(unplaced(idle)),
            },
            history: History {
                keep: Some(config.keep_history),
            },
            upstream: config.upstreams.iter().map(Upstream::from).collect(),
            kdbx: config.databases.iter().map(Database::from).collect(),
        }
    }
}

/// A value that comes from no text.
pub(super) fn unplaced<T>(value: T) -> Spanned<T> {
    Spanned::new(0..0, value)
}

/// The file's bytes; `None` when there is no file.
pub(super) fn bytes(path: &Path) -> Result<Option<Vec<u8>>, ConfigError> {
    match files::read_public(path, MAX_BYTES) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(FileError::Missing { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn parse(bytes: &[u8], path: &Path, home: &Path, defaults: Config) -> Result<Config, ConfigError> {
    let at = |offset: usize, reason: String| {
        let (line, column) = position(bytes, offset);
        ConfigError::Invalid {
            path: path.to_owned(),
            line,
            column,
            reason,
        }
    };
    let text = std::str::from_utf8(bytes).map_err(|error| {
        at(
            error.valid_up_to(),
            "not UTF-8 text; save the file as UTF-8".into(),
        )
    })?;
    let text: Text = toml::from_str(text).map_err(|mut error| {
        let offset = error.span().map_or(0, |span| span.start);
        // Without the text, the message ends with the name of the key instead of a drawing of the line.
        error.set_input(None);
        at(offset, error.to_string().trim_end().replace('\n', " "))
    })?;
    values(text, home, defaults).map_err(|fault| at(fault.span.start, fault.reason))
}

/// A value that TOML accepts and claviger does not.
pub(super) struct Fault {
    pub(super) span: Range<usize>,
    pub(super) reason: String,
}

fn values(text: Text, home: &Path, default: Config) -> Result<Config, Fault> {
    let paths = |key: &str, values: Option<Vec<Spanned<String>>>, default: Vec<PathBuf>| match values {
        Some(values) => values
            .iter()
            .map(|value| checked(key, value, |text| expand(text, home)))
            .collect(),
        None => Ok(default),
    };
    Ok(Config {
        key_dirs: paths("keys.dirs", text.keys.dirs, default.key_dirs)?,
        key_files: paths("keys.files", text.keys.files, default.key_files)?,
        order: text.vault.order.map_or(Ok(default.order), order)?,
        idle: match text.lock.idle {
            Some(value) => checked("lock.idle", &value, idle)?,
            None => default.idle,
        },
        keep_history: text.history.keep.unwrap_or(default.keep_history),
        upstreams: upstream::sockets(&text.upstream, home)?,
        databases: kdbx::databases(&text.kdbx, home)?,
    })
}

pub(super) fn checked<T>(
    key: &str,
    value: &Spanned<String>,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<T, Fault> {
    read(value.get_ref()).map_err(|reason| Fault {
        span: value.span(),
        reason: format!("{key}: {reason}"),
    })
}

/// `~` and `~/...` are the home; everything else must be absolute, because an agent has no directory of its own.
pub(super) fn expand(text: &str, home: &Path) -> Result<PathBuf, String> {
    let path = match text.strip_prefix('~') {
        Some("") => home.to_owned(),
        Some(rest) if rest.starts_with('/') => home.join(rest.trim_start_matches('/')),
        _ => PathBuf::from(text),
    };
    match path.is_absolute() {
        true => Ok(path),
        false => Err(format!(
            "{text:?} is not absolute; write the whole path, or one that starts with \"~/\""
        )),
    }
}

fn order(sources: Spanned<Vec<Spanned<Source>>>) -> Result<Vec<Source>, Fault> {
    if sources.get_ref().is_empty() {
        let reason = "vault.order: empty, so no key could ever be opened; name at least \"prompt\"".into();
        return Err(Fault {
            span: sources.span(),
            reason,
        });
    }
    let mut order = Vec::new();
    for source in sources.into_inner() {
        if order.contains(source.get_ref()) {
            let reason = "vault.order: this source is named twice; leave one out".into();
            return Err(Fault {
                span: source.span(),
                reason,
            });
        }
        order.push(source.into_inner());
    }
    Ok(order)
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

/// Line and column of a byte, both from 1; columns count characters, as editors do.
fn position(bytes: &[u8], offset: usize) -> (usize, usize) {
    let before = &bytes[..offset.min(bytes.len())];
    let start = before
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map_or(0, |newline| newline + 1);
    let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
    (
        line,
        String::from_utf8_lossy(&before[start..]).chars().count() + 1,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &[u8]) -> Result<Config, ConfigError> {
        Config::parse(text, Path::new("/etc/c.toml"), Path::new("/home/Zoë Q"))
    }

    #[test]
    fn nothing_gives_the_defaults() {
        let config = parsed(b"").unwrap();
        assert_eq!(config, Config::defaults(Path::new("/home/Zoë Q")));
        assert_eq!(config.key_dirs, [Path::new("/home/Zoë Q/.ssh")]);
        assert_eq!(config.idle, Some(Duration::from_secs(900)));
        assert_eq!(
            config.order,
            [Source::Os, Source::Kdbx, Source::Embedded, Source::Prompt]
        );
    }

    #[test]
    fn every_setting_is_read() {
        let config = parsed(
            "[keys]\ndirs = [\"~\", \"/srv/clés privées\"]\nfiles = [\"~//a b/id\"]\n\
             [vault]\norder = [\"prompt\", \"embedded\"]\n[lock]\nidle = \"1h 30m\"\n"
                .as_bytes(),
        )
        .unwrap();
        assert_eq!(
            config.key_dirs,
            [Path::new("/home/Zoë Q"), Path::new("/srv/clés privées")]
        );
        assert_eq!(config.key_files, [Path::new("/home/Zoë Q/a b/id")]);
        assert_eq!(config.order, [Source::Prompt, Source::Embedded]);
        assert_eq!(config.idle, Some(Duration::from_secs(5400)));
        assert_eq!(config.upstreams, [] as [&Path; 0]);
        let agents = b"[[upstream]]\nsocket = '/run/a'\n[[upstream]]\nsocket = '~/b c'\n";
        assert_eq!(
            parsed(agents).unwrap().upstreams,
            [Path::new("/run/a"), Path::new("/home/Zoë Q/b c")]
        );
        assert_eq!(parsed(b"lock.idle = 'never'").unwrap().idle, None);
        assert_eq!(
            parsed(b"keys = { dirs = [] }").unwrap().key_dirs,
            [] as [&Path; 0]
        );
    }

    #[test]
    fn what_is_shown_reads_back_as_the_same() {
        for text in [
            "",
            "[lock]\nidle = \"never\"\n[keys]\nfiles = [\"~/\\\"é\\\" #\"]\n",
            "[[upstream]]\nsocket = '/b'\n[[upstream]]\nsocket = \"/a 'é'\"\n",
        ] {
            let config = parsed(text.as_bytes()).unwrap();
            assert_eq!(
                parsed(config.to_toml().as_bytes()).unwrap(),
                config,
                "{}",
                config.to_toml()
            );
        }
    }

    #[test]
    fn bad_input_is_refused_with_its_place_and_a_remedy() {
        // text, line, column, what the message must name
        let table: &[(&[u8], usize, usize, &[&str])] = &[
            (b"[kesy]\n", 1, 2, &["kesy", "keys", "vault", "lock"]),
            (
                b"[keys]\ndirs = []\n  dir = []\n",
                3,
                3,
                &["dir", "dirs", "files"],
            ),
            (b"[keys]\n[offer]\nmax = 5\n", 2, 2, &["offer", "expected one of"]),
            (b"[keys]\ndirs = \"/x\"\n", 2, 8, &["keys.dirs", "sequence"]),
            (
                b"[keys]\nfiles = [\"/a\", 7]\n",
                2,
                16,
                &["keys.files", "7", "string"],
            ),
            (
                "[keys]\nfiles = [\"/é\", 'x/y']".as_bytes(),
                2,
                16,
                &["keys.files", "x/y", "absolute"],
            ),
            (b"keys.dirs = ['~bob/.ssh']", 1, 14, &["keys.dirs", "~bob", "~/"]),
            (b"keys.dirs = ['']", 1, 14, &["keys.dirs", "absolute"]),
            (b"keys = 5", 1, 8, &["keys", "5"]),
            (
                b"[vault]\norder = [\"os\", \"keepass\"]\n",
                2,
                16,
                &["keepass", "embedded", "vault.order"],
            ),
            (
                b"[vault]\norder = [\"os\",\n\"prompt\", \"os\"]\n",
                3,
                11,
                &["vault.order", "twice"],
            ),
            (b"[vault]\norder = []\n", 2, 9, &["vault.order", "prompt"]),
            (b"[lock]\nidle = 15\n", 2, 8, &["lock.idle", "15", "string"]),
            (
                b"[lock]\nidle = \"15 parsecs\"\n",
                2,
                8,
                &["lock.idle", "15 parsecs", "never"],
            ),
            (b"[lock]\nidle = \"0s\"\n", 2, 8, &["lock.idle", "0s", "never"]),
            (b"[lock]\nidle = \"-5m\"\n", 2, 8, &["lock.idle", "-5m"]),
            (
                b"[lock]\nidle = \"99999999999999999999y\"\n",
                2,
                8,
                &["lock.idle"],
            ),
            (
                b"[lock]\nidle = \"5m\"\nidle = \"6m\"\n",
                3,
                1,
                &["duplicate key"],
            ),
            (b"upstream.socket = '/a'", 1, 1, &["upstream", "sequence"]),
            (b"# one\n[[upstream]]\n", 2, 1, &["socket"]),
            (
                b"[[upstream]]\nsocket = '/a'\npath = '/b'\n",
                3,
                1,
                &["path", "socket"],
            ),
            (
                b"[[upstream]]\nsocket = 'gpg/S.ssh'\n",
                2,
                10,
                &["upstream.socket", "absolute"],
            ),
            (
                b"[[upstream]]\nsocket = '/a'\n\n[[upstream]]\nsocket = '//a'\n",
                5,
                10,
                &["upstream.socket", "twice"],
            ),
            (b"[lock]\nidle = \n", 2, 8, &["value"]),
            (b"[lock\nidle = 5\n", 1, 6, &["]"]),
            (b"# ok\nkeys.dirs = ['/a\xff']\n", 2, 17, &["UTF-8"]),
            (b"\xff\xfek\0", 1, 1, &["UTF-8"]),
            ("# é\n[lo\u{0}ck]\n".as_bytes(), 2, 4, &[]),
        ];
        for (text, line, column, names) in table {
            let shown = String::from_utf8_lossy(text);
            let error = parsed(text).expect_err(&shown).to_string();
            assert!(
                error.starts_with(&format!("/etc/c.toml:{line}:{column}: ")),
                "{shown}\n{error}"
            );
            assert!(!error.contains('\n'), "{error}");
            for name in *names {
                assert!(error.contains(name), "{name} is not in: {error}");
            }
        }
    }
}
