//! Pings, time-outs, and peers that are only half there.

use std::net::TcpListener;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use ropeway_core::engine::EventKind;
use ropeway_core::protocol::Options;
use ropeway_core::{Deadline, Error};

use crate::rig::*;

const SHORT: Duration = Duration::from_millis(40);

/// A server that tells how its connections end.
fn served(options: Options) -> (Served, mpsc::Receiver<Option<Error>>) {
    let (sender, ends) = mpsc::channel();
    let server = Served::start(options, move |event, connections| {
        if let EventKind::Closed(closed) = event.kind {
            // The test may have seen enough.
            let _ = sender.send(closed.cause.clone());
        }
        echo(&event, connections);
    });
    (server, ends)
}

#[test]
fn a_peer_that_does_not_answer_a_ping_is_failed() {
    let options = Options {
        ping_interval: SHORT,
        pong_timeout: SHORT,
        ..Options::default()
    };
    let (server, ends) = served(options);
    let begun = Instant::now();
    let mut raw = Raw::open(server.address);
    assert_eq!(raw.receive().0, PING);
    let end = ends.recv_timeout(PATIENCE).expect("its end");
    assert_eq!(
        end,
        Some(Error::Timeout {
            deadline: Deadline::Pong,
            after: SHORT,
            stage: None
        })
    );
    assert!(begun.elapsed() >= SHORT * 2);
    let (first, payload) = raw.receive();
    assert_eq!(
        (first, &payload[..2]),
        (CLOSE, &1011_u16.to_be_bytes()[..]),
        "it sees one ping, and why"
    );
}

/// Sends a message whose first `begun` bytes come at once and whose next come one by one, each after a ping, without any
/// pong.
fn is_kept_alive_by_single_bytes(message: &[u8], begun: usize) {
    let options = Options {
        ping_interval: SHORT,
        pong_timeout: SHORT * 5,
        ..Options::default()
    };
    let (server, ends) = served(options);
    let mut raw = Raw::open(server.address);
    let bytes = frame(BINARY, message, true);
    raw.write(&bytes[..begun]);
    for at in begun..begun + 5 {
        assert_eq!(raw.receive().0, PING);
        raw.write(&bytes[at..=at]);
    }
    raw.write(&bytes[begun + 5..]);
    let mut echoed = raw.receive();
    while echoed.0 == PING {
        echoed = raw.receive();
    }
    assert!(echoed == (BINARY, message.to_vec()), "it comes back");
    assert!(ends.try_recv().is_err(), "it lives");
}

#[test]
fn any_byte_is_a_sign_of_life() {
    is_kept_alive_by_single_bytes(b"some bytes", 0);
}

#[test]
fn any_byte_of_a_large_message_is_a_sign_of_life() {
    // The socket has been asked not to report single bytes then.
    is_kept_alive_by_single_bytes(&pattern(1 << 20), 200 << 10);
}

#[test]
fn both_sides_keep_an_idle_connection_alive_and_measure_round_trips() {
    let mut engine = engine();
    let options = Options {
        ping_interval: SHORT,
        pong_timeout: PATIENCE,
        ..Options::default()
    };
    let (client, server) = pair(&mut engine, options.clone(), options);
    let mut pongs = [0, 0];
    let mut pings = 0;
    run(&mut engine, |event, _| {
        match event.kind {
            EventKind::Pong { round_trip, .. } => {
                assert!(round_trip.expect("the engine's own") < PATIENCE);
                pongs[usize::from(event.id == server)] += 1;
            }
            EventKind::Ping { .. } => pings += 1,
            ref other => panic!("{other:?}"),
        }
        assert!(event.id == client || event.id == server);
        // Each ping of one side keeps the other's from being sent: one of the two is enough.
        pongs[0] + pongs[1] >= 4
    });
    assert!(pings >= 4);
}

#[test]
fn a_half_open_peer_is_noticed_by_a_client_too() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
    let mut engine = engine();
    let options = Options {
        ping_interval: SHORT,
        pong_timeout: SHORT,
        ..Options::default()
    };
    let client = dial(
        &mut engine,
        listener.local_addr().expect("has one"),
        options,
    );
    let server = std::thread::spawn(move || {
        let mut raw = Raw::accept(&listener);
        raw.upgrade();
        raw
    });
    let end = end_of(&mut engine, client);
    assert_eq!(
        end.cause,
        Some(Error::Timeout {
            deadline: Deadline::Pong,
            after: SHORT,
            stage: None
        })
    );
    drop(server.join().expect("no panic"));
    all_gone(&mut engine);
}

#[test]
fn a_peer_without_messages_is_closed_as_idle_in_spite_of_pongs() {
    let options = Options {
        ping_interval: SHORT / 2,
        idle_timeout: SHORT * 3,
        close_timeout: SHORT,
        ..Options::default()
    };
    let (server, ends) = served(options);
    let begun = Instant::now();
    let mut raw = Raw::open(server.address);
    let mut pings = 0;
    let payload = loop {
        match raw.receive() {
            (PING, payload) => {
                pings += 1;
                raw.send(PONG, &payload);
            }
            (CLOSE, payload) => break payload,
            other => panic!("{other:?}"),
        }
    };
    assert!(begun.elapsed() >= SHORT * 3);
    assert!(pings > 0);
    assert_eq!(payload[..2], 1001_u16.to_be_bytes());
    let end = ends.recv_timeout(PATIENCE).expect("its end");
    assert_eq!(
        end,
        Some(Error::Timeout {
            deadline: Deadline::Idle,
            after: SHORT * 3,
            stage: None
        })
    );
    assert_eq!(raw.rest(), b"");
}

#[test]
fn progress_of_a_long_queue_is_life() {
    // A peer that reads slowly, and answers no ping since it has not come to it yet.
    let mut engine = engine();
    let options = Options {
        ping_interval: SHORT,
        pong_timeout: SHORT * 25,
        ..Options::default()
    };
    let (_, address) = listen(&mut engine, options);
    let raw = std::thread::spawn(move || {
        let raw = Raw::open(address);
        raw.narrow();
        raw
    });
    let mut server = ropeway_core::engine::ConnectionId::NONE;
    run(&mut engine, |event, _| {
        server = event.id;
        true
    });
    let mut raw = raw.join().expect("opens");
    let message = pattern(16 << 20);
    engine
        .connections()
        .send_binary(server, &message)
        .expect("sends");
    let reader = std::thread::spawn(move || {
        let mut slow = std::io::BufReader::with_capacity(256 << 10, Slow(&mut raw.socket));
        let (first, payload) = receive_frame(&mut slow);
        (raw, first, payload.len())
    });
    until(
        &mut engine,
        |event, _| assert!(!matches!(event.kind, EventKind::Closed(_)), "{event:?}"),
        |_| reader.is_finished(),
    );
    let (_raw, first, length) = reader.join().expect("no panic");
    assert_eq!((first, length), (BINARY, message.len()));
}

/// Reads at most so much at a time that sixteen megabytes take longer than the ping and its time-out together.
struct Slow<'a>(&'a mut std::net::TcpStream);

impl std::io::Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        // It is the peer's slowness that is tested, so this is no wait for anything.
        std::thread::sleep(Duration::from_millis(10));
        let most = buffer.len().min(128 << 10);
        self.0.read(&mut buffer[..most])
    }
}
