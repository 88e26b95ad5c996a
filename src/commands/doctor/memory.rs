//! How well secrets are protected in memory: the agent's own word, or what this process gets where none runs.

use super::codes::Code;
use super::finding::Finding;
use super::scene::Scene;
use claviger_platform::harden::memory_report;

const SUBJECT: &str = "memory";

pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let (locked, secret, weaknesses) = match &scene.agent {
        Ok(status) => {
            let memory = &status.memory;
            (memory.locked, memory.secret_memory, memory.weaknesses.join("; "))
        }
        Err(_) => {
            let own = memory_report();
            (own.locked, own.secret_memory, own.weakness.unwrap_or_default())
        }
    };
    let finding = if !locked {
        Finding::new(
            Code::MemorySwappable,
            SUBJECT,
            format!("secrets may be written to swap: {weaknesses}"),
            "raise the limit of locked memory: LimitMEMLOCK in a service, memlock in /etc/security/limits.d, `ulimit -l`",
        )
    } else if !secret && !weaknesses.is_empty() {
        Finding::new(
            Code::MemoryVisible,
            SUBJECT,
            format!("root can read secrets while a key is open: {weaknesses}"),
            "boot with secretmem.enable=1 (Linux before 6.5), or a newer kernel",
        )
    } else if !weaknesses.is_empty() {
        Finding::new(
            Code::HardeningWeak,
            SUBJECT,
            weaknesses,
            "start the agent outside of a debugger and of containers that forbid it",
        )
    } else {
        return Vec::new();
    };
    vec![finding]
}
