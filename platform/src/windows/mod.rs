//! What several capabilities need of Windows: who somebody is (`sid`), who may touch what (`descriptor`), what the service
//! manager says (`services`), text and paths as its calls take them.

pub(crate) mod descriptor;
pub(crate) mod services;
pub(crate) mod sid;

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::windows::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf, Prefix};

/// The longest path that every call takes, in characters, with room for a temporary name: 260, for directories 248.
const SHORT: usize = 230;

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

/// A path that is too long for Windows' calls in the form in which they take it (`\\?\`). The standard library does the
/// same, but for its own calls only.
pub(crate) fn long(path: &Path) -> Cow<'_, Path> {
    let whole = match std::path::absolute(path) {
        Ok(whole) if whole.as_os_str().len() > SHORT => whole,
        _ => return Cow::Borrowed(path),
    };
    let Some(Component::Prefix(prefix)) = whole.components().next() else {
        return Cow::Borrowed(path);
    };
    let (begin, rest) = match prefix.kind() {
        Prefix::Disk(_) => (r"\\?\", Some(whole.as_os_str())),
        // \\server\share becomes \\?\UNC\server\share.
        Prefix::UNC(..) => (
            r"\\?\UNC\",
            whole.to_str().and_then(|whole| whole.get(2..)).map(OsStr::new),
        ),
        _ => return Cow::Owned(whole),
    };
    let Some(rest) = rest else {
        return Cow::Borrowed(path);
    };
    let mut long = OsString::from(begin);
    long.push(rest);
    Cow::Owned(PathBuf::from(long))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_too_long_is_written_otherwise() {
        let deep = "a folder/".repeat(40);
        let back = deep.replace('/', r"\");
        let cases = [
            (format!("C:/{deep}id"), format!(r"\\?\C:\{back}id")),
            (
                format!("//server/share/{deep}id"),
                format!(r"\\?\UNC\server\share\{back}id"),
            ),
            (format!(r"\\?\C:\{back}id"), format!(r"\\?\C:\{back}id")),
        ];
        for (path, expected) in cases {
            assert_eq!(long(Path::new(&path)), Path::new(&expected));
        }
        for short in ["C:/short/id", "id", r"\\.\pipe\x"] {
            assert_eq!(long(Path::new(short)).as_os_str(), short);
        }
    }
}
