//! A program of the OS that is told of the service, and how a person would type it.

use std::ffi::OsString;
use std::fmt::{self, Display};

/// A program of the OS that is told of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Searched in PATH.
    pub program: &'static str,
    /// Its arguments.
    pub args: Vec<OsString>,
}

impl Call {
    pub(super) fn new(program: &'static str, args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self {
            program,
            args: args.into_iter().map(Into::into).collect(),
        }
    }
}

/// As it is typed; arguments with a space in quotes.
impl Display for Call {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.program)?;
        for arg in &self.args {
            let arg = arg.to_string_lossy();
            match arg.contains(' ') {
                true => write!(out, " \"{arg}\"")?,
                false => write!(out, " {arg}")?,
            }
        }
        Ok(())
    }
}
