//! claviger's own extension messages: their names, and the JSON that they carry in both directions.
//!
//! No message returns a secret: a client can ask for facts, ask to seal, or hand a passphrase in. `RESCAN` and
//! `SEAL` have empty bodies; `UNLOCK`, `FORGET` and `FORGET_HOST` carry JSON.

use serde::{Deserialize, Serialize};

/// Asks for [`StatusReport`].
pub const STATUS: &str = "status@claviger";
/// Asks for [`KeyReport`]s (a JSON array).
pub const LIST: &str = "list@claviger";
/// Seals every open key and closes the vault.
pub const SEAL: &str = "seal@claviger";
/// Opens a key or the vault now: [`UnlockRequest`]; answers [`Outcome`].
pub const UNLOCK: &str = "unlock@claviger";
/// Seals one key, or closes the vault or database at a path, and forgets what the agent remembers of it: [`KeyName`];
/// answers [`Outcome`].
pub const FORGET: &str = "forget@claviger";
/// Reads the configuration's key places again and looks for keys now; answers [`Outcome`].
pub const RESCAN: &str = "rescan@claviger";

/// Forgets what was learnt of some hosts, or of all: [`ForgetHosts`]; answers [`Outcome`].
pub const FORGET_HOST: &str = "forget-host@claviger";
/// Asks what a login at a host would be offered: [`ExplainRequest`]; answers [`ExplainReport`].
pub const EXPLAIN: &str = "explain@claviger";

/// One key of a listing. Field names are stable.
#[derive(Debug, Serialize, Deserialize)]
pub struct KeyReport {
    /// "SHA256:..."
    pub fingerprint: String,
    /// Algorithm name, such as "ssh-ed25519".
    #[serde(rename = "type")]
    pub kind: String,
    /// Size in bits; 0 for a type that is unknown here (of another agent).
    pub bits: u32,
    /// Comment, invalid UTF-8 replaced.
    pub comment: String,
    /// "sealed" or "open"; "token" in a device that signs by itself; "elsewhere" where another agent has it.
    pub state: String,
    /// Where it comes from: "file", "added", "security key", "pkcs11", "kdbx", "upstream".
    pub source: String,
    /// Path of the private key file, of the KeePass database, or of the token's library.
    pub path: String,
    /// "OpenSSH", "PKCS#8", ...
    pub format: String,
    /// Whether a passphrase protects the file.
    pub protected: bool,
    /// Whether a certificate beside it is listed too.
    pub certificate: bool,
    /// RFC 3339 time of the last signature in this agent's life.
    pub last_used: Option<String>,
    /// Socket of the other agent that has it.
    #[serde(default)]
    pub upstream: Option<String>,
}

/// Another agent behind this one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UpstreamReport {
    /// Where it listens.
    pub socket: String,
    /// Whether it answered last time.
    pub reachable: bool,
    /// Keys that it lists to a local client.
    pub keys: usize,
    /// Why it is not reachable.
    pub detail: String,
}

/// A file that could not be listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The file or directory.
    pub path: String,
    /// Reason and remedy.
    pub reason: String,
}

/// One source of passphrases.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SourceReport {
    /// "os", "kdbx" (one for each database), "embedded", "prompt".
    pub source: String,
    /// "ready", "closed", "skipped", "absent".
    pub state: String,
    /// Reason, path, or how the person would be asked.
    pub detail: String,
}

/// Something that the person does and that seals keys.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Watched {
    /// "watched"; "unknown" where the system does not tell; "off" where the configuration wants nothing of it.
    pub state: String,
    /// Who tells; or why nobody does.
    pub detail: String,
}

/// What the agent is told of the person's comings and goings.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ActivityReport {
    /// `lock.on_screen_lock`.
    pub screen_lock: Watched,
    /// `lock.on_sleep`.
    pub sleep: Watched,
    /// The last input, which counts for `lock.idle`.
    pub input: Watched,
    /// Seconds since then; 0 while there is some now and then.
    pub no_input_seconds: Option<u64>,
}

