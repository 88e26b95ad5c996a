//! Keys of PKCS#11 tokens: smart cards, HSMs, and what else a vendor's library makes look like one.
//!
//! Such a library is code of its vendor's choice, and none of it runs in the agent: each load starts a helper, which
//! is this very program in another role ([`helper`]), and a [`Provider`] is the agent's end of it. If the library
//! crashes or hangs, the helper ends or is killed, and the agent has lost that library's keys and nothing else. The
//! PIN is in the helper's protected memory only, and only for keys that ask for it at each use.
//!
//! `message` is what the two ends say to each other; `device`, `public`, `certificate` and `sign` are the helper's: the only files
//! that know the `cryptoki` crate.

mod certificate;
mod device;
mod helper;
mod message;
mod provider;
mod public;
mod sign;

pub use helper::helper;
pub use message::TokenKey;
pub use provider::{Loaded, Provider, ProviderError};
