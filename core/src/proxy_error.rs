//! What can go wrong on the way through a proxy, by name. No credentials stand in any of it.
#![forbid(unsafe_code)]

use std::fmt;
use std::net::SocketAddr;

use crate::fault::Fault;
use crate::handshake::HandshakeError;
use crate::io_error::{IoError, write_attempts};
use crate::tls_error::TlsError;

/// Why a proxy's URL cannot be used. The URL itself is not repeated, as it may hold credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProxyUrlError {
    /// The environment variable that holds the URL; `None` when it came from the options.
    pub variable: Option<&'static str>,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl fmt::Display for ProxyUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variable, problem } = self;
        match variable {
            Some(variable) => write!(
                f,
                "the proxy's URL in the environment variable {variable} cannot be used: {problem}"
            ),
            None => write!(f, "the proxy's URL cannot be used: {problem}"),
        }
    }
}

impl std::error::Error for ProxyUrlError {}

/// Why there is no way through a proxy.
#[derive(Clone, Debug, PartialEq)]
pub struct ProxyError {
    /// The proxy's URL without credentials, such as `http://proxy.example:3128`.
    pub proxy: Box<str>,
    /// What went wrong.
    pub problem: ProxyProblem,
}

/// What went wrong on the way through a proxy. Text of the proxy's that it repeats is shortened to 128 bytes and
/// escaped to printable ASCII.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ProxyProblem {
    /// The proxy's name could not be resolved; the text is the resolver's.
    Resolve(String),
    /// No address of the proxy took the connection; every attempt is listed.
    Connect(Vec<(SocketAddr, IoError)>),
    /// The proxy closed the connection before it had answered.
    Closed,
    /// The operating system refused.
    Io(IoError),
    /// TLS with the proxy itself failed.
    Tls(TlsError),
    /// The proxy wants credentials and its URL has none.
    CredentialsNeeded {
        /// The authentication schemes that an HTTP proxy offers; empty for SOCKS.
        offered: Box<str>,
    },
    /// The proxy does not take the credentials of its URL.
    CredentialsRefused,
    /// The proxy offers only authentication schemes that are not spoken here (Basic and Digest are; of SOCKS user name
    /// with password).
    AuthenticationUnsupported {
        /// What it offers.
        offered: Box<str>,
    },
    /// An HTTP proxy refused to connect: it answered with another status than 2xx.
    Status {
        /// Host and port that it was to connect to.
        target: Box<str>,
        /// The status.
        status: u16,
        /// The reason phrase, which may be empty.
        reason: Box<str>,
    },
    /// A SOCKS proxy refused to connect (RFC 1928 section 6).
    Reply {
        /// Host and port that it was to connect to.
        target: Box<str>,
        /// The reply code.
        code: u8,
    },
    /// The server's name is of so many bytes, and SOCKS carries 255.
    NameTooLong(usize),
    /// What the proxy sent is no HTTP response.
    Head(HandshakeError),
    /// What the proxy sent is not SOCKS 5; the text says where.
    NotSocks(&'static str),
    /// The operating system gave no random bytes for Digest.
    Random,
}

impl ProxyError {
    /// Who has to change something.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match &self.problem {
            ProxyProblem::Resolve(_)
            | ProxyProblem::Connect(_)
            | ProxyProblem::Closed
            | ProxyProblem::Io(_) => Fault::Network,
            ProxyProblem::Tls(error) => error.fault(),
            ProxyProblem::CredentialsNeeded { .. }
            | ProxyProblem::CredentialsRefused
            | ProxyProblem::NameTooLong(_) => Fault::Caller,
            ProxyProblem::AuthenticationUnsupported { .. }
            | ProxyProblem::Status { .. }
            | ProxyProblem::Reply { .. }
            | ProxyProblem::Head(_)
            | ProxyProblem::NotSocks(_) => Fault::Peer,
            ProxyProblem::Random => Fault::Internal,
        }
    }
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let proxy = &self.proxy;
        match &self.problem {
            ProxyProblem::Resolve(message) => {
                write!(f, "cannot resolve the proxy {proxy}: {message}")
            }
            ProxyProblem::Connect(attempts) => {
                write!(f, "cannot connect to the proxy {proxy}")?;
                write_attempts(f, attempts)
            }
            ProxyProblem::Closed => {
                write!(
                    f,
                    "the proxy {proxy} closed the connection before it had answered"
                )
            }
            ProxyProblem::Io(error) => write!(f, "the connection to the proxy {proxy}: {error}"),
            ProxyProblem::Tls(error) => write!(f, "TLS with the proxy {proxy}: {error}"),
            ProxyProblem::CredentialsNeeded { offered } => {
                write!(
                    f,
                    "the proxy {proxy} wants a user name and password, and its URL has none"
                )?;
                if offered.is_empty() {
                    return Ok(());
                }
                write!(f, " (it offers {offered})")
            }
            ProxyProblem::CredentialsRefused => {
                write!(
                    f,
                    "the proxy {proxy} refuses the user name and password of its URL"
                )
            }
            ProxyProblem::AuthenticationUnsupported { offered } => write!(
                f,
                "the proxy {proxy} offers no way of authentication that is supported, only {offered}"
            ),
            ProxyProblem::Status {
                target,
                status,
                reason,
            } => {
                write!(
                    f,
                    "the proxy {proxy} refuses to connect to {target}: {status}"
                )?;
                if reason.is_empty() {
                    return Ok(());
                }
                write!(f, " {reason}")
            }
            ProxyProblem::Reply { target, code } => write!(
                f,
                "the proxy {proxy} did not connect to {target}: {} (SOCKS reply {code})",
                reply(*code)
            ),
            ProxyProblem::NameTooLong(length) => write!(
                f,
                "a name of {length} bytes cannot be told to the proxy {proxy}: SOCKS carries 255"
            ),
            ProxyProblem::Head(error) => {
                write!(f, "the proxy {proxy} gave no HTTP answer: {error}")
            }
            ProxyProblem::NotSocks(what) => {
                write!(f, "the proxy {proxy} does not speak SOCKS 5: {what}")
            }
            ProxyProblem::Random => write!(
                f,
                "the operating system gave no random bytes to authenticate to the proxy {proxy}"
            ),
        }
    }
}

impl std::error::Error for ProxyError {}

/// A reply code in words (RFC 1928 section 6).
const fn reply(code: u8) -> &'static str {
    match code {
        1 => "general failure",
        2 => "not allowed by its rules",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "time to live expired",
        7 => "command not supported",
        8 => "address type not supported",
        _ => "for an unknown reason",
    }
}
