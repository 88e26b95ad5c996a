//! `claviger convert`: writes a key in another format, or under another passphrase.
//!
//! The old file is only read. The new one is read back before it gets its name, so that what is there afterwards opens with
//! the passphrase that was meant, and it never takes the place of another file.
use super::context::{Context, Secrets, runtime, secret_from};
use super::opening::{KeyFile, Opened, beside};
use super::output::{self, Failure, visible};
use crate::cli::{ConvertArgs, NewPassphrase, TargetFormat};
use claviger::key::{self, Format, KdfLimits, KeyError, OpenKey, Protection};
use claviger::secret::Secret;
use claviger_platform::files::{self, FileError, Fresh};
use claviger_platform::harden::scrubbed;
use claviger_platform::prompt::{Means, PromptError};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::runtime::Runtime;
use zeroize::Zeroizing;

/// ssh-keygen's number since OpenSSH 9.4.
pub(super) const ROUNDS: u32 = 24;
pub(super) const PRIVATE: u32 = 0o600;
pub(super) const PUBLIC: u32 = 0o644;
/// Far above every real `.pub` file.
const MAX_PUBLIC: u64 = 1 << 20;

pub(crate) fn run(args: &ConvertArgs, context: &Context) -> Result<ExitCode, Failure> {
    let (secrets, new) = given(args)?;
    if args.rounds.is_some() && args.to != TargetFormat::Openssh {
        let text = "--rounds is for --to openssh; the other formats have a cost of their own";
        return Err(Failure::new(text));
    }
    // Before anybody types a passphrase in vain.
    files::refuse_existing(&args.output)?;
    let file = KeyFile::read(&args.file, context.config()?.limits)?;
    let (means, runtime) = (Arc::new(context.means()), runtime()?);
    let mut opened = file.open(context, secrets, &means, &runtime)?;
    if let Some(comment) = &args.comment {
        opened.comment = comment.clone().into_bytes();
    }
    refuse_other_public(&args.output, &opened.key)?;
    let asking = Asking {
        means: &means,
        runtime: &runtime,
    };
    let (passphrase, protected) = asking.choose(args, new, opened.passphrase.take())?;
    let rounds = args.rounds.unwrap_or(ROUNDS);
    let bytes = written(
        args.to,
        &file.limits,
        rounds,
        &shown(&args.output),
        &opened,
        passphrase.as_ref(),
    )?;
    let public = publish(&args.output, &bytes, &opened)?;
    let public = match public {
        true => format!("; public half in {}", shown(&beside(&args.output, ".pub"))),
        false => String::new(),
    };
    output::line(format!("{}: written, {protected}{public}", shown(&args.output)))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn shown(path: &Path) -> String {
    visible(&path.to_string_lossy())
}

/// Passphrases given by descriptor, read before anything else is opened.
fn given(args: &ConvertArgs) -> Result<(Secrets, Option<Secret>), Failure> {
    let new = args.new.new_passphrase_fd;
    if new.is_some() && (new == args.key.passphrase_fd || new == args.vault.vault_passphrase_fd) {
        let text = "--new-passphrase-fd names the same descriptor as another passphrase; give each its own";
        return Err(Failure::new(text));
    }
    let secrets = Secrets::read(&args.key, &args.vault)?;
    let new = secret_from(new)?;
    if new.as_ref().is_some_and(|new| new.is_empty()) {
        let text = "the new passphrase is empty; to have none, say --no-passphrase";
        return Err(Failure::new(text));
    }
    Ok((secrets, new))
}

/// A `.pub` of another key beside the new file would be taken for its public half.
fn refuse_other_public(output: &Path, key: &OpenKey) -> Result<(), Failure> {
    let path = beside(output, ".pub");
    let content = match files::read_public(&path, MAX_PUBLIC) {
        Err(FileError::Missing { .. }) => return Ok(()),
        content => content?,
    };
    match key::public_file(&content, None) {
        Ok(public) if public.blob == key.public().blob => Ok(()),
        _ => Err(Failure::new(format!(
            "{}: exists already and is not this key's; move it away, or choose another name",
            shown(&path)
        ))),
    }
}

/// How a person is asked for what the new file is protected by.
struct Asking<'a> {
    means: &'a Means,
    runtime: &'a Runtime,
}

