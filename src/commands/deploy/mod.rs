//! `claviger deploy` and `claviger revoke`: a key onto a server's authorized_keys, and off it, through the person's ssh.
//!
//! ssh is the person's own, with its configuration, known hosts, jump hosts and questions: who may log in where is
//! not decided here. What is changed on the server is one file, by a script that is all there is to read
//! (`authorized_keys.sh`).
mod check;
mod remote;
mod report;
mod script;
#[cfg(test)]
mod tests;

pub(super) use check::Check;

use super::client::Client;
use super::context::{Context, Secrets, runtime};
use super::output::{self, Failure, visible};
use super::pubkey;
use crate::cli::{DeployArgs, RevokeArgs, ServerArgs};
use claviger::key::{self, Hash};
use report::Report;
use script::{Answer, Order};
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

/// The public half that goes to the server.
pub(super) struct Key {
    pub(super) line: String,
    pub(super) fingerprint: String,
}

pub(crate) fn deploy(args: &DeployArgs, context: &Context) -> Result<ExitCode, Failure> {
    let (server, key) = (&args.server, chosen(&args.server, context)?);
    let socket = server.client.socket.as_deref();
    let check = match args.no_check || server.dry_run {
        true => None,
        false => Some(Check::prepare(context, socket, &key.fingerprint, &key.line)?),
    };
    let runtime = runtime()?;
    let order = Order {
        action: "add",
        dry_run: server.dry_run,
        force: false,
        line: &key.line,
    };
    let answers = runtime.block_on(remote::run(&server.ssh, &server.host, &order))?;
    let mut report = Report::of(&server.host, &key, &answers)?;
    if !server.json {
        output::line(&report)?;
    }
    let checked = check.map(|check| runtime.block_on(check.run(&server.ssh, &server.host)));
    report.login = checked.as_ref().map(Result::is_ok);
    match (server.json, report.login) {
        (true, _) => output::json(&report)?,
        (false, Some(true)) => output::line(format!("{}: a login with the key works", server.host))?,
        (false, _) => {}
    }
    checked.unwrap_or(Ok(())).map(|()| ExitCode::SUCCESS)
}

pub(crate) fn revoke(args: &RevokeArgs, context: &Context) -> Result<ExitCode, Failure> {
    let (server, key) = (&args.server, chosen(&args.server, context)?);
    let order = Order {
        action: "remove",
        dry_run: server.dry_run,
        force: args.force,
        line: &key.line,
    };
    let answers = runtime()?.block_on(remote::run(&server.ssh, &server.host, &order))?;
    let report = Report::of(&server.host, &key, &answers)?;
    match server.json {
        true => output::json(&report)?,
        false => output::line(&report)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The key that is meant, or the only one.
fn chosen(server: &ServerArgs, context: &Context) -> Result<Key, Failure> {
    if server.host.is_empty() || server.host.starts_with('-') || visible(&server.host) != server.host {
        return Err(Failure::new(format!(
            "{:?} is not USER@HOST",
            visible(&server.host)
        )));
    }
    let socket = server.client.socket.as_deref();
    let name = match &server.key {
        Some(name) => name.clone(),
        None => only(&Client::find(context, socket)?)?,
    };
    public_key(&name, socket, context)
}

/// The public half that `name` means: a file, or a key as `claviger list` names it.
pub(super) fn public_key(name: &str, socket: Option<&Path>, context: &Context) -> Result<Key, Failure> {
    let none = Secrets {
        key: None,
        vault: None,
    };
    let public = pubkey::find(name, socket, context, none)?;
    let line = key::authorized_line(&public.blob, &public.comment);
    Ok(Key {
        line: visible(&String::from_utf8_lossy(&line)),
        fingerprint: key::fingerprint(&public.blob, Hash::Sha256),
    })
}

/// Puts the key on a server, beside those that are there.
pub(super) async fn put(ssh: &[OsString], host: &str, key: &Key) -> Result<(), Failure> {
    change(ssh, host, key, "add").await
}

/// Takes the key off a server, unless it is the last one there.
pub(super) async fn take_off(ssh: &[OsString], host: &str, key: &Key) -> Result<(), Failure> {
    change(ssh, host, key, "remove").await
}

async fn change(ssh: &[OsString], host: &str, key: &Key, action: &'static str) -> Result<(), Failure> {
    let order = Order {
        action,
        dry_run: false,
        force: false,
        line: &key.line,
    };
    for answer in remote::run(ssh, host, &order).await? {
        match answer {
            Answer::Failed(why) => return Err(Failure::new(visible(&why))),
            Answer::Done { what, .. } if what == "last" => {
                return Err(Failure::new("the old key is the last one there, and stays"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn only(client: &Client) -> Result<String, Failure> {
    match client.list()?.as_slice() {
        [key] => Ok(key.fingerprint.clone()),
        keys => Err(Failure::new(format!(
            "the agent has {} keys; say which one with --key KEY",
            keys.len()
        ))),
    }
}
