//! Receive back-pressure.

use std::time::Duration;

use ropeway_core::Error;
use ropeway_core::engine::{ConnectionId, Engine, EventKind};
use ropeway_core::frame::CloseCode;
use ropeway_core::protocol::Options;

use crate::rig::*;

fn opened(engine: &mut Engine, options: Options) -> (ConnectionId, Raw) {
    let (_, address) = listen(engine, options);
    let raw = std::thread::spawn(move || Raw::open(address));
    let mut server = ConnectionId::NONE;
    run(engine, |event, _| {
        server = event.id;
        true
    });
    (server, raw.join().expect("opens"))
}

fn nothing_comes(engine: &mut Engine) {
    for _ in 0..3 {
        engine.poll(Some(Duration::from_millis(10))).expect("polls");
        if let Some((event, _)) = engine.next_event() {
            panic!("{event:?}");
        }
    }
}

#[test]
fn a_pause_in_the_middle_of_a_read_loses_nothing() {
    let mut engine = engine();
    let (server, mut raw) = opened(&mut engine, Options::default());
    let all: Vec<u8> = (0..100_u8)
        .flat_map(|number| frame(TEXT, &[b'a' + number % 26], true))
        .collect();
    raw.write(&all);
    let mut came = Vec::new();
    while came.len() < 100 {
        run(&mut engine, |event, connections| {
            let (_, payload) = message(&event).expect("messages only");
            came.push(payload[0]);
            // One at a time.
            connections.pause(server).expect("pauses");
            true
        });
        if came.len() % 25 == 0 {
            nothing_comes(&mut engine);
        }
        engine.connections().resume(server).expect("resumes");
    }
    let expected: Vec<u8> = (0..100_u8).map(|number| b'a' + number % 26).collect();
    assert_eq!(came, expected);
}

#[test]
fn a_pause_inside_a_large_message_goes_on_where_it_was() {
    let mut engine = engine();
    let (server, mut raw) = opened(&mut engine, Options::default());
    let payload = pattern(3 << 20);
    let bytes = frame(BINARY, &payload, true);
    let (first, second) = bytes.split_at(1_000_003);
    raw.write(first);
    let target = first.len() as u64;
    let before = engine.connections().counters().received.bytes;
    until(
        &mut engine,
        |event, _| panic!("{event:?}"),
        |connections| connections.counters().received.bytes > before + target / 2,
    );
    engine.connections().pause(server).expect("pauses");
    let second = second.to_vec();
    let writer = std::thread::spawn(move || {
        raw.write(second);
        raw
    });
    nothing_comes(&mut engine);
    engine.connections().resume(server).expect("resumes");
    run(&mut engine, |event, _| {
        let (_, came) = message(&event).expect("the message");
        assert!(came == payload);
        true
    });
    writer.join().expect("all was taken");
}

#[test]
fn a_paused_peer_is_slowed_down() {
    let mut engine = engine();
    let (server, mut raw) = opened(&mut engine, Options::default());
    engine.connections().pause(server).expect("pauses");
    raw.narrow();
    raw.socket.set_nonblocking(true).expect("does not block");
    let chunk = frame(BINARY, &pattern(60_000), true);
    let mut sent = 0;
    // The kernel's two buffers, and no more.
    while let Ok(count) = std::io::Write::write(&mut raw.socket, &chunk[sent % chunk.len()..]) {
        sent += count;
        assert!(sent < 64 << 20, "a paused connection is read");
        nothing_comes_now(&mut engine);
    }
    assert!(sent > 0);
    engine.connections().resume(server).expect("resumes");
    let whole = sent / chunk.len();
    let mut came = 0;
    until(
        &mut engine,
        |event, _| came += usize::from(message(&event).is_some()),
        |_| true,
    );
    while came < whole {
        run(&mut engine, |event, _| {
            came += usize::from(message(&event).is_some());
            true
        });
    }
    assert_eq!(came, whole);
}

fn nothing_comes_now(engine: &mut Engine) {
    engine.poll(Some(Duration::ZERO)).expect("polls");
    assert!(engine.next_event().is_none());
}

#[test]
fn close_and_abort_override_a_pause() {
    let mut engine = engine();
    let (server, mut raw) = opened(&mut engine, Options::default());
    raw.write([frame(TEXT, b"one", true), frame(TEXT, b"two", true)].concat());
    run(&mut engine, |event, connections| {
        assert_eq!(message(&event).expect("one").1, b"one");
        connections.pause(server).is_ok()
    });
    nothing_comes(&mut engine);
    engine
        .connections()
        .close(server, CloseCode::NORMAL, "")
        .expect("closes");
    // What was held back is told, as the peer's messages before its Close frame are.
    run(&mut engine, |event, _| {
        message(&event).expect("two").1 == b"two"
    });
    assert_eq!(raw.receive(), (CLOSE, close_payload(1000, "")));
    raw.send(CLOSE, &close_payload(1000, ""));
    assert!(end_of(&mut engine, server).is_clean());

    let (server, mut raw) = opened(&mut engine, Options::default());
    engine.connections().pause(server).expect("pauses");
    raw.send(TEXT, b"never heard");
    engine.connections().abort(server).expect("aborts");
    assert_eq!(end_of(&mut engine, server).cause, Some(Error::Aborted));
    all_gone(&mut engine);
}

