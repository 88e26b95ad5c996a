//! Which names a new key file may have: none that ssh reads as something else, none that a person cannot see.
use super::output::{Failure, visible};
use std::path::Path;

/// Files of ~/.ssh that mean something else to ssh and sshd, whether they are there or not.
const TAKEN: [&str; 8] = [
    "authorized_keys",
    "authorized_keys2",
    "config",
    "claviger.config",
    "environment",
    "known_hosts",
    "known_hosts2",
    "rc",
];

/// Whether a private key may be made at `path`; the failure names it.
pub(crate) fn checked(path: &Path) -> Result<(), Failure> {
    let shown = visible(&path.to_string_lossy());
    let refused = |why: &str| Err(Failure::new(format!("{shown}: {why}")));
    let name = path.file_name().unwrap_or_default();
    if shown != path.to_string_lossy() {
        return refused("a file's name must not have control characters");
    }
    if Path::new(name)
        .extension()
        .is_some_and(|extension| extension == "pub")
    {
        return refused(
            "this name is for a public half; give the private key's, and FILE.pub is made beside it",
        );
    }
    if TAKEN.iter().any(|taken| name == *taken) {
        return refused("this name means something else to ssh; choose another");
    }
    Ok(())
}

/// A name in ~/.ssh is a name and not a path: what it would be relative to is not what one would guess. `elsewhere` says
/// how a file in another place is asked for.
pub(crate) fn plain<'a>(name: &'a str, elsewhere: &str) -> Result<&'a str, Failure> {
    let refused = |why: &str| Err(Failure::new(format!("{:?}: {why}", visible(name))));
    match name {
        "" => refused("a name must not be empty"),
        name if name.contains(std::path::is_separator) => {
            refused(&format!("NAME is the name of a file in ~/.ssh; {elsewhere}"))
        }
        name if name.starts_with(['-', '.']) => refused("a name must not begin with - or ."),
        _ => Ok(name),
    }
}
