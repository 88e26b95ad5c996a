//! Systems whose keyring claviger does not speak to yet: every question is answered with "absent".
use super::{Attributes, KeyringError};
use crate::harden::LockedBytes;
use std::time::Duration;

pub(super) struct Session;

impl Session {
    pub(super) fn new(_limit: Duration) -> Self {
        Self
    }
    pub(super) fn get(&mut self, _account: &str) -> Result<Option<LockedBytes>, KeyringError> {
        Err(absent())
    }
    pub(super) fn set(&mut self, _: &str, _: &str, _: &LockedBytes) -> Result<(), KeyringError> {
        Err(absent())
    }
    pub(super) fn delete(&mut self, _account: &str) -> Result<bool, KeyringError> {
        Err(absent())
    }
    pub(super) fn of_others(&mut self, _: &Attributes) -> Result<Vec<LockedBytes>, KeyringError> {
        Err(absent())
    }
    pub(super) fn probe(&mut self) -> Result<(), KeyringError> {
        Err(absent())
    }
}

fn absent() -> KeyringError {
    KeyringError::Absent("not supported on this system yet".to_owned())
}
