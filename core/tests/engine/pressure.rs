//! Send queues: figures, limits, order, and control frames that get through.

use std::io::Read;

use ropeway_core::SendError;
use ropeway_core::engine::{ConnectionId, Connections, Engine, EventKind, Sent};
use ropeway_core::frame::CloseCode;
use ropeway_core::protocol::Options;

use crate::rig::*;

/// A server's connection to a raw client that does not read.
fn stalled(engine: &mut Engine, options: Options) -> (ConnectionId, Raw) {
    let (listener, address) = listen(engine, options);
    let raw = std::thread::spawn(move || {
        let raw = Raw::open(address);
        raw.narrow();
        raw
    });
    let mut server = ConnectionId::NONE;
    run(engine, |event, _| {
        server = event.id;
        true
    });
    engine
        .connections()
        .close_listener(listener)
        .expect("is there");
    (server, raw.join().expect("opens"))
}

/// Fills the kernel's buffers and a little of the queue with binary messages, and says how many it took.
fn fill(connections: &mut Connections, id: ConnectionId, message: &[u8]) -> usize {
    let mut count = 0;
    while connections.queued_bytes(id).expect("is there") == 0 {
        connections.send_binary(id, message).expect("sends");
        count += 1;
    }
    count
}

/// Reads on another thread while the engine runs, so many frames.
fn read_frames(engine: &mut Engine, mut raw: Raw, count: usize) -> (Raw, Vec<(u8, Vec<u8>)>) {
    let reader = std::thread::spawn(move || {
        let frames = (0..count).map(|_| raw.receive()).collect();
        (raw, frames)
    });
    until(engine, |_, _| {}, |_| reader.is_finished());
    reader.join().expect("no panic")
}

#[test]
fn figures_are_exact_and_a_full_queue_takes_nothing() {
    let (low, high, limit) = (4_000, 20_000, 50_000);
    let options = Options {
        send_queue_low: low,
        send_queue_high: high,
        send_queue_limit: limit,
        ..Options::default()
    };
    let mut engine = engine();
    let (server, raw) = stalled(&mut engine, options);
    let message = pattern(1_000);
    let frame = 1_004;
    let connections = engine.connections();
    let mut count = fill(connections, server, &message) as u64;
    let mut queued = connections.queued_bytes(server).expect("is there");
    assert!(queued <= frame);
    loop {
        match connections.send_binary(server, &message) {
            Ok(sent) => {
                count += 1;
                queued += frame;
                let expected = if queued > high {
                    Sent::Queued(queued)
                } else {
                    Sent::Sent
                };
                assert_eq!(sent, expected);
            }
            Err(error) => {
                assert_eq!(error, SendError::Full { queued, limit });
                break;
            }
        }
        assert_eq!(connections.queued_bytes(server), Ok(queued));
    }
    assert!(queued + 1_014 > limit && queued <= limit);
    assert_eq!(
        connections.queued_bytes(server),
        Ok(queued),
        "all or nothing"
    );
    // Control frames have a reserve, and an end of it too.
    let mut pings = 0;
    let error = loop {
        match connections.ping(server, &[7; 125]) {
            Ok(Sent::Queued(now)) => {
                queued += 127;
                assert_eq!(now, queued);
                pings += 1;
            }
            Ok(Sent::Sent) => panic!("the queue is above its high-water mark"),
            Err(error) => break error,
        }
    };
    assert_eq!(error, SendError::Full { queued, limit });
    assert!(queued > limit && queued <= limit + (64 << 10), "{queued}");

    // The peer reads at last: all of it comes, Writable once, when the queue is low.
    let reader = std::thread::spawn(move || {
        let mut raw = raw;
        let frames: Vec<_> = (0..count + pings).map(|_| raw.receive()).collect();
        (raw, frames)
    });
    let mut writable = 0;
    until(
        &mut engine,
        |event, connections| {
            assert!(matches!(event.kind, EventKind::Writable), "{event:?}");
            assert!(connections.queued_bytes(server).expect("is there") <= low);
            writable += 1;
        },
        |_| reader.is_finished(),
    );
    let (_raw, frames) = reader.join().expect("no panic");
    assert_eq!(writable, 1);
    let (data, control) = frames.split_at(count as usize);
    assert!(
        data.iter()
            .all(|(first, payload)| *first == BINARY && *payload == message)
    );
    assert!(control.iter().all(|(first, _)| *first == PING));
    assert_eq!(engine.connections().queued_bytes(server), Ok(0));
    assert_eq!(
        engine.connections().send_binary(server, &message),
        Ok(Sent::Sent)
    );
}

