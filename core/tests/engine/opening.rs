//! A server's opening handshake: decisions, refusals, limits, and clients that take their time.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use ropeway_core::engine::{ConnectionId, Engine, EngineOptions, EventKind, ListenOptions};
use ropeway_core::frame::CloseCode;
use ropeway_core::handshake::{HandshakeError, Headers, Refusal};
use ropeway_core::protocol::{Accept, MessageKind, Options};
use ropeway_core::{Deadline, Error, Limit, OpeningStage};

use crate::rig::*;

fn asking() -> Options {
    Options {
        ask_upgrade: true,
        ..Options::default()
    }
}

/// A raw client's connection whose request has been told.
fn asked(engine: &mut Engine, options: Options, request: Vec<u8>) -> (ConnectionId, Raw) {
    let (_, address) = listen(engine, options);
    let raw = std::thread::spawn(move || {
        let mut raw = Raw::connect(address);
        raw.write(request);
        raw
    });
    let mut id = ConnectionId::NONE;
    run(engine, |event, _| {
        match event.kind {
            EventKind::UpgradeRequest(request) | EventKind::HttpRequest(request) => {
                assert_eq!(request.target, "/chat");
            }
            ref other => panic!("{other:?}"),
        }
        id = event.id;
        true
    });
    (id, raw.join().expect("connects"))
}

#[test]
fn an_upgrade_is_accepted_later_and_early_frames_wait_for_it() {
    let mut engine = engine();
    let offer = REQUEST.replace("Upgrade\r\n", "Upgrade\r\nSec-WebSocket-Protocol: a, b\r\n");
    let request = [offer.as_bytes(), &frame(TEXT, b"early", true)].concat();
    let (id, mut raw) = asked(&mut engine, asking(), request);
    // Other events come and go in between.
    let (other, _) = pair(&mut engine, Options::default(), Options::default());
    engine
        .connections()
        .send_text(other, "meanwhile")
        .expect("sends");
    run(&mut engine, |event, _| message(&event).is_some());
    raw.send(TEXT, b"more");
    assert!(engine.connections().send_text(id, "x").is_err());
    assert!(matches!(
        engine.connections().accept(
            id,
            &Accept {
                subprotocol: Some("c"),
                headers: None
            }
        ),
        Err(Error::Misuse(_))
    ));
    let mut headers = Headers::new();
    headers.push("X-Late", "yes").expect("a field");
    let accept = Accept {
        subprotocol: Some("b"),
        headers: Some(&headers),
    };
    engine.connections().accept(id, &accept).expect("accepts");
    assert!(
        engine.connections().accept(id, &accept).is_err(),
        "only once"
    );
    let mut log = Vec::new();
    run(&mut engine, |event, connections| {
        match event.kind {
            EventKind::Opened(opened) => {
                assert_eq!(opened.subprotocol.as_deref(), Some("b"));
                connections.send_text(id, "welcome").expect("sends");
            }
            EventKind::Message { payload, .. } => log.push(payload.to_vec()),
            ref other => panic!("{other:?}"),
        }
        log.len() == 2
    });
    assert_eq!(log, [b"early".to_vec(), b"more".to_vec()]);
    let head = raw.head();
    assert!(
        head.contains("Sec-WebSocket-Protocol: b\r\n") && head.contains("X-Late: yes\r\n"),
        "{head}"
    );
    assert_eq!(raw.receive(), (TEXT, b"welcome".to_vec()));
}

