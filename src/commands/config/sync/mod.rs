//! `claviger config sync`: what was learnt, written for programs that show an agent no host and so get all of its keys.
//!
//! ssh's configuration (Paramiko, AsyncSSH, libssh and ssh before 8.9 read it too) gets blocks with the keys that work at a
//! host, in a file of our own; PuTTY gets saved sessions. What a person wrote themselves goes before both. The stubs that
//! both name are not the person's choice, so the agent does not take them for it (`claviger::client`).
mod keys;
mod plan;
mod putty;
mod report;

use crate::cli::SyncArgs;
use crate::commands::client::Client;
use crate::commands::context::{Context, runtime};
use crate::commands::hosts;
use crate::commands::output::{self, Failure, visible};
use crate::commands::ssh_config::{HostsFile, KeysOfHost};
use claviger::client::{Clients, STUBS};
use claviger_platform::files;
use plan::{Facts, Host, Plan};
use report::Report;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Another writer needs milliseconds; one that needs longer is stuck.
const LOCK_LIMIT: Duration = Duration::from_secs(10);

pub(super) fn run(args: &SyncArgs, context: &Context) -> Result<ExitCode, Failure> {
    let config = context.config()?;
    let file = HostsFile::of(context)?;
    let client = Client::find(context, args.client.socket.as_deref()).ok();
    let (uses, known) = (hosts::learnt(context)?, context.known_hosts());
    let keys = keys::known(client.as_ref(), &config, context)?;
    let rules = super::rules(&config);
    let mut plan = Plan::new(&Facts {
        uses: &uses,
        known: &known,
        rules: &rules,
        keys: &keys,
        most: config.offer_max,
    });
    leave_to_the_person(&mut plan)?;
    let stubs = context.places.home.join(STUBS);
    let mut report = Report::new(&plan, &file, &stubs, args.dry_run)?;
    match args.dry_run {
        true => {
            report.putty = putty_sessions(args, context, &plan, &stubs)?;
        }
        false => write(args, context, &plan, &file, &mut report)?,
    }
    match args.json {
        true => output::json(&report)?,
        false => output::line(visible_lines(&report.to_string()))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Hosts whose keys the person chose are left alone.
fn leave_to_the_person(plan: &mut Plan<'_>) -> Result<(), Failure> {
    let names: Vec<String> = plan.hosts.iter().flat_map(|host| host.names.clone()).collect();
    let (clients, runtime) = (Clients::new(), runtime()?);
    for name in names {
        let asked = runtime.block_on(clients.asked_for_host(&name));
        if !asked.configured.is_empty() {
            plan.leave_out(&name, "your ssh configuration names its keys");
        }
    }
    Ok(())
}

/// Stubs first and last: no file ever names one that is not there.
fn write(
    args: &SyncArgs,
    context: &Context,
    plan: &Plan<'_>,
    file: &HostsFile,
    report: &mut Report,
) -> Result<(), Failure> {
    let stubs = context.places.home.join(STUBS);
    let folder = context.places.home.join(".ssh");
    let wanted: Vec<_> = match args.putty {
        true => plan.logins.iter().map(|login| login.key).collect(),
        false => Vec::new(),
    };
    let wanted: Vec<_> = wanted
        .into_iter()
        .chain(plan.hosts.iter().flat_map(|host| host.keys.iter().copied()))
        .collect();
    if wanted.is_empty() && !file.exists() {
        return Ok(());
    }
    for folder in [&*folder, &*folder.join("claviger"), &*stubs] {
        files::private_dir(folder)?;
    }
    let _lock = files::lock(file.path(), LOCK_LIMIT)?;
    for key in &wanted {
        key.write(&stubs)?;
    }
    let blocks: Vec<KeysOfHost> = plan.hosts.iter().map(|host| block(host, &stubs)).collect();
    let written = file.write(&blocks, args.include)?;
    (report.included, report.backup) = (written.included, written.backup);
    report.putty = putty_sessions(args, context, plan, &stubs)?;
    let keep = wanted.iter().flat_map(|key| {
        let certificate = key.certificate_stub(&stubs);
        std::iter::once(key.stub(&stubs)).chain(certificate)
    });
    let mut keep: HashSet<PathBuf> = keep.collect();
    keep.extend(putty::named(&context.places.home)?);
    report.removed = keys::sweep(&stubs, &keep)?;
    Ok(())
}

fn putty_sessions(
    args: &SyncArgs,
    context: &Context,
    plan: &Plan<'_>,
    stubs: &Path,
) -> Result<Option<Vec<putty::Session>>, Failure> {
    match args.putty {
        true => putty::sync(&plan.logins, stubs, &context.places.home, args.dry_run).map(Some),
        false => Ok(None),
    }
}

fn block(host: &Host<'_>, stubs: &Path) -> KeysOfHost {
    let comments: Vec<String> = host.keys.iter().map(|key| visible(&key.comment)).collect();
    KeysOfHost {
        names: host.names.clone(),
        remark: comments.join(", "),
        keys: host.keys.iter().map(|key| key.stub(stubs)).collect(),
        certificates: host
            .keys
            .iter()
            .filter_map(|key| key.certificate_stub(stubs))
            .collect(),
    }
}

fn visible_lines(text: &str) -> String {
    text.lines().map(visible).collect::<Vec<_>>().join("\n")
}
