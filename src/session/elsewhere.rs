//! Keys of other agents: listed behind ours, signed with by them, and described for `claviger list`.
//!
//! A key that is held here is ours alone, also where it is hidden from the connection or was not listed: what this agent
//! would refuse must not be had from another one through it.

use super::identities::done;
use super::{Agent, Answer, Session};
use crate::key;
use crate::upstream::Elsewhere;
use crate::wire;
use crate::wire::report::KeyReport;
use std::collections::HashSet;

impl Session {
    /// The keys that this client sees here, and behind them those of other agents, each once.
    pub(super) async fn list_with_others(&mut self) -> Answer {
        self.others.list().await;
        let keyset = &self.agent.keyset;
        if self.others.keys().next().is_none() {
            return self.list().await;
        }
        keyset.refresh().await;
        let keys = keyset.keys();
        let seen = keys.iter().filter(|held| self.sees(held));
        let mut identities: Vec<_> = seen.flat_map(|held| held.identities()).collect();
        let others = foreign(&self.agent, self.others.keys());
        identities.extend(others.map(|key| (key.blob, without_nul(key.comment))));
        Answer::Own(wire::identities(identities.into_iter()))
    }

    /// Whether a signature with `blob` is another agent's to make.
    pub(super) async fn is_foreign(&self, blob: &[u8]) -> bool {
        !self.others.are_none() && self.agent.keyset.find_fresh(blob).await.is_none()
    }

    /// Has another agent sign; `request` is the client's message.
    pub(super) async fn sign_elsewhere(&mut self, request: &[u8], blob: &[u8]) -> Answer {
        let pid = self.peer.pid;
        match self.others.sign(blob, request).await {
            Some(signature) => {
                tracing::debug!(pid, "signed by another agent");
                Answer::Own(signature)
            }
            None => {
                tracing::debug!(
                    pid,
                    "signature with a key of another agent, or an unknown one, refused"
                );
                done(false)
            }
        }
    }
}

/// Those that are not held here, each once, and fit for a list.
fn foreign<'a>(
    agent: &Agent,
    keys: impl Iterator<Item = Elsewhere<'a>>,
) -> impl Iterator<Item = Elsewhere<'a>> {
    let mut listed = HashSet::new();
    keys.filter(move |key| {
        agent.keyset.find(key.blob).is_none() && key::described(key.blob).is_some() && listed.insert(key.blob)
    })
}

/// A client gives up a whole list for a NUL in one comment.
fn without_nul(comment: &[u8]) -> &[u8] {
    comment.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// The keys of other agents for `claviger list`, as a local client sees them.
pub(super) async fn reports(agent: &Agent) -> Vec<KeyReport> {
    let mut others = agent.upstreams.connect();
    others.list().await;
    foreign(agent, others.keys())
        .filter_map(|key| {
            let described = key::described(key.blob)?;
            Some(KeyReport {
                fingerprint: described.fingerprint,
                kind: described.kind,
                bits: described.bits,
                comment: String::from_utf8_lossy(key.comment).into_owned(),
                state: "elsewhere".into(),
                source: "upstream".into(),
                path: String::new(),
                format: "agent".into(),
                protected: false,
                certificate: described.certificate,
                last_used: None,
                upstream: Some(key.socket.display().to_string()),
            })
        })
        .collect()
}