#[test]
fn keep_alive_does_not_fail_a_paused_peer() {
    let mut engine = engine();
    let options = Options {
        ping_interval: Duration::from_millis(20),
        pong_timeout: Duration::from_millis(20),
        idle_timeout: Duration::from_millis(60),
        ..Options::default()
    };
    let (server, mut raw) = opened(&mut engine, options);
    engine.connections().pause(server).expect("pauses");
    raw.send(TEXT, b"waits");
    let end = std::time::Instant::now() + Duration::from_millis(200);
    while std::time::Instant::now() < end {
        nothing_comes(&mut engine);
    }
    engine.connections().resume(server).expect("resumes");
    run(&mut engine, |event, _| {
        assert!(!matches!(event.kind, EventKind::Closed(_)), "{event:?}");
        message(&event).is_some_and(|(_, payload)| payload == b"waits")
    });
}

#[test]
fn resuming_in_another_connection_s_event_works_in_the_same_turn() {
    let mut engine = engine();
    let (one, mut first) = opened(&mut engine, Options::default());
    let (two, mut second) = opened(&mut engine, Options::default());
    engine.connections().pause(one).expect("pauses");
    first.send(TEXT, b"1");
    nothing_comes(&mut engine);
    second.send(TEXT, b"2");
    let mut log = Vec::new();
    run(&mut engine, |event, connections| {
        log.push(event.id);
        if event.id == two {
            connections.resume(one).expect("resumes");
        }
        log.len() == 2
    });
    assert_eq!(log, [two, one]);
}

#[test]
fn a_pause_before_the_connection_is_open_holds_from_its_opening_on() {
    // A server that has not decided yet.
    let mut own = engine();
    let options = Options {
        ask_upgrade: true,
        ..Options::default()
    };
    let (_, address) = listen(&mut own, options);
    let mut raw = Raw::connect(address);
    raw.write([REQUEST.as_bytes(), &frame(TEXT, b"early", true)].concat());
    let mut server = ConnectionId::NONE;
    run(&mut own, |event, connections| match event.kind {
        EventKind::UpgradeRequest(_) => {
            server = event.id;
            connections.pause(server).expect("pauses");
            let accept = ropeway_core::protocol::Accept::default();
            connections.accept(server, &accept).expect("accepts");
            false
        }
        EventKind::Opened(_) => true,
        other => panic!("{other:?}"),
    });
    nothing_comes(&mut own);
    own.connections().resume(server).expect("resumes");
    run(&mut own, |event, _| {
        message(&event).is_some_and(|(_, payload)| payload == b"early")
    });

    // A client that still dials.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("listens");
    let address = listener.local_addr().expect("has one");
    let peer = std::thread::spawn(move || {
        let mut raw = Raw::accept(&listener);
        raw.upgrade();
        raw.send(TEXT, b"at once");
        raw
    });
    let client = dial(&mut own, address, Options::default());
    own.connections().pause(client).expect("pauses");
    run(&mut own, |event, _| {
        assert!(matches!(event.kind, EventKind::Opened(_)), "{event:?}");
        event.id == client
    });
    let _raw = peer.join().expect("no panic");
    nothing_comes(&mut own);
    own.connections().resume(client).expect("resumes");
    run(&mut own, |event, _| {
        message(&event).is_some_and(|(_, payload)| payload == b"at once")
    });
}

#[test]
fn a_pause_that_ends_before_the_opening_leaves_no_trace() {
    let mut engine = engine();
    let server = Served::start(Options::default(), |event, connections| {
        if let EventKind::Opened(_) = event.kind {
            connections
                .send(
                    event.id,
                    ropeway_core::protocol::MessageKind::Text,
                    b"hello",
                )
                .expect("sends");
        }
    });
    let client = dial(&mut engine, server.address, Options::default());
    engine.connections().pause(client).expect("pauses");
    engine.connections().resume(client).expect("resumes");
    run(&mut engine, |event, _| message(&event).is_some());
}

#[test]
fn a_reset_of_a_paused_peer_is_told_at_once() {
    let mut engine = engine();
    for unread in [false, true] {
        let (server, mut raw) = opened(&mut engine, Options::default());
        engine.connections().pause(server).expect("pauses");
        if unread {
            raw.send(TEXT, b"lost with the connection");
        }
        nothing_comes(&mut engine);
        raw.reset();
        match end_of(&mut engine, server).cause {
            Some(Error::Io(error)) => assert_eq!(error.os_code(), Some(libc::ECONNRESET)),
            other => panic!("{other:?}"),
        }
    }
    // The pause comes when the reset is there already, with an answer that nobody takes any more.
    for answers in [false, true] {
        let (server, mut raw) = opened(&mut engine, Options::default());
        raw.send(TEXT, b"the last word");
        raw.reset();
        let mut said = false;
        run(&mut engine, |event, connections| match event.kind {
            EventKind::Message { .. } => {
                said = true;
                if answers {
                    connections.send_text(server, "an answer").expect("sends");
                }
                connections.pause(server).expect("pauses");
                false
            }
            EventKind::Closed(_) => true,
            other => panic!("{other:?}"),
        });
        assert!(said);
    }
    all_gone(&mut engine);
}

#[test]
fn the_end_of_a_paused_peer_waits_and_nothing_is_lost() {
    let mut engine = engine();
    let (server, mut raw) = opened(&mut engine, Options::default());
    engine.connections().pause(server).expect("pauses");
    raw.send(TEXT, b"one");
    raw.send(TEXT, b"two");
    raw.send(CLOSE, &close_payload(1000, "done"));
    raw.socket
        .shutdown(std::net::Shutdown::Write)
        .expect("ends its direction");
    nothing_comes(&mut engine);
    engine.connections().resume(server).expect("resumes");
    let mut came = Vec::new();
    run(&mut engine, |event, _| {
        if let EventKind::Closed(closed) = event.kind {
            assert!(closed.is_clean(), "{closed:?}");
            return true;
        }
        came.push(message(&event).expect("a message").1);
        false
    });
    assert_eq!(came, [b"one", b"two"]);
}
