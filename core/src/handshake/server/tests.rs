//! Tests of the server's side: each rule for a request, and what an acceptance may hold.

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
