//! claviger's own messages: status, list, seal, unlock, forget, rescan, forget-host. None of them returns a secret.

use super::offering::Offering;
use super::{Agent, Answer, elsewhere, learnt};
use crate::keyset::{Held, OpenError};
use crate::secret::Secret;
use crate::unlock::UnlockError;
use crate::wire::{self, report};
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use zeroize::Zeroize;

const SERVED: [&str; 8] = [
    report::STATUS,
    report::LIST,
    report::SEAL,
    report::UNLOCK,
    report::FORGET,
    report::RESCAN,
    report::FORGET_HOST,
    report::EXPLAIN,
];

pub(super) const NOT_UNDERSTOOD: &str = "not understood; client and agent are of different versions";

/// Whether `name` is one of ours.
pub(super) fn serves(name: &str) -> bool {
    SERVED.contains(&name)
}

/// The body of the answer to `query`: one string for each extension served, OpenSSH's first.
pub(super) fn query() -> Vec<u8> {
    let names = std::iter::once(super::SESSION_BIND).chain(SERVED);
    names.flat_map(|name| wire::string(name.as_bytes())).collect()
}

/// Answers one of the messages that [`serves`] names.
pub(super) async fn answer(agent: &Arc<Agent>, name: &str, body: &[u8]) -> Answer {
    let json = match name {
        report::STATUS => json(&agent.status().await),
        report::LIST => json(&list(agent).await),
        report::SEAL => json(&seal(agent)),
        report::UNLOCK => json(&unlock(agent, body).await),
        report::FORGET => json(&forget(agent, body).await),
        report::RESCAN => json(&rescan(agent).await),
        report::FORGET_HOST => json(&learnt::forget(agent, body).await),
        report::EXPLAIN => learnt::explain(agent, body)
            .await
            .and_then(|report| json(&report)),
        _ => None,
    };
    match json {
        Some(json) => Answer::Own(wire::extension_response(name, &json)),
        None => Answer::Fixed(&wire::EXTENSION_FAILURE),
    }
}

/// Reports hold only strings and numbers, which always serialize; were one not to, the peer gets a failure.
fn json(report: &impl Serialize) -> Option<Vec<u8>> {
    serde_json::to_vec(report).ok()
}

fn done(message: String) -> report::Outcome {
    report::Outcome { ok: true, message }
}

pub(super) fn failed(message: String) -> report::Outcome {
    report::Outcome { ok: false, message }
}

fn seal(agent: &Agent) -> report::Outcome {
    let sealed = agent.seal_all();
    tracing::info!(sealed, "sealed by request");
    let keys = if sealed == 1 { "key" } else { "keys" };
    done(format!("{sealed} open {keys} sealed, vault and databases closed"))
}

async fn list(agent: &Agent) -> Vec<report::KeyReport> {
    let mut keys = agent.keyset.reports().await;
    keys.extend(elsewhere::reports(agent).await);
    keys
}

async fn rescan(agent: &Agent) -> report::Outcome {
    let upstreams = agent.upstreams.reload();
    if let Some(Err(error)) = agent.offering.as_ref().map(Offering::reload) {
        return failed(format!("{error}; hosts are still offered keys by the old rules"));
    }
    if let Err(error) = agent.keyset.reload().await {
        return failed(format!("{error}; keys are still looked for in the old places"));
    }
    match upstreams {
        Ok(()) => done(format!("{} keys listed", agent.keyset.keys().len())),
        Err(error) => failed(format!("{error}; the other agents are still the old ones")),
    }
}

async fn unlock(agent: &Agent, body: &[u8]) -> report::Outcome {
    let Ok(report::UnlockRequest { name, passphrase }) = serde_json::from_slice(body) else {
        return failed(String::from(NOT_UNDERSTOOD));
    };
    let passphrase = passphrase.map(|mut text| {
        let secret = Secret::copy_of(text.as_bytes());
        text.zeroize();
        secret
    });
    if names_the_vault(agent, &name) {
        return match agent.unlocker.open_vault(passphrase).await {
            Ok(()) => done(format!("vault {} is open", agent.unlocker.vault_path().display())),
            Err(error) => failed(error.to_string()),
        };
    }
    if let Some(database) = agent.unlocker.databases().named(&name) {
        return match agent.unlocker.databases().open(&database, passphrase).await {
            Ok(()) => done(format!("database {} is open", database.display())),
            Err(error) => failed(error.to_string()),
        };
    }
    let held = match resolve(agent, &name).await {
        Ok(held) => held,
        Err(reason) => return failed(reason),
    };
    let opened = match passphrase {
        Some(master) if held.database().is_some() => {
            if let Err(error) = open_database(agent, &held, master).await {
                return failed(error.to_string());
            }
            agent.keyset.open(&held, Instant::now()).await.map(|_| ())
        }
        Some(passphrase) => agent.keyset.open_with(&held, passphrase, Instant::now()).await,
        None => agent.keyset.open(&held, Instant::now()).await.map(|_| ()),
    };
    match opened {
        Ok(()) => done(format!("{} is open", held.name())),
        Err(error) => failed(explain(&held, &error)),
    }
}

/// What opens a key in a database is the database's master password.
async fn open_database(agent: &Agent, held: &Held, master: Secret) -> Result<(), UnlockError> {
    match held.database() {
        Some(database) => agent.unlocker.databases().open(database, Some(master)).await,
        None => Ok(()),
    }
}

async fn forget(agent: &Agent, body: &[u8]) -> report::Outcome {
    let Ok(report::KeyName { name }) = serde_json::from_slice(body) else {
        return failed(String::from(NOT_UNDERSTOOD));
    };
    let path = Path::new(&name);
    if path == agent.unlocker.vault_path() {
        agent.unlocker.close_vault();
        return done(format!("vault {name} is closed"));
    }
    if agent.unlocker.databases().close_one(path) {
        agent.keyset.refresh().await;
        return done(format!("database {name} is closed"));
    }
    match resolve(agent, &name).await {
        Ok(held) => {
            held.seal();
            done(format!("{} is sealed", held.name()))
        }
        Err(reason) => failed(reason),
    }
}

fn explain(held: &Held, error: &OpenError) -> String {
    format!("{} was not opened: {error}", held.name())
}

fn names_the_vault(agent: &Agent, name: &str) -> bool {
    let vault = agent.unlocker.vault_path();
    name.is_empty() || Path::new(name) == vault || vault.file_name().is_some_and(|file| file == name)
}

/// Finds the one key that `name` means: fingerprint, a prefix of it, comment, or path.
async fn resolve(agent: &Agent, name: &str) -> Result<Arc<Held>, String> {
    agent.keyset.refresh().await;
    let keys = agent.keyset.keys();
    let exact = keys
        .iter()
        .filter(|held| held.is_called(name))
        .collect::<Vec<_>>();
    let matching = match exact.is_empty() {
        false => exact,
        true => keys.iter().filter(|held| held.has_prefix(name)).collect(),
    };
    match matching.as_slice() {
        [one] => Ok(Arc::clone(one)),
        [] => Err(format!("no key is called {name:?}; `claviger list` shows them")),
        many => {
            let names: Vec<&str> = many.iter().map(|held| held.public.fingerprint.as_str()).collect();
            Err(format!("{name:?} means several keys: {}", names.join(", ")))
        }
    }
}
