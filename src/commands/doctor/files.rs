//! Files and directories that others may read or change, or that are somebody else's.

use super::codes::Code;
use super::finding::Finding;
use super::scene::Scene;
use claviger_platform::files::{Access, Mend, Owner, access, mending};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// What is wrong where others may read or write a thing, and what mends it.
struct Rule {
    readable: Option<(Code, &'static str)>,
    writable: Option<(Code, &'static str)>,
    mend: Mend,
    /// What counts as writing.
    is_written: fn(&Access) -> bool,
}

fn writes(access: &Access) -> bool {
    access.others_write
}

/// In a sticky directory others make files of their own, and replace nobody's.
fn replaces(access: &Access) -> bool {
    access.others_replace
}

impl Rule {
    /// Others may look, but not touch.
    const fn unwritable(code: Code, why: &'static str) -> Self {
        Self {
            readable: None,
            writable: Some((code, why)),
            mend: Mend::Unwritable,
            is_written: writes,
        }
    }

    /// A directory in which others may replace nothing.
    const fn irreplaceable(code: Code, why: &'static str) -> Self {
        Self {
            is_written: replaces,
            ..Self::unwritable(code, why)
        }
    }

    /// Nobody else's business.
    const fn private(code: Code, why: &'static str) -> Self {
        Self {
            readable: Some((code, why)),
            writable: Some((code, why)),
            mend: Mend::Private,
            is_written: writes,
        }
    }
}

const HOME: Rule = Rule::unwritable(
    Code::HomeWritable,
    "others may put another .ssh in its place, and sshd (StrictModes) lets nobody in here by key",
);
const SSH_DIR: Rule = Rule {
    readable: Some((
        Code::SshDirReadable,
        "others may see which keys and hosts there are",
    )),
    writable: Some((
        Code::SshDirWritable,
        "others may replace keys, and sshd (StrictModes) lets nobody in here by key",
    )),
    mend: Mend::Private,
    is_written: writes,
};
const SSH_CONFIG: Rule = Rule::unwritable(
    Code::SshConfigWritable,
    "others may have ssh run their programs, so ssh refuses to start",
);
const AUTHORIZED_KEYS: Rule = Rule::unwritable(
    Code::AuthorizedKeysWritable,
    "others may let themselves in, so sshd (StrictModes) does not read it",
);
const KEY_DIR: Rule = Rule::unwritable(Code::KeyDirWritable, "others may replace the keys there");
const KEY: Rule = Rule::private(
    Code::KeyExposed,
    "others may have the private key already; ssh and claviger refuse such a file. If it was readable for long, make a new key",
);
const CONFIG: Rule = Rule::unwritable(
    Code::ConfigWritable,
    "others may decide which keys go where and which programs are asked",
);
const CONFIG_DIR: Rule = Rule::irreplaceable(
    Code::ConfigWritable,
    "others may put another configuration there, and decide which keys go where",
);
const STATE: Rule = Rule::private(Code::StateExposed, "others may see which keys worked where");
const VAULT: Rule = Rule::private(
    Code::VaultExposed,
    "others may copy it, and try master passphrases for as long as they like",
);
const DATABASE_KEY: Rule = Rule::private(
    Code::DatabaseKeyExposed,
    "whoever has this key file needs only the database's master password, if there is one",
);
const SOCKET_DIR: Rule = Rule::irreplaceable(
    Code::SocketDirWritable,
    "others may put a socket of theirs in the place of the agent's, so claviger does not listen there",
);

pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for (path, rule) in places(scene) {
        if seen.insert(path.clone())
            && let Ok(access) = access(&path)
        {
            found.extend(judge(&path, &rule, &access));
        }
    }
    found
}

/// The first rule about a path holds.
fn places(scene: &Scene) -> Vec<(PathBuf, Rule)> {
    let (places, ssh) = (&scene.context.places, scene.ssh_dir());
    let mut all = vec![
        (ssh.join("config"), SSH_CONFIG),
        (ssh.join("authorized_keys"), AUTHORIZED_KEYS),
        (places.home.clone(), HOME),
        (ssh, SSH_DIR),
    ];
    all.extend(scene.keys.iter().map(|path| (path.clone(), KEY)));
    all.extend(scene.config.key_dirs.iter().map(|dir| (dir.clone(), KEY_DIR)));
    let parent = |path: &Path| path.parent().map(Path::to_owned).filter(|dir| dir.is_dir());
    all.push((places.config.clone(), CONFIG));
    all.extend(parent(&places.config).map(|dir| (dir, CONFIG_DIR)));
    all.extend([
        (scene.context.vault(), VAULT),
        (places.data.clone(), STATE),
        (places.state.clone(), STATE),
        (scene.context.history(), STATE),
    ]);
    let key_files = scene.config.databases.iter();
    all.extend(key_files.filter_map(|one| Some((one.key_file.clone()?, DATABASE_KEY))));
    all.extend(parent(&places.socket).map(|dir| (dir, SOCKET_DIR)));
    all
}

fn judge(path: &Path, rule: &Rule, access: &Access) -> Option<Finding> {
    if let Owner::Other(who) = &access.owner {
        return Some(Finding::new(
            Code::OwnerOther,
            path.display().to_string(),
            format!("belongs to another user ({who}), who may read and change it at any time"),
            "have its owner or an administrator give it to you, or use a copy; it is never touched from here",
        ));
    }
    let writable = rule.writable.as_ref().filter(|_| (rule.is_written)(access));
    let readable = rule.readable.as_ref().filter(|_| access.others_read);
    let (code, why) = writable.or(readable)?;
    let message = format!("{} are too open: {why}", access.shown);
    let (subject, command) = (path.display().to_string(), mending(path, rule.mend));
    Some(match access.owner {
        // Who shares such a file may mean to.
        _ if *code == Code::DatabaseKeyExposed => Finding::new(
            *code,
            subject,
            message,
            format!("if it is not shared on purpose: {command}"),
        ),
        Owner::Own => Finding::permissions(*code, path, message, rule.mend),
        // What is root's cannot be mended by others.
        _ => Finding::new(*code, subject, message, format!("as an administrator: {command}")),
    })
}
