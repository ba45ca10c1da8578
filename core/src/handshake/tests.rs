//! The handshake as a whole: attacks on heads, and properties that hold for all input.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;

/// The verdict on a stream of bytes: what the head was and what was left over.
fn read_request(parts: &[&[u8]], limits: HeadLimits) -> Result<(Request, usize), HandshakeError> {
    let mut reader = HeadReader::new(limits);
    let mut offset = 0;
    for part in parts {
        if let Some(taken) = reader.push(part)? {
            return reader
                .into_request()
                .map(|request| (request, offset + taken));
        }
        offset += part.len();
    }
    Err(reader.eof())
}

/// Cuts `bytes` at the given places, taken modulo its length.
fn cut<'a>(bytes: &'a [u8], places: &[usize]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = places
        .iter()
        .map(|place| place % (bytes.len() + 1))
        .collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places
        .windows(2)
        .map(|pair| &bytes[pair[0]..pair[1]])
        .collect()
}

fn request_with(fields: usize) -> Vec<u8> {
    format!(
        "GET / HTTP/1.1\r\nHost: h\r\n{}\r\n",
        "X: y\r\n".repeat(fields)
    )
    .into_bytes()
}

#[test]
fn cve_2024_37890_ten_thousand_headers_get_431() {
    let limits = HeadLimits {
        bytes: 1 << 20,
        ..HeadLimits::default()
    };
    let error = read_request(&[&request_with(10_000)], limits).expect_err("too many");
    assert_eq!(error, HandshakeError::TooManyHeaders { limit: 100 });
    let mut out = Vec::new();
    Refusal::from_error(error).write(&mut out);
    assert!(out.starts_with(b"HTTP/1.1 431 Request Header Fields Too Large\r\n"));
    assert!(read_request(&[&request_with(99)], limits).is_ok());
}

#[test]
fn cve_2024_37890_a_client_holds_the_limit_too() {
    let mut reader = HeadReader::new(HeadLimits::default());
    let head = format!("HTTP/1.1 101 x\r\n{}\r\n", "X: y\r\n".repeat(101));
    assert_eq!(
        reader.push(head.as_bytes()),
        Err(HandshakeError::TooManyHeaders { limit: 100 })
    );
}

#[test]
fn cve_2023_43669_the_limit_ends_a_head_that_comes_byte_by_byte() {
    let mut reader = HeadReader::new(HeadLimits::default());
    assert_eq!(reader.push(b"GET / HTTP/1.1\r\nX: "), Ok(None));
    let refused = (0..20_000_000).position(|_| reader.push(b"x").is_err());
    assert_eq!(refused, Some(16 * 1024 - 19 - 1));
    assert_eq!(
        reader.push(b"x"),
        Err(HandshakeError::HeadTooLarge { limit: 16 * 1024 })
    );
    assert_eq!(reader.scanned, 16 * 1024);
}

#[test]
fn cve_2023_43669_each_byte_is_looked_at_once_however_it_comes() {
    let mut head = b"\r\nGET / HTTP/1.1\r\n".to_vec();
    head.extend("X-Name: value\r\n".repeat(100_000).bytes());
    head.extend_from_slice(b"\r\n");
    let limits = HeadLimits {
        bytes: usize::MAX,
        headers: usize::MAX,
    };
    for size in [1, 2, 7, 4096, head.len()] {
        let mut reader = HeadReader::new(limits);
        for part in head.chunks(size) {
            assert!(reader.push(part).is_ok());
        }
        assert!(reader.is_complete());
        assert_eq!(reader.scanned, head.len(), "in portions of {size}");
    }
}

#[test]
fn pysec_2020_25_a_query_with_an_encoded_line_break_stays_in_its_line() {
    let url = WebSocketUrl::parse("ws://h/?a=%0D%0ASet-Cookie:%20x").expect("valid");
    let mut out = Vec::new();
    ClientRequest::new(url)
        .write("dGhlIHNhbXBsZSBub25jZQ==", &mut out)
        .expect("valid");
    let (request, _) = read_request(&[&out], HeadLimits::default()).expect("valid");
    assert_eq!(request.query(), Some("a=%0D%0ASet-Cookie:%20x"));
    assert!(!request.headers.contains("Set-Cookie"));
}

