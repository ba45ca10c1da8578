//! How connections end, and what their ids are good for afterwards.

use std::collections::HashSet;
use std::net::TcpListener;
use std::time::Duration;

use ropeway_core::engine::{ConnectionId, Connections, EventKind};
use ropeway_core::frame::CloseCode;
use ropeway_core::protocol::{CloseFrame, MessageKind, Options};
use ropeway_core::{Deadline, Error, SendError};

use crate::rig::*;

fn close_frame(code: CloseCode, reason: &str) -> Option<CloseFrame> {
    Some(CloseFrame {
        code,
        reason: reason.to_owned(),
    })
}

/// Closes from one side; both say the same.
fn closes(by_client: bool, code: CloseCode, reason: &str) {
    let mut engine = engine();
    let (client, server) = pair(&mut engine, Options::default(), Options::default());
    let (closer, other) = if by_client {
        (client, server)
    } else {
        (server, client)
    };
    engine
        .connections()
        .send_text(closer, "last words")
        .expect("sends");
    engine
        .connections()
        .close(closer, code, reason)
        .expect("closes");
    let mut log = Vec::new();
    let mut ends = 0;
    run(&mut engine, |event, _| {
        match event.kind {
            EventKind::Message { payload, .. } => log.push((event.id, payload.to_vec())),
            EventKind::Closed(closed) => {
                ends += 1;
                assert!(closed.is_clean(), "{closed:?}");
                assert_eq!(closed.by_us, event.id == closer);
                assert_eq!(closed.sent, close_frame(code, reason));
                assert_eq!(closed.received, close_frame(code, reason));
            }
            ref other => panic!("{other:?}"),
        }
        ends == 2
    });
    assert_eq!(log, [(other, b"last words".to_vec())]);
    all_gone(&mut engine);
}

#[test]
fn a_client_closes() {
    closes(true, CloseCode::NORMAL, "bye");
    closes(true, CloseCode::NO_STATUS, "");
    closes(true, CloseCode::new(4999), &"ü".repeat(61));
}

#[test]
fn a_server_closes() {
    closes(false, CloseCode::GOING_AWAY, "");
    closes(false, CloseCode::new(3000), "going");
}

#[test]
fn both_close_at_once() {
    let mut engine = engine();
    let (client, server) = pair(&mut engine, Options::default(), Options::default());
    engine
        .connections()
        .close(client, CloseCode::NORMAL, "")
        .expect("closes");
    engine
        .connections()
        .close(server, CloseCode::GOING_AWAY, "")
        .expect("closes");
    let mut codes = Vec::new();
    run(&mut engine, |event, _| {
        if let EventKind::Closed(closed) = event.kind {
            assert!(closed.is_clean(), "{closed:?}");
            codes.push((event.id == client, closed.code()));
        }
        codes.len() == 2
    });
    codes.sort_unstable();
    assert_eq!(
        codes,
        [(false, CloseCode::NORMAL), (true, CloseCode::GOING_AWAY)]
    );
    all_gone(&mut engine);
}

#[test]
fn what_cannot_be_sent_as_a_close_closes_nothing() {
    let mut engine = engine();
    let (client, _) = pair(&mut engine, Options::default(), Options::default());
    let connections = engine.connections();
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000] {
        assert_eq!(
            connections.close(client, CloseCode::new(code), "x"),
            Err(SendError::InvalidCloseCode(code))
        );
    }
    assert_eq!(
        connections.close(client, CloseCode::NORMAL, &"x".repeat(124)),
        Err(SendError::ControlTooLong(124))
    );
    connections.send_text(client, "open still").expect("sends");
    connections
        .close(client, CloseCode::NORMAL, "")
        .expect("closes");
    assert_eq!(
        connections.close(client, CloseCode::NORMAL, ""),
        Err(SendError::Closed)
    );
    assert_eq!(
        connections.send_text(client, "late"),
        Err(SendError::Closed)
    );
    assert!(end_of(&mut engine, client).is_clean());
}

#[test]
fn abort_ends_at_once_and_the_peer_sees_a_lost_connection() {
    let mut engine = engine();
    let (client, server) = pair(&mut engine, Options::default(), Options::default());
    engine.connections().abort(server).expect("aborts");
    assert_eq!(engine.connections().abort(server), Err(SendError::Closed));
    let mut causes = Vec::new();
    run(&mut engine, |event, _| {
        if let EventKind::Closed(closed) = event.kind {
            assert_eq!(closed.code(), CloseCode::ABNORMAL);
            causes.push((event.id == client, closed.cause.clone()));
        }
        causes.len() == 2
    });
    causes.sort_by_key(|(own, _)| *own);
    assert_eq!(
        causes,
        [
            (false, Some(Error::Aborted)),
            (true, Some(Error::ConnectionLost))
        ]
    );
    all_gone(&mut engine);
}

