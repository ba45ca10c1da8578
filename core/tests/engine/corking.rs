//! How many writes leave: counted by the reads of a peer whose socket tells one from the next.

use std::io::Read;
use std::sync::Arc;
use std::sync::Mutex;

use ropeway_core::engine::{ConnectionId, EventKind};
use ropeway_core::protocol::{MessageKind, Options};

use crate::rig::*;

#[test]
fn answers_to_pipelined_messages_leave_together() {
    const MESSAGES: usize = 100;
    let mut engine = engine();
    let (_, address) = listen(&mut engine, Options::default());
    let client = std::thread::spawn(move || {
        let mut raw = Raw::open(address);
        raw.write(frame(TEXT, b"0123456789", true).repeat(MESSAGES));
        raw
    });
    let mut came = 0;
    let mut sent_before_the_last = None;
    let mut most = 0;
    run(&mut engine, |event, connections| {
        if message(&event).is_none() {
            return false;
        }
        let before = connections.counters().sent.bytes;
        echo(&event, connections);
        came += 1;
        assert_eq!(
            connections.counters().sent.bytes,
            before,
            "an answer left by itself"
        );
        most = most.max(connections.queued_bytes(event.id).expect("is there"));
        sent_before_the_last = Some(before);
        came == MESSAGES
    });
    // The messages came in one segment: all their answers were there together before any left.
    assert_eq!(most, 12 * MESSAGES as u64);
    let mut raw = client.join().expect("opens");
    let mut buffer = vec![0; 64 << 10];
    let count = raw.socket.read(&mut buffer).expect("reads");
    assert_eq!(count, 12 * MESSAGES, "one write");
}

#[test]
fn what_is_sent_outside_a_turn_leaves_at_once() {
    let mut engine = engine();
    let (_, address) = listen(&mut engine, Options::default());
    let raw = std::thread::spawn(move || Raw::open(address));
    let mut server = ConnectionId::NONE;
    run(&mut engine, |event, _| {
        server = event.id;
        true
    });
    let mut raw = raw.join().expect("opens");
    let connections = engine.connections();
    connections.send_text(server, "text").expect("sends");
    assert_eq!(raw.receive(), (TEXT, b"text".to_vec()));
    connections
        .send_fragment(server, MessageKind::Binary, b"part", false)
        .expect("sends");
    assert_eq!(raw.receive(), (0x02, b"part".to_vec()));
    connections.ping(server, b"ping").expect("sends");
    assert_eq!(raw.receive(), (PING, b"ping".to_vec()));
    connections.pong(server, b"pong").expect("sends");
    assert_eq!(raw.receive(), (PONG, b"pong".to_vec()));
    connections
        .send_fragment(server, MessageKind::Binary, b"", true)
        .expect("sends");
    assert_eq!(raw.receive(), (0x80, vec![]));
    connections
        .close(server, ropeway_core::frame::CloseCode::NORMAL, "")
        .expect("closes");
    assert_eq!(raw.receive().0, CLOSE);
}

#[test]
fn another_connection_s_output_does_not_wait_for_the_turn_s_end() {
    let mut engine = engine();
    let (one_client, one) = pair(&mut engine, Options::default(), Options::default());
    let (_, two) = pair(&mut engine, Options::default(), Options::default());
    engine
        .connections()
        .send_text(one_client, "go")
        .expect("sends");
    run(&mut engine, |event, connections| {
        if event.id != one {
            return false;
        }
        let before = connections.counters().sent.bytes;
        connections.send_text(one, "1").expect("sends");
        assert_eq!(connections.counters().sent.bytes, before, "corked");
        connections.send_text(two, "2").expect("sends");
        assert_eq!(
            connections.counters().sent.bytes,
            before + 3,
            "the first's has left"
        );
        true
    });
}

#[test]
fn much_corked_output_leaves_before_the_turn_ends() {
    let mut engine = engine();
    let (client, server) = pair(&mut engine, Options::default(), Options::default());
    engine.connections().send_text(client, "go").expect("sends");
    run(&mut engine, |event, connections| {
        if event.id != server {
            return false;
        }
        let before = connections.counters().sent.bytes;
        for _ in 0..40 {
            connections
                .send_binary(server, &[0; 10_000])
                .expect("sends");
            assert!(connections.queued_bytes(server).expect("is there") < 192 << 10);
        }
        assert!(connections.counters().sent.bytes > before + (256 << 10));
        true
    });
}

#[test]
fn what_is_gathered_outside_a_turn_leaves_together_when_released() {
    const MESSAGES: usize = 16;
    let mut engine = engine();
    let (_, address) = listen(&mut engine, Options::default());
    let raw = std::thread::spawn(move || Raw::open(address));
    let mut server = ConnectionId::NONE;
    run(&mut engine, |event, _| {
        server = event.id;
        true
    });
    let mut raw = raw.join().expect("opens");
    while engine.next_event().is_some() {}
    let connections = engine.connections();
    let before = connections.counters().sent.bytes;
    connections.gather();
    for _ in 0..MESSAGES {
        connections.send_text(server, "0123456789").expect("sends");
    }
    assert_eq!(connections.counters().sent.bytes, before);
    connections.release();
    let mut buffer = vec![0; 64 << 10];
    let count = raw.socket.read(&mut buffer).expect("reads");
    assert_eq!(count, 12 * MESSAGES, "one write");
    let after = connections.counters().sent.bytes;
    connections.send_text(server, "0123456789").expect("sends");
    assert_eq!(connections.counters().sent.bytes, after + 12, "at once");
}

#[test]
fn frames_are_traced_in_both_directions_in_order() {
    use ropeway_core::protocol::Trace;
    let log = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&log);
    let trace = Trace::new(move |frame| {
        into.lock().expect("no panic").push((
            frame.sent,
            frame.header.opcode,
            frame.payload.to_vec(),
        ));
    });
    let mut engine = engine();
    let options = Options {
        trace: Some(trace),
        ..Options::default()
    };
    let (client, server) = pair(&mut engine, Options::default(), options);
    engine
        .connections()
        .subscribe(server, "t")
        .expect("is there");
    engine.connections().send_text(client, "in").expect("sends");
    run(&mut engine, |event, connections| {
        if event.id == server {
            echo(&event, connections);
            connections
                .publish("t", MessageKind::Text, b"out", None)
                .expect("publishes");
        }
        matches!(
            event.kind,
            EventKind::Message {
                payload: b"out",
                ..
            }
        )
    });
    use ropeway_core::frame::Opcode::Text;
    assert_eq!(
        *log.lock().expect("no panic"),
        [
            (false, Text, b"in".to_vec()),
            (true, Text, b"in".to_vec()),
            (true, Text, b"out".to_vec())
        ]
    );
}
