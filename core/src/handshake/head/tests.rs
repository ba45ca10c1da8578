//! Tests of the head reader: what is read, what is refused, and where the limits lie.

use super::*;

fn read(bytes: &[u8]) -> Result<HeadReader, HandshakeError> {
    let mut reader = HeadReader::new(HeadLimits::default());
    match reader.push(bytes)? {
        Some(taken) => assert_eq!(taken, bytes.len()),
        None => return Err(reader.eof()),
    }
    Ok(reader)
}

fn request(bytes: &[u8]) -> Result<Request, HandshakeError> {
    read(bytes)?.into_request()
}

fn response(bytes: &[u8]) -> Result<Response, HandshakeError> {
    read(bytes)?.into_response()
}

#[test]
fn a_request_is_read() {
    let request =
        request(b"GET /chat?x=1 HTTP/1.1\r\nHost:example.com\r\nX:  a b \t\r\nY:\r\n\r\n")
            .expect("valid");
    assert_eq!(
        (request.method.as_str(), request.target.as_str()),
        ("GET", "/chat?x=1")
    );
    let fields: Vec<_> = request.headers.iter().collect();
    assert_eq!(
        fields,
        [("Host", &b"example.com"[..]), ("X", b"a b"), ("Y", b"")]
    );
}

#[test]
fn a_response_is_read() {
    let refusal = response(b"HTTP/1.1 403 Not  you\r\nX: \xff\r\n\r\n").expect("valid");
    assert_eq!((refusal.status, refusal.reason.as_str()), (403, "Not  you"));
    assert_eq!(refusal.headers.get_bytes("x"), Some(&b"\xff"[..]));
    let bare = response(b"HTTP/1.1 101\r\n\r\n").expect("valid");
    assert_eq!(
        (bare.status, bare.reason.as_str(), bare.headers.len()),
        (101, "", 0)
    );
}

#[test]
fn bytes_after_the_head_are_left() {
    let mut reader = HeadReader::new(HeadLimits::default());
    assert_eq!(reader.push(b"GET / HTTP/1.1\r\n"), Ok(None));
    assert_eq!(reader.push(b"\r\n\x81\x00\r\n\r\n"), Ok(Some(2)));
    assert_eq!(reader.push(b"more"), Ok(Some(0)));
    assert_eq!(reader.received(), 18);
}

#[test]
fn what_is_no_head_fails_at_once() {
    let cases: [(&[u8], HandshakeError); 12] = [
        (b"\x16\x03\x01", HandshakeError::TlsOnPlainPort),
        (
            b"\x15\x03\x03\x00\x02\x02\x0a",
            HandshakeError::TlsOnPlainPort,
        ),
        (
            b"\x00",
            HandshakeError::Malformed("the first byte begins no HTTP message"),
        ),
        (
            b" GET",
            HandshakeError::Malformed("the first byte begins no HTTP message"),
        ),
        (b"\n", BARE_LF),
        (b"\rG", BARE_CR),
        (b"GET / HTTP/1.1\n", BARE_LF),
        (b"GET / HTTP/1.1\rX", BARE_CR),
        (b"GET /\0", HandshakeError::Malformed("a control character")),
        (
            b"G / HTTP/1.1\r\nA: b\r\n c",
            HandshakeError::Malformed("a header field is folded onto a new line"),
        ),
        (
            b"G / HTTP/1.1\r\n:",
            HandshakeError::Malformed("a header field has no name"),
        ),
        (b"G / HTTP/1.1\r\n\rX", BARE_CR),
    ];
    for (bytes, error) in cases {
        let mut reader = HeadReader::new(HeadLimits::default());
        let text = bytes.escape_ascii();
        assert_eq!(reader.push(bytes), Err(error.clone()), "{text}");
        assert_eq!(reader.push(b"x"), Err(error.clone()), "{text}");
        assert_eq!(reader.into_request(), Err(error), "{text}");
    }
}

