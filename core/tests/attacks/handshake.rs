//! What a whole handshake makes of hostile names, doubled extensions and injected lines.

use ropeway_core::Error;
use ropeway_core::deflate::Compression;
use ropeway_core::handshake::{
    ClientRequest, HandshakeError, HeadReader, Headers, Refusal, WebSocketUrl, accept_key,
    write_accept,
};
use ropeway_core::protocol::Options;

use crate::heap::Fence;
use crate::rig::*;

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// A request that offers `extensions`.
fn request(extensions: &str) -> String {
    format!(
        "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Extensions: {extensions}\r\n\r\n"
    )
}

/// What a server that compresses answers to an offer.
fn answer_to(extensions: &str) -> String {
    let mut server = Peer::server(Options {
        compression: Compression::on(),
        ..Options::default()
    });
    server.receive(request(extensions).as_bytes());
    String::from_utf8(server.sent()).expect("a head of text")
}

/// A client that has asked, and got a 101 with `extensions`.
fn client_told(extensions: &str) -> Peer {
    let mut client = Peer::client(Options::default());
    let request = String::from_utf8(client.sent()).expect("a head of text");
    let key = request
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
        .expect("a key");
    let response = format!(
        "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n{extensions}\r\n",
        accept_key(key)
    );
    client.receive(response.as_bytes());
    client
}

