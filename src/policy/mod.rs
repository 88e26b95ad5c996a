//! May it, and in which order? What a connection has proven of its way here, which keys may be seen and used on that way, and which
//! of them a server is offered first.
//!
//! Pure: what is asked comes in as data, times as seconds since the epoch. Whoever verifies a bind's signature or
//! takes a host certificate apart does it before, and hands over what came out ([`HostKey`]).
//!
//! One [`Route`] for each client connection answers both questions, so that they cannot disagree: [`Route::shows`]
//! for listing, removing and overwriting a key, [`Route::may_sign`] for using it. The rules are OpenSSH's
//! (PROTOCOL.agent, 1 and 2), as a key that is restricted with `ssh-add -h` must mean the same in any agent.

mod hint;
mod host;
mod offer;
mod pattern;
mod rank;
mod route;
mod rule;
mod sign;
#[cfg(test)]
mod tests;

pub use hint::Hints;
pub use host::{HostCertificate, HostKey};
pub use offer::{At, Bounds, Candidate, Hint, LeftOut, MISSES, Named, Offer, Reason, Worked, offer};
pub use pattern::list_matches as listed;
pub use route::{BindRefused, Binding, MAX_BINDINGS, Route};
pub use rule::{Candidate as RuleCandidate, HostFacts, Rule, Rules};
pub use sign::{Denied, WEBSAFE, websafe};
