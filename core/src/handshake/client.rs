//! The client's side of the handshake (RFC 6455 section 4.1).

use super::error::{HandshakeError, HeaderError, shown};
use super::extension::{self, Extension, parse_extensions};
use super::head::Response;
use super::headers::{Headers, check_field, write_field};
use super::key::accept_key;
use super::server::check_added;
use super::subprotocol::{self, validate_subprotocols};
use super::token::{has_token, list_elements};
use super::uri::WebSocketUrl;

/// The `User-Agent` a client sends unless told otherwise.
pub const DEFAULT_USER_AGENT: &str = concat!("ropeway/", env!("CARGO_PKG_VERSION"));

/// What a client asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientRequest {
    /// Where to. A user name and password in it are sent as Basic authorization.
    pub url: WebSocketUrl,
    /// Subprotocols offered, in order of preference: tokens, none twice.
    pub subprotocols: Vec<String>,
    /// `Origin`, which browsers send; `None` sends none.
    pub origin: Option<String>,
    /// `User-Agent`; `None` sends none.
    pub user_agent: Option<String>,
    /// The value of `Sec-WebSocket-Extensions`; `None` or an empty one offers no extension.
    pub extensions: Option<String>,
    /// Further fields. `Host`, `Origin`, `User-Agent` and `Authorization` among them take the place of
    /// those that would be sent otherwise; `Upgrade`, `Connection`, `Sec-WebSocket-*`,
    /// `Content-Length` and `Transfer-Encoding` are refused.
    pub headers: Headers,
}

impl ClientRequest {
    /// A request for `url` that offers nothing and sends [`DEFAULT_USER_AGENT`].
    pub fn new(url: WebSocketUrl) -> Self {
        Self {
            url,
            subprotocols: Vec::new(),
            origin: None,
            user_agent: Some(DEFAULT_USER_AGENT.to_owned()),
            extensions: None,
            headers: Headers::new(),
        }
    }

    /// Appends the request to `out`, with `key` from [`generate_key`](super::generate_key); on an
    /// error nothing.
    ///
    /// # Errors
    /// [`HandshakeError::InvalidSubprotocol`] or [`HandshakeError::DuplicateSubprotocol`], or
    /// [`HandshakeError::Header`] for a value with a control character, a field that the caller may
    /// not set, or one that may stand once and stands twice.
    pub fn write(&self, key: &str, out: &mut Vec<u8>) -> Result<(), HandshakeError> {
        validate_subprotocols(&self.subprotocols)?;
        check_added(&self.headers)?;
        for name in ["Host", "Origin", "User-Agent", "Authorization"] {
            if self.headers.get_all(name).nth(1).is_some() {
                return Err(HeaderError::Duplicate(name).into());
            }
        }
        let host = self.url.host_header();
        let authorization = self.url.authorization();
        let subprotocols = self.subprotocols.join(", ");
        let defaults = [
            ("Host", Some(host.as_str())),
            ("Origin", self.origin.as_deref()),
            ("User-Agent", self.user_agent.as_deref()),
            ("Authorization", authorization.as_deref()),
        ]
        .into_iter()
        .filter(|(name, _)| !self.headers.contains(name));
        let own = [
            ("Upgrade", Some("websocket")),
            ("Connection", Some("Upgrade")),
            ("Sec-WebSocket-Key", Some(key)),
            ("Sec-WebSocket-Version", Some("13")),
            (
                subprotocol::FIELD,
                Some(subprotocols.as_str()).filter(|list| !list.is_empty()),
            ),
            (
                extension::FIELD,
                self.extensions
                    .as_deref()
                    .filter(|list| !list.trim().is_empty()),
            ),
        ];
        let start = out.len();
        write_field_line(out, &self.url);
        for (name, value) in defaults.chain(own) {
            let Some(value) = value else { continue };
            if let Err(error) = check_field(name, value.as_bytes()) {
                out.truncate(start);
                return Err(error.into());
            }
            write_field(out, name, value.as_bytes());
        }
        self.headers.write_to(out);
        out.extend_from_slice(b"\r\n");
        Ok(())
    }
}

