//! Subprotocols (RFC 6455 sections 1.9, 4.1 and 11.3.4).

use std::collections::HashSet;

use super::error::{HandshakeError, shown};
use super::headers::Headers;
use super::token::{is_token, list_elements};

/// The name of the field that carries them.
pub(super) const FIELD: &str = "Sec-WebSocket-Protocol";

/// Whether a client may offer `names`: each a token, none twice (RFC 6455 section 4.1, item 10 of the
/// request's requirements).
///
/// # Errors
/// [`HandshakeError::InvalidSubprotocol`] or [`HandshakeError::DuplicateSubprotocol`].
pub fn validate_subprotocols<S: AsRef<str>>(names: &[S]) -> Result<(), HandshakeError> {
    let mut seen = HashSet::new();
    for name in names.iter().map(AsRef::as_ref) {
        if !is_token(name.as_bytes()) {
            return Err(HandshakeError::InvalidSubprotocol(shown(name.as_bytes())));
        }
        if names.len() > 1 && !seen.insert(name) {
            return Err(HandshakeError::DuplicateSubprotocol(shown(name.as_bytes())));
        }
    }
    Ok(())
}

/// The subprotocols a client offers, in its order of preference, from all `Sec-WebSocket-Protocol`
/// fields together. Takes time linear in the fields' length.
///
/// # Errors
/// [`HandshakeError::InvalidHeader`] when one is not a token, [`HandshakeError::DuplicateSubprotocol`]
/// when one stands twice.
pub fn parse_subprotocols(headers: &Headers) -> Result<Vec<String>, HandshakeError> {
    let mut names = Vec::new();
    for element in list_elements(headers, FIELD) {
        match std::str::from_utf8(element) {
            Ok(name) if is_token(element) => names.push(name.to_owned()),
            _ => return Err(HandshakeError::invalid_header(FIELD, element)),
        }
    }
    if names.len() > 1 {
        validate_subprotocols(&names)?;
    }
    Ok(names)
}

/// The subprotocol to speak: the first of `supported`, which is in the server's order of preference,
/// that the client offered; names are compared exactly. `None` when they share none.
pub fn select_subprotocol<'a, S: AsRef<str>>(
    offered: &[String],
    supported: &'a [S],
) -> Option<&'a str> {
    supported
        .iter()
        .map(AsRef::as_ref)
        .find(|&name| offered.iter().any(|offer| offer == name))
}
