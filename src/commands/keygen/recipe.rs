//! What the command line asks for, checked before anything is made: type, file, comment, protection.
use crate::cli::{KeyType, KeygenArgs};
use crate::commands::context::Context;
use crate::commands::key_name;
use crate::commands::names::whole;
use crate::commands::output::{Failure, visible};
use crate::commands::ssh_config::checked_host;
use claviger::key::{NewKind, RSA_SIZES};
use claviger_platform::dirs;
use claviger_platform::files;
use std::path::PathBuf;

/// The longest comment, in bytes: far more than anybody reads, and short enough for one line of authorized_keys.
const COMMENT: usize = 1024;

/// Which key to make, and where.
pub(super) struct Recipe {
    pub(super) kind: NewKind,
    pub(super) path: PathBuf,
    pub(super) public_path: PathBuf,
    pub(super) comment: String,
    pub(super) rounds: u32,
}

impl Recipe {
    pub(super) fn read(args: &KeygenArgs, context: &Context) -> Result<Self, Failure> {
        if args.no_passphrase && !args.unprotected {
            return Err(Failure::new(
                "a key without a passphrase can be used by everybody who gets hold of its file; \
                 if that is what you want, say --no-passphrase --unprotected; \
                 --generate makes one that nobody has to type",
            ));
        }
        let (kind, type_name) = kind(args)?;
        let host = args.host.host.as_deref().map(checked_host).transpose()?;
        let path = path(args, context, type_name, host)?;
        let mut public_path = path.clone().into_os_string();
        public_path.push(".pub");
        let recipe = Self {
            kind,
            path,
            public_path: public_path.into(),
            comment: comment(args.comment.as_deref())?,
            rounds: args.rounds,
        };
        recipe.refuse_existing()?;
        Ok(recipe)
    }

    /// Neither file may be there: a key that is overwritten is a login that is lost.
    fn refuse_existing(&self) -> Result<(), Failure> {
        files::refuse_existing(&self.path)?;
        Ok(files::refuse_existing(&self.public_path)?)
    }

    /// What the work is called while it goes on.
    pub(super) fn describe(&self) -> String {
        match self.kind {
            NewKind::Rsa(bits) => format!("Making an RSA key of {bits} bits"),
            NewKind::Ecdsa(_) => String::from("Making an ECDSA key"),
            NewKind::Ed25519 => String::from("Making an Ed25519 key"),
        }
    }
}

fn kind(args: &KeygenArgs) -> Result<(NewKind, &'static str), Failure> {
    let refused = |bits: u32, name: &str, sizes: &str| {
        Err(Failure::new(format!(
            "{name} keys of {bits} bits are not made; choose {sizes}"
        )))
    };
    match (args.kind, args.bits) {
        (KeyType::Ed25519, None | Some(256)) => Ok((NewKind::Ed25519, "ed25519")),
        (KeyType::Ed25519, Some(bits)) => refused(bits, "Ed25519", "no -b: their size is fixed"),
        (KeyType::Rsa, bits) => match bits.unwrap_or(4096) {
            bits if RSA_SIZES.contains(&bits) => Ok((NewKind::Rsa(bits), "rsa")),
            bits => refused(bits, "RSA", "2048, 3072, 4096 or 8192"),
        },
        (KeyType::Ecdsa, bits) => match NewKind::ecdsa(bits.unwrap_or(256)) {
            Some(kind) => Ok((kind, "ecdsa")),
            None => refused(bits.unwrap_or(0), "ECDSA", "256, 384 or 521"),
        },
    }
}

fn path(
    args: &KeygenArgs,
    context: &Context,
    type_name: &str,
    host: Option<&str>,
) -> Result<PathBuf, Failure> {
    let path = match (&args.file, &args.name) {
        (Some(file), _) => whole(file).ok_or_else(|| {
            Failure::new(format!("{}: no such directory", visible(&file.to_string_lossy())))
        })?,
        (None, name) => {
            let usual = || match host {
                Some(host) => format!("id_{type_name}_{host}"),
                None => format!("id_{type_name}"),
            };
            let folder = context.places.home.join(".ssh");
            files::private_dir(&folder)?;
            let name = name.clone().unwrap_or_else(usual);
            folder.join(key_name::plain(&name, "for another place use -f FILE")?)
        }
    };
    key_name::checked(&path)?;
    Ok(path)
}

/// What tells the key from others later: as ssh-keygen, who made it and where.
fn comment(given: Option<&str>) -> Result<String, Failure> {
    let comment = match given {
        Some(given) => given.to_owned(),
        None => {
            let (number, name) = dirs::user();
            let user = name.map_or_else(|| number.to_string(), |name| name.to_string_lossy().into_owned());
            format!("{user}@{}", dirs::host_name().to_string_lossy())
        }
    };
    match visible(&comment) == comment && comment.len() <= COMMENT {
        true => Ok(comment),
        false => Err(Failure::new(format!(
            "a comment is one line of at most {COMMENT} bytes without control characters"
        ))),
    }
}
