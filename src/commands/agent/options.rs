//! `-t`, `-E`, `-P` and `-O` of `claviger agent`: the same values as ssh-agent's, and mistakes in claviger's own form.

use crate::cli::{Cli, SessionOptions};
use clap::CommandFactory as _;
use clap::error::ErrorKind;
use claviger::session::{OptionError, Options, OptionsBuilder};

/// Reads them; a mistake is wrong usage, and names option, reason and remedy.
pub(super) fn read(given: &SessionOptions) -> Result<Options, clap::Error> {
    let mut options = OptionsBuilder::default();
    if let Some(text) = &given.lifetime {
        options
            .lifetime(text)
            .map_err(|error| wrong("-t", text, &error))?;
    }
    if let Some(text) = &given.hash {
        options.hash(text).map_err(|error| wrong("-E", text, &error))?;
    }
    if let Some(text) = &given.providers {
        options
            .providers(text)
            .map_err(|error| wrong("-P", text, &error))?;
    }
    for text in &given.option {
        options.option(text).map_err(|error| wrong("-O", text, &error))?;
    }
    Ok(options.finish())
}

fn wrong(option: &str, value: &str, error: &OptionError) -> clap::Error {
    let text = match error {
        OptionError::Lifetime => "not a time; give seconds, or a time such as 90s, 10m, 1h30m or 1w",
        OptionError::Hash(_) => "not a known hash; choose md5, sha1, sha256, sha384 or sha512",
        OptionError::WebsafeTwice => "websafe-allow was given before; put all patterns in one list",
        OptionError::ProvidersTwice => "a list was given before; put all patterns in one list",
        _ => "no such option; choose allow-remote-pkcs11, no-restrict-websafe or websafe-allow=LIST",
    };
    Cli::command().error(ErrorKind::InvalidValue, format!("{option} {value:?}: {text}"))
}