#[test]
fn what_httparse_refuses_is_named() {
    let cases: [&[u8]; 7] = [
        b"GET / HTTP/1.1 x\r\n\r\n",
        b"GET  / HTTP/1.1\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/1.1\r\nA b: c\r\n\r\n",
        b"GET / HTTP/1.1\r\nA : c\r\n\r\n",
        b"GET / HTTP/1.1\r\nA\r\n\r\n",
        b"G\tT / HTTP/1.1\r\n\r\n",
    ];
    for bytes in cases {
        let error = request(bytes).expect_err("malformed");
        assert!(
            matches!(
                error,
                HandshakeError::Malformed(_) | HandshakeError::UnsupportedHttpVersion(_)
            ),
            "{}: {error:?}",
            bytes.escape_ascii()
        );
    }
    let cases: [&[u8]; 4] = [
        b"HTTP/1.1 99 x\r\n\r\n",
        b"HTTP/1.1 099 x\r\n\r\n",
        b"HTTP/1.1 1010 x\r\n\r\n",
        b"\r\nHTTP/1.1 101 x\r\n\r\n",
    ];
    for bytes in cases {
        let error = response(bytes).expect_err("malformed");
        assert!(matches!(error, HandshakeError::Malformed(_)), "{error:?}");
    }
}

#[test]
fn only_http_1_1_upgrades() {
    for version in ["HTTP/1.0", "HTTP/2.0"] {
        let error = request(format!("GET / {version}\r\n\r\n").as_bytes());
        assert_eq!(
            error,
            Err(HandshakeError::UnsupportedHttpVersion(version.into()))
        );
    }
    let error = request(b"PRI * HTTP/2.0\r\n\r\n").expect_err("HTTP/2 preface");
    assert_eq!(
        (error.status(), error.to_string().contains("HTTP/2.0")),
        (505, true)
    );
    assert_eq!(
        response(b"HTTP/1.0 101 x\r\n\r\n"),
        Err(HandshakeError::UnsupportedHttpVersion("HTTP/1.0".into()))
    );
    assert_eq!(
        response(b"HTTP/1.0 503 x\r\n\r\n").map(|r| r.status),
        Ok(503)
    );
}

#[test]
fn empty_lines_before_a_request_are_passed_over() {
    let mut reader = HeadReader::new(HeadLimits::default());
    for part in [&b"\r"[..], b"\n\r\n\r", b"\nGET / HTTP/1.1\r\n\r"] {
        assert_eq!(reader.push(part), Ok(None));
    }
    assert_eq!(reader.push(b"\nx"), Ok(Some(1)));
    assert_eq!(
        reader.into_request().map(|request| request.target),
        Ok("/".into())
    );
    let mut reader = HeadReader::new(HeadLimits {
        bytes: 10,
        headers: 0,
    });
    assert_eq!(
        reader.push(&b"\r\n".repeat(20)),
        Err(HandshakeError::HeadTooLarge { limit: 10 })
    );
}

#[test]
fn limits_hold_to_the_byte_and_the_field() {
    let head = b"GET / HTTP/1.1\r\nA: b\r\nC: d\r\n\r\n";
    let push = |bytes, headers| HeadReader::new(HeadLimits { bytes, headers }).push(head);
    assert_eq!(push(head.len(), 2), Ok(Some(head.len())));
    assert_eq!(
        push(head.len() - 1, 2),
        Err(HandshakeError::HeadTooLarge {
            limit: head.len() - 1
        })
    );
    assert_eq!(
        push(5, 2),
        Err(HandshakeError::StartLineTooLong { limit: 5 })
    );
    assert_eq!(
        push(head.len(), 1),
        Err(HandshakeError::TooManyHeaders { limit: 1 })
    );
    assert_eq!(push(0, 0), Err(HandshakeError::HeadTooLarge { limit: 0 }));
}

#[test]
fn the_end_of_the_stream_is_an_error_with_a_figure() {
    let mut reader = HeadReader::new(HeadLimits::default());
    assert_eq!(reader.push(b"\r\nGET "), Ok(None));
    assert_eq!(reader.eof(), HandshakeError::Incomplete { received: 6 });
    assert_eq!(
        reader.into_response(),
        Err(HandshakeError::Incomplete { received: 6 })
    );
}

#[test]
fn many_fields_are_read_past_the_table_on_the_stack() {
    let fields: String = (0..100).map(|n| format!("X-{n}: {n}\r\n")).collect();
    let request = request(format!("GET / HTTP/1.1\r\n{fields}\r\n").as_bytes()).expect("valid");
    assert_eq!(request.headers.len(), 100);
    assert_eq!(request.headers.get("x-99"), Some("99"));
}

#[test]
fn debug_of_a_reader_shows_no_bytes() {
    let mut reader = HeadReader::new(HeadLimits::default());
    assert_eq!(reader.push(b"GET /?token=hunter2"), Ok(None));
    let text = format!("{reader:?}");
    assert!(
        text.contains("received: 19") && !text.contains("104, 117"),
        "{text}"
    );
}
