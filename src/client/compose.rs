//! Puts together what arguments and configuration say.

use super::arguments::{Arguments, File};
use super::cache::Answer;
use super::effective::{Effective, has_publickey};
use super::named::Blobs;
use super::scan::is_off;
use super::tokens::{Local, Tokens};
use super::{Asked, IdentityAgent, Named, Program, STUBS, remote};
use std::path::Path;

/// Everything that an answer is made of.
pub(super) struct Parts<'a> {
    pub(super) program: Program,
    pub(super) arguments: Arguments,
    pub(super) cwd: &'a Path,
    pub(super) variable: &'a dyn Fn(&str) -> Option<String>,
    pub(super) local: &'a Local,
    pub(super) blobs: &'a Blobs,
    pub(super) answer: &'a Answer,
}

/// Files of one kind of mention, and whether one of them could not be named.
#[derive(Default)]
struct Files {
    named: Vec<Named>,
    lost: bool,
}

impl Parts<'_> {
    /// The answer. Blocking: it looks at the files.
    pub(super) fn asked(mut self) -> Asked {
        let is_ssh = self.program == Program::Ssh;
        let known = self.answer.effective.clone();
        let unsure = self.arguments.unsure || (is_ssh && known.is_none()) || self.canonical();
        let effective = known.unwrap_or_else(|| self.as_typed());
        let host = self.arguments.host.take();
        let tokens = Tokens {
            local: self.local,
            cwd: self.cwd,
            host: host.as_deref().unwrap_or_default(),
            hostname: effective.hostname.as_deref(),
            port: effective.port,
            user: effective.user.as_deref(),
            host_key_alias: effective.host_key_alias.as_deref(),
            variable: self.variable,
        };
        let typed = &self.arguments.files;
        let scan = &self.answer.scan;
        let no_certificates = !typed.iter().any(|file| matches!(file, File::Certificate(_)))
            && effective.certificates.is_empty();
        let files = |names: &mut dyn Iterator<Item = File>| self.files(&tokens, names, no_certificates);
        let explicit = files(&mut typed.iter().cloned());
        let mut defaults = Files::default();
        let mut configured = if self.answer.defaults {
            // One file that is named takes the place of all defaults.
            let wanted = !typed.iter().any(|file| matches!(file, File::Identity(_)));
            defaults = files(&mut identities(&effective.identities).filter(|_| wanted));
            defaults
                .named
                .retain(|named| named.blob.is_some() || named.path.exists());
            files(&mut certificates(&effective.certificates))
        } else {
            files(&mut identities(&effective.identities).chain(certificates(&effective.certificates)))
        };
        if unsure {
            let all = identities(&scan.identities).chain(certificates(&scan.certificates));
            configured.add(files(&mut { all }));
        }
        let agent = effective.identity_agent.clone();
        let agent = agent.map(|name| self.agent(&tokens, name));
        Asked {
            unsure: unsure || explicit.lost || configured.lost || defaults.lost,
            explicit: explicit.named,
            configured: configured.named,
            defaults: defaults.named,
            identities_only: effective.identities_only,
            keyless: effective.keyless,
            host,
            hostname: effective.hostname,
            port: effective.port,
            user: effective.user,
            host_key_alias: effective.host_key_alias,
            agent,
            token_library: effective.token_library.and_then(|name| self.library(name)),
            path: remote::repository(&self.arguments.command.join(" ")),
            program: self.program,
        }
    }

    /// What `IdentityAgent` means: a name of a variable takes its content.
    fn agent(&self, tokens: &Tokens<'_>, name: String) -> IdentityAgent {
        if name.eq_ignore_ascii_case("none") {
            return IdentityAgent::Nobody;
        }
        let content = match name.strip_prefix('$').filter(|rest| !rest.starts_with('{')) {
            Some("SSH_AUTH_SOCK") => return IdentityAgent::Environment,
            Some(variable) => (self.variable)(variable),
            None if name == "SSH_AUTH_SOCK" => return IdentityAgent::Environment,
            None => tokens.path(&name).map(|path| path.to_string_lossy().into_owned()),
        };
        IdentityAgent::At(content.unwrap_or(name).into())
    }

    /// The library that `SecurityKeyProvider` means, by its path or by a variable that has it.
    fn library(&self, name: String) -> Option<String> {
        let path = match name.strip_prefix('$') {
            Some(variable) => (self.variable)(variable)?,
            None => name,
        };
        library(path)
    }

    /// Whether ssh may look the name up and then take it for another, by which other blocks hold.
    fn canonical(&self) -> bool {
        let typed = ["canonicalizehostname", "canonicalizepermittedcnames"];
        let mut typed = typed.iter().filter_map(|keyword| self.arguments.setting(keyword));
        self.answer.scan.canonical || typed.any(|value| !is_off(value))
    }

    /// What the arguments alone say.
    fn as_typed(&self) -> Effective {
        let arguments = &self.arguments;
        let plain = |keyword: &str| {
            arguments
                .setting(keyword)
                .filter(|value| !value.contains('%'))
                .map(str::to_owned)
        };
        Effective {
            identities_only: arguments
                .setting("identitiesonly")
                .is_some_and(|value| !is_off(value)),
            keyless: arguments.setting("pubkeyauthentication").is_some_and(is_off)
                || arguments
                    .setting("preferredauthentications")
                    .is_some_and(|methods| !has_publickey(methods)),
            hostname: plain("hostname"),
            port: arguments.port.or_else(|| plain("port")?.parse().ok()),
            user: arguments.user.clone().or_else(|| plain("user")),
            host_key_alias: plain("hostkeyalias"),
            token_library: plain("securitykeyprovider"),
            ..Effective::default()
        }
    }

    fn files(
        &self,
        tokens: &Tokens<'_>,
        names: &mut dyn Iterator<Item = File>,
        with_certificates: bool,
    ) -> Files {
        let mut found = Files::default();
        for file in names {
            let (File::Identity(name) | File::Certificate(name)) = &file;
            if name.eq_ignore_ascii_case("none") {
                continue;
            }
            let Some(path) = tokens.path(name) else {
                found.lost = true;
                continue;
            };
            // What was learnt and written there by ourselves is no choice of the user's.
            if path.parent().is_some_and(|folder| folder.ends_with(STUBS)) {
                continue;
            }
            found.add(Files {
                named: match file {
                    File::Identity(_) => self.blobs.identity(path, with_certificates),
                    File::Certificate(_) => vec![self.blobs.certificate(path)],
                },
                lost: false,
            });
        }
        found
    }
}

/// None for what is built into OpenSSH.
pub(super) fn library(path: String) -> Option<String> {
    (!path.is_empty() && !path.eq_ignore_ascii_case("internal")).then_some(path)
}

impl Files {
    /// Adds those that are not there yet.
    fn add(&mut self, more: Self) {
        self.lost |= more.lost;
        for named in more.named {
            if !self.named.contains(&named) {
                self.named.push(named);
            }
        }
    }
}

fn identities(names: &[String]) -> impl Iterator<Item = File> {
    names.iter().cloned().map(File::Identity)
}

fn certificates(names: &[String]) -> impl Iterator<Item = File> {
    names.iter().cloned().map(File::Certificate)
}
