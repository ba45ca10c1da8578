//! What can go wrong in the opening handshake, and who caused it (RFC 6455 sections 4.1 and 4.2).

use std::error::Error;
use std::fmt::{self, Display, Formatter, Write as _};

use super::extension::Extension;
use super::message::Response;
use crate::fault::Fault;
use crate::frame::RandomError;

/// The longest piece of a peer's data that an error repeats, in bytes before escaping.
const SHOWN: usize = 128;

/// Why an opening handshake failed.
///
/// Data from the peer that an error repeats is shortened to 128 bytes and escaped to printable ASCII,
/// so that an error can be logged as it is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The head of the peer's message is longer than `limit` bytes.
    HeadTooLarge {
        /// The limit in bytes, [`HeadLimits::bytes`](super::HeadLimits::bytes).
        limit: usize,
    },
    /// The first line of the peer's message alone is longer than the head may be.
    StartLineTooLong {
        /// The limit in bytes, [`HeadLimits::bytes`](super::HeadLimits::bytes).
        limit: usize,
    },
    /// The peer's message has more than `limit` header fields.
    TooManyHeaders {
        /// The limit, [`HeadLimits::headers`](super::HeadLimits::headers).
        limit: usize,
    },
    /// The bytes are no HTTP/1.1 head (RFC 9112); the text says what is wrong with them.
    Malformed(&'static str),
    /// The stream ended before the head did.
    Incomplete {
        /// Bytes of the head that had come.
        received: usize,
    },
    /// The peer began a TLS handshake, or sent a TLS alert, where plain HTTP was expected.
    TlsOnPlainPort,
    /// The message is of another version of HTTP than 1.1.
    UnsupportedHttpVersion(Box<str>),
    /// The request is plain HTTP and asks for no WebSocket.
    NotWebSocket,
    /// An upgrade was asked for by another method than GET.
    MethodNotAllowed(Box<str>),
    /// A required header field is absent.
    MissingHeader(&'static str),
    /// A header field that may stand once stands more often.
    DuplicateHeader(&'static str),
    /// A header field's value breaks its grammar or is not the one required.
    InvalidHeader {
        /// The field's name.
        name: &'static str,
        /// Its value, shortened and escaped.
        value: Box<str>,
    },
    /// `Sec-WebSocket-Version` is not 13. Holds the value received.
    UnsupportedVersion(Box<str>),
    /// The request is a handshake of the hixie-76 draft (`Sec-WebSocket-Key1`), which is not spoken.
    DraftHandshake,
    /// `Sec-WebSocket-Key` is not the base64 form of 16 bytes. Holds the value received.
    InvalidKey(Box<str>),
    /// An upgrade request announced a body, whose bytes could pass for frames.
    RequestBody,
    /// `Sec-WebSocket-Accept` does not answer the key that was sent.
    AcceptMismatch {
        /// What the key that was sent calls for.
        expected: Box<str>,
        /// What the server sent.
        received: Box<str>,
    },
    /// The client offers a subprotocol twice, against RFC 6455 section 4.1.
    SubprotocolOfferedTwice(Box<str>),
    /// The server chose a subprotocol that was not offered to it.
    UnofferedSubprotocol(Box<str>),
    /// The server accepted an extension that was not offered to it.
    UnofferedExtension(Box<str>),
    /// The server's answer to an extension that was offered is none that may be given.
    InvalidExtension {
        /// The answer.
        answer: Box<str>,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The server answered with another status than 101. Holds its whole answer.
    InvalidStatus(Box<Response>),
    /// The request comes from a page that the server does not serve. Holds its `Origin`, if it has one.
    OriginNotAllowed(Option<Box<str>>),
    /// What is to be allowed is no origin, or pattern of origins.
    InvalidOrigin(Box<str>),
    /// The server redirected more often than `max_redirects` allows, in a loop perhaps.
    TooManyRedirects {
        /// Redirects that came, the one that was not followed included.
        count: u32,
        /// The limit.
        limit: u32,
    },
    /// The server redirected from wss to ws, which nobody follows. Holds the URL, without a password.
    InsecureRedirect(Box<str>),
    /// The server redirected to what is not the URL of a WebSocket.
    InvalidRedirect(UrlError),
    /// The application refused the request with this status.
    Refused(u16),
    /// A refusal was given a status that cannot refuse: it must be from 200 to 599.
    InvalidRefusalStatus(u16),
    /// A subprotocol to be offered or accepted is not a token (RFC 6455 section 4.1).
    InvalidSubprotocol(Box<str>),
    /// A subprotocol to be offered stands twice in the offer.
    DuplicateSubprotocol(Box<str>),
    /// A header field of the caller's cannot be sent.
    Header(HeaderError),
    /// A URL of the caller's cannot be connected to.
    Url(UrlError),
    /// The operating system's random source failed.
    Random(RandomError),
}

impl HandshakeError {
    /// Whose doing it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::HeadTooLarge { .. }
            | Self::StartLineTooLong { .. }
            | Self::TooManyHeaders { .. }
            | Self::TooManyRedirects { .. } => Fault::Limit,
            Self::Refused(_)
            | Self::InvalidRefusalStatus(_)
            | Self::InvalidOrigin(_)
            | Self::InvalidSubprotocol(_)
            | Self::DuplicateSubprotocol(_)
            | Self::Header(_)
            | Self::Url(_) => Fault::Caller,
            Self::Random(_) => Fault::Network,
            _ => Fault::Peer,
        }
    }

    /// The status with which a server answers a request that fails this way.
    ///
    /// 400 for what breaks the rules, 405 and 505 for a method and an HTTP version that cannot
    /// upgrade, 414 and 431 for a head that passes a limit, 426 where WebSocket version 13 would have
    /// been welcome, 403 for an origin that is not served, and 500 for what is not the client's fault.
    pub fn status(&self) -> u16 {
        match self {
            Self::HeadTooLarge { .. } | Self::TooManyHeaders { .. } => 431,
            Self::StartLineTooLong { .. } => 414,
            Self::UnsupportedHttpVersion(_) => 505,
            Self::MethodNotAllowed(_) => 405,
            Self::NotWebSocket | Self::UnsupportedVersion(_) | Self::DraftHandshake => 426,
            Self::MissingHeader("Sec-WebSocket-Version") => 426,
            Self::OriginNotAllowed(_) => 403,
            Self::Refused(status) => *status,
            _ if self.fault() == Fault::Peer => 400,
            _ => 500,
        }
    }

    /// An [`UnofferedExtension`](Self::UnofferedExtension) with the name of `extension`.
    pub(crate) fn unoffered_extension(extension: &Extension) -> Self {
        Self::UnofferedExtension(shown(extension.name.as_bytes()))
    }

    /// An [`InvalidExtension`](Self::InvalidExtension) that repeats `extension`.
    pub(crate) fn invalid_extension(extension: &Extension, reason: &'static str) -> Self {
        Self::InvalidExtension {
            answer: shown(extension.to_string().as_bytes()),
            reason,
        }
    }

    /// An [`InvalidHeader`](Self::InvalidHeader) that repeats `value` shortened and escaped.
    pub(crate) fn invalid_header(name: &'static str, value: &[u8]) -> Self {
        Self::InvalidHeader {
            name,
            value: shown(value),
        }
    }
}

/// `bytes` for a reader: escaped to printable ASCII, and cut after [`SHOWN`] bytes.
pub(crate) fn shown(bytes: &[u8]) -> Box<str> {
    let mut text = String::new();
    for &byte in bytes.iter().take(SHOWN) {
        if byte.is_ascii_graphic() || byte == b' ' {
            text.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "{}", byte.escape_ascii());
        }
    }
    if bytes.len() > SHOWN {
        text.push('…');
    }
    text.into_boxed_str()
}

