//! One thing that is installed: what is there of it now, how it comes there, and how it goes without a trace.

use super::ServiceError;
use super::block::{self, Found};
use super::mark::{self, Mark};
use crate::files::{self, FileError};
use std::io;
use std::path::{Path, PathBuf};

/// Far above every file that has a part of ours in it.
const LONGEST: u64 = 4 << 20;

/// Something to install at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Where.
    pub path: PathBuf,
    /// What.
    pub what: What,
}

/// What there is to install.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A file of our own, with its mark.
    File {
        /// All of it.
        text: String,
        /// Written as UTF-16 with its byte order mark, as Windows' task scheduler has it.
        utf16: bool,
    },
    /// A symbolic link to this.
    Link(PathBuf),
    /// Lines in a file of the person's.
    Block {
        /// All lines.
        text: String,
        /// In front of what is there.
        top: bool,
    },
}

/// What is there of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing.
    Missing,
    /// Just this.
    Installed,
    /// Ours, for another program or by another version.
    Outdated,
    /// Ours, and changed by somebody since.
    Changed,
    /// Something that is not ours.
    Foreign,
}

impl State {
    /// As reports have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Installed => "installed",
            Self::Outdated => "outdated",
            Self::Changed => "changed",
            Self::Foreign => "foreign",
        }
    }
}

impl Part {
    pub(super) fn file(path: PathBuf, text: &str) -> Self {
        let what = What::File {
            text: mark::sealed(text),
            utf16: false,
        };
        Self { path, what }
    }

    /// The words of the part that a person reads before it is installed.
    pub fn text(&self) -> String {
        match &self.what {
            What::File { text, .. } => text.clone(),
            What::Link(target) => format!("-> {}\n", target.display()),
            What::Block { text, top } => block::with("", text, *top).unwrap_or_default(),
        }
    }

