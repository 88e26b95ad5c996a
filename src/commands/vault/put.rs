//! `claviger vault put`: a key into a database. Its passphrase is checked by opening the key, before anything is written.
use super::target::Chosen;
use crate::cli::PutArgs;
use crate::commands::client::Client;
use crate::commands::context::{Context, Secrets, runtime};
use crate::commands::names::{known, resolve};
use crate::commands::opening::{KeyFile, beside};
use crate::commands::output::{self, Failure, visible};
use claviger::key;
use claviger::unlock::NewKey;
use claviger_platform::files;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Far above every certificate.
const MAX_CERTIFICATE: u64 = 1 << 20;

pub(super) fn run(args: &PutArgs, context: &Context) -> Result<ExitCode, Failure> {
    let mut secrets = Secrets::read(&args.key, &args.shared.vault)?;
    // The one master passphrase that was given is the target's, and no store's that the key's passphrase may be in.
    let master = secrets.vault.take();
    let path = path_of(args, context)?;
    let file = KeyFile::read(&path, context.config()?.limits)?;
    if !key::looks_like_private_key(&file.bytes) {
        let why = file.inspect().err();
        let why = why.map_or_else(|| "not a private key".to_owned(), |error| error.to_string());
        return Err(Failure::new(format!("{}: {why}", file.name())));
    }
    let chosen = Chosen::find_with(&args.into, &args.shared, master, context)?;
    chosen.warn_of_locks();
    let runtime = runtime()?;
    let opened = file.open(context, secrets, &super::means(context), &runtime)?;
    let public = opened.key.public();
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let new = NewKey {
        fingerprint: public.fingerprint.clone(),
        file: file.bytes.clone(),
        public: [&key::authorized_line(&public.blob, &opened.comment)[..], b"\n"].concat(),
        certificate: files::read_public(&beside(&path, "-cert.pub"), MAX_CERTIFICATE).ok(),
        passphrase: opened.passphrase,
        comment: String::from_utf8_lossy(&opened.comment).replace(char::is_control, "\u{fffd}"),
        name,
        title: args.title.clone(),
        group: args.group.clone(),
        confirm: args.confirm,
        lifetime: args.lifetime,
        replace: args.replace,
    };
    let put = runtime.block_on(chosen.editor.put(new))?;
    let database = visible(&chosen.editor.path().to_string_lossy());
    output::line(format!(
        "{}: put into {database} as {:?}",
        file.name(),
        visible(&put.done.title)
    ))?;
    if !keepassxc_reads(&file.bytes) {
        output::note(
            &"KeePassXC does not read a key in this format (the agent does); `claviger convert --to openssh` makes one that it reads",
        );
    }
    if let Some(settings) = &put.done.settings
        && !(settings.allowed && settings.at_opening)
    {
        output::note(
            &"its entry's settings, which stay as they are, keep it from agents; KeePassXC shows them under SSH Agent",
        );
    }
    if !chosen.is_known || chosen.editor.is_vault() {
        output::note(&format!(
            "the agent takes keys out of it once the configuration names it: [[kdbx]], path = {database:?}"
        ));
    }
    chosen.after_change(put.upgraded, context, &args.shared);
    Ok(ExitCode::SUCCESS)
}

/// It takes OpenSSH's format and the old PEM ones.
fn keepassxc_reads(file: &[u8]) -> bool {
    let marks = [
        &b"-----BEGIN OPENSSH PRIVATE KEY-----"[..],
        b"-----BEGIN RSA PRIVATE KEY-----",
        b"-----BEGIN EC PRIVATE KEY-----",
    ];
    marks
        .into_iter()
        .any(|mark| file.windows(mark.len()).any(|part| part == mark))
}

/// The key's file, which a fingerprint or a comment may name too.
fn path_of(args: &PutArgs, context: &Context) -> Result<PathBuf, Failure> {
    let path = Path::new(&args.key_name);
    if path.symlink_metadata().is_ok() {
        return Ok(path.to_owned());
    }
    let client = Client::find(context, args.shared.client.socket.as_deref()).ok();
    let keys = known(client.as_ref(), &context.config()?, &context.notes())?;
    let found = resolve(&keys, &args.key_name)?;
    match found.path.is_file() {
        true => Ok(found.path),
        false => Err(Failure::new(format!(
            "{}: the key is in no file that could be put in; name a FILE",
            visible(&args.key_name)
        ))),
    }
}