#[test]
fn figures_inside_a_turn_count_what_is_corked() {
    let mut engine = engine();
    let options = Options {
        send_queue_high: 10_000,
        send_queue_limit: 40_000,
        ..Options::default()
    };
    let (server, mut raw) = stalled(&mut engine, options);
    let message = pattern(1_000);
    fill(engine.connections(), server, &message);
    raw.send(TEXT, b"go");
    run(&mut engine, |event, connections| {
        assert!(message_is(&event, b"go"));
        let mut queued = connections.queued_bytes(server).expect("is there");
        while queued + 1_014 <= 40_000 {
            let sent = connections
                .send_binary(server, &message)
                .expect("there is room");
            queued += 1_004;
            assert_eq!(connections.queued_bytes(server), Ok(queued));
            let expected = if queued > 10_000 {
                Sent::Queued(queued)
            } else {
                Sent::Sent
            };
            assert_eq!(sent, expected);
        }
        assert!(matches!(
            connections.send_binary(server, &message),
            Err(SendError::Full { limit: 40_000, .. })
        ));
        true
    });
}

fn message_is(event: &ropeway_core::engine::Event<'_>, text: &[u8]) -> bool {
    matches!(event.kind, EventKind::Message { payload, .. } if payload == text)
}

#[test]
fn cve_2020_35896_a_peer_that_never_reads_is_refused_not_remembered() {
    let mut engine = engine();
    let limit = 1 << 20;
    let options = Options {
        send_queue_limit: limit,
        ..Options::default()
    };
    let (server, mut raw) = stalled(&mut engine, options);
    let message = pattern(10_000);
    let mut refused = 0;
    // It asks without end and reads no answer.
    for round in 0..200 {
        raw.send(TEXT, format!("{round}").as_bytes());
        run(&mut engine, |event, connections| {
            assert!(matches!(event.kind, EventKind::Message { .. }), "{event:?}");
            for _ in 0..20 {
                match connections.send_binary(server, &message) {
                    Ok(_) => {}
                    Err(SendError::Full { queued, limit: at }) => {
                        assert!(queued <= limit && at == limit);
                        refused += 1;
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            true
        });
        assert!(engine.connections().queued_bytes(server).expect("is there") <= limit + (64 << 10));
    }
    assert!(refused > 1_000, "{refused}");
}

#[test]
fn cve_2026_11586_pongs_do_not_pile_up_and_the_newest_goes_first() {
    let mut engine = engine();
    let options = Options {
        send_queue_limit: 8 << 20,
        ..Options::default()
    };
    let (server, mut raw) = stalled(&mut engine, options);
    let message = pattern(100_000);
    let mut count = fill(engine.connections(), server, &message);
    for _ in 0..10 {
        engine
            .connections()
            .send_binary(server, &message)
            .expect("sends");
        count += 1;
    }
    let before = engine.connections().queued_bytes(server).expect("is there");
    let mut pings = 0_u32;
    for number in 0..1_000_u32 {
        raw.send(PING, &number.to_be_bytes());
    }
    run(&mut engine, |event, _| {
        assert!(matches!(event.kind, EventKind::Ping { .. }), "{event:?}");
        pings += 1;
        pings == 1_000
    });
    assert_eq!(
        engine.connections().queued_bytes(server),
        Ok(before),
        "no pong is queued"
    );
    let (_raw, frames) = read_frames(&mut engine, raw, count + 1);
    let pongs: Vec<usize> = (0..frames.len())
        .filter(|&at| frames[at].0 == PONG)
        .collect();
    assert_eq!(pongs.len(), 1, "one pong for all");
    assert_eq!(frames[pongs[0]].1, 999_u32.to_be_bytes(), "the newest");
    // It overtakes what waited: ten whole messages were queued behind the one under way.
    assert!(pongs[0] <= count - 10, "frame {} of {count}", pongs[0]);
    let others = frames.iter().filter(|(first, _)| *first == BINARY);
    assert_eq!(others.clone().count(), count);
    assert!(others.clone().all(|(_, payload)| *payload == message));
}

#[test]
fn cve_2025_5399_a_pong_held_back_does_not_keep_the_engine_busy() {
    let mut engine = engine();
    let (server, mut raw) = stalled(&mut engine, Options::default());
    fill(engine.connections(), server, &pattern(100_000));
    raw.send(PING, b"?");
    run(&mut engine, |event, _| {
        matches!(event.kind, EventKind::Ping { .. })
    });
    // Nothing to do now: a wait lasts as long as it was asked for.
    let wait = std::time::Duration::from_millis(100);
    let mut returned = 0;
    let end = std::time::Instant::now() + wait;
    while std::time::Instant::now() < end {
        engine.poll(Some(wait)).expect("polls");
        assert!(engine.next_event().is_none());
        returned += 1;
    }
    assert!(returned < 10, "{returned} wake-ups while blocked");
}

#[test]
fn a_close_gets_through_behind_what_was_queued() {
    let mut engine = engine();
    let options = Options {
        send_queue_limit: 300_000,
        ..Options::default()
    };
    let (server, mut raw) = stalled(&mut engine, options);
    let message = pattern(50_000);
    let mut count = fill(engine.connections(), server, &message);
    while engine.connections().send_binary(server, &message).is_ok() {
        count += 1;
    }
    engine
        .connections()
        .close(server, CloseCode::NORMAL, "full")
        .expect("closes");
    let reader = std::thread::spawn(move || {
        let frames: Vec<_> = (0..=count).map(|_| raw.receive()).collect();
        raw.send(CLOSE, &close_payload(1000, ""));
        assert_eq!(raw.rest(), b"");
        frames
    });
    let closed = end_of(&mut engine, server);
    assert!(closed.is_clean(), "{closed:?}");
    all_gone(&mut engine);
    let frames = reader.join().expect("no panic");
    assert_eq!(frames[count], (CLOSE, close_payload(1000, "full")));
    assert!(
        frames[..count]
            .iter()
            .all(|(_, payload)| *payload == message)
    );
}

#[test]
fn order_holds_under_partial_writes_with_pings_and_topics_in_between() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut engine = engine();
    let options = Options {
        send_queue_high: 32 << 20,
        ..Options::default()
    };
    let (server, raw) = stalled(&mut engine, options);
    engine
        .connections()
        .subscribe(server, "all")
        .expect("is there");
    let sizes: Vec<usize> = (0..400)
        .map(|_| match random.below(10) {
            0 => random.below(200_000),
            1..=4 => random.below(20_000),
            _ => random.below(200),
        })
        .collect();
    let expected = sizes.clone();
    let mut socket = raw.socket.try_clone().expect("a second handle");
    let reader = std::thread::spawn(move || {
        let mut pongs = 0;
        let mut pieces = std::io::BufReader::with_capacity(3_001, &mut socket);
        for (number, size) in expected.iter().enumerate() {
            loop {
                let (first, payload) = receive_frame(&mut pieces);
                if first == PONG {
                    pongs += 1;
                    continue;
                }
                assert_eq!(first, BINARY);
                assert!(
                    payload == pattern(*size),
                    "message {number} of {size} bytes"
                );
                break;
            }
        }
        pongs
    });
    let mut raw = raw;
    let mut pings = 0;
    for (number, &size) in sizes.iter().enumerate() {
        let message = pattern(size);
        if random.below(3) == 0 {
            let count = engine.connections().publish(
                "all",
                ropeway_core::protocol::MessageKind::Binary,
                &message,
                None,
            );
            assert_eq!(count, Ok(1));
        } else {
            engine
                .connections()
                .send_binary(server, &message)
                .expect("sends");
        }
        if number % 4 == 0 {
            raw.send(PING, &[1; 5]);
            pings += 1;
        }
        engine.poll(Some(std::time::Duration::ZERO)).expect("polls");
        while engine.next_event().is_some() {}
    }
    until(&mut engine, |_, _| {}, |_| reader.is_finished());
    let pongs = reader.join().expect("every frame is whole and in order");
    assert!(pongs <= pings);
    let mut byte = [0];
    raw.socket.set_nonblocking(true).expect("does not block");
    if let Ok(count) = raw.socket.read(&mut byte) {
        // The last pong may come last.
        assert_eq!((count, byte[0]), (1, PONG));
    }
}

#[test]
fn a_message_larger_than_the_limit_is_taken_when_nothing_is_queued() {
    let mut engine = engine();
    let options = Options {
        send_queue_limit: 100_000,
        ..Options::default()
    };
    let (server, raw) = stalled(&mut engine, options);
    let message = pattern(12 << 20);
    let sent = engine
        .connections()
        .send_binary(server, &message)
        .expect("is taken");
    assert!(
        matches!(sent, Sent::Queued(bytes) if bytes > 100_000),
        "{sent:?}"
    );
    assert!(matches!(
        engine.connections().send_binary(server, b"x"),
        Err(SendError::Full { limit: 100_000, .. })
    ));
    let (_raw, frames) = read_frames(&mut engine, raw, 1);
    assert!(frames[0].1 == message);
}