impl Display for HandshakeError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::HeadTooLarge { limit } => {
                write!(f, "the handshake head passes the limit of {limit} bytes")
            }
            Self::StartLineTooLong { limit } => {
                write!(f, "the first line of the handshake passes the limit of {limit} bytes for the whole head")
            }
            Self::TooManyHeaders { limit } => {
                write!(f, "the handshake head passes the limit of {limit} header fields")
            }
            Self::Malformed(what) => write!(f, "the peer's HTTP/1.1 head is malformed: {what}"),
            Self::Incomplete { received } => {
                write!(f, "the connection ended within the handshake head, after {received} bytes of it")
            }
            Self::TlsOnPlainPort => {
                f.write_str("the peer speaks TLS where plain HTTP was expected: one side uses wss, the other ws")
            }
            Self::UnsupportedHttpVersion(version) => {
                write!(f, "the handshake needs HTTP/1.1, the peer sent {version}")
            }
            Self::NotWebSocket => f.write_str("the request does not ask for an upgrade to websocket"),
            Self::MethodNotAllowed(method) => {
                write!(f, "a WebSocket is opened by the method GET, the request has {method}")
            }
            Self::MissingHeader(name) => write!(f, "the header field {name} is missing"),
            Self::DuplicateHeader(name) => {
                write!(f, "the header field {name} may stand once, it stands more often")
            }
            Self::InvalidHeader { name, value } => {
                write!(f, "the header field {name} has an invalid value: \"{value}\"")
            }
            Self::UnsupportedVersion(version) => {
                write!(f, "the only WebSocket version spoken is 13, Sec-WebSocket-Version is \"{version}\"")
            }
            Self::DraftHandshake => f.write_str(
                "the only WebSocket version spoken is 13, Sec-WebSocket-Key1 belongs to a draft before it",
            ),
            Self::InvalidKey(key) => {
                write!(f, "Sec-WebSocket-Key is not the base64 form of 16 bytes: \"{key}\"")
            }
            Self::RequestBody => f.write_str("an upgrade request may have no body, this one announces one"),
            Self::AcceptMismatch { expected, received } => {
                write!(f, "Sec-WebSocket-Accept should be \"{expected}\", the server sent \"{received}\"")
            }
            Self::UnofferedSubprotocol(name) => {
                write!(f, "the server chose the subprotocol \"{name}\", which was not offered")
            }
            Self::UnofferedExtension(name) => {
                write!(f, "the server accepted the extension \"{name}\", which was not offered")
            }
            Self::InvalidExtension { answer, reason } => {
                write!(f, "the server's answer \"{answer}\" to an extension is invalid: {reason}")
            }
            Self::InvalidStatus(response) => {
                write!(f, "the server refused the WebSocket with HTTP status {}", response.status)?;
                if response.reason.is_empty() {
                    return Ok(());
                }
                write!(f, " ({})", shown(response.reason.as_bytes()))
            }
            Self::OriginNotAllowed(Some(origin)) => {
                write!(f, "pages of the origin \"{origin}\" may not connect")
            }
            Self::OriginNotAllowed(None) => {
                f.write_str("the header field Origin is missing, and what has none may not connect")
            }
            Self::InvalidOrigin(origin) => write!(
                f,
                "an origin is scheme://host[:port], scheme://*.domain[:port], null or empty, not \"{origin}\""
            ),
            Self::TooManyRedirects { count, limit } => {
                write!(f, "the server's redirect number {count} passes this client's max_redirects, {limit}")
            }
            Self::InsecureRedirect(url) => {
                write!(f, "the server redirected from wss to ws, which is not followed: {}", shown(url.as_bytes()))
            }
            Self::InvalidRedirect(error) => write!(f, "the server's redirect cannot be followed: {error}"),
            Self::Refused(status) => write!(f, "the application refused the request with status {status}"),
            Self::InvalidRefusalStatus(status) => {
                write!(f, "a request is refused with a status from 200 to 599, not {status}")
            }
            Self::InvalidSubprotocol(name) => write!(f, "the subprotocol \"{name}\" is not a token"),
            Self::SubprotocolOfferedTwice(name) => {
                write!(f, "the client offers the subprotocol \"{name}\" twice")
            }
            Self::DuplicateSubprotocol(name) => {
                write!(f, "the subprotocol \"{name}\" stands twice in one offer")
            }
            Self::Header(error) => Display::fmt(error, f),
            Self::Url(error) => Display::fmt(error, f),
            Self::Random(error) => Display::fmt(error, f),
        }
    }
}

