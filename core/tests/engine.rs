//! An echo over real sockets, server and client in one engine.
use std::sync::Arc;
use std::time::Duration;

use ropeway_core::engine::{Engine, EngineOptions, EventKind, ListenOptions};
use ropeway_core::frame::CloseCode;
use ropeway_core::protocol::{MessageKind, Options};

#[test]
fn echo() {
    let mut engine = Engine::new(EngineOptions::default()).expect("engine");
    let options = Arc::new(Options::default());
    let listener = engine
        .connections()
        .listen(
            "127.0.0.1:0".parse().expect("address"),
            &ListenOptions::default(),
            options.clone(),
        )
        .expect("listens");
    let address = engine
        .connections()
        .listener_address(listener)
        .expect("address");
    let client = engine
        .connections()
        .connect(&format!("ws://localhost:{}/", address.port()), options)
        .expect("dials");
    let big = vec![7_u8; 3 << 20];
    let mut log = Vec::new();
    let mut closed = 0;
    while closed < 2 {
        engine.poll(Some(Duration::from_secs(5))).expect("polls");
        while let Some((event, connections)) = engine.next_event() {
            let own = event.id == client;
            match event.kind {
                EventKind::Opened(_) if own => {
                    connections.send_text(client, "hello").expect("sends");
                    connections.send_binary(client, &big).expect("sends");
                }
                EventKind::Message { kind, payload } if own => {
                    log.push((kind, payload.len()));
                    if log.len() == 2 {
                        assert_eq!(payload, big);
                        connections
                            .close(client, CloseCode::NORMAL, "bye")
                            .expect("closes");
                    }
                }
                EventKind::Message { kind, payload } => {
                    connections.send(event.id, kind, payload).expect("echoes");
                }
                EventKind::Closed(end) => {
                    assert_eq!(end.cause, None, "own {own}");
                    closed += 1;
                }
                _ => {}
            }
        }
    }
    assert_eq!(
        log,
        [(MessageKind::Text, 5), (MessageKind::Binary, 3 << 20)]
    );
    while !engine.connections().is_empty() {
        engine.poll(Some(Duration::from_secs(5))).expect("polls");
        assert!(engine.next_event().is_none());
    }
}