/// Appends the request line to `out`.
fn write_field_line(out: &mut Vec<u8>, url: &WebSocketUrl) {
    out.extend_from_slice(b"GET ");
    out.extend_from_slice(url.request_target().as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
}

/// What a server agreed to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Negotiated {
    /// The subprotocol, one of those offered.
    pub subprotocol: Option<String>,
    /// The extensions in the server's order. Whether they answer what was offered is for the caller
    /// to judge; see [`require_no_extensions`](Self::require_no_extensions).
    pub extensions: Vec<Extension>,
}

impl Negotiated {
    /// Checks that there are no extensions, for a client that offered none.
    ///
    /// # Errors
    /// [`HandshakeError::UnofferedExtension`] with the first one's name.
    pub fn require_no_extensions(&self) -> Result<(), HandshakeError> {
        match self.extensions.first() {
            Some(extension) => Err(HandshakeError::UnofferedExtension(shown(
                extension.name.as_bytes(),
            ))),
            None => Ok(()),
        }
    }
}

/// Holds a server's response against the key and the subprotocols that were sent.
///
/// # Errors
/// [`HandshakeError::InvalidStatus`], with a copy of the response, for another status than 101. Of a
/// 101, [`HandshakeError::MissingHeader`], [`HandshakeError::InvalidHeader`] or
/// [`HandshakeError::DuplicateHeader`] for `Upgrade`, `Connection`, `Sec-WebSocket-Accept`,
/// `Sec-WebSocket-Protocol` and `Sec-WebSocket-Extensions`, [`HandshakeError::AcceptMismatch`] and
/// [`HandshakeError::UnofferedSubprotocol`].
pub fn verify(
    response: &Response,
    key: &str,
    offered_subprotocols: &[String],
) -> Result<Negotiated, HandshakeError> {
    if response.status != 101 {
        return Err(HandshakeError::InvalidStatus(Box::new(response.clone())));
    }
    let headers = &response.headers;
    let upgrade = headers
        .get_bytes("Upgrade")
        .ok_or(HandshakeError::MissingHeader("Upgrade"))?;
    let mut upgrades = list_elements(headers, "Upgrade").peekable();
    if upgrades.peek().is_none()
        || upgrades.any(|protocol| !protocol.eq_ignore_ascii_case(b"websocket"))
    {
        return Err(HandshakeError::invalid_header("Upgrade", upgrade));
    }
    let connection = headers
        .get_bytes("Connection")
        .ok_or(HandshakeError::MissingHeader("Connection"))?;
    if !has_token(headers, "Connection", "Upgrade") {
        return Err(HandshakeError::invalid_header("Connection", connection));
    }
    let received = once(headers, "Sec-WebSocket-Accept")?
        .ok_or(HandshakeError::MissingHeader("Sec-WebSocket-Accept"))?;
    let expected = accept_key(key);
    if received != expected.as_bytes() {
        let (expected, received) = (expected.into_boxed_str(), shown(received));
        return Err(HandshakeError::AcceptMismatch { expected, received });
    }
    let subprotocol = match once(headers, subprotocol::FIELD)? {
        None => None,
        Some(name) => Some(
            offered_subprotocols
                .iter()
                .find(|offered| offered.as_bytes() == name)
                .ok_or_else(|| HandshakeError::UnofferedSubprotocol(shown(name)))?
                .clone(),
        ),
    };
    Ok(Negotiated {
        subprotocol,
        extensions: parse_extensions(headers)?,
    })
}

/// The value of a field that may stand once.
fn once<'a>(headers: &'a Headers, name: &'static str) -> Result<Option<&'a [u8]>, HandshakeError> {
    let mut values = headers.get_all(name);
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(HandshakeError::DuplicateHeader(name)),
    }
}