impl Error for HandshakeError {}

impl From<HeaderError> for HandshakeError {
    fn from(error: HeaderError) -> Self {
        Self::Header(error)
    }
}

impl From<UrlError> for HandshakeError {
    fn from(error: UrlError) -> Self {
        Self::Url(error)
    }
}

impl From<RandomError> for HandshakeError {
    fn from(error: RandomError) -> Self {
        Self::Random(error)
    }
}

/// Why a header field cannot be sent. Always the caller's fault.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderError {
    /// The name is not a token (RFC 9110 section 5.6.2). Holds the name, shortened and escaped.
    InvalidName(Box<str>),
    /// The value holds CR, LF, NUL or another control character (RFC 9110 section 5.5).
    InvalidValue {
        /// The field's name. The value is not repeated, as it may be a secret.
        name: Box<str>,
        /// Where in the value the first such character stands, in bytes.
        position: usize,
    },
    /// The field belongs to the handshake or to HTTP framing and is written by this library alone.
    Reserved(Box<str>),
    /// The field may stand once and was given more often.
    Duplicate(&'static str),
    /// Credentials cannot be sent; the text says why. They are not repeated.
    Credentials(&'static str),
    /// The list of fields would pass 4 GiB.
    TooLarge,
}

impl Display for HeaderError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidName(name) => write!(f, "the header name \"{name}\" is not a token"),
            Self::InvalidValue { name, position } => {
                write!(
                    f,
                    "the value of the header field {name} has a control character at byte {position}"
                )
            }
            Self::Reserved(name) => {
                write!(
                    f,
                    "the header field {name} is written by the handshake itself and cannot be set"
                )
            }
            Self::Duplicate(name) => write!(f, "the header field {name} may be set once"),
            Self::Credentials(why) => write!(f, "the credentials cannot be sent: {why}"),
            Self::TooLarge => f.write_str("the header fields together pass 4 GiB"),
        }
    }
}

