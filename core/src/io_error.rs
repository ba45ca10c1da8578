//! Errors of the operating system.
#![forbid(unsafe_code)]

use std::fmt;
use std::io;
use std::net::SocketAddr;

/// An operating-system error with what was being done; unlike [`io::Error`] it can be copied and compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IoError {
    what: &'static str,
    kind: io::ErrorKind,
    code: Option<i32>,
}

impl IoError {
    /// `what` is the operation that failed, as in "accept".
    #[must_use]
    pub fn new(what: &'static str, error: &io::Error) -> Self {
        Self {
            what,
            kind: error.kind(),
            code: error.raw_os_error(),
        }
    }

    /// The portable kind.
    #[must_use]
    pub const fn kind(&self) -> io::ErrorKind {
        self.kind
    }

    /// The operating system's number (`errno`), where there is one.
    #[must_use]
    pub const fn os_code(&self) -> Option<i32> {
        self.code
    }
}

impl fmt::Display for IoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "{}: {}", self.what, io::Error::from_raw_os_error(code)),
            None => write!(f, "{}: {}", self.what, self.kind),
        }
    }
}

impl std::error::Error for IoError {}

/// Each address tried, and why it failed.
pub(crate) fn write_attempts(
    f: &mut fmt::Formatter<'_>,
    attempts: &[(SocketAddr, IoError)],
) -> fmt::Result {
    for (index, (address, error)) in attempts.iter().enumerate() {
        let separator = if index == 0 { ":" } else { ";" };
        write!(f, "{separator} {address}: {error}")?;
    }
    Ok(())
}