    /// Looks at what is there.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn state(&self) -> Result<State, ServiceError> {
        Ok(match &self.what {
            What::File { text, utf16 } => match self.read()? {
                None => State::Missing,
                Some(bytes) => judge(&decoded(&bytes, *utf16), text),
            },
            What::Link(target) => match std::fs::read_link(&self.path) {
                Ok(found) if found == *target => State::Installed,
                Ok(found) if found.file_name() == target.file_name() => State::Outdated,
                Err(error) if error.kind() == io::ErrorKind::NotFound => State::Missing,
                _ => State::Foreign,
            },
            What::Block { text, .. } => match block::find(&self.around()?) {
                Found::No => State::Missing,
                Found::Yes { text: found, .. } if found == text => State::Installed,
                Found::Yes { .. } => State::Outdated,
                Found::Broken => State::Changed,
            },
        })
    }

    /// Refuses to touch what is not ours as it was written.
    ///
    /// # Errors
    /// [`ServiceError::Taken`], which names the remedies.
    pub fn check(&self, force: bool) -> Result<State, ServiceError> {
        let taken = |why| {
            Err(ServiceError::Taken {
                path: self.path.clone(),
                why,
            })
        };
        match (self.state()?, &self.what) {
            (State::Changed, What::Block { .. }) => taken(
                "the marks of claviger's block do not stand around one block; take out what is between them, and try again",
            ),
            (State::Changed, _) if !force => taken(
                "somebody changed it after claviger wrote it (`systemctl --user edit` makes changes that stay); \
                 --force installs it anew, or removes it, and keeps a copy",
            ),
            (State::Foreign, _) if !force => {
                taken("is there already and not claviger's; move it away, or let --force do that")
            }
            (state, _) => Ok(state),
        }
    }

    /// Puts it there; says whether anything had to be done. `force` keeps a copy of what is not ours.
    ///
    /// # Errors
    /// As [`check`](Self::check), and those of writing.
    pub fn install(&self, force: bool) -> Result<bool, ServiceError> {
        match self.check(force)? {
            State::Installed => return Ok(false),
            State::Changed | State::Foreign => self.put_aside()?,
            State::Missing | State::Outdated => {}
        }
        match &self.what {
            What::File { text, utf16: false } => files::replace_keeping_mode(&self.path, text.as_bytes())?,
            What::File { text, utf16: true } => files::replace_keeping_mode(&self.path, &utf16(text))?,
            What::Link(target) => self.link(target)?,
            What::Block { text, top } => {
                let new = block::with(&self.around()?, text, *top);
                files::replace_keeping_mode(&self.path, new.unwrap_or_default().as_bytes())?;
            }
        }
        Ok(true)
    }

    /// Takes it away; says whether anything was. What is not ours stays, what was changed only goes by `force`, which keeps
    /// a copy. Directories that are empty then go too, up to `home`.
    ///
    /// # Errors
    /// As [`check`](Self::check), and those of removing.
    pub fn remove(&self, force: bool, home: &Path) -> Result<bool, ServiceError> {
        match self.state()? {
            State::Missing | State::Foreign => return Ok(false),
            State::Changed => {
                self.check(force)?;
                self.put_aside()?;
                return Ok(true);
            }
            State::Installed | State::Outdated => {}
        }
        let left = match &self.what {
            What::Block { .. } => block::without(&self.around()?).unwrap_or_default(),
            _ => String::new(),
        };
        match left.is_empty() {
            true => std::fs::remove_file(&self.path).map_err(|source| self.io(source))?,
            false => files::replace_keeping_mode(&self.path, left.as_bytes())?,
        }
        let parents = self.path.ancestors().skip(1);
        for dir in parents.take_while(|dir| *dir != home && dir.starts_with(home)) {
            // Not empty: somebody else's.
            if std::fs::remove_dir(dir).is_err() {
                break;
            }
        }
        Ok(true)
    }

    fn read(&self) -> Result<Option<Vec<u8>>, ServiceError> {
        match files::read_public(&self.path, LONGEST) {
            Ok(bytes) => Ok(Some(bytes)),
            // A link to nothing, too, is something that is there.
            Err(FileError::Missing { .. }) => match self.path.symlink_metadata() {
                Ok(_) => Ok(Some(Vec::new())),
                Err(_) => Ok(None),
            },
            // As a masked unit is: a link to /dev/null.
            Err(FileError::NotRegular { .. }) => Ok(Some(Vec::new())),
            Err(error) => Err(error.into()),
        }
    }

    /// The person's file that has, or gets, a block.
    fn around(&self) -> Result<String, ServiceError> {
        let bytes = self.read()?.unwrap_or_default();
        String::from_utf8(bytes).map_err(|_| ServiceError::Taken {
            path: self.path.clone(),
            why: "is not UTF-8, and is left alone; set SSH_AUTH_SOCK there yourself, as `claviger service install --dry-run` shows",
        })
    }

    #[cfg(unix)]
    fn link(&self, target: &Path) -> Result<(), ServiceError> {
        if let Some(dir) = self.path.parent() {
            files::private_dir(dir)?;
        }
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(self.io(error)),
            _ => {}
        }
        std::os::unix::fs::symlink(target, &self.path).map_err(|source| self.io(source))
    }

    #[cfg(not(unix))]
    fn link(&self, _: &Path) -> Result<(), ServiceError> {
        Err(self.io(io::ErrorKind::Unsupported.into()))
    }

    /// Renames what is there to a name that nothing has.
    fn put_aside(&self) -> Result<(), ServiceError> {
        for number in 0..1000 {
            let mut name = self.path.clone().into_os_string();
            name.push(".claviger-backup");
            if number > 0 {
                name.push(format!(".{number}"));
            }
            if files::refuse_existing(Path::new(&name)).is_ok() {
                return std::fs::rename(&self.path, &name).map_err(|source| self.io(source));
            }
        }
        Err(self.io(io::ErrorKind::AlreadyExists.into()))
    }

    fn io(&self, source: io::Error) -> ServiceError {
        ServiceError::Io {
            path: self.path.clone(),
            source,
        }
    }
}

fn judge(found: &str, wanted: &str) -> State {
    match mark::read(found) {
        Mark::Whole if found == wanted => State::Installed,
        Mark::Whole => State::Outdated,
        Mark::Broken => State::Changed,
        Mark::None => State::Foreign,
    }
}

fn utf16(text: &str) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

/// What is no text reads as something that cannot be ours.
fn decoded(bytes: &[u8], utf16: bool) -> String {
    if !utf16 {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let units: Vec<u16> = bytes
        .chunks(2)
        .map(|pair| u16::from_le_bytes([pair[0], *pair.get(1).unwrap_or(&0)]))
        .collect();
    String::from_utf16_lossy(units.strip_prefix(&[0xfeff]).unwrap_or(&units))
}
