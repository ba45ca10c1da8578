//! The opening handshake as a stage of the connection (RFC 6455 section 4).

use super::*;
use crate::handshake::{HeadLimits, Headers, Refusal};
use crate::opening_stage::OpeningStage;
use crate::protocol::Accept;

const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: a, b\r\n\r\n";

fn asking() -> Options {
    Options {
        ask_upgrade: true,
        plain_http: true,
        ..Options::default()
    }
}

fn fields(list: &[(&str, &str)]) -> Headers {
    let mut headers = Headers::new();
    for (name, value) in list {
        headers.push(name, value).expect("a good field");
    }
    headers
}

/// The response that accepts what `client` has asked.
fn acceptance(client: &mut Peer) -> String {
    let mut server = Peer::server(Options::default());
    let request = client.sent();
    server.receive(&request, at(0));
    server.sent_text()
}

fn cause(peer: &Peer) -> &HandshakeError {
    match &peer.closed().cause {
        Some(Error::Handshake(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn rfc_6455_section_1_3_example() {
    let mut server = Peer::server(Options::default());
    server.receive(REQUEST.as_bytes(), at(0));
    let [Told::Opened(opened)] = &server.told[..] else {
        panic!("{:?}", server.told)
    };
    assert_eq!(opened.subprotocol, None);
    assert_eq!(opened.request.as_ref().expect("kept").target, "/chat");
    let response = server.sent_text();
    assert!(response.starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
    assert!(response.contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    assert!(response.ends_with("\r\n\r\n"));
}

#[test]
fn frames_right_behind_either_head_are_read() {
    let mut server = Peer::server(Options::default());
    let mut bytes = REQUEST.as_bytes().to_vec();
    bytes.extend(frame_to(Role::Server, TEXT, b"early"));
    server.receive(&bytes, at(0));
    assert!(
        matches!(&server.events()[..], [Told::Opened(_), message] if *message == text("early"))
    );

    let mut client = Peer::client(Options::default());
    let mut bytes = acceptance(&mut client).into_bytes();
    bytes.extend(frame_to(Role::Client, TEXT, b"early"));
    client.receive(&bytes, at(0));
    assert!(
        matches!(&client.events()[..], [Told::Opened(_), message] if *message == text("early"))
    );
}

#[test]
fn the_application_accepts_with_subprotocol_and_fields_and_early_frames_wait_for_it() {
    let mut server = Peer::server(Options {
        headers: fields(&[("X-One", "1")]),
        ..asking()
    });
    server.receive(REQUEST.as_bytes(), at(0));
    server.frame(TEXT, b"first", at(1));
    server.frame(TEXT, b"second", at(2));
    assert_eq!(server.events(), [Told::UpgradeRequest("/chat".into())]);
    assert!(server.protocol.awaits_decision() && !server.protocol.is_open());
    assert!(server.output.is_empty());

    let more = fields(&[("X-Two", "2")]);
    let accept = Accept {
        subprotocol: Some("b"),
        headers: Some(&more),
    };
    server
        .protocol
        .accept(&mut server.output, &accept, at(3))
        .expect("decides");
    assert!(server.protocol.is_open() && !server.protocol.awaits_decision());
    // New bytes do not overtake those that waited.
    server.frame(TEXT, b"third", at(4));
    let events = server.events();
    let Told::Opened(opened) = &events[0] else {
        panic!("{events:?}")
    };
    assert_eq!(opened.subprotocol.as_deref(), Some("b"));
    assert_eq!(events[1..], [text("first"), text("second"), text("third")]);
    let response = server.sent_text();
    for line in ["X-One: 1", "X-Two: 2", "Sec-WebSocket-Protocol: b"] {
        assert!(response.contains(&format!("\r\n{line}\r\n")), "{response}");
    }
}

#[test]
fn a_decision_that_cannot_be_sent_leaves_the_decision_open() {
    let mut server = Peer::server(asking());
    let accept = Accept::default();
    let misuse = server.protocol.accept(&mut server.output, &accept, at(0));
    assert!(matches!(misuse, Err(Error::Misuse(_))));
    server.receive(REQUEST.as_bytes(), at(0));
    let unoffered = Accept {
        subprotocol: Some("c"),
        headers: None,
    };
    let misuse = server
        .protocol
        .accept(&mut server.output, &unoffered, at(0));
    assert!(matches!(misuse, Err(Error::Misuse(_))));
    let reserved = fields(&[("Sec-WebSocket-Accept", "x")]);
    let accept = Accept {
        subprotocol: None,
        headers: Some(&reserved),
    };
    let error = server.protocol.accept(&mut server.output, &accept, at(0));
    assert!(matches!(
        error,
        Err(Error::Handshake(HandshakeError::Header(_)))
    ));
    assert!(server.output.is_empty() && server.protocol.awaits_decision());
    server
        .protocol
        .accept(&mut server.output, &Accept::default(), at(0))
        .expect("decides");
    let again = server
        .protocol
        .accept(&mut server.output, &Accept::default(), at(0));
    assert!(matches!(again, Err(Error::Misuse(_))));
}

#[test]
fn messages_can_be_sent_and_a_close_begun_right_after_accept() {
    let mut server = Peer::server(asking());
    server.receive(REQUEST.as_bytes(), at(0));
    server
        .protocol
        .accept(&mut server.output, &Accept::default(), at(0))
        .expect("decides");
    server
        .protocol
        .send(&mut server.output, MessageKind::Text, b"hi")
        .expect("open");
    server.close(4000, "policy", at(0));
    server.drain(at(0));
    assert!(matches!(
        server.events()[..],
        [Told::UpgradeRequest(_), Told::Opened(_)]
    ));
    server.frame(CLOSE, &close_payload(4000, ""), at(1));
    assert!(server.closed().is_clean());
    let sent = server.sent();
    let frames = sent
        .windows(4)
        .position(|end| end == b"\r\n\r\n")
        .expect("a head")
        + 4;
    assert_eq!(
        frames_of(Role::Server, &sent[frames..]),
        [
            (TEXT, b"hi".to_vec()),
            (CLOSE, close_payload(4000, "policy"))
        ]
    );
}

#[test]
fn the_application_refuses_an_upgrade() {
    let mut server = Peer::server(asking());
    server.receive(REQUEST.as_bytes(), at(0));
    let refusal = Refusal::new(403, "No.").expect("a status");
    server
        .protocol
        .refuse(&mut server.output, &refusal, at(0))
        .expect("decides");
    server.drain(at(0));
    assert_eq!(*cause(&server), HandshakeError::Refused(403));
    assert_eq!(server.protocol.shutdown(), Shutdown::HalfClose);
    let response = server.sent_text();
    assert!(response.starts_with("HTTP/1.1 403 Forbidden\r\n"));
    assert!(response.ends_with("\r\n\r\nNo."));
    let again = server.protocol.refuse(&mut server.output, &refusal, at(0));
    assert!(matches!(again, Err(Error::Misuse(_))));
    server.eof(at(1));
    assert_eq!(server.protocol.shutdown(), Shutdown::Close);
}

#[test]
fn plain_http_is_answered_by_the_application_or_by_426() {
    for (method, body) in [("GET", true), ("HEAD", false)] {
        let request = format!("{method} /health HTTP/1.1\r\nHost: example.com\r\n\r\n");
        let mut server = Peer::server(asking());
        server.receive(request.as_bytes(), at(0));
        assert_eq!(server.events(), [Told::HttpRequest("/health".into())]);
        let accept = server
            .protocol
            .accept(&mut server.output, &Accept::default(), at(0));
        assert!(matches!(accept, Err(Error::Misuse(_))));
        let answer = Refusal::new(200, "fine").expect("a status");
        server
            .protocol
            .refuse(&mut server.output, &answer, at(0))
            .expect("decides");
        server.drain(at(0));
        let response = server.sent_text();
        assert!(response.starts_with("HTTP/1.1 200 OK\r\n"));
        assert!(response.contains("\r\nContent-Length: 4\r\n"));
        assert_eq!(response.ends_with("\r\n\r\nfine"), body);

        let mut server = Peer::server(Options::default());
        server.receive(request.as_bytes(), at(0));
        assert_eq!(*cause(&server), HandshakeError::NotWebSocket);
        let response = server.sent_text();
        assert!(response.starts_with("HTTP/1.1 426 Upgrade Required\r\n"));
        assert_eq!(response.ends_with("\r\n\r\n"), !body);
    }
}

#[test]
fn a_bad_request_is_refused_and_what_follows_is_dropped() {
    let mut server = Peer::server(asking());
    let request = REQUEST.replace("dGhlIHNhbXBsZSBub25jZQ==", "short");
    server.receive(format!("{request}more").as_bytes(), at(0));
    assert_eq!(*cause(&server), HandshakeError::InvalidKey("short".into()));
    assert!(
        server
            .sent_text()
            .starts_with("HTTP/1.1 400 Bad Request\r\n")
    );
    server.receive(b"and more", at(1));
    assert_eq!(server.told.len(), 1);
    assert!(server.output.is_empty());
}

#[test]
fn cve_2024_37890_ten_thousand_headers_get_431() {
    let mut request = REQUEST.trim_end().to_owned();
    for number in 0..10_000 {
        request.push_str(&format!("\r\nx{number}: y"));
    }
    let mut server = Peer::server(Options {
        head_limits: HeadLimits {
            bytes: 1 << 20,
            headers: 100,
        },
        ..Options::default()
    });
    server.receive(request.as_bytes(), at(0));
    assert_eq!(
        *cause(&server),
        HandshakeError::TooManyHeaders { limit: 100 }
    );
    assert!(server.sent_text().starts_with("HTTP/1.1 431 "));
}

#[test]
fn heads_and_early_frames_are_bounded() {
    let limits = |bytes| Options {
        head_limits: HeadLimits {
            bytes,
            headers: 100,
        },
        ..asking()
    };
    let too_large = HandshakeError::HeadTooLarge { limit: 300 };
    let mut server = Peer::server(limits(300));
    server.receive(REQUEST.as_bytes(), at(0));
    server.receive(&[0; 300], at(0));
    assert!(server.protocol.awaits_decision());
    server.receive(&[0; 1], at(0));
    assert_eq!(*cause(&server), too_large);
    assert!(server.sent_text().starts_with("HTTP/1.1 431 "));

    let mut client = Peer::client(limits(300));
    client.receive(
        format!("HTTP/1.1 101 x\r\ny: {}", "z".repeat(300)).as_bytes(),
        at(0),
    );
    assert_eq!(*cause(&client), too_large);
    assert_eq!(client.protocol.shutdown(), Shutdown::Drop);
}

#[test]
fn interim_responses_are_passed_over() {
    let mut client = Peer::client(Options::default());
    let response = acceptance(&mut client);
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
    client.receive(format!("{interim}{response}").as_bytes(), at(0));
    assert!(matches!(client.events()[..], [Told::Opened(_)]));
}

#[test]
fn a_refusal_is_kept_with_its_body() {
    let cases = [
        ("Content-Length: 5\r\n\r\nhelloXXX", false),
        ("Content-Length: 0\r\n\r\n", false),
        (
            "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
            false,
        ),
        ("\r\nhello", true),
        ("Content-Length: 50\r\n\r\nhello", true),
    ];
    for (rest, until_eof) in cases {
        let response = format!("HTTP/1.1 401 Unauthorized\r\nX-Why: because\r\n{rest}");
        for piece in [1, 7, 1000] {
            let mut client = Peer::client(Options::default());
            for bytes in response.as_bytes().chunks(piece) {
                client.receive(bytes, at(0));
            }
            assert_eq!(client.told.is_empty(), until_eof, "{rest}");
            client.eof(at(0));
            let HandshakeError::InvalidStatus(refused) = cause(&client) else {
                panic!("{:?}", client.told)
            };
            assert_eq!(refused.status, 401);
            assert_eq!(refused.headers.get("x-why"), Some("because"));
            let body: &[u8] = if rest.contains(": 0") { b"" } else { b"hello" };
            assert_eq!(refused.body, body);
            assert_eq!(client.protocol.shutdown(), Shutdown::Drop);
        }
    }
    let mut client = Peer::client(Options {
        max_refused_body: 10,
        ..Options::default()
    });
    let body = "x".repeat(1000);
    client.receive(format!("HTTP/1.1 500 x\r\n\r\n{body}").as_bytes(), at(0));
    let HandshakeError::InvalidStatus(refused) = cause(&client) else {
        panic!("{:?}", client.told)
    };
    assert_eq!(refused.body.len(), 10);
}

#[test]
fn a_client_refuses_what_it_did_not_ask_for() {
    let mut client = Peer::client(Options::default());
    let response = acceptance(&mut client);
    let added = |line: &str| response.replace("Upgrade: w", &format!("{line}\r\nUpgrade: w"));
    let cases = [
        (
            added("Sec-WebSocket-Extensions: x-mux; quota=1"),
            HandshakeError::UnofferedExtension("x-mux".into()),
        ),
        (
            added("Sec-WebSocket-Protocol: a"),
            HandshakeError::UnofferedSubprotocol("a".into()),
        ),
    ];
    for (response, error) in cases {
        // Every client has a key of its own, so the response is made for this one.
        let mut client = Peer::client(Options::default());
        let own = acceptance(&mut client);
        let accept = |head: &str| {
            let line = head.lines().find(|line| line.contains("-Accept:"));
            line.expect("accepted").to_owned()
        };
        let response = response.replace(&accept(&response), &accept(&own));
        client.receive(response.as_bytes(), at(0));
        assert_eq!(*cause(&client), error);
        assert!(client.output.is_empty());
    }
    let mut other = Peer::client(Options::default());
    other.sent();
    other.receive(response.as_bytes(), at(0));
    assert!(matches!(
        cause(&other),
        HandshakeError::AcceptMismatch { .. }
    ));
}

#[test]
fn the_stream_may_end_at_any_point_of_the_handshake() {
    for length in 0..REQUEST.len() {
        let mut server = Peer::server(asking());
        server.receive(&REQUEST.as_bytes()[..length], at(0));
        server.eof(at(0));
        assert_eq!(
            *cause(&server),
            HandshakeError::Incomplete { received: length }
        );
        assert_eq!(server.protocol.shutdown(), Shutdown::Drop);
        assert!(server.output.is_empty());
    }
    let mut server = Peer::server(asking());
    server.receive(REQUEST.as_bytes(), at(0)).eof(at(0));
    assert_eq!(server.closed().cause, Some(Error::ConnectionLost));
    let mut client = Peer::client(Options::default());
    let response = acceptance(&mut client);
    client.receive(&response.as_bytes()[..20], at(0)).eof(at(0));
    assert_eq!(*cause(&client), HandshakeError::Incomplete { received: 20 });
}

#[test]
fn a_page_of_another_origin_is_refused_before_the_application_is_asked() {
    let mut options = asking();
    options
        .allowed_origins
        .add("https://example.com")
        .expect("an origin");
    let from = |origin: &str| REQUEST.replace("Host:", &format!("Origin: {origin}\r\nHost:"));
    let mut server = Peer::server(options.clone());
    server.receive(from("https://evil.example").as_bytes(), at(0));
    let origin = Some("https://evil.example".into());
    assert_eq!(*cause(&server), HandshakeError::OriginNotAllowed(origin));
    assert!(server.sent_text().starts_with("HTTP/1.1 403 Forbidden\r\n"));
    assert_eq!(server.told.len(), 1, "its end, and nothing else");
    let refused = server.closed().refused.as_deref().expect("the request");
    assert_eq!(refused.headers.get("origin"), Some("https://evil.example"));

    let mut server = Peer::server(options.clone());
    server.receive(REQUEST.as_bytes(), at(0));
    assert_eq!(*cause(&server), HandshakeError::OriginNotAllowed(None));

    let mut server = Peer::server(options.clone());
    server.receive(from("https://example.com").as_bytes(), at(0));
    assert!(server.protocol.awaits_decision());

    // Plain requests have no page behind them that could read the answer.
    let mut server = Peer::server(options);
    server.receive(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", at(0));
    assert!(server.protocol.awaits_decision());
}

#[test]
fn websocketpp_issue_789_one_deadline_for_the_whole_handshake() {
    let timeout = |stage: OpeningStage| Some(stage.timeout(Duration::from_secs(10)));
    // A byte now and then moves nothing.
    let mut server = Peer::server(asking());
    for (second, byte) in REQUEST.bytes().take(9).enumerate() {
        server.receive(&[byte], at(second as u64 * 1000));
        assert_eq!(server.protocol.next_deadline(), Some(at(10_000)));
    }
    server.wait(at(9_999));
    assert!(server.told.is_empty());
    server.wait(at(10_000));
    assert_eq!(server.closed().cause, timeout(OpeningStage::Handshake));
    assert!(
        server
            .sent_text()
            .starts_with("HTTP/1.1 408 Request Timeout\r\n")
    );
    assert_eq!(server.protocol.shutdown(), Shutdown::HalfClose);

    // An application that does not decide is not the client's fault.
    let mut server = Peer::server(asking());
    server.receive(REQUEST.as_bytes(), at(5_000));
    assert_eq!(server.protocol.next_deadline(), Some(at(10_000)));
    server.wait(at(10_000));
    assert_eq!(server.closed().cause, timeout(OpeningStage::Decision));
    assert!(server.sent_text().starts_with("HTTP/1.1 503 "));

    let mut client = Peer::client(Options::default());
    client.sent();
    client.receive(b"HTTP/1.1 100 x\r\n\r\n", at(9_000));
    client.wait(at(10_000));
    assert_eq!(client.closed().cause, timeout(OpeningStage::Handshake));
    assert!(client.output.is_empty());
    assert_eq!(client.protocol.shutdown(), Shutdown::Drop);
}

#[test]
fn nothing_is_sent_before_the_connection_is_open_and_a_close_drops_it() {
    let mut client = Peer::client(Options::default());
    client.sent();
    let (protocol, output) = (&mut client.protocol, &mut client.output);
    use crate::error::SendError::NotOpen;
    assert_eq!(protocol.send(output, MessageKind::Text, b"x"), Err(NotOpen));
    assert_eq!(protocol.ping(output, b"x"), Err(NotOpen));
    let fragment = protocol.send_fragment(output, MessageKind::Text, b"x", true);
    assert_eq!(fragment, Err(NotOpen));
    client.close(1000, "", at(0));
    client.drain(at(0));
    assert_eq!(client.closed().cause, Some(Error::Aborted));
    assert_eq!(client.closed().code(), CloseCode::ABNORMAL);
    assert_eq!(client.protocol.shutdown(), Shutdown::Drop);
    assert!(client.output.is_empty());
}

#[test]
fn a_decision_after_the_end_changes_nothing() {
    let ends: [fn(&mut Peer); 4] = [
        |server| _ = server.wait(at(10_000)),
        |server| _ = server.eof(at(1)),
        |server| server.protocol.abort(at(1)),
        |server| server.close(1000, "", at(1)),
    ];
    for end in ends {
        let mut server = Peer::server(asking());
        server.receive(REQUEST.as_bytes(), at(0));
        end(&mut server);
        server.sent();
        let accept = Accept::default();
        let late = server.protocol.accept(&mut server.output, &accept, at(1));
        assert!(matches!(late, Err(Error::Misuse(_))));
        let refusal = Refusal::upgrade_required();
        let late = server.protocol.refuse(&mut server.output, &refusal, at(1));
        assert!(matches!(late, Err(Error::Misuse(_))));
        server.drain(at(1));
        assert!(server.output.is_empty() && !server.protocol.is_open());
        server.closed();
    }
}
