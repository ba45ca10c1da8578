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
    for name in names.iter().map(AsRef::as_ref) {
        if !is_token(name.as_bytes()) {
            return Err(HandshakeError::InvalidSubprotocol(shown(name.as_bytes())));
        }
    }
    match repeated(names) {
        Some(name) => Err(HandshakeError::DuplicateSubprotocol(shown(name.as_bytes()))),
        None => Ok(()),
    }
}

/// The first name that stands twice.
fn repeated<S: AsRef<str>>(names: &[S]) -> Option<&str> {
    if names.len() < 2 {
        return None;
    }
    let mut seen = HashSet::with_capacity(names.len());
    names
        .iter()
        .map(AsRef::as_ref)
        .find(|&name| !seen.insert(name))
}

/// The subprotocols a client offers, in its order of preference, from all `Sec-WebSocket-Protocol`
/// fields together. Takes time linear in the fields' length.
///
/// # Errors
/// [`HandshakeError::InvalidHeader`] when one is not a token,
/// [`HandshakeError::SubprotocolOfferedTwice`] when one stands twice.
pub fn parse_subprotocols(headers: &Headers) -> Result<Vec<String>, HandshakeError> {
    let mut names = Vec::new();
    for element in list_elements(headers, FIELD) {
        match std::str::from_utf8(element) {
            Ok(name) if is_token(element) => names.push(name.to_owned()),
            _ => return Err(HandshakeError::invalid_header(FIELD, element)),
        }
    }
    match repeated(&names) {
        Some(name) => Err(HandshakeError::SubprotocolOfferedTwice(shown(
            name.as_bytes(),
        ))),
        None => Ok(names),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(values: &[&str]) -> Result<Vec<String>, HandshakeError> {
        let mut headers = Headers::new();
        for value in values {
            headers
                .push("Sec-WebSocket-Protocol", value)
                .expect("valid");
        }
        parse_subprotocols(&headers)
    }

    #[test]
    fn offers_keep_the_clients_order() {
        assert_eq!(
            parse(&["chat, superchat", "mqtt"]),
            Ok(vec!["chat".into(), "superchat".into(), "mqtt".into()])
        );
        assert_eq!(parse(&[]), Ok(Vec::new()));
        assert_eq!(parse(&["", ",, ,"]), Ok(Vec::new()));
    }

    #[test]
    fn offers_are_tokens_and_stand_once() {
        for bad in ["a b", "a;b", "a, \"b\"", "é", "a/b"] {
            assert!(
                matches!(parse(&[bad]), Err(HandshakeError::InvalidHeader { .. })),
                "{bad}"
            );
        }
        assert_eq!(
            parse(&["a, b", "a"]),
            Err(HandshakeError::SubprotocolOfferedTwice("a".into()))
        );
        assert_eq!(
            parse(&["a, A"]),
            Ok(vec!["a".into(), "A".into()]),
            "names are case-sensitive"
        );
    }

    #[test]
    fn cve_2021_32640_runs_of_spaces_take_linear_time() {
        // A reader that looks back over the spaces from each of them would need some 10^12 steps.
        let spaces = " ".repeat(1 << 20);
        assert!(matches!(
            parse(&[&format!("a{spaces}b")]),
            Err(HandshakeError::InvalidHeader { .. })
        ));
        let list = format!("a{spaces},{spaces}b");
        assert_eq!(parse(&[&list]), Ok(vec!["a".into(), "b".into()]));
        let many: Vec<String> = (0..100_000).map(|n| format!("p{n}")).collect();
        assert_eq!(parse(&[&many.join(" , ")]), Ok(many));
    }

    #[test]
    fn what_a_client_offers_is_checked() {
        assert_eq!(validate_subprotocols(&["a", "b"]), Ok(()));
        assert_eq!(validate_subprotocols::<&str>(&[]), Ok(()));
        for bad in ["", "a b", "a,b", "a\r\nX: y", "é"] {
            let error = HandshakeError::InvalidSubprotocol(shown(bad.as_bytes()));
            assert_eq!(validate_subprotocols(&["a", bad]), Err(error), "{bad:?}");
        }
        let error = HandshakeError::DuplicateSubprotocol("a".into());
        assert_eq!(validate_subprotocols(&["a", "b", "a"]), Err(error));
    }

    #[test]
    fn the_servers_preference_decides() {
        let offered = ["a".to_owned(), "b".to_owned()];
        assert_eq!(select_subprotocol(&offered, &["c", "b", "a"]), Some("b"));
        assert_eq!(select_subprotocol(&offered, &["A", "c"]), None);
        assert_eq!(select_subprotocol::<&str>(&offered, &[]), None);
        assert_eq!(select_subprotocol(&[], &["a"]), None);
    }
}
