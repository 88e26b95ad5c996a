//! What macOS has of a process's arguments and environment (`KERN_PROCARGS2` of sysctl(3)), taken apart: the number of
//! arguments, the program's path, zeros up to a word's boundary, then each argument and each variable with a zero behind it.
//!
//! Pure, so that it is tested on every system.

use super::LONGEST;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// The two parts of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parts<'a> {
    pub(super) arguments: Vec<OsString>,
    /// Up to the first empty text; what the kernel itself tells the program follows, and some of it may look like a variable.
    environment: &'a [u8],
}

/// Why it could not be taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Odd {
    /// More than [`LONGEST`] of this.
    TooLong(&'static str),
    /// It ends too early.
    Cut,
}

/// Takes `bytes` apart.
pub(super) fn parts(bytes: &[u8]) -> Result<Parts<'_>, Odd> {
    let (count, rest) = bytes.split_first_chunk().ok_or(Odd::Cut)?;
    let count = usize::try_from(i32::from_ne_bytes(*count)).map_err(|_| Odd::Cut)?;
    let path = rest.iter().position(|&byte| byte == 0).ok_or(Odd::Cut)?;
    // An empty first argument cannot be told from these zeros; nobody calls a program so.
    let start = rest[path..].iter().position(|&byte| byte != 0);
    let words = start.map_or(&[][..], |start| &rest[path + start..]);
    let mut arguments = Vec::new();
    let mut at = 0;
    for _ in 0..count {
        let length = words[at..].iter().position(|&byte| byte == 0).ok_or(Odd::Cut)?;
        arguments.push(OsStr::from_bytes(&words[at..at + length]).to_owned());
        at += length + 1;
        if at as u64 > LONGEST {
            return Err(Odd::TooLong("arguments"));
        }
    }
    let environment = &words[at..];
    if environment.len() as u64 > LONGEST {
        return Err(Odd::TooLong("an environment"));
    }
    Ok(Parts {
        arguments,
        environment,
    })
}

impl Parts<'_> {
    /// Those of the variables that `wanted` gives a place.
    pub(super) fn variables(&self, wanted: impl Fn(&OsStr) -> Option<usize>) -> Vec<(usize, OsString)> {
        let texts = self.environment.split(|&byte| byte == 0);
        let pairs = texts.take_while(|text| !text.is_empty()).filter_map(|pair| {
            let middle = pair.iter().position(|&byte| byte == b'=')?;
            let at = wanted(OsStr::from_bytes(&pair[..middle]))?;
            Some((at, OsStr::from_bytes(&pair[middle + 1..]).to_owned()))
        });
        pairs.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the kernel lays it out.
    fn laid_out(count: i32, path: &str, texts: &[&str]) -> Vec<u8> {
        let mut bytes = count.to_ne_bytes().to_vec();
        bytes.extend(path.as_bytes());
        bytes.push(0);
        while bytes.len() % 8 != 4 {
            bytes.push(0);
        }
        for text in texts {
            bytes.extend(text.as_bytes());
            bytes.push(0);
        }
        bytes
    }

    #[test]
    fn arguments_and_variables() {
        let texts = [
            "ssh",
            "-o",
            "",
            "höst",
            "A=b=c",
            "EMPTY=",
            "odd",
            "A=later",
            "",
            "ptr_munge=1",
        ];
        let bytes = laid_out(4, "/usr/bin/ssh", &texts);
        let parts = parts(&bytes).unwrap();
        assert_eq!(parts.arguments, ["ssh", "-o", "", "höst"]);
        let names = ["EMPTY", "A", "odd", "ptr_munge"];
        let found = parts.variables(|name| names.iter().position(|known| *known == name));
        assert_eq!(found, [(1, "b=c".into()), (0, "".into()), (1, "later".into())]);
    }

    #[test]
    fn without_variables_and_without_arguments() {
        let bytes = laid_out(1, "/bin/cat", &["cat"]);
        assert!(parts(&bytes).unwrap().variables(|_| Some(0)).is_empty());
        let bytes = laid_out(0, "/bin/cat", &[]);
        assert_eq!(parts(&bytes).unwrap().arguments, [] as [&str; 0]);
    }

    #[test]
    fn what_is_cut_or_lies_about_its_length_is_an_error() {
        let whole = laid_out(3, "/usr/bin/ssh", &["ssh", "-v", "host"]);
        for length in 0..whole.len() {
            assert_eq!(parts(&whole[..length]), Err(Odd::Cut), "{length}");
        }
        for count in [4, i32::MAX, -1] {
            let bytes = laid_out(count, "/usr/bin/ssh", &["ssh", "-v", "host"]);
            assert_eq!(parts(&bytes), Err(Odd::Cut), "{count}");
        }
    }

    #[test]
    fn too_much_of_either_is_an_error() {
        let long = "x".repeat(100_000);
        let much = laid_out(4, "/bin/sh", &["sh", &long, &long, &long]);
        assert_eq!(parts(&much), Err(Odd::TooLong("arguments")));
        let variable = format!("A={long}");
        let much = laid_out(1, "/bin/sh", &["sh", &variable, &variable, &variable]);
        assert_eq!(parts(&much), Err(Odd::TooLong("an environment")));
    }
}