/// What a server says of a raw client that goes in some way, and what that leaves.
fn gone<T>(go: impl FnOnce(Raw) -> T) -> (Option<Error>, T) {
    let mut engine = engine();
    let (_, address) = listen(&mut engine, Options::default());
    let raw = std::thread::spawn(move || Raw::open(address));
    let mut server = ConnectionId::NONE;
    run(&mut engine, |event, _| {
        server = event.id;
        true
    });
    let left = go(raw.join().expect("opens"));
    let closed = end_of(&mut engine, server);
    all_gone(&mut engine);
    (closed.cause, left)
}

#[test]
fn the_end_of_the_stream_without_a_close_frame_is_a_lost_connection() {
    assert_eq!(gone(drop).0, Some(Error::ConnectionLost));
    let (half, mut raw) = gone(|raw| {
        raw.socket
            .shutdown(std::net::Shutdown::Write)
            .expect("ends its direction");
        raw
    });
    assert_eq!(half, Some(Error::ConnectionLost));
    assert_eq!(raw.rest(), b"", "the engine ends its direction too");
}

#[test]
fn a_reset_is_a_network_error() {
    match gone(Raw::reset).0 {
        Some(Error::Io(error)) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_close_frame_is_read_even_when_the_answers_cannot_be_sent() {
    // The peer closes and resets at once; what it said before counts.
    let mut engine = engine();
    let (_, address) = listen(&mut engine, Options::default());
    let raw = std::thread::spawn(move || {
        let mut raw = Raw::open(address);
        raw.send(CLOSE, &close_payload(1001, "gone"));
        assert_eq!(raw.receive().0, CLOSE);
        raw.reset();
    });
    let mut end = None;
    run(&mut engine, |event, _| {
        if let EventKind::Closed(closed) = event.kind {
            end = Some(closed.clone());
        }
        end.is_some()
    });
    assert_eq!(
        end.expect("ended").received,
        close_frame(CloseCode::GOING_AWAY, "gone")
    );
    raw.join().expect("no panic");
    all_gone(&mut engine);
}

#[test]
fn a_peer_that_never_answers_the_close_is_left_after_close_timeout() {
    let mut engine = engine();
    let wait = Duration::from_millis(60);
    let options = Options {
        close_timeout: wait,
        ..Options::default()
    };
    let (_, address) = listen(&mut engine, options);
    let raw = std::thread::spawn(move || Raw::open(address));
    let mut server = ConnectionId::NONE;
    run(&mut engine, |event, connections| {
        server = event.id;
        connections
            .close(server, CloseCode::NORMAL, "")
            .expect("closes");
        true
    });
    let _raw = raw.join().expect("opens");
    let closed = end_of(&mut engine, server);
    assert_eq!(
        closed.cause,
        Some(Error::Timeout {
            deadline: Deadline::Close,
            after: wait,
            stage: None
        })
    );
    assert_eq!(closed.sent, close_frame(CloseCode::NORMAL, ""));
    all_gone(&mut engine);
}

#[test]
fn a_client_whose_server_does_not_end_the_stream_closes_after_close_timeout() {
    let mut engine = engine();
    let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
    let options = Options {
        close_timeout: Duration::from_millis(60),
        ..Options::default()
    };
    let client = dial(
        &mut engine,
        listener.local_addr().expect("has one"),
        options,
    );
    let raw = std::thread::spawn(move || {
        let mut raw = Raw::accept(&listener);
        raw.upgrade();
        let (first, payload) = raw.receive();
        assert_eq!((first, payload), (CLOSE, close_payload(1000, "")));
        raw.send(CLOSE, &close_payload(1000, ""));
        // Only the client's end ends this.
        assert_eq!(raw.rest(), b"");
    });
    run(&mut engine, |event, connections| {
        assert_eq!(event.id, client);
        connections.close(client, CloseCode::NORMAL, "").is_ok()
    });
    assert!(end_of(&mut engine, client).is_clean());
    assert!(
        !engine.connections().is_empty(),
        "it waits for the server to close first"
    );
    all_gone(&mut engine);
    raw.join().expect("no panic");
}

fn answers_closed(connections: &mut Connections, id: ConnectionId) {
    assert_eq!(connections.send_text(id, "x"), Err(SendError::Closed));
    assert_eq!(
        connections.send_fragment(id, MessageKind::Text, b"x", true),
        Err(SendError::Closed)
    );
    assert_eq!(connections.ping(id, b""), Err(SendError::Closed));
    assert_eq!(connections.pong(id, b""), Err(SendError::Closed));
    assert_eq!(
        connections.close(id, CloseCode::NORMAL, ""),
        Err(SendError::Closed)
    );
    assert_eq!(connections.abort(id), Err(SendError::Closed));
    assert_eq!(connections.pause(id), Err(Error::UnknownId));
    assert_eq!(connections.resume(id), Err(Error::UnknownId));
    assert_eq!(connections.queued_bytes(id), Err(Error::UnknownId));
    assert_eq!(connections.peer_address(id), Err(Error::UnknownId));
    assert_eq!(connections.local_address(id), Err(Error::UnknownId));
    assert_eq!(connections.user_data(id), Err(Error::UnknownId));
    assert_eq!(connections.set_user_data(id, 1), Err(Error::UnknownId));
    assert_eq!(connections.subscribe(id, "t"), Err(Error::UnknownId));
    assert_eq!(connections.unsubscribe(id, "t"), Err(Error::UnknownId));
    assert_eq!(
        connections.accept(id, &Default::default()),
        Err(Error::UnknownId)
    );
    assert_eq!(connections.listener_of(id), None);
    assert!(!connections.ids().any(|other| other == id));
}

#[test]
fn a_stale_id_is_a_clean_error_in_every_call() {
    let mut engine = engine();
    let (client, server) = pair(&mut engine, Options::default(), Options::default());
    engine
        .connections()
        .set_user_data(client, 42)
        .expect("is there");
    engine
        .connections()
        .close(client, CloseCode::NORMAL, "")
        .expect("closes");
    let mut ends = 0;
    run(&mut engine, |event, connections| {
        ends += usize::from(matches!(event.kind, EventKind::Closed(_)));
        // In its last event it can still be asked about, but not be sent to.
        if event.id == client {
            assert_eq!(connections.user_data(client), Ok(42));
            assert!(connections.peer_address(client).is_ok());
            assert_eq!(connections.send_text(client, "x"), Err(SendError::Closed));
        }
        ends == 2
    });
    answers_closed(engine.connections(), client);
    answers_closed(engine.connections(), server);
    all_gone(&mut engine);
    answers_closed(engine.connections(), client);
    for bits in [
        0,
        1,
        u64::MAX,
        1 << 63,
        client.bits() + 1,
        client.bits() ^ (1 << 20),
    ] {
        answers_closed(engine.connections(), ConnectionId::from_bits(bits));
    }
}

#[test]
fn ids_are_never_given_twice() {
    let mut engine = engine();
    let mut ids = HashSet::new();
    for _ in 0..10_000 {
        let id = dial(
            &mut engine,
            "127.0.0.1:1".parse().expect("an address"),
            Options::default(),
        );
        assert!(ids.insert(id), "{id:?} came again");
        let _ = engine.connections().abort(id);
        run(&mut engine, |event, _| {
            matches!(event.kind, EventKind::Closed(_))
        });
    }
    assert_eq!(ids.len(), 10_000);
    assert!(engine.connections().is_empty());
    assert_eq!(engine.connections().counters().closed, 10_000);
}

#[test]
fn a_peer_that_stalls_in_a_large_message_is_waited_for_no_longer_than_any() {
    let mut engine = engine();
    let close_timeout = Duration::from_millis(40);
    let options = Options {
        close_timeout,
        ..Options::default()
    };
    let (_, address) = listen(&mut engine, options);
    let mut raw = Raw::open_in(&mut engine, address);
    let bytes = frame(BINARY, &pattern(1 << 20), true);
    let (begin, rest) = bytes.split_at(100 << 10);
    raw.write(begin);
    let read = (REQUEST.len() + begin.len()) as u64;
    until(
        &mut engine,
        |_, _| {},
        |connections| connections.counters().received.bytes >= read,
    );
    let id = engine.connections().ids().next().expect("it is open");
    // Too few for the socket to report them, which has been asked to wait for more.
    raw.write(&rest[..10]);
    let closed = engine.connections().close(id, CloseCode::NORMAL, "");
    closed.expect("closes");
    let cause = end_of(&mut engine, id).cause;
    let expected = Error::Timeout {
        deadline: Deadline::Close,
        after: close_timeout,
        stage: None,
    };
    assert_eq!(cause, Some(expected));
}
