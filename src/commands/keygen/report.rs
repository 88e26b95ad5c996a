//! What `claviger keygen` says at the end: for people, or as JSON.
use super::protection::Protection;
use super::recipe::Recipe;
use crate::commands::output::visible;
use crate::commands::ssh_config::Written;
use claviger::key::{PublicHalf, randomart, short_name};
use serde::Serialize;
use std::fmt::{self, Display};

/// Where the new key stands in the running agent.
#[derive(Serialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Agent {
    /// No agent runs.
    None,
    /// It runs, but does not list the key.
    NotListed,
    /// Listed, sealed.
    Listed,
    /// Listed and open.
    Open,
}

/// The key that was made.
#[derive(Serialize)]
pub(in crate::commands) struct Report {
    pub(super) path: String,
    pub(super) public_path: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) bits: u32,
    pub(super) fingerprint: String,
    pub(super) comment: String,
    pub(super) public_key: String,
    pub(super) randomart: Option<String>,
    /// "typed", "generated" or "none".
    pub(super) passphrase: &'static str,
    /// The store that has a generated passphrase.
    pub(super) stored_in: Option<String>,
    pub(super) agent: Agent,
    pub(super) ssh_config: Option<Written>,
}

impl Report {
    pub(super) fn new(recipe: &Recipe, public: &PublicHalf, line: &[u8], protection: &Protection) -> Self {
        Self {
            path: recipe.path.to_string_lossy().into_owned(),
            public_path: recipe.public_path.to_string_lossy().into_owned(),
            kind: public.algorithm.clone(),
            bits: public.bits,
            fingerprint: public.fingerprint.clone(),
            comment: recipe.comment.clone(),
            public_key: String::from_utf8_lossy(line).into_owned(),
            randomart: randomart(&public.fingerprint, &public.algorithm, public.bits),
            passphrase: match protection {
                Protection::None => "none",
                Protection::Typed(_) => "typed",
                Protection::Generated { .. } => "generated",
            },
            stored_in: protection.place().map(str::to_owned),
            agent: Agent::None,
            ssh_config: None,
        }
    }
}

impl Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "private key  {}", visible(&self.path))?;
        writeln!(out, "public key   {}", visible(&self.public_path))?;
        writeln!(
            out,
            "fingerprint  {} {} {} ({})",
            self.bits,
            self.fingerprint,
            self.comment,
            short_name(&self.kind)
        )?;
        if let Some(picture) = &self.randomart {
            writeln!(out, "{picture}")?;
        }
        match (&self.stored_in, self.passphrase) {
            (Some(place), _) => writeln!(
                out,
                "passphrase   made at random, in {}; nobody has seen it",
                visible(place)
            )?,
            (None, "none") => writeln!(out, "passphrase   none: whoever has the file can use the key")?,
            (None, _) => writeln!(
                out,
                "passphrase   yours; `claviger add` stores it, so that you type it once"
            )?,
        }
        let agent = match self.agent {
            Agent::None => "none runs; `claviger agent` will list the key",
            Agent::NotListed => "does not list the key; `claviger status` says why",
            Agent::Listed => "lists the key, sealed until its first use",
            Agent::Open => "lists the key, open",
        };
        writeln!(out, "agent        {agent}")?;
        if let Some(written) = &self.ssh_config {
            writeln!(out, "ssh config   {written}")?;
        }
        write!(out, "{}", self.public_key)
    }
}
