//! Key files that real tools write, and what becomes of them when they are damaged.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails by panicking"
)]

mod added;
mod added_damage;
mod certificates;
mod damage;
mod damage_sealed;
mod files;
mod formats;
mod hosts;
mod ppk;
mod recorder;
mod tools;
mod verify;
mod write;