#[test]
fn ws_2017_hostile_extension_names_are_declined_or_refused() {
    let long = "x".repeat(15 << 10);
    for name in ["constructor", "__proto__", "hasOwnProperty", long.as_str()] {
        let answer = answer_to(name);
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        assert!(!answer.contains("Sec-WebSocket-Extensions"), "{answer}");
        let answer = answer_to(&format!(
            "permessage-deflate; {}=1, {0}",
            &name[..name.len().min(7000)]
        ));
        assert!(!answer.contains("Sec-WebSocket-Extensions"), "{answer}");
        let client = client_told(&format!("Sec-WebSocket-Extensions: {name}\r\n"));
        assert!(
            matches!(
                client.cause(),
                Error::Handshake(HandshakeError::UnofferedExtension(_))
            ),
            "{:?}",
            client.cause()
        );
    }
    // An empty name breaks the grammar, and so does a parameter without one.
    for bad in [
        "permessage-deflate;",
        "permessage-deflate; =1",
        "; x",
        "permessage-deflate; ;",
    ] {
        let answer = answer_to(bad);
        assert!(answer.starts_with("HTTP/1.1 400 "), "{bad}: {answer}");
    }
    let answer = answer_to(&"x".repeat(16 << 10));
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[test]
fn libwebsockets_b0073c7_an_extension_offered_often_is_answered_once() {
    let offer = "permessage-deflate; client_max_window_bits";
    for count in [1, 2, 100] {
        let _fence = Fence::new();
        let answer = answer_to(&vec![offer; count].join(", "));
        assert_eq!(answer.matches("permessage-deflate").count(), 1, "{answer}");
    }
    // In fields of their own as well.
    let answer = answer_to(&vec![offer; 50].join("\r\nSec-WebSocket-Extensions: "));
    assert_eq!(answer.matches("permessage-deflate").count(), 1, "{answer}");
}

#[test]
fn libwebsockets_b0073c7_an_extension_answered_twice_fails_the_client() {
    let once = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    assert!(client_told(once).protocol.is_open());
    for twice in [
        "Sec-WebSocket-Extensions: permessage-deflate, permessage-deflate\r\n",
        &once.repeat(2),
        &once.repeat(50),
    ] {
        let _fence = Fence::new();
        let client = client_told(twice);
        assert!(
            matches!(
                client.cause(),
                Error::Handshake(HandshakeError::InvalidExtension { .. })
            ),
            "{:?}",
            client.cause()
        );
    }
}

/// A place of a request where a caller's text goes.
type Place = fn(&str) -> Result<ClientRequest, HandshakeError>;

fn asking(change: impl FnOnce(&mut ClientRequest)) -> Result<ClientRequest, HandshakeError> {
    let mut request =
        ClientRequest::new(WebSocketUrl::parse("ws://h/").map_err(HandshakeError::Url)?);
    change(&mut request);
    Ok(request)
}

fn asking_for(url: &str) -> Result<ClientRequest, HandshakeError> {
    let url = WebSocketUrl::parse(url).map_err(HandshakeError::Url)?;
    Ok(ClientRequest::new(url))
}

fn with_field(name: &str, value: &str) -> Result<ClientRequest, HandshakeError> {
    let mut headers = Headers::new();
    headers.push(name, value)?;
    asking(|request| request.headers = headers)
}

const PLACES: [(&str, Place, usize); 10] = [
    ("a path", |text| asking_for(&format!("ws://h/{text}")), 6),
    ("a query", |text| asking_for(&format!("ws://h/?{text}")), 6),
    ("a host", |text| asking_for(&format!("ws://{text}/")), 7),
    (
        "a user's name",
        |text| asking_for(&format!("ws://{text}:x@h/")),
        7,
    ),
    (
        "a password",
        |text| asking_for(&format!("ws://x:{text}@h/")),
        7,
    ),
    (
        "an origin",
        |text| asking(|request| request.origin = Some(text.into())),
        7,
    ),
    (
        "a user agent",
        |text| asking(|request| request.user_agent = Some(text.into())),
        6,
    ),
    (
        "a subprotocol",
        |text| asking(|request| request.subprotocols = vec![text.into()]),
        7,
    ),
    ("a field's name", |text| with_field(text, "x"), 7),
    ("a field's value", |text| with_field("X", text), 7),
];

#[test]
fn cve_2026_1527_pysec_2020_25_no_text_of_the_callers_adds_a_line_to_a_request() {
    let mut sent = 0;
    for (place, make, most) in PLACES {
        for code in (0..=0xff).chain([0x2028, 0x560d, 0x0d0a, 0xff0d, 0x1f6a0]) {
            let Some(character) = char::from_u32(code) else {
                continue;
            };
            for text in [
                format!("a{character}b"),
                format!("{character}"),
                format!("a{character}X: y"),
                format!("a\r{character}\nX: y"),
                format!("a%{code:02x}X%0d%0aInjected: z"),
            ] {
                let mut out = Vec::new();
                if make(&text)
                    .and_then(|request| request.write(KEY, &mut out))
                    .is_err()
                {
                    assert!(out.is_empty(), "{place}: {text:?}");
                    continue;
                }
                sent += 1;
                let mut reader = HeadReader::new(Options::default().head_limits);
                let size = reader.push(&out).expect("a head");
                assert_eq!(size, Some(out.len()), "{place}: {text:?}");
                let request = reader.into_request().expect("a request");
                assert!(
                    request.headers.len() <= most,
                    "{place}: {text:?}: {request:?}"
                );
                assert!(
                    !request.headers.contains("Injected"),
                    "{place}: {text:?}: {request:?}"
                );
            }
        }
    }
    assert!(sent > 2000, "only {sent} were sent");
}

#[test]
fn cve_2026_1527_no_text_of_the_callers_adds_a_line_to_an_answer() {
    for code in 0..=0xff_u8 {
        let text = format!("a{}X: y", char::from(code));
        let mut headers = Headers::new();
        let pushed = headers.push("Name", &text);
        assert_eq!(
            pushed.is_ok(),
            !matches!(code, 0..=8 | 10..=31 | 127),
            "{text:?}"
        );
        let mut out = Vec::new();
        let written = write_accept(&mut out, KEY, Some(&text), None, &Headers::new());
        assert!(
            written.is_err() && out.is_empty(),
            "{text:?}: a subprotocol is a token"
        );
        write_accept(&mut out, KEY, None, None, &headers).expect("an answer");
        Refusal {
            headers,
            ..Refusal::upgrade_required()
        }
        .write_head(&mut out);
        let lines = String::from_utf8_lossy(&out)
            .lines()
            .filter(|line| line.starts_with("X:"))
            .count();
        assert_eq!(lines, 0, "{text:?}");
    }
}
