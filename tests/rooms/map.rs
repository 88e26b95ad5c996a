//! The rooms and their arrows. `docs/design.md` has the same map for readers; when a wall moves, it moves in both.

/// Room, rooms it may lean on directly, and why. What they lean on is allowed too: an arrow may skip a floor, never
/// point back.
pub(crate) const ARROWS: &[(&str, &[&str], &str)] = &[
    ("main", &["commands", "cli"], "parses, dispatches, ends"),
    (
        "commands",
        &["cli", "config", "serve"],
        "one file per verb, the composition root",
    ),
    ("serve", &["session", "idle", "platform"], "streams in and out"),
    (
        "session",
        &[
            "policy",
            "keyset",
            "wire",
            "client",
            "history",
            "known_hosts",
            "token",
            "upstream",
        ],
        "one client's requests",
    ),
    (
        "token",
        &["platform", "secret", "key"],
        "keys that never leave a device, asked through helper processes",
    ),
    (
        "upstream",
        &["platform", "wire"],
        "other agents' keys: connections to them, frames passed on",
    ),
    (
        "keyset",
        &["key", "unlock", "token"],
        "the keys held: sealed, open, or in a device",
    ),
    (
        "keyset",
        &["config", "wire"],
        "takes its limits as configured; fills in wire's reports of keys",
    ),
    (
        "unlock",
        &["platform", "secret", "key"],
        "passphrases; what an attempt to open said (KeyError)",
    ),
    (
        "unlock",
        &["config", "wire"],
        "takes its order as configured (Source); fills in wire's reports of sources",
    ),
    ("idle", &["keyset", "platform"], "seals when the person is away"),
    ("config", &["platform"], "reads and writes its file whole"),
    ("config", &["key"], "what deriving a key may cost (KdfLimits)"),
    (
        "policy",
        &["wire"],
        "judges restrictions and logins as wire has read them",
    ),
    ("history", &["platform"], "what was learnt"),
    (
        "client",
        &["platform", "key"],
        "what the client process was asked to do; the public halves that named files show",
    ),
    (
        "known_hosts",
        &["platform", "key", "policy"],
        "names of host keys; blobs of lines, ssh's patterns",
    ),
    ("wire", &[], "bytes of the protocol"),
    (
        "key",
        &["secret", "platform"],
        "bytes of key files; the calls into AWS-LC that need `unsafe`",
    ),
    ("secret", &["platform"], "protected memory"),
    ("cli", &[], "clap types only"),
    ("platform", &[], "knows nothing upward"),
];

/// Rooms that do no I/O and read no clock.
pub(crate) const PURE: &[&str] = &["wire", "key", "policy"];
pub(crate) const IMPURE_WORDS: &[&str] = &[
    "tokio",
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "std::io::stdin",
    "Instant",
    "SystemTime",
    "File::open",
];
