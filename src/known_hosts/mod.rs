//! What ssh's known_hosts files say: which names a host key has, and which host keys a name has.
//!
//! [`Files`] reads them (and again when they changed), [`KnownHosts`] is what stands in them, indexed by fingerprint and by
//! name. Names come as ssh writes them: in lower case, `[host]:port` where the port is not 22. A hashed entry gives no
//! name away, but answers whether a name is its own; what it hides stays hidden here too.
//!
//! What ssh does not take, this room does not take: a key that is `@revoked` for a name does not have that name. What does not
//! parse is passed over, as ssh does.

mod files;
mod hosts;
mod index;
mod line;
#[cfg(test)]
mod tests;

pub use files::{Files, usual};
pub use hosts::KnownHosts;
