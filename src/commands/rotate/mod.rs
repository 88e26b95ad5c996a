//! `claviger rotate`: a new key beside the old one on every server where the old one worked, a login with it, and only
//! then the old one off. Server by server; one that fails stops no other and is taken up again by the next call.
mod plan;
mod report;
mod targets;

use super::context::{Context, runtime};
use super::deploy::{self, Check, Key};
use super::keygen;
use super::output::{self, Failure};
use crate::cli::{HostArgs, KeyType, KeygenArgs, RotateArgs};
use plan::{Plan, Step};
use report::Report;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use targets::Target;

/// ssh-keygen's.
const ROUNDS: u32 = 24;

pub(crate) fn run(args: &RotateArgs, context: &Context) -> Result<ExitCode, Failure> {
    let socket = args.client.socket.as_deref();
    let old = deploy::public_key(&args.old, socket, context)?;
    let begun = Plan::begun(&context.places.state, &old.fingerprint)?;
    let targets = targets::find(context, &old.fingerprint, &args.hosts)?;
    for host in &targets.nameless {
        output::error(&format!(
            "{host}: the old key works there, but known_hosts has no name for this host key in clear; name the server with --host"
        ));
    }
    let servers = merged(begun.as_ref(), targets.named);
    if args.dry_run {
        return dry_run(
            args.json,
            &old,
            begun.as_ref(),
            &servers,
            targets.nameless.is_empty(),
        );
    }
    if servers.is_empty() {
        return Err(Failure::new(format!(
            "no server is known where {} works; name them with --host USER@HOST",
            old.fingerprint
        )));
    }
    let new = new_key(args, context, begun.as_ref())?;
    if old.fingerprint == new.fingerprint {
        return Err(Failure::new("the old key and the new one are the same"));
    }
    let mut plan = Plan::to(begun, &context.places.state, &old.fingerprint, &new.fingerprint)?;
    // Before anything is changed: without the new key in the agent no login with it could be tried.
    let check = Check::prepare(context, socket, &new.fingerprint, &new.line)?;
    let mut report = Report::new(args.json, &old.fingerprint, Some(&new.fingerprint));
    let rotation = Rotation {
        old,
        new,
        check,
        ssh: &args.ssh,
    };
    let runtime = runtime()?;
    for (number, target) in servers.iter().enumerate() {
        let head = format!("[{}/{}] {}", number + 1, servers.len(), target.name);
        let (result, detail) = match plan.servers.get(&target.name) {
            Some(Step::Done) => ("done_before", "done before".to_owned()),
            _ => match runtime.block_on(rotation.one(target, &mut plan)) {
                Ok(()) => ("done", "the new key works, the old one is off".to_owned()),
                Err(failure) => ("failed", failure.to_string()),
            },
        };
        report.server(&head, &target.name, result, &detail)?;
    }
    last_word(report, plan, servers.len(), targets.nameless.len())
}

/// The one that is named, or that a rotation was begun with, or one that is made now.
fn new_key(args: &RotateArgs, context: &Context, begun: Option<&Plan>) -> Result<Key, Failure> {
    let socket = args.client.socket.as_deref();
    if let Some(name) = args.new.as_ref().or(begun.map(|plan| &plan.new)) {
        return deploy::public_key(name, socket, context);
    }
    let place = |number: u32| context.places.home.join(format!(".ssh/id_ed25519_{number}"));
    let taken = |path: &PathBuf| path.exists() || path.with_extension("pub").exists();
    let free = (2..).map(place).find(|path| !taken(path));
    let path = free.ok_or_else(|| Failure::new("no free name for the new key in ~/.ssh"))?;
    let (made, failures) = keygen::create(
        &KeygenArgs {
            name: None,
            file: Some(path.clone()),
            kind: KeyType::Ed25519,
            bits: None,
            comment: None,
            rounds: ROUNDS,
            generate: args.generate,
            no_passphrase: false,
            unprotected: false,
            host: HostArgs::default(),
            json: false,
            key: args.key.clone(),
            vault: args.vault.clone(),
            socket: args.client.socket.clone(),
        },
        context,
    )?;
    match args.json {
        true => output::note(&made),
        false => output::line(&made)?,
    }
    if let Some(failure) = failures.first() {
        return Err(Failure::new(format!(
            "the key was made, but {failure}; nothing was changed on any server"
        )));
    }
    deploy::public_key(&path.to_string_lossy(), socket, context)
}

/// What all servers have in common.
struct Rotation<'a> {
    old: Key,
    new: Key,
    check: Check,
    ssh: &'a [OsString],
}

impl Rotation<'_> {
    /// From the step where this server is. Each step is noted once it is done, and each does nothing where it was done
    /// already.
    async fn one(&self, target: &Target, plan: &mut Plan) -> Result<(), Failure> {
        let ssh = target.ssh(self.ssh);
        let step = plan.servers.get(&target.name).copied().unwrap_or_default();
        if step < Step::Deployed {
            plan.note(&target.name, Step::Waiting)?;
            deploy::put(&ssh, &target.destination, &self.new).await?;
            plan.note(&target.name, Step::Deployed)?;
        }
        if step < Step::Checked {
            self.check.run(&ssh, &target.destination).await?;
            plan.note(&target.name, Step::Checked)?;
        }
        deploy::take_off(&ssh, &target.destination, &self.old).await?;
        plan.note(&target.name, Step::Done)
    }
}

/// Servers of a rotation that was begun belong to it, whatever is known of them now.
fn merged(begun: Option<&Plan>, mut named: Vec<Target>) -> Vec<Target> {
    for name in begun.iter().flat_map(|plan| plan.servers.keys()) {
        if named.iter().all(|target| target.name != *name) {
            named.extend(Target::parse(name));
        }
    }
    named
}

fn dry_run(
    json: bool,
    old: &Key,
    begun: Option<&Plan>,
    servers: &[Target],
    complete: bool,
) -> Result<ExitCode, Failure> {
    let mut report = Report::new(json, &old.fingerprint, begun.map(|plan| plan.new.as_str()));
    for target in servers {
        let what = match begun.and_then(|plan| plan.servers.get(&target.name)) {
            None | Some(Step::Waiting) => "would deploy the new key, log in with it, and remove the old one",
            Some(Step::Deployed) => "would log in with the new key, and remove the old one",
            Some(Step::Checked) => "would remove the old key",
            Some(Step::Done) => "done before",
        };
        let result = if what == "done before" {
            "done_before"
        } else {
            "planned"
        };
        report.server(&target.name, &target.name, result, what)?;
    }
    report.line("nothing was changed".to_owned())?;
    report.finish()?;
    Ok(match complete {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// What is not done stays in the plan.
fn last_word(mut report: Report, plan: Plan, servers: usize, nameless: usize) -> Result<ExitCode, Failure> {
    let failed = report.failed().len();
    report.line(format!(
        "{} of {servers} servers have the new key only",
        servers - failed
    ))?;
    if plan.is_done() && failed == 0 {
        plan.finish()?;
    } else {
        report.line(format!(
            "not done: {}; call `claviger rotate` again to go on with them",
            report.failed().join(", ")
        ))?;
    }
    report.complete = failed == 0 && nameless == 0;
    let complete = report.complete;
    report.finish()?;
    Ok(match complete {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
