//! Keys of other agents: listed behind ours, signed with by them, and described for `claviger list`.
//!
//! A key that is held here is ours alone, also where it is hidden from the connection or was not listed: what this agent
//! would refuse must not be had from another one through it.

use super::identities::done;
use super::offering::{Entry, plain_fingerprint};
use super::permission::Ruled;
use super::{Agent, Answer, Session};
use crate::key;
use crate::upstream::Elsewhere;
use crate::wire::report::KeyReport;
use std::collections::HashSet;
use std::path::Path;

impl Session {
    /// Whether a signature with `blob` is another agent's to make.
    pub(super) async fn is_foreign(&self, blob: &[u8]) -> bool {
        !self.others.are_none() && self.agent.keyset.find_fresh(blob).await.is_none()
    }

    /// Has another agent sign; `request` is the client's message.
    pub(super) async fn sign_elsewhere(&mut self, request: &[u8], blob: &[u8], data: &[u8]) -> Answer {
        let pid = self.peer.pid;
        let fingerprint = plain_fingerprint(blob);
        self.answered(&fingerprint, data);
        if !self.may_sign_elsewhere(blob, &fingerprint).await {
            return done(false);
        }
        match self.others.sign(blob, request).await {
            Some(signature) => {
                tracing::debug!(pid, "signed by another agent");
                self.learn(&fingerprint, data).await;
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

    /// What a rule says of another agent's key. The other terms of its use are that agent's to judge.
    async fn may_sign_elsewhere(&mut self, blob: &[u8], fingerprint: &str) -> bool {
        let known = self.others.keys().find(|key| key.blob == blob);
        let comment = known.map(|key| key.comment.to_vec()).unwrap_or_default();
        let key = Elsewhere {
            socket: Path::new(""),
            blob,
            comment: &comment,
        };
        let entry = Entry::Foreign {
            key,
            fingerprint: fingerprint.to_owned(),
        };
        match self.ruled(fingerprint, entry).await {
            Some(Ruled::Free) => true,
            Some(Ruled::Confirm) => {
                let name = String::from_utf8_lossy(&comment);
                self.confirmed_by_name(&name, fingerprint, None).await
            }
            None => {
                tracing::warn!(key = %fingerprint, pid = self.peer.pid, "not signed: a rule keeps this host to other keys");
                false
            }
        }
    }
}

/// Those that are not held here, each once, and fit for a list.
pub(super) fn foreign<'a>(
    agent: &Agent,
    keys: impl Iterator<Item = Elsewhere<'a>>,
) -> impl Iterator<Item = Elsewhere<'a>> {
    let mut listed = HashSet::new();
    keys.filter(move |key| {
        agent.keyset.find(key.blob).is_none() && key::described(key.blob).is_some() && listed.insert(key.blob)
    })
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