#[test]
fn both_sides_agree() {
    let url = WebSocketUrl::parse("ws://server.example.com/chat").expect("valid");
    let mut asked = ClientRequest::new(url);
    asked.subprotocols = vec!["superchat".into(), "chat".into()];
    asked.extensions = Some("x; y=\"1\"".into());
    let key = generate_key().expect("random");
    let mut wire = Vec::new();
    asked.write(&key, &mut wire).expect("valid");

    let (request, taken) = read_request(&[&wire], HeadLimits::default()).expect("valid");
    assert_eq!(taken, wire.len());
    let Ok(Kind::Upgrade(offer)) = classify(&request) else {
        panic!("an upgrade")
    };
    assert_eq!(offer.key, key);
    let chosen = select_subprotocol(&offer.subprotocols, &["chat"]);
    let extensions = format_extensions(&offer.extensions);
    let mut wire = Vec::new();
    write_accept(
        &mut wire,
        &offer.key,
        chosen,
        extensions.as_deref(),
        &Headers::new(),
    )
    .expect("valid");

    let mut reader = HeadReader::new(HeadLimits::default());
    assert_eq!(reader.push(&wire), Ok(Some(wire.len())));
    let response = reader.into_response().expect("valid");
    let agreed = verify(&response, &key, &asked.subprotocols).expect("valid");
    assert_eq!(agreed.subprotocol.as_deref(), Some("chat"));
    assert_eq!(agreed.extensions, offer.extensions);
}

#[test]
fn a_refusal_reaches_the_client_whole() {
    let mut refusal = Refusal::new(401, "who are you?").expect("valid");
    refusal
        .headers
        .push("WWW-Authenticate", "Basic")
        .expect("valid");
    let mut wire = Vec::new();
    refusal.write(&mut wire);
    let mut reader = HeadReader::new(HeadLimits::default());
    let taken = reader.push(&wire).expect("valid").expect("complete");
    let mut response = reader.into_response().expect("valid");
    let mut body = BodyReader::new(&response, DEFAULT_BODY_LIMIT);
    assert!(body.push(&wire[taken..]));
    response.body = body.into_body();
    let Err(HandshakeError::InvalidStatus(kept)) = verify(&response, "x", &[]) else {
        panic!("a refusal")
    };
    assert_eq!((kept.status, kept.reason.as_str()), (401, "Unauthorized"));
    assert_eq!(kept.headers.get("www-authenticate"), Some("Basic"));
    assert_eq!(kept.body, b"who are you?");
}

fn token() -> impl Strategy<Value = String> {
    "[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}"
}

fn fields() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    let byte = prop_oneof![Just(b'\t'), 0x20..=0x7e_u8, 0x80..=0xff_u8];
    vec((token(), vec(byte, 0..20)), 0..40)
}

/// Bytes that resemble a head closely enough to reach every state of its reader.
fn almost_head() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(b"\r\n".to_vec()),
        2 => Just(b"Name: value".to_vec()),
        2 => Just(b"GET / HTTP/1.1\r\n".to_vec()),
        1 => Just(b"HTTP/1.1 200 OK\r\n".to_vec()),
        1 => Just(b"\r\n\r\n".to_vec()),
        1 => vec(any::<u8>(), 0..4),
        1 => prop::sample::select(b"\r\n \t:GA\x16".to_vec()).prop_map(|byte| vec![byte]),
    ];
    vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn small_limits() -> impl Strategy<Value = HeadLimits> {
    (0..120_usize, 0..6_usize).prop_map(|(bytes, headers)| HeadLimits { bytes, headers })
}

