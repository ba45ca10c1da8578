//! Compressed messages over real sockets: what is sent, what is published, and settings that cannot be.
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ropeway_core::Error;
use ropeway_core::deflate::Compression;
use ropeway_core::engine::{Engine, EngineOptions, EventKind, ListenOptions};
use ropeway_core::frame::Opcode;
use ropeway_core::protocol::{MessageKind, Options, Trace};

#[test]
fn what_is_sent_and_published_is_compressed_for_those_that_agreed() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let trace = {
        let seen = Arc::clone(&seen);
        Trace::new(move |frame| {
            if frame.sent && frame.header.opcode == Opcode::Text {
                let entry = (frame.header.rsv1, frame.payload.len());
                seen.lock().expect("no panic").push(entry);
            }
        })
    };
    let server = Arc::new(Options {
        compression: Compression::on(),
        trace: Some(trace),
        ..Options::default()
    });
    let mut engine = Engine::new(EngineOptions::default()).expect("engine");
    let listener = engine
        .connections()
        .listen(
            "127.0.0.1:0".parse().expect("address"),
            &ListenOptions::default(),
            server,
        )
        .expect("listens");
    let address = engine
        .connections()
        .listener_address(listener)
        .expect("address");
    let url = format!("ws://localhost:{}/", address.port());
    let small = Compression {
        server_max_window_bits: 9,
        ..Compression::on()
    };
    let settings = [
        Compression::default(),
        Compression::default(),
        Compression::off(),
        small,
        small,
    ];
    let clients = settings.map(|compression| {
        let options = Options {
            compression,
            ..Options::default()
        };
        let connected = engine.connections().connect(&url, Arc::new(options));
        connected.expect("dials")
    });
    let long = "a published line, ".repeat(2000);
    let mut opened = 0;
    let mut received = 0;
    while received < 5 * 3 {
        engine.poll(Some(Duration::from_secs(5))).expect("polls");
        while let Some((event, connections)) = engine.next_event() {
            let own = clients.contains(&event.id);
            match event.kind {
                EventKind::Opened(_) if !own => {
                    connections.subscribe(event.id, "lines").expect("open");
                    opened += 1;
                    if opened == 5 {
                        for text in [&long, "short"] {
                            let count = connections.publish(
                                "lines",
                                MessageKind::Text,
                                text.as_bytes(),
                                None,
                            );
                            assert_eq!(count, Ok(5));
                        }
                    }
                }
                EventKind::Message { kind, payload } if own => {
                    assert_eq!(kind, MessageKind::Text);
                    assert!(payload == b"short" || payload == long.as_bytes());
                    received += 1;
                    if payload == b"short" {
                        connections.send_text(event.id, &long).expect("open");
                    }
                }
                EventKind::Message { kind, payload } => {
                    assert_eq!(payload, long.as_bytes());
                    connections.send(event.id, kind, payload).expect("open");
                }
                EventKind::Closed(end) => panic!("{end:?}"),
                _ => {}
            }
        }
    }
    let seen = seen.lock().expect("no panic");
    let count = |wanted: fn(bool, usize) -> bool| {
        seen.iter()
            .filter(|&&(rsv1, length)| wanted(rsv1, length))
            .count()
    };
    assert_eq!(count(|rsv1, length| !rsv1 && length == 5), 5, "{seen:?}");
    // The echoes of four, and what the two that subscribed first could be given alike.
    assert_eq!(count(|rsv1, length| rsv1 && length < 2000), 6, "{seen:?}");
    assert_eq!(count(|rsv1, length| !rsv1 && length > 5), 4, "{seen:?}");
}

#[test]
fn compression_settings_that_cannot_be_used_are_refused_at_once() {
    let mut engine = Engine::new(EngineOptions::default()).expect("engine");
    let with = |compression| {
        Arc::new(Options {
            compression,
            ..Options::default()
        })
    };
    let bad = Compression {
        level: 10,
        ..Compression::default()
    };
    let dialled = engine.connections().connect("ws://127.0.0.1:9/", with(bad));
    assert!(
        matches!(&dialled, Err(Error::Compression(error)) if error.option == "level"),
        "{dialled:?}"
    );
    let mut listen = |compression| {
        let address = "127.0.0.1:0".parse().expect("address");
        engine
            .connections()
            .listen(address, &ListenOptions::default(), with(compression))
    };
    let enabled = Compression {
        enabled: Some(true),
        ..bad
    };
    assert!(matches!(listen(enabled), Err(Error::Compression(_))));
    // While it is off, as on servers by default, the settings do not matter.
    assert!(listen(bad).is_ok());
}
