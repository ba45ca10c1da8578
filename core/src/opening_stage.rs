//! How far the opening of a connection had come when `open_timeout` ended it.
#![forbid(unsafe_code)]

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use crate::error::{Deadline, Error, IoError};

/// What a connection that did not open in time was waiting for.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum OpeningStage {
    /// The addresses of the host.
    Resolving {
        /// Its name.
        host: String,
    },
    /// An address that takes the connection.
    Connecting {
        /// The host as it was asked for.
        host: String,
        /// Addresses that have not answered.
        silent: Vec<SocketAddr>,
        /// Addresses that did not take it, and why.
        failed: Vec<(SocketAddr, IoError)>,
        /// How many addresses were still to be tried.
        untried: usize,
    },
    /// Room in the backlog of a Unix socket.
    ConnectingUnix {
        /// The socket's path.
        path: Box<str>,
    },
    /// TLS with the proxy, named by its URL without credentials.
    ProxyTls(Box<str>),
    /// The answer of the proxy, so named, that it has made the connection.
    Proxy(Box<str>),
    /// The TLS handshake.
    Tls,
    /// The peer's part of the opening handshake (RFC 6455 section 4).
    Handshake,
    /// Server: the application's answer to the request.
    Decision,
}

impl OpeningStage {
    /// The error of an `open_timeout` that ran out at this stage.
    pub(crate) fn timeout(self, after: Duration) -> Error {
        Error::Timeout {
            deadline: Deadline::Open,
            after,
            stage: Some(Box::new(self)),
        }
    }
}

impl fmt::Display for OpeningStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resolving { host } => write!(f, "the name {host} was not resolved"),
            Self::Connecting {
                host,
                silent,
                failed,
                untried,
            } => {
                write!(f, "no address of {host} took the connection")?;
                let mut separator = ":";
                for address in silent {
                    write!(f, "{separator} {address}: no answer")?;
                    separator = ";";
                }
                for (address, error) in failed {
                    write!(f, "{separator} {address}: {error}")?;
                    separator = ";";
                }
                match untried {
                    0 => Ok(()),
                    count => write!(f, "{separator} {count} more not tried"),
                }
            }
            Self::ConnectingUnix { path } => write!(f, "the backlog of the socket {path} is full"),
            Self::ProxyTls(proxy) => write!(f, "TLS with the proxy {proxy} did not get set up"),
            Self::Proxy(proxy) => write!(f, "the proxy {proxy} made no connection"),
            Self::Tls => f.write_str("the TLS handshake did not end"),
            Self::Handshake => f.write_str("the peer did not end the opening handshake"),
            Self::Decision => f.write_str("the application did not answer the request"),
        }
    }
}