proptest! {
    // A fixed seed: every run tests the same cases.
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(6455), ..ProptestConfig::default() })]

    #[test]
    fn any_chunking_of_a_head_gives_the_same_verdict(
        bytes in almost_head(),
        limits in prop_oneof![Just(HeadLimits::default()), small_limits()],
        places in vec(any::<usize>(), 0..12),
    ) {
        let whole = read_request(&[&bytes], limits);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(&read_request(&cut(&bytes, &places), limits), &whole);
        // Without bytes there are no portions, and a limit of 0 is only noticed on a portion.
        if !bytes.is_empty() {
            prop_assert_eq!(&read_request(&single, limits), &whole);
        }
    }

    #[test]
    fn a_written_head_is_read_as_it_was(
        fields in fields(),
        target in "/[!-\"$-~]{0,30}",
        rest in vec(any::<u8>(), 0..10),
        places in vec(any::<usize>(), 0..8),
    ) {
        let mut headers = Headers::new();
        for (name, value) in &fields {
            headers.push_bytes(name, value).expect("valid");
        }
        let mut wire = format!("GET {target} HTTP/1.1\r\n").into_bytes();
        headers.write_to(&mut wire);
        wire.extend_from_slice(b"\r\n");
        let length = wire.len();
        wire.extend_from_slice(&rest);
        let (request, taken) = read_request(&cut(&wire, &places), HeadLimits::default()).expect("valid");
        prop_assert_eq!(taken, length);
        prop_assert_eq!(&request.target, &target);
        prop_assert_eq!(request.path_and_query(), target);
        prop_assert_eq!(request.headers, headers);
    }

    #[test]
    fn extensions_are_read_as_written(
        list in vec((token(), vec((token(), prop::option::of(token())), 0..4)), 0..5),
    ) {
        let list: Vec<Extension> =
            list.into_iter().map(|(name, params)| Extension { name, params }).collect();
        let mut headers = Headers::new();
        if let Some(value) = format_extensions(&list) {
            headers.push("Sec-WebSocket-Extensions", &value).expect("valid");
        }
        prop_assert_eq!(parse_extensions(&headers), Ok(list));
    }

    #[test]
    fn no_bytes_upset_any_part(
        value in vec(prop_oneof![any::<u8>(), prop::sample::select(b",;=\"\\ \t".to_vec())], 0..60),
        text in any::<String>(),
        status in any::<u16>(),
        bytes in almost_head(),
    ) {
        let mut headers = Headers::new();
        let clean = !value.iter().any(|&byte| byte.is_ascii_control() && byte != b'\t');
        for name in ["Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol", "Content-Length", "Transfer-Encoding", "Host"] {
            prop_assert_eq!(headers.push_bytes(name, &value).is_ok(), clean);
        }
        if let Ok(extensions) = parse_extensions(&headers) {
            prop_assert!(extensions.iter().all(|extension| is_token(extension.name.as_bytes())));
        }
        if let Ok(names) = parse_subprotocols(&headers) {
            prop_assert_eq!(validate_subprotocols(&names), Ok(()));
        }
        let request = Request { method: "GET".into(), target: text.clone(), headers: headers.clone() };
        prop_assert!(text.contains(request.path()) || request.path() == "/");
        prop_assert!(request.path_and_query().starts_with(request.path()));
        if let Err(refusal) = classify(&request) {
            prop_assert!((400..=505).contains(&refusal.status));
        }
        let response = Response { status, reason: text.clone(), headers, body: Vec::new() };
        prop_assert!(verify(&response, &text, &[]).is_err());
        let mut body = BodyReader::new(&response, 16);
        body.push(&bytes);
        body.eof();
        prop_assert!(body.into_body().len() <= 16);
        prop_assert_eq!(is_valid_key(&text), false);
        prop_assert_eq!(accept_key(&text).len(), 28);
    }

    #[test]
    fn a_body_does_not_depend_on_its_chunking(
        framing in prop::sample::select(std::vec![("Content-Length", "9"), ("Transfer-Encoding", "chunked"), ("X", "")]),
        stream in vec(prop::sample::select(b"0123a\r\n;".to_vec()), 0..40),
        places in vec(any::<usize>(), 0..8),
        limit in 0..20_usize,
    ) {
        let mut response = Response { status: 404, ..Response::default() };
        response.headers.push(framing.0, framing.1).expect("valid");
        let read = |parts: &[&[u8]]| {
            let mut reader = BodyReader::new(&response, limit);
            for part in parts {
                reader.push(part);
            }
            (reader.is_done(), reader.is_truncated(), reader.into_body())
        };
        prop_assert_eq!(read(&cut(&stream, &places)), read(&[&stream]));
    }

    #[test]
    fn what_a_url_leads_to_fits_a_request_line(
        text in prop_oneof![any::<String>(), "(ws|wss|http)://[a-z:@%.\\[\\]0-9]{1,12}(/\\PC{0,12})?(\\?\\PC{0,12})?"],
    ) {
        if let Ok(url) = WebSocketUrl::parse(&text) {
            let target = url.request_target();
            prop_assert!(target.starts_with('/'));
            prop_assert!(target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#'));
            prop_assert!(url.host_header().bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert!(!url.host().is_empty());
            let mut wire = Vec::new();
            ClientRequest::new(url).write("dGhlIHNhbXBsZSBub25jZQ==", &mut wire).expect("valid");
            let (request, _) = read_request(&[&wire], HeadLimits::default()).expect("valid");
            prop_assert_eq!(&request.target, &target);
            prop_assert!(matches!(classify(&request), Ok(Kind::Upgrade(_))));
        }
    }
}
