//! What several capabilities need of Windows: who somebody is (`sid`), who may touch what (`descriptor`), text as its
//! calls take it.

pub(crate) mod descriptor;
pub(crate) mod sid;

use std::ffi::OsStr;
use std::io;
use std::os::windows::ffi::OsStrExt;

/// UTF-16 with its final zero; text with a zero inside would name something else, and is refused.
pub(crate) fn wide(text: impl AsRef<OsStr>) -> io::Result<Vec<u16>> {
    let mut wide: Vec<u16> = text.as_ref().encode_wide().collect();
    if wide.contains(&0) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidFilename,
            "a name with a zero in it",
        ));
    }
    wide.push(0);
    Ok(wide)
}

/// Turns the zero that most calls answer a failure with into what failed.
pub(crate) fn done(answer: i32) -> io::Result<()> {
    match answer {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