#[test]
fn nn_2025_0102_an_upgrade_is_refused_at_once_or_later() {
    for later in [false, true] {
        let mut engine = engine();
        let (_, address) = listen(&mut engine, asking());
        let client = dial(&mut engine, address, Options::default());
        let refusal = Refusal::new(401, "who are you?").expect("a refusal");
        let mut waiting = None;
        let mut ends = Vec::new();
        while ends.len() < 2 {
            run(&mut engine, |event, connections| {
                match event.kind {
                    EventKind::UpgradeRequest(_) if later => waiting = Some(event.id),
                    EventKind::UpgradeRequest(_) => {
                        connections.refuse(event.id, &refusal).expect("refuses");
                        assert!(connections.refuse(event.id, &refusal).is_err(), "only once");
                    }
                    EventKind::Closed(closed) => {
                        ends.push((event.id == client, closed.cause.clone()))
                    }
                    ref other => panic!("{other:?}"),
                }
                waiting.is_some() || !ends.is_empty()
            });
            if let Some(id) = waiting.take() {
                engine.connections().refuse(id, &refusal).expect("refuses");
            }
        }
        ends.sort_by_key(|(own, _)| *own);
        assert_eq!(
            ends[0],
            (false, Some(Error::Handshake(HandshakeError::Refused(401))))
        );
        match &ends[1].1 {
            Some(Error::Handshake(HandshakeError::InvalidStatus(response))) => {
                assert_eq!(
                    (response.status, &response.body[..]),
                    (401, &b"who are you?"[..])
                );
            }
            other => panic!("{other:?}"),
        }
        all_gone(&mut engine);
    }
}

#[test]
fn a_request_that_is_never_answered_ends_with_503() {
    let wait = Duration::from_millis(60);
    let mut engine = engine();
    let options = Options {
        open_timeout: wait,
        ..asking()
    };
    let (id, mut raw) = asked(&mut engine, options, REQUEST.into());
    let end = end_of(&mut engine, id);
    assert_eq!(
        end.cause,
        Some(Error::Timeout {
            deadline: Deadline::Open,
            after: wait,
            stage: Some(Box::new(OpeningStage::Decision))
        })
    );
    assert!(raw.head().starts_with("HTTP/1.1 503 "));
    drop(raw);
    all_gone(&mut engine);
    assert_eq!(
        engine
            .connections()
            .refuse(id, &Refusal::new(400, "").expect("one")),
        Err(Error::UnknownId)
    );
}

#[test]
fn a_client_that_leaves_before_the_decision_is_told_after_it() {
    let mut engine = engine();
    let (id, raw) = asked(&mut engine, asking(), REQUEST.into());
    drop(raw);
    engine.poll(Some(Duration::from_millis(20))).expect("polls");
    while engine.next_event().is_some() {}
    engine
        .connections()
        .accept(id, &Accept::default())
        .expect("accepts");
    let mut log = Vec::new();
    run(&mut engine, |event, _| {
        log.push(match event.kind {
            EventKind::Opened(_) => "opened",
            EventKind::Closed(closed) => {
                assert!(closed.cause.is_some());
                "closed"
            }
            ref other => panic!("{other:?}"),
        });
        log.last() == Some(&"closed")
    });
    assert_eq!(log, ["opened", "closed"]);
    all_gone(&mut engine);
}

#[test]
fn plain_http_is_answered_by_the_application_or_by_426() {
    const PLAIN: &str = "GET /chat HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut engine = engine();
    let options = Options {
        plain_http: true,
        ..Options::default()
    };
    let (id, mut raw) = asked(&mut engine, options, PLAIN.into());
    let page = Refusal::new(200, "all is well").expect("a page");
    engine.connections().refuse(id, &page).expect("answers");
    let answer = std::thread::spawn(move || String::from_utf8(raw.rest()).expect("text"));
    let end = end_of(&mut engine, id);
    assert_eq!(
        end.cause,
        Some(Error::Handshake(HandshakeError::Refused(200)))
    );
    until(
        &mut engine,
        |_, _| {},
        |connections| connections.is_empty() && answer.is_finished(),
    );
    let answer = answer.join().expect("no panic");
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\nall is well"),
        "{answer}"
    );

    let server = Served::echo(Options::default());
    let mut raw = Raw::connect(server.address);
    raw.write(PLAIN);
    let answer = String::from_utf8(raw.rest()).expect("text");
    assert!(
        answer.starts_with("HTTP/1.1 426 ") && answer.contains("Sec-WebSocket-Version: 13"),
        "{answer}"
    );
}

