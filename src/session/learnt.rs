//! claviger's own messages about hosts: what one would be offered, and forgetting what was learnt.

use super::Agent;
use super::control::{NOT_UNDERSTOOD, failed};
use super::offered::foreign_entries;
use super::offering::{self, Entry};
use crate::history::HistoryError;
use crate::wire::report::{ExplainReport, ExplainRequest, ForgetHosts, Outcome};
use std::sync::Arc;

/// What a host would be offered of the keys that a local client sees. `None` for a message that is not understood, and of
/// an agent that chooses nothing.
pub(super) async fn explain(agent: &Arc<Agent>, body: &[u8]) -> Option<ExplainReport> {
    let ExplainRequest { host } = serde_json::from_slice(body).ok()?;
    let offering = agent.offering.as_ref()?;
    agent.keyset.refresh().await;
    let keys = agent.keyset.keys();
    let mut others = agent.upstreams.connect();
    others.list().await;
    let ours = keys.iter().map(Entry::Held);
    let entries = ours.chain(foreign_entries(agent, others.keys())).collect();
    Some(offering::explain(offering, &host, entries, agent.sk_provider()).await)
}

/// The file is written by whoever asks, too: this agent may keep none.
pub(super) async fn forget(agent: &Arc<Agent>, body: &[u8]) -> Outcome {
    let Ok(wanted) = serde_json::from_slice::<ForgetHosts>(body) else {
        return failed(String::from(NOT_UNDERSTOOD));
    };
    let agent = Arc::clone(agent);
    let forgetting = tokio::task::spawn_blocking(move || match &agent.offering {
        None => Ok(0),
        Some(offering) if wanted.all => offering.forget(None),
        Some(offering) => wanted
            .hosts
            .iter()
            .map(|host| offering.forget(Some(host)))
            .sum::<Result<usize, HistoryError>>(),
    });
    let (ok, message) = match forgetting.await {
        Ok(Ok(forgotten)) => (true, format!("{forgotten} forgotten")),
        Ok(Err(error)) => (false, error.to_string()),
        Err(_) => (false, String::from("the agent is ending")),
    };
    Outcome { ok, message }
}