impl Error for HeaderError {}

/// Why a text is not the URL of a WebSocket. Never repeats the URL, which may hold a password.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlError {
    /// The text is no absolute URL (WHATWG URL Standard); holds the parser's reason.
    Syntax(url::ParseError),
    /// The scheme is not ws, wss, http or https. Holds the scheme.
    Scheme(Box<str>),
    /// The URL has a fragment (`#…`), which RFC 6455 section 3 forbids.
    Fragment,
    /// The text has a control character (CR and LF among them) at this byte.
    ControlCharacter {
        /// Where it stands, in bytes.
        position: usize,
    },
    /// User name or password cannot be sent as Basic authorization (RFC 7617 section 2): a colon in
    /// the user name, a control character, or bytes that are not UTF-8.
    Credentials,
    /// A `ws+unix` URL's path is not absolute or not UTF-8, or what stands behind it is no path.
    SocketPath,
}

impl Display for UrlError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(error) => write!(f, "the URL cannot be parsed: {error}"),
            Self::Scheme(scheme) => {
                write!(
                    f,
                    "the URL's scheme must be ws or wss (http and https stand for them), not {scheme}"
                )
            }
            Self::Fragment => f.write_str("the URL of a WebSocket cannot have a fragment (#…)"),
            Self::ControlCharacter { position } => {
                write!(f, "the URL has a control character at byte {position}")
            }
            Self::Credentials => f.write_str(
                "the URL's user name or password cannot be sent: \
                 a colon in the name, a control character, or not UTF-8",
            ),
            Self::SocketPath => f.write_str(
                "the URL is not of the form ws+unix:/path/to.sock:/request/path, \
                 with both paths absolute",
            ),
        }
    }
}

impl Error for UrlError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_bytes_are_escaped_and_cut() {
        let error = HandshakeError::invalid_header("Upgrade", &[b'\n'; 200]);
        let text = error.to_string();
        assert!(text.starts_with("the header field Upgrade has an invalid value: \"\\n\\n"));
        assert!(text.ends_with("\\n…\""));
        assert!(!text.contains('\n'));
        assert_eq!(text.matches("\\n").count(), 128);
    }

    #[test]
    fn statuses_and_faults() {
        let cases = [
            (HandshakeError::HeadTooLarge { limit: 1 }, 431, Fault::Limit),
            (
                HandshakeError::StartLineTooLong { limit: 1 },
                414,
                Fault::Limit,
            ),
            (
                HandshakeError::TooManyHeaders { limit: 1 },
                431,
                Fault::Limit,
            ),
            (HandshakeError::Malformed("x"), 400, Fault::Peer),
            (
                HandshakeError::UnsupportedHttpVersion("HTTP/1.0".into()),
                505,
                Fault::Peer,
            ),
            (
                HandshakeError::MethodNotAllowed("POST".into()),
                405,
                Fault::Peer,
            ),
            (
                HandshakeError::MissingHeader("Sec-WebSocket-Version"),
                426,
                Fault::Peer,
            ),
            (HandshakeError::MissingHeader("Host"), 400, Fault::Peer),
            (HandshakeError::Refused(403), 403, Fault::Caller),
            (
                HandshakeError::Header(HeaderError::TooLarge),
                500,
                Fault::Caller,
            ),
            (
                HandshakeError::Random(RandomError(getrandom::Error::UNSUPPORTED)),
                500,
                Fault::Network,
            ),
        ];
        for (error, status, fault) in cases {
            assert_eq!((error.status(), error.fault()), (status, fault), "{error}");
        }
    }

    #[test]
    fn figures_stand_in_the_sentences() {
        let text = HandshakeError::TooManyHeaders { limit: 100 }.to_string();
        assert_eq!(
            text,
            "the handshake head passes the limit of 100 header fields"
        );
        let text = HandshakeError::Incomplete { received: 17 }.to_string();
        assert!(text.contains("17 bytes"), "{text}");
    }
}
