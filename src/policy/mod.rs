//! May it? What a connection has proven of its way here, and which keys may be seen and used on that way.
//!
//! Pure: what is asked comes in as data, times as seconds since the epoch. Whoever verifies a bind's signature or
//! takes a host certificate apart does it before, and hands over what came out ([`HostKey`]).
//!
//! One [`Route`] for each client connection answers both questions, so that they cannot disagree: [`Route::shows`]
//! for listing, removing and overwriting a key, [`Route::may_sign`] for using it. The rules are OpenSSH's
//! (PROTOCOL.agent, 1 and 2), as a key that is restricted with `ssh-add -h` must mean the same in any agent.

mod host;
mod pattern;
mod route;
mod rule;
mod sign;
#[cfg(test)]
mod tests;

pub use host::{HostCertificate, HostKey};
pub use pattern::list_matches as listed;
pub use route::{BindRefused, Binding, MAX_BINDINGS, Route};
pub use rule::{Candidate, HostFacts, Rule, Rules};
pub use sign::{Denied, WEBSAFE, websafe};