impl Asking<'_> {
    /// The new file's passphrase, and what is said of it.
    fn choose(
        &self,
        args: &ConvertArgs,
        new: Option<Secret>,
        old: Option<Secret>,
    ) -> Result<(Option<Secret>, &'static str), Failure> {
        let NewPassphrase {
            new_passphrase,
            no_passphrase,
            unprotected,
            ..
        } = args.new;
        match (new, old) {
            (Some(new), _) => Ok((Some(new), "protected by the new passphrase")),
            (None, _) if new_passphrase => Ok((
                Some(self.typed_twice(&args.output)?),
                "protected by the new passphrase",
            )),
            (None, Some(_)) if no_passphrase => {
                if !unprotected {
                    self.confirm(&args.output)?;
                }
                Ok((None, "NOT protected by a passphrase"))
            }
            (None, Some(old)) if old.is_empty() => Err(Failure::new(
                "the old file's passphrase is empty, which protects nothing; give another: --new-passphrase, or none: \
                 --no-passphrase",
            )),
            (None, Some(old)) => Ok((Some(old), "protected by the same passphrase")),
            (None, None) => Ok((None, "not protected, as the old file")),
        }
    }

    fn typed_twice(&self, output: &Path) -> Result<Secret, Failure> {
        let first = format!("Enter the new passphrase for {}: ", output.display());
        let asked = self
            .runtime
            .block_on(self.means.passphrase_twice(&first, "Enter it again: "));
        asked.map_err(|error| match error {
            PromptError::Unavailable(why) => {
                Failure::new(format!("{why}; or give it with --new-passphrase-fd N"))
            }
            error => Failure::new(format!("nothing was written: {error}")),
        })
    }

    /// The second of two times that somebody has to say it.
    fn confirm(&self, output: &Path) -> Result<(), Failure> {
        if !self.means.has_terminal() {
            let text = "without a terminal to confirm it, an unprotected key has to be asked for twice: \
                        --no-passphrase --unprotected";
            return Err(Failure::new(text));
        }
        let question = format!(
            "Whoever reads {} can log in as you. Write it without a passphrase? [y]es, [n]o: ",
            output.display()
        );
        match self.runtime.block_on(self.means.choose(&question, &['y', 'n'])) {
            Some('y') => Ok(()),
            _ => Err(Failure::new("nothing was written")),
        }
    }
}

/// The new file's content, which opens to the same key.
pub(super) fn written(
    to: TargetFormat,
    limits: &KdfLimits,
    rounds: u32,
    name: &str,
    opened: &Opened,
    passphrase: Option<&Secret>,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let format = match to {
        TargetFormat::Openssh => Format::OpenSsh,
        TargetFormat::Pkcs8 => Format::Pkcs8,
        TargetFormat::Ppk => Format::Ppk,
    };
    let protection = passphrase.map(|passphrase| Protection { passphrase, rounds });
    let failure = |error: KeyError| Failure::new(format!("{name}: {error}"));
    let (bytes, again) = scrubbed(|| {
        let bytes = key::write(&opened.key, format, &opened.comment, protection.as_ref())?;
        let again = key::open(limits, &bytes, passphrase.map(|passphrase| &**passphrase))?;
        Ok((bytes, again))
    })
    .map_err(failure)?;
    match again.public() == opened.key.public() {
        true => Ok(bytes),
        false => Err(Failure::new(format!(
            "{name}: not written, because it would open to another key"
        ))),
    }
}

/// Gives both files their names; says whether a `.pub` was made. Both are whole before the first one appears.
fn publish(output: &Path, bytes: &[u8], opened: &Opened) -> Result<bool, Failure> {
    let path = beside(output, ".pub");
    let private = Fresh::write(output, bytes, PRIVATE)?;
    let mut line = key::authorized_line(&opened.key.public().blob, &opened.comment);
    line.push(b'\n');
    let public = match path.exists() {
        true => None,
        false => Some(Fresh::write(&path, &line, PUBLIC)?),
    };
    private.publish()?;
    let made = public.is_some();
    public
        .map_or(Ok(()), Fresh::publish)
        .map_err(|error| Failure::new(format!("{} is written, but {error}", shown(output))))?;
    Ok(made)
}
