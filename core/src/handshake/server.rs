//! The server's side of the handshake (RFC 6455 sections 4.2 and 4.4).

use super::error::{HandshakeError, HeaderError, shown};
use super::extension::{self, Extension, parse_extensions};
use super::headers::{Headers, check_field, write_field};
use super::key::{accept_key, is_valid_key};
use super::message::Request;
use super::refusal::{Refusal, is_framing, write_status_line};
use super::subprotocol::{self, parse_subprotocols};
use super::token::{has_token, is_token};

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A WebSocket; the handshake is in order.
    Upgrade(Offer),
    /// Something else over plain HTTP: no `Upgrade` field names `websocket`.
    Http,
}

/// What a client's handshake offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// `Sec-WebSocket-Key`, the base64 form of 16 bytes.
    pub key: String,
    /// Subprotocols in the client's order of preference, each a token, none twice.
    pub subprotocols: Vec<String>,
    /// Extensions in the client's order of preference, duplicates included.
    pub extensions: Vec<Extension>,
}

/// Fields of a request that decide something and may therefore stand only once.
const ONCE: [&str; 5] = [
    "Host",
    "Origin",
    "Authorization",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
];

/// Judges a request.
///
/// # Errors
/// The refusal to send: 400 for a `Host` that is missing, doubled or malformed and, of an upgrade
/// request, for a missing `Connection: Upgrade`, a bad key, a doubled field, a target that is no path
/// or absolute URI, a broken list of subprotocols or extensions or the announcement of a body; 405 for
/// a method other than GET; 426 for a version other than 13, drafts included.
pub fn classify(request: &Request) -> Result<Kind, Refusal> {
    judge(request).map_err(Refusal::from_error)
}

fn judge(request: &Request) -> Result<Kind, HandshakeError> {
    let headers = &request.headers;
    let host = headers
        .get_bytes("Host")
        .ok_or(HandshakeError::MissingHeader("Host"))?;
    if headers.get_all("Host").nth(1).is_some() {
        return Err(HandshakeError::DuplicateHeader("Host"));
    }
    if !host.iter().copied().all(is_host_byte) {
        return Err(HandshakeError::invalid_header("Host", host));
    }
    if !has_token(headers, "Upgrade", "websocket") {
        return Ok(Kind::Http);
    }
    if request.method != "GET" {
        return Err(HandshakeError::MethodNotAllowed(shown(
            request.method.as_bytes(),
        )));
    }
    for name in ONCE {
        if headers.get_all(name).nth(1).is_some() {
            return Err(HandshakeError::DuplicateHeader(name));
        }
    }
    check_version(headers)?;
    if !headers.contains("Connection") {
        return Err(HandshakeError::MissingHeader("Connection"));
    }
    if !has_token(headers, "Connection", "Upgrade") {
        let value = headers.get_bytes("Connection").unwrap_or_default();
        return Err(HandshakeError::invalid_header("Connection", value));
    }
    check_target(&request.target)?;
    if headers.contains("Transfer-Encoding")
        || headers
            .get_all("Content-Length")
            .any(|length| length != b"0")
    {
        return Err(HandshakeError::RequestBody);
    }
    let key = headers
        .get_bytes("Sec-WebSocket-Key")
        .ok_or(HandshakeError::MissingHeader("Sec-WebSocket-Key"))?;
    let key = std::str::from_utf8(key)
        .ok()
        .filter(|key| is_valid_key(key))
        .ok_or_else(|| HandshakeError::InvalidKey(shown(key)))?;
    Ok(Kind::Upgrade(Offer {
        key: key.to_owned(),
        subprotocols: parse_subprotocols(headers)?,
        extensions: parse_extensions(headers)?,
    }))
}

/// Whether `byte` may stand in a Host field (RFC 9110 section 7.2: a URI's host and port).
fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:[]".contains(&byte)
}

fn check_version(headers: &Headers) -> Result<(), HandshakeError> {
    if headers.contains("Sec-WebSocket-Key1") || headers.contains("Sec-WebSocket-Key2") {
        return Err(HandshakeError::DraftHandshake);
    }
    match headers.get_bytes("Sec-WebSocket-Version") {
        Some(b"13") => Ok(()),
        Some(version) => Err(HandshakeError::UnsupportedVersion(shown(version))),
        None => Err(HandshakeError::MissingHeader("Sec-WebSocket-Version")),
    }
}

/// A target must be a path, or an absolute URI of HTTP or WebSocket, without a fragment (RFC 6455
/// sections 3 and 4.2.1).
fn check_target(target: &str) -> Result<(), HandshakeError> {
    let absolute = target.split_once("://").is_some_and(|(scheme, _)| {
        ["ws", "wss", "http", "https"]
            .iter()
            .any(|known| scheme.eq_ignore_ascii_case(known))
    });
    if !target.starts_with('/') && !absolute {
        return Err(HandshakeError::Malformed(
            "the request target is neither a path nor the URI of a WebSocket",
        ));
    }
    if target.contains('#') {
        return Err(HandshakeError::Malformed(
            "the request target has a fragment",
        ));
    }
    Ok(())
}

/// Whether a caller may not set the field of this name in a handshake: the fields that the handshake
/// consists of, and those that frame HTTP messages.
pub(super) fn is_reserved(name: &str) -> bool {
    let prefix = "Sec-WebSocket-".as_bytes();
    is_framing(name)
        || name
            .as_bytes()
            .get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// Checks that `headers` may be added to a handshake.
pub(super) fn check_added(headers: &Headers) -> Result<(), HeaderError> {
    match headers.iter().find(|(name, _)| is_reserved(name)) {
        Some((name, _)) => Err(HeaderError::Reserved(name.into())),
        None => Ok(()),
    }
}

/// Appends the response that accepts a WebSocket to `out`; on an error nothing.
///
/// `key` is [`Offer::key`]; `extensions` is the value of `Sec-WebSocket-Extensions`, which is left out
/// when there is none or it is empty; `headers` are further fields of the caller's.
///
/// # Errors
/// [`HandshakeError::InvalidSubprotocol`] when `subprotocol` is not a token, and
/// [`HandshakeError::Header`] when `headers` has `Upgrade`, `Connection`, `Sec-WebSocket-*`,
/// `Content-Length` or `Transfer-Encoding`, or `extensions` a control character.
pub fn write_accept(
    out: &mut Vec<u8>,
    key: &str,
    subprotocol: Option<&str>,
    extensions: Option<&str>,
    headers: &Headers,
) -> Result<(), HandshakeError> {
    let extensions = extensions.filter(|value| !value.trim().is_empty());
    if let Some(name) = subprotocol
        && !is_token(name.as_bytes())
    {
        return Err(HandshakeError::InvalidSubprotocol(shown(name.as_bytes())));
    }
    if let Some(value) = extensions {
        check_field(extension::FIELD, value.as_bytes())?;
    }
    check_added(headers)?;
    write_status_line(out, 101);
    out.extend_from_slice(b"Upgrade: websocket\r\nConnection: Upgrade\r\n");
    write_field(out, "Sec-WebSocket-Accept", accept_key(key).as_bytes());
    if let Some(name) = subprotocol {
        write_field(out, subprotocol::FIELD, name.as_bytes());
    }
    if let Some(value) = extensions {
        write_field(out, extension::FIELD, value.as_bytes());
    }
    headers.write_to(out);
    out.extend_from_slice(b"\r\n");
    Ok(())
}

#[cfg(test)]
mod tests;
