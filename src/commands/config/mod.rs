//! `claviger config`: whether the configuration is valid, where it is, and what holds; and what was learnt, written for
//! programs that read configurations of their own.
mod rules;
mod sync;

pub(super) use rules::{idle, rules};

use super::client::Client;
use super::context::Context;
use super::output::{self, Failure};
use crate::cli::ConfigVerb;
use claviger::config::{Config, ConfigError};
use serde_json::json;
use std::process::ExitCode;

pub(crate) fn run(verb: &ConfigVerb, context: &Context) -> Result<ExitCode, Failure> {
    match verb {
        ConfigVerb::Check { json } => return check(*json, context),
        ConfigVerb::Sync(args) => return sync::run(args, context),
        ConfigVerb::Path => output::line(context.places.config.display())?,
        ConfigVerb::Show { json: true } => output::json(&context.config()?.to_json())?,
        ConfigVerb::Show { json: false } => output::line(context.config()?.to_toml().trim_end())?,
    }
    Ok(ExitCode::SUCCESS)
}

fn check(as_json: bool, context: &Context) -> Result<ExitCode, Failure> {
    let path = &context.places.config;
    let exists = path.exists();
    let result = Config::load(path, &context.places.home);
    let idle = match &result {
        Ok(config) if config.hosts.is_empty() => Vec::new(),
        Ok(config) => idle(config, context, Client::find(context, None).ok().as_ref())?,
        Err(_) => Vec::new(),
    };
    if as_json {
        let (line, column, reason) = match &result {
            Ok(_) => (None, None, None),
            Err(ConfigError::Invalid {
                line, column, reason, ..
            }) => (Some(*line), Some(*column), Some(reason.clone())),
            Err(error) => (None, None, Some(error.to_string())),
        };
        output::json(&json!({
            "path": path.to_string_lossy(), "exists": exists, "valid": result.is_ok(),
            "line": line, "column": column, "reason": reason, "warnings": idle,
        }))?;
        return Ok(if result.is_ok() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        });
    }
    result?;
    output::line(match exists {
        true => format!("{}: valid", path.display()),
        false => format!("{}: no such file; the defaults hold", path.display()),
    })?;
    // No mistakes: the agent starts with such rules, and so the exit status stays 0.
    for warning in idle {
        output::line(format!("warning: {warning}"))?;
    }
    Ok(ExitCode::SUCCESS)
}
