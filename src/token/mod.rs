//! Keys that never leave a device: what asks the device to sign, each in a process of its own.
//!
//! A device's library is a vendor's code, and a device waits for its owner. So neither runs in the agent: whatever
//! crashes or hangs there costs one answer, within a bound.

pub mod pkcs11;
pub mod security_key;
