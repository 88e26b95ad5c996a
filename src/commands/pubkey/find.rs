//! Which public half FILE|KEY means: a file's, else that of a key that the agent or the configured places have.
use super::Public;
use crate::commands::client::Client;
use crate::commands::context::{Context, Secrets, runtime};
use crate::commands::names::{self, resolve};
use crate::commands::opening::KeyFile;
use crate::commands::output::Failure;
use claviger::key::{self, Hash, KeyError};
use claviger::keyset;
use claviger::unlock::Wanted;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

pub(in crate::commands) fn find(
    name: &str,
    socket: Option<&Path>,
    context: &Context,
    secrets: Secrets,
) -> Result<Public, Failure> {
    match Path::new(name).exists() {
        true => of_file(Path::new(name), context, secrets),
        false => of_key(name, socket, context),
    }
}

fn of_file(path: &Path, context: &Context, secrets: Secrets) -> Result<Public, Failure> {
    let file = KeyFile::read(path, context.config()?.limits)?;
    let path = Some(path.to_string_lossy().into_owned());
    match key::public_file(&file.bytes, file.beside.as_deref()) {
        Ok(public) => Ok(Public {
            blob: public.blob,
            comment: public.comment,
            path,
        }),
        // Only the passphrase shows it.
        Err(KeyError::NoPublicHalf) => {
            let opened = file.open(context, secrets, &Arc::new(context.means()), &runtime()?)?;
            Ok(Public {
                blob: opened.key.public().blob.clone(),
                comment: opened.comment,
                path,
            })
        }
        Err(error) => Err(Failure::new(format!("{}: {error}", file.name()))),
    }
}

fn of_key(name: &str, socket: Option<&Path>, context: &Context) -> Result<Public, Failure> {
    let agents = Client::find(context, socket).and_then(|client| of_agent(&client));
    let found = match agents {
        Err(failure) if socket.is_some() => return Err(failure),
        agents => match pick(&agents.unwrap_or_default(), name) {
            Ok(Some(found)) => Some(found),
            // A locked agent lists nothing, and none may run at all; files are there all the same.
            _ => pick(&of_places(context)?, name)?,
        },
    };
    let Some((key, blob)) = found else {
        let text = "no such file, and no key of this fingerprint is known";
        return Err(Failure::new(format!("{name}: {text}")));
    };
    let path = key.path.to_string_lossy().into_owned();
    Ok(Public {
        blob,
        comment: key.comment.into_bytes(),
        path: Some(path).filter(|path| !path.is_empty()),
    })
}

/// The one key of that name; none where the name is a whole fingerprint, which names a key that is not there too.
fn pick(keys: &[Key], name: &str) -> Result<Option<Key>, Failure> {
    let wanted: Vec<Wanted> = keys.iter().map(|(wanted, _)| wanted.clone()).collect();
    // A key that is in two files, in two formats perhaps, is one key here.
    let found = resolve(&wanted, name).or_else(|_| resolve(&one_of_each(&wanted), name))?;
    let same = |key: &&Key| key.0.fingerprint == found.fingerprint;
    Ok(keys
        .iter()
        .find(same)
        .map(|(_, blob)| (found.clone(), blob.clone())))
}

fn one_of_each(wanted: &[Wanted]) -> Vec<Wanted> {
    let mut seen = HashSet::new();
    let first = wanted.iter().filter(|key| seen.insert(key.fingerprint.as_str()));
    first.cloned().collect()
}

/// Names, and the public blob.
type Key = (Wanted, Vec<u8>);

/// The agent's keys: names from its listing, blobs from what every client gets; of a certificate, that of the key in it.
fn of_agent(client: &Client) -> Result<Vec<Key>, Failure> {
    let blobs: HashMap<String, Vec<u8>> = client
        .identities()?
        .into_iter()
        .map(|blob| key::plain_of(&blob).unwrap_or(blob))
        .map(|blob| (key::fingerprint(&blob, Hash::Sha256), blob))
        .collect();
    let reports = client.list()?.into_iter();
    Ok(reports
        .filter_map(|report| {
            let blob = blobs.get(&report.fingerprint)?.clone();
            let wanted = Wanted {
                fingerprint: report.fingerprint,
                path: report.path.into(),
                comment: report.comment,
            };
            Some((wanted, blob))
        })
        .collect())
}

fn of_places(context: &Context) -> Result<Vec<Key>, Failure> {
    let config = context.config()?;
    let found = keyset::discover(
        &config.limits,
        &config.key_dirs,
        &config.key_files,
        &context.notes(),
    )
    .keys;
    Ok(found
        .into_iter()
        .map(|found| (names::wanted(&found), found.inspected.public.blob))
        .collect())
}
