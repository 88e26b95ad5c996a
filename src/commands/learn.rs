//! Key files whose public half is behind their passphrase: opened once, so that they are listed from then on.
use super::context::{Context, Secrets};
use super::opening::KeyFile;
use super::output::Failure;
use claviger::key::KeyError;
use claviger::secret::Secret;
use claviger_platform::prompt::Means;
use std::path::Path;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// Opens such a file and has its public half remembered; gives the passphrase. None of every other file: what is wrong with
/// it is for others to tell.
pub(crate) fn learn(
    path: &Path,
    context: &Context,
    given: Option<&Secret>,
    means: &Arc<Means>,
    runtime: &Runtime,
) -> Result<Option<Secret>, Failure> {
    let Ok(file) = KeyFile::read(path, context.config()?.limits) else {
        return Ok(None);
    };
    let notes = context.notes();
    let hidden = matches!(file.inspect(), Err(KeyError::NoPublicHalf));
    if !hidden || notes.public_of(&file.bytes).is_some() {
        return Ok(None);
    }
    let secrets = Secrets {
        key: given.map(|given| Secret::copy_of(given)),
        vault: None,
    };
    let opened = file.open(context, secrets, means, runtime)?;
    notes.remember(&file.bytes, opened.key.public(), &opened.comment)?;
    Ok(opened.passphrase)
}