#[test]
fn cve_2024_37890_more_fields_than_the_limit_get_431() {
    let server = Served::echo(Options::default());
    let mut raw = Raw::connect(server.address);
    let fields: String = (0..10_000)
        .map(|number| format!("a{number}: b\r\n"))
        .collect();
    let request = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n");
    // The server may have refused it before all is written.
    let _ = std::io::Write::write_all(&mut raw.socket, request.as_bytes());
    assert!(raw.head().starts_with("HTTP/1.1 431 "));
    let mut raw = Raw::open(server.address);
    raw.send(TEXT, b"still serving");
    assert_eq!(raw.receive(), (TEXT, b"still serving".to_vec()));
}

#[test]
fn websocketpp_issue_789_one_deadline_covers_a_slow_handshake() {
    let wait = Duration::from_millis(150);
    let (sender, ends) = mpsc::channel();
    let server = Served::start(
        Options {
            open_timeout: wait,
            ..Options::default()
        },
        move |event, _| {
            if let EventKind::Closed(closed) = event.kind {
                sender.send(closed.cause.clone()).expect("somebody waits");
            }
        },
    );
    let begun = Instant::now();
    let mut raw = Raw::connect(server.address);
    raw.socket
        .set_read_timeout(Some(Duration::from_millis(10)))
        .expect("a time-out");
    // A byte now and then, each of which is a sign of life.
    let mut bytes = REQUEST.bytes().cycle();
    let end = loop {
        if let Ok(end) = ends.try_recv() {
            break end;
        }
        assert!(begun.elapsed() < PATIENCE, "it is served for ever");
        let _ = std::io::Write::write(
            &mut raw.socket,
            &[bytes.next().expect("endless").to_ascii_lowercase()],
        );
        let _ = std::io::Read::read(&mut raw.socket, &mut [0]);
    };
    match end {
        Some(Error::Timeout {
            deadline: Deadline::Open,
            ..
        }) => assert!(begun.elapsed() >= wait),
        // The lower-case method may be judged first: then there was nothing slow.
        other => panic!("{other:?}"),
    }
}

#[test]
fn connections_beyond_the_limit_get_503() {
    let limited = Engine::new(EngineOptions {
        max_connections: 2,
        ..EngineOptions::default()
    })
    .expect("an engine");
    let server = Served::with(
        limited,
        "127.0.0.1:0",
        &ListenOptions::default(),
        Options::default(),
        |event, connections| {
            echo(&event, connections);
        },
    );
    let (first, _second) = (Raw::open(server.address), Raw::open(server.address));
    let mut third = Raw::connect(server.address);
    assert!(third.head().starts_with("HTTP/1.1 503 "));
    drop(first);
    // A place becomes free when the first one's end has been seen.
    let begun = Instant::now();
    loop {
        let mut next = Raw::connect(server.address);
        let _ = std::io::Write::write_all(&mut next.socket, REQUEST.as_bytes());
        if next.head().starts_with("HTTP/1.1 101 ") {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "no place becomes free");
    }
}

#[test]
fn ws_issue_2331_incomplete_messages_of_many_connections_are_bounded_together() {
    let bounded = Engine::new(EngineOptions {
        max_incomplete_bytes: 1 << 20,
        ..EngineOptions::default()
    })
    .expect("an engine");
    let (sender, ends) = mpsc::channel();
    let server = Served::with(
        bounded,
        "127.0.0.1:0",
        &ListenOptions::default(),
        Options::default(),
        move |event, connections| {
            if let EventKind::Closed(closed) = event.kind {
                sender.send(closed.cause.clone()).expect("somebody waits");
            }
            echo(&event, connections);
        },
    );
    let part = frame(0x02, &pattern(100_000), true);
    let mut peers = Vec::new();
    let cause = loop {
        assert!(peers.len() < 20, "the budget is not kept");
        let mut raw = Raw::open(server.address);
        raw.write(&part);
        // The server has taken it when it answers a ping that comes after it, or closes.
        let _ = std::io::Write::write_all(&mut raw.socket, &frame(PING, b"", true));
        let (first, payload) = raw.receive();
        if first == CLOSE {
            assert_eq!(payload[..2], 1013_u16.to_be_bytes());
            break ends.recv_timeout(PATIENCE).expect("its end");
        }
        peers.push(raw);
    };
    match cause {
        Some(Error::Limit {
            limit: Limit::IncompleteMessages,
            value,
            ..
        }) => assert_eq!(value, 1 << 20),
        other => panic!("{other:?}"),
    }
    // Those that go give back what they held.
    for raw in peers.drain(..) {
        drop(raw);
        ends.recv_timeout(PATIENCE).expect("its end");
    }
    for _ in 0..3 {
        let mut raw = Raw::open(server.address);
        raw.write(&part);
        raw.send(0x80, b"");
        assert_eq!(raw.receive().1.len(), 100_000);
    }
}

