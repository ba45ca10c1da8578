//! The server's side of the handshake (RFC 6455 sections 4.2 and 4.4).

use super::error::{HandshakeError, HeaderError, shown};
use super::extension::{self, Extension, parse_extensions};
use super::head::Request;
use super::headers::{Headers, check_field, write_field};
use super::key::{accept_key, is_valid_key};
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
mod tests {
    use super::*;
    use crate::handshake::{HeadLimits, HeadReader};

    const FIELDS: [(&str, &str); 5] = [
        ("Host", "server.example.com"),
        ("Upgrade", "websocket"),
        ("Connection", "keep-alive, Upgrade"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Version", "13"),
    ];

    /// A good request with `changes` made: a value replaces the field's, `None` removes it.
    fn request(changes: &[(&str, Option<&str>)]) -> Request {
        let mut headers = Headers::new();
        for (name, value) in FIELDS {
            if changes.iter().all(|(changed, _)| *changed != name) {
                headers.push(name, value).expect("valid");
            }
        }
        for (name, value) in changes {
            if let Some(value) = value {
                headers.push(name, value).expect("valid");
            }
        }
        Request {
            method: "GET".into(),
            target: "/chat".into(),
            headers,
        }
    }

    fn refused(request: &Request) -> (u16, HandshakeError) {
        let refusal = classify(request).expect_err("refused");
        assert_eq!(refusal.status, refusal.error.status());
        (refusal.status, *refusal.error)
    }

    #[test]
    fn a_good_request_is_an_offer() {
        let request = request(&[
            ("Sec-WebSocket-Protocol", Some("chat, superchat")),
            (
                "Sec-WebSocket-Extensions",
                Some("permessage-deflate; client_max_window_bits"),
            ),
            ("Content-Length", Some("0")),
        ]);
        let Ok(Kind::Upgrade(offer)) = classify(&request) else {
            panic!("an upgrade")
        };
        assert_eq!(offer.key, "dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(offer.subprotocols, ["chat", "superchat"]);
        assert_eq!(
            offer.extensions[0].to_string(),
            "permessage-deflate; client_max_window_bits"
        );
    }

    #[test]
    fn targets_are_paths_or_absolute() {
        for target in [
            "/",
            "/chat?x",
            "ws://example.com:8181/",
            "WSS://e",
            "http://e/x",
            "https://e/",
        ] {
            let request = Request {
                target: target.into(),
                ..request(&[])
            };
            assert!(
                matches!(classify(&request), Ok(Kind::Upgrade(_))),
                "{target}"
            );
        }
        for target in ["*", "chat", "ftp://e/", "/a#b", "ws://e/#"] {
            let (status, error) = refused(&Request {
                target: target.into(),
                ..request(&[])
            });
            assert_eq!(status, 400, "{target}");
            assert!(matches!(error, HandshakeError::Malformed(_)), "{target}");
        }
    }

    #[test]
    fn aiohttp_12723_other_requests_are_plain_http() {
        for upgrade in [None, Some("notwebsocket"), Some("h2c"), Some("")] {
            assert_eq!(
                classify(&request(&[("Upgrade", upgrade)])),
                Ok(Kind::Http),
                "{upgrade:?}"
            );
        }
        let post = Request {
            method: "POST".into(),
            ..request(&[("Upgrade", None)])
        };
        assert_eq!(classify(&post), Ok(Kind::Http));
    }

    #[test]
    fn other_methods_get_405_and_are_told_of_get() {
        for method in ["POST", "HEAD", "get", "CONNECT"] {
            let refusal = classify(&Request {
                method: method.into(),
                ..request(&[])
            })
            .expect_err("refused");
            assert_eq!(refusal.status, 405);
            assert_eq!(refusal.headers.get("Allow"), Some("GET"));
            assert_eq!(
                *refusal.error,
                HandshakeError::MethodNotAllowed(method.into())
            );
        }
    }

    #[test]
    fn other_versions_get_426_and_are_told_of_13() {
        for version in [
            None,
            Some("12"),
            Some("14"),
            Some("013"),
            Some("13, 8"),
            Some(""),
            Some("x"),
        ] {
            let refusal =
                classify(&request(&[("Sec-WebSocket-Version", version)])).expect_err("refused");
            assert_eq!(refusal.status, 426, "{version:?}");
            assert_eq!(refusal.headers.get("Sec-WebSocket-Version"), Some("13"));
            let expected = match version {
                Some(version) => HandshakeError::UnsupportedVersion(version.into()),
                None => HandshakeError::MissingHeader("Sec-WebSocket-Version"),
            };
            assert_eq!(*refusal.error, expected);
        }
    }

    #[test]
    fn cve_2026_54466_drafts_are_refused() {
        for version in ["0", "4", "6", "7", "8"] {
            let (status, error) = refused(&request(&[("Sec-WebSocket-Version", Some(version))]));
            assert_eq!(
                (status, error),
                (426, HandshakeError::UnsupportedVersion(version.into()))
            );
        }
        let hixie = [
            ("Upgrade", Some("WebSocket")),
            ("Sec-WebSocket-Key", None),
            ("Sec-WebSocket-Version", None),
            ("Sec-WebSocket-Key1", Some("4 @1  46546xW%0l 1 5")),
            ("Sec-WebSocket-Key2", Some("12998 5 Y3 1  .P00")),
        ];
        assert_eq!(
            refused(&request(&hixie)),
            (426, HandshakeError::DraftHandshake)
        );
    }

    #[test]
    fn missing_fields_are_named() {
        for name in ["Host", "Connection", "Sec-WebSocket-Key"] {
            assert_eq!(
                refused(&request(&[(name, None)])),
                (400, HandshakeError::MissingHeader(name))
            );
        }
        let bare = Request {
            method: "GET".into(),
            target: "/".into(),
            headers: Headers::new(),
        };
        assert_eq!(refused(&bare), (400, HandshakeError::MissingHeader("Host")));
    }

    #[test]
    fn bad_values_are_named() {
        let invalid = |name, value: &str| HandshakeError::InvalidHeader {
            name,
            value: value.into(),
        };
        let cases = [
            ("Host", "a b", invalid("Host", "a b")),
            ("Host", "a/b", invalid("Host", "a/b")),
            ("Host", "u@h", invalid("Host", "u@h")),
            (
                "Connection",
                "keep-alive",
                invalid("Connection", "keep-alive"),
            ),
            (
                "Connection",
                "notupgrade",
                invalid("Connection", "notupgrade"),
            ),
            (
                "Sec-WebSocket-Key",
                "",
                HandshakeError::InvalidKey("".into()),
            ),
            (
                "Sec-WebSocket-Key",
                "c2hvcnQ=",
                HandshakeError::InvalidKey("c2hvcnQ=".into()),
            ),
            (
                "Sec-WebSocket-Protocol",
                "a b",
                invalid("Sec-WebSocket-Protocol", "a b"),
            ),
            (
                "Sec-WebSocket-Protocol",
                "a, a",
                HandshakeError::SubprotocolOfferedTwice("a".into()),
            ),
            (
                "Sec-WebSocket-Extensions",
                "a;",
                invalid("Sec-WebSocket-Extensions", "a;"),
            ),
            ("Content-Length", "1", HandshakeError::RequestBody),
            ("Transfer-Encoding", "chunked", HandshakeError::RequestBody),
        ];
        for (name, value, error) in cases {
            assert_eq!(
                refused(&request(&[(name, Some(value))])),
                (400, error),
                "{name}: {value}"
            );
        }
    }

    #[test]
    fn what_may_stand_once_is_refused_twice() {
        for name in ONCE {
            let (mut twice, mut value) = (request(&[]), "x");
            if let Some((_, good)) = FIELDS.iter().find(|(field, _)| *field == name) {
                value = good;
            } else {
                twice.headers.push(name, value).expect("valid");
            }
            twice
                .headers
                .push(&name.to_lowercase(), value)
                .expect("valid");
            assert_eq!(
                refused(&twice),
                (400, HandshakeError::DuplicateHeader(name))
            );
        }
    }

    #[test]
    fn the_acceptance_is_written() {
        let mut out = b"before".to_vec();
        let mut headers = Headers::new();
        headers.push("Set-Cookie", "a=b").expect("valid");
        write_accept(
            &mut out,
            "dGhlIHNhbXBsZSBub25jZQ==",
            Some("chat"),
            Some("x; y=1"),
            &headers,
        )
        .expect("valid");
        let expected = "beforeHTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\
                        Sec-WebSocket-Extensions: x; y=1\r\nSet-Cookie: a=b\r\n\r\n";
        assert_eq!(String::from_utf8(out).expect("UTF-8"), expected);
        let mut out = Vec::new();
        write_accept(&mut out, "x", None, Some(" "), &Headers::new()).expect("valid");
        assert!(
            !String::from_utf8(out)
                .expect("UTF-8")
                .contains("Extensions")
        );
    }

    #[test]
    fn cve_2026_1527_an_acceptance_has_only_the_lines_it_should() {
        let none = Headers::new();
        for (subprotocol, extensions) in [
            (Some("a\r\nX: y"), None),
            (Some(""), None),
            (None, Some("a\r\nX: y")),
            (None, Some("a\0")),
        ] {
            let mut out = Vec::new();
            let result = write_accept(&mut out, "x", subprotocol, extensions, &none);
            assert!(
                result.is_err() && out.is_empty(),
                "{subprotocol:?} {extensions:?}"
            );
        }
        for name in [
            "upgrade",
            "CONNECTION",
            "sec-websocket-Accept",
            "Sec-WebSocket-",
            "content-length",
            "Transfer-Encoding",
        ] {
            let mut headers = Headers::new();
            headers.push(name, "x").expect("valid");
            let mut out = Vec::new();
            let error = HandshakeError::Header(HeaderError::Reserved(name.into()));
            assert_eq!(
                write_accept(&mut out, "x", None, None, &headers),
                Err(error)
            );
            assert!(out.is_empty());
        }
    }

    #[test]
    fn a_request_from_the_wire_is_judged() {
        let head = b"GET ws://example.com:8181/ HTTP/1.1\r\nhost: h\r\nUPGRADE: WebSocket\r\nconnection: upgrade\r\n\
                     sec-websocket-key: q4xkcO32u266gldTuKaSOw==\r\nsec-websocket-version: 13\r\n\r\n";
        let mut reader = HeadReader::new(HeadLimits::default());
        assert_eq!(reader.push(head), Ok(Some(head.len())));
        let request = reader.into_request().expect("valid");
        assert!(matches!(classify(&request), Ok(Kind::Upgrade(_))));
        assert_eq!(
            (request.path(), request.host()),
            ("/", Some("example.com:8181"))
        );
    }
}
