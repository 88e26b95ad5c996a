//! Who besides its owner may touch a file or a directory, and taking that away from them.
//!
//! The contract of an OS: `access` looks, `mend` takes away, both at the thing that was opened and never by its name a second
//! time, and `mending` is a command for the same. Links are followed: what counts is what a reader gets.

/// Whose something is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// This process's user's; on Windows also the administrators', who own what an elevated process of the user made.
    Own,
    /// root's or LocalSystem's.
    System,
    /// Somebody else's: a number or an identifier.
    Other(String),
}

/// What holds for a file or a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Whose it is.
    pub owner: Owner,
    /// Whether others than its owner (and the system and its administrators) may read it, or search it.
    pub others_read: bool,
    /// Whether others may write it; in a directory: make and remove names.
    pub others_write: bool,
    /// Whether it is a directory in which others may replace what is not theirs. Not so in a sticky one such as /tmp.
    pub others_replace: bool,
    /// Mode or list, in words behind which "are too open" fits: "permissions 0644".
    pub shown: String,
}

/// What is taken away from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mend {
    /// Everything. On Windows what is made in a directory later is private, too.
    Private,
    /// Writing. Windows' access lists have no such middle, so that there it is as [`Mend::Private`].
    Unwritable,
}
