//! A key file from anywhere, with what stands beside it, and its private copy.
use crate::commands::convert::{PRIVATE, PUBLIC, shown};
use crate::commands::names::whole;
use crate::commands::opening::{KeyFile, Opened, beside};
use crate::commands::output::Failure;
use claviger::key::{self, Inspected, KdfLimits, KeyError, PublicHalf};
use claviger_platform::files::{self, Fresh};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Far above every real key file.
const LONGEST: u64 = 1 << 20;

/// A key file that is to be copied, and what it tells in clear.
pub(super) struct Source {
    pub(super) file: KeyFile,
    /// None where the public half is behind the passphrase.
    pub(super) listed: Option<Inspected>,
    /// Whether others could read or change the file.
    pub(super) exposed: bool,
    certificate: Option<Vec<u8>>,
}

/// What was made.
pub(super) struct Copied {
    pub(super) path: PathBuf,
    /// Whether FILE.pub was written.
    public: bool,
    /// The certificate that stood beside the source: came along, or why not.
    certificate: Option<Result<(), String>>,
}

impl Source {
    /// Reads it, whatever its mode: a file on a stick or among downloads has none that means anything.
    pub(super) fn read(path: &Path, limits: KdfLimits) -> Result<Self, Failure> {
        let path = whole(path).ok_or_else(|| Failure::new("no such file"))?;
        if path.extension().is_some_and(|extension| extension == "pub") {
            let text =
                "this is a name of a public half; give the private key, and what belongs to it comes along";
            return Err(Failure::new(text));
        }
        let plain = |error: files::FileError| {
            let text = error.to_string();
            let prefix = format!("{}: ", path.display());
            Failure::new(text.strip_prefix(&prefix).unwrap_or(&text))
        };
        let (bytes, exposed) = files::read_exposed(&path, LONGEST).map_err(plain)?;
        let public = files::read_public(&beside(&path, ".pub"), LONGEST).ok();
        let public = public.filter(|public| !public.is_empty());
        let listed = match key::inspect(&limits, &bytes, public.as_deref()) {
            Ok(listed) => Some(listed),
            Err(KeyError::NoPublicHalf) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(Self {
            certificate: files::read_public(&beside(&path, "-cert.pub"), LONGEST).ok(),
            file: KeyFile {
                path,
                bytes: Arc::new(bytes),
                beside: public,
                limits,
            },
            listed,
            exposed,
        })
    }

    /// Whether a passphrase protects it.
    pub(super) fn encrypted(&self) -> bool {
        self.listed.as_ref().is_none_or(|listed| listed.encrypted)
    }

    /// Writes the copy and its company under `target`; `content` goes before the file's own bytes.
    pub(super) fn copy(
        &self,
        target: &Path,
        content: Option<&[u8]>,
        opened: Option<&Opened>,
    ) -> Result<Copied, Failure> {
        let half = self.half(opened);
        let private = Fresh::write(target, content.unwrap_or(&self.file.bytes), PRIVATE)?;
        let public = half.map(|half| {
            let line = key::authorized_line(&half.blob, &self.comment(opened));
            Fresh::write(&beside(target, ".pub"), &[&line[..], b"\n"].concat(), PUBLIC)
        });
        let public = public.transpose()?;
        let fitting = self.certificate.as_deref().map(|bytes| match half {
            Some(half) => key::certificate(bytes, half)
                .map(|_| bytes)
                .map_err(|error| error.to_string()),
            None => Err(String::from("whose it is shows only once the key was opened")),
        });
        let certificate = match fitting {
            Some(Ok(bytes)) => Some(Ok(Fresh::write(&beside(target, "-cert.pub"), bytes, PUBLIC)?)),
            Some(Err(why)) => Some(Err(why)),
            None => None,
        };
        // The private half first: it is whole without the others.
        private.publish()?;
        let late =
            |error: files::FileError| Failure::new(format!("copied to {}, but {error}", shown(target)));
        let made = public.is_some();
        public.map_or(Ok(()), Fresh::publish).map_err(late)?;
        let certificate = match certificate {
            Some(Ok(fresh)) => Some(Ok(fresh.publish().map_err(late)?)),
            Some(Err(why)) => Some(Err(why)),
            None => None,
        };
        Ok(Copied {
            path: target.to_owned(),
            public: made,
            certificate,
        })
    }

    /// The public half, as far as it is known.
    pub(super) fn half<'a>(&'a self, opened: Option<&'a Opened>) -> Option<&'a PublicHalf> {
        let listed = self.listed.as_ref().map(|listed| &listed.public);
        opened.map(|opened| opened.key.public()).or(listed)
    }

    fn comment(&self, opened: Option<&Opened>) -> Vec<u8> {
        let listed = self.listed.as_ref().map(|listed| &listed.comment);
        let inside = opened.map(|opened| &opened.comment);
        [listed, inside]
            .into_iter()
            .flatten()
            .find(|comment| !comment.is_empty())
            .cloned()
            .unwrap_or_default()
    }
}

impl Copied {
    /// What a person is told of it.
    pub(super) fn told(&self) -> String {
        let mut text = format!("copied to {}", shown(&self.path));
        text += match self.public {
            true => " with its .pub",
            false => " without a .pub: its public half shows when it is opened for the first time",
        };
        match &self.certificate {
            Some(Ok(())) => text += " and its certificate",
            Some(Err(why)) => text += &format!("; the certificate beside it was left: {why}"),
            None => {}
        }
        text
    }
}