#[test]
fn limits_of_messages_close_with_their_code() {
    let options = Options {
        max_message_size: 1_000,
        max_fragments: 3,
        ..Options::default()
    };
    let server = Served::echo(options);
    let cases: [(Vec<u8>, u16); 5] = [
        (frame(BINARY, &[0; 1_001], true), 1009),
        (
            [
                frame(0x02, &[0; 600], true),
                frame(PING, b"", true),
                frame(0x80, &[0; 401], true),
            ]
            .concat(),
            1009,
        ),
        (
            [0x02, 0, 0, 0]
                .map(|first| frame(first, b"", true))
                .concat(),
            1009,
        ),
        (frame(TEXT, b"\xff", true), 1007),
        (frame(TEXT, b"unmasked", false), 1002),
    ];
    for (bytes, code) in cases {
        let mut raw = Raw::open(server.address);
        raw.write(bytes);
        let (mut first, mut payload) = raw.receive();
        if first == PONG {
            (first, payload) = raw.receive();
        }
        assert_eq!((first, &payload[..2]), (CLOSE, &code.to_be_bytes()[..]));
        // It ends its direction, and closes when it sees this end go.
        assert_eq!(raw.rest(), b"");
    }
    let mut raw = Raw::open(server.address);
    raw.send(BINARY, &[0; 1_000]);
    assert_eq!(raw.receive().1.len(), 1_000);
}

#[test]
fn cve_2022_35922_a_declared_length_is_not_allocated() {
    let mut engine = engine();
    let options = Options {
        max_message_size: u64::MAX,
        ..Options::default()
    };
    let (_, address) = listen(&mut engine, options);
    let raw = std::thread::spawn(move || {
        let mut raw = Raw::open(address);
        let header = [&[BINARY, 0xFF][..], &(1_u64 << 62).to_be_bytes(), &[0; 4]].concat();
        raw.write(header);
        raw.write([0; 100]);
        raw.socket
            .shutdown(std::net::Shutdown::Write)
            .expect("ends");
        raw.rest()
    });
    let mut cause = None;
    run(&mut engine, |event, _| {
        if let EventKind::Closed(closed) = event.kind {
            cause.clone_from(&closed.cause);
        }
        cause.is_some()
    });
    assert_eq!(cause, Some(Error::ConnectionLost));
    raw.join().expect("no panic");
    all_gone(&mut engine);
}

#[test]
fn a_server_may_send_and_close_from_the_opened_event() {
    let server = Served::start(Options::default(), |event, connections| {
        if let EventKind::Opened(_) = event.kind {
            connections
                .send(event.id, MessageKind::Text, b"hello")
                .expect("sends");
            connections
                .close(event.id, CloseCode::GOING_AWAY, "and goodbye")
                .expect("closes");
        }
    });
    let mut raw = Raw::open(server.address);
    assert_eq!(raw.receive(), (TEXT, b"hello".to_vec()));
    assert_eq!(raw.receive(), (CLOSE, close_payload(1001, "and goodbye")));
    raw.send(CLOSE, &close_payload(1001, ""));
    assert_eq!(raw.rest(), b"");
}