/// How well the agent protects its memory.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MemoryStatus {
    /// Secrets are in memory that even root's core images leave out.
    pub secret_memory: bool,
    /// Secrets cannot be swapped out.
    pub locked: bool,
    /// What is weaker than wanted, each with its remedy.
    pub weaknesses: Vec<String>,
}

/// The agent's state. Field names are stable.
#[derive(Debug, Serialize, Deserialize)]
pub struct StatusReport {
    /// claviger's version.
    pub version: String,
    /// Process id.
    pub pid: u32,
    /// Where it listens.
    pub socket: String,
    /// Keys listed.
    pub keys: usize,
    /// Keys open now.
    pub open: usize,
    /// Seconds without use after which a key is sealed; none = never.
    pub idle_seconds: Option<u64>,
    /// Clients connected now.
    pub clients: usize,
    /// What else seals keys, and whether the system tells of it.
    #[serde(default)]
    pub activity: ActivityReport,
    /// Where passphrases come from, in order.
    pub sources: Vec<SourceReport>,
    /// Other agents, in the order in which their keys are listed.
    #[serde(default)]
    pub upstreams: Vec<UpstreamReport>,
    /// Memory protection.
    pub memory: MemoryStatus,
    /// Files that could not be listed.
    pub problems: Vec<Problem>,
}

/// What to open.
#[derive(Serialize, Deserialize)]
pub struct UnlockRequest {
    /// A key (fingerprint, prefix of it, comment, path), or the vault or a database (path or file name);
    /// empty: the vault.
    pub name: String,
    /// Its passphrase; none: the agent looks in its sources and asks.
    pub passphrase: Option<String>,
}

/// Names a key: fingerprint, prefix of it, comment or path; or the path of a vault or database.
#[derive(Serialize, Deserialize)]
pub struct KeyName {
    /// The name.
    pub name: String,
}

/// What is to be forgotten of what was learnt.
#[derive(Serialize, Deserialize)]
pub struct ForgetHosts {
    /// Fingerprints of host keys.
    pub hosts: Vec<String>,
    /// Everything.
    pub all: bool,
}

/// What came of a request.
#[derive(Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// Done.
    pub ok: bool,
    /// What was done, or what failed, why and what to do.
    pub message: String,
}

/// Which host is meant.
#[derive(Serialize, Deserialize)]
pub struct ExplainRequest {
    /// A name or alias as ssh would take it, `[name]:port`, or a host key's fingerprint.
    pub host: String,
}

/// What the next login at a host would be offered. Field names are stable.
#[derive(Debug, Serialize, Deserialize)]
pub struct ExplainReport {
    /// As asked for.
    pub host: String,
    /// Its host keys, as known_hosts has them; the first is the one that was asked about. Empty for a host that is not known.
    pub host_keys: Vec<String>,
    /// The authority that may certify it.
    pub authority: Option<String>,
    /// Its names, as far as they stand somewhere in clear.
    pub names: Vec<String>,
    /// The user whom ssh would log in.
    pub user: Option<String>,
    /// What the rule for it matches, if there is one.
    pub rule: Option<String>,
    /// Whether the rule has the person asked.
    pub confirm: bool,
    /// Most identities; 0 is no limit.
    pub max: usize,
    /// Nothing is left out: ssh takes only what it is configured to (IdentitiesOnly).
    pub whole: bool,
    /// Offers that nobody took since.
    pub offers_in_vain: usize,
    /// In this order.
    pub offered: Vec<ExplainedKey>,
    /// What would follow.
    pub left_out: Vec<ExplainedKey>,
    /// What will happen next time, in words.
    pub next: String,
}

/// A key, and why it is or is not offered.
#[derive(Debug, Serialize, Deserialize)]
pub struct ExplainedKey {
    /// "SHA256:..."
    pub fingerprint: String,
    /// Invalid UTF-8 replaced.
    pub comment: String,
    /// Its file; empty if it is none.
    pub path: String,
    /// A word that does not change: "rule", "worked", "untried", ...
    pub reason: String,
    /// The same for people.
    pub detail: String,
}
