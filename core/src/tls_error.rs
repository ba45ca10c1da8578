//! What can go wrong in TLS (RFC 8446 and RFC 5246), by name.
#![forbid(unsafe_code)]

use std::fmt;

use crate::fault::Fault;

/// Why a TLS connection could not be made, or broke. No text in it repeats bytes of the peer's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsError {
    /// This side does not accept the peer's certificate; the peer has been told.
    Certificate {
        /// What is wrong with it.
        problem: CertificateProblem,
        /// The same in more words, with names and dates where they matter.
        detail: Box<str>,
    },
    /// The peer ended the connection by a fatal alert (RFC 8446 section 6.2).
    Alert {
        /// The alert's number.
        code: u8,
        /// Its name in the RFC, such as `unknown_ca`.
        name: &'static str,
    },
    /// Both sides have no protocol version, cipher suite, signature scheme or application protocol in common.
    Incompatible(Box<str>),
    /// The peer speaks plain HTTP where TLS was expected. A client that did has been answered 400 in plain text.
    PlainHttp,
    /// What the peer sent is no TLS.
    NotTls,
    /// The peer broke a rule of TLS.
    Protocol(Box<str>),
    /// The peer closed the connection in the middle of the TLS handshake.
    HandshakeCut,
    /// The stream ended without close_notify (RFC 8446 section 6.1): somebody may have cut it short.
    Truncated,
    /// A certificate, key or name of this side's settings cannot be used.
    Settings(Box<str>),
}

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateProblem {
    /// No authority that this side trusts has signed it.
    UnknownIssuer,
    /// It is not for the name that was dialled.
    WrongName,
    /// Its time is over.
    Expired,
    /// Its time has not come yet.
    NotYetValid,
    /// It has been revoked.
    Revoked,
    /// None was shown, where one is required.
    Missing,
    /// Another fault; the detail says which.
    Other,
}

impl TlsError {
    /// Who has to change something.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Settings(_) => Fault::Caller,
            Self::HandshakeCut | Self::Truncated => Fault::Network,
            _ => Fault::Peer,
        }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate { detail, .. } => {
                write!(f, "the peer's certificate is not accepted: {detail}")
            }
            Self::Alert { code, name } => {
                write!(
                    f,
                    "the peer ended the TLS connection by alert {code}, {name}"
                )
            }
            Self::Incompatible(what) => {
                write!(f, "the two sides of TLS have nothing in common: {what}")
            }
            Self::PlainHttp => {
                f.write_str("the peer speaks plain HTTP where TLS was expected (ws, not wss?)")
            }
            Self::NotTls => f.write_str("what the peer sent is no TLS"),
            Self::Protocol(what) => write!(f, "the peer broke a rule of TLS: {what}"),
            Self::HandshakeCut => {
                f.write_str("the peer closed the connection in the middle of the TLS handshake")
            }
            Self::Truncated => f.write_str(
                "the TLS stream ended without close_notify, so it may have been cut short",
            ),
            Self::Settings(what) => write!(f, "the TLS settings cannot be used: {what}"),
        }
    }
}

impl std::error::Error for TlsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_and_whose() {
        let certificate = TlsError::Certificate {
            problem: CertificateProblem::Expired,
            detail: "it expired".into(),
        };
        assert_eq!(
            certificate.to_string(),
            "the peer's certificate is not accepted: it expired"
        );
        assert_eq!(certificate.fault(), Fault::Peer);
        assert_eq!(TlsError::Truncated.fault(), Fault::Network);
        assert_eq!(TlsError::Settings("x".into()).fault(), Fault::Caller);
        let alert = TlsError::Alert {
            code: 48,
            name: "unknown_ca",
        };
        assert!(alert.to_string().contains("alert 48, unknown_ca"));
    }
}
