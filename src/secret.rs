//! Secrets: zeroizing bytes in protected memory that cannot be printed, cloned or serialized.
pub use claviger_platform::harden::LockedBytes as Secret;
