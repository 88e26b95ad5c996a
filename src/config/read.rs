//! Text to [`Config`]: every complaint has the line and column of what it complains about, and a remedy.
use super::host::{self, Host};
use super::kdbx::{self, Database};
use super::limits::{self, Limits};
use super::lock;
use super::offer::{self, Offer};
use super::upstream::{self, Upstream};
use super::windows::{self, Windows};
use super::{Config, ConfigError, MAX_BYTES, Source};
use claviger_platform::files::{self, FileError};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;

/// The file as TOML has it; what is missing is left to the defaults.
#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Text {
    keys: Keys,
    vault: Vault,
    lock: lock::Table,
    history: History,
    offer: Offer,
    host: Vec<Host>,
    limits: Limits,
    upstream: Vec<Upstream>,
    kdbx: Vec<Database>,
    #[serde(skip_serializing_if = "Windows::is_empty")]
    windows: Windows,
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
        Self {
            keys: Keys {
                dirs: paths(&config.key_dirs),
                files: paths(&config.key_files),
            },
            vault: Vault {
                order: Some(unplaced(config.order.iter().copied().map(unplaced).collect())),
            },
            lock: lock::Table::from(&config.lock),
            history: History {
                keep: Some(config.keep_history),
            },
            offer: Offer::from(config),
            host: config.hosts.iter().map(Host::from).collect(),
            limits: Limits::from(&config.limits),
            upstream: config.upstreams.iter().map(Upstream::from).collect(),
            kdbx: config.databases.iter().map(Database::from).collect(),
            windows: Windows::from(config),
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
        lock: lock::lock(&text.lock, default.lock)?,
        keep_history: text.history.keep.unwrap_or(default.keep_history),
        offer_max: offer::count("offer.max", text.offer.max.as_ref())?.unwrap_or(default.offer_max),
        unbound_max: offer::count("offer.unbound_max", text.offer.unbound_max.as_ref())?
            .unwrap_or(default.unbound_max),
        hosts: host::rules(&text.host, home)?,
        limits: limits::limits(&text.limits, default.limits)?,
        upstreams: upstream::sockets(&text.upstream, home)?,
        databases: kdbx::databases(&text.kdbx, home)?,
        cygwin_socket: windows::cygwin_socket(&text.windows, home)?.or(default.cygwin_socket),
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
