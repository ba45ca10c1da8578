//! What is counted of an engine and of each connection.

use std::collections::HashMap;
use std::time::Duration;

use ropeway_core::Error;
use ropeway_core::deflate::Compression;
use ropeway_core::engine::{
    ConnectionMetrics, Counters, Engine, EngineOptions, EventKind, ListenOptions, Metrics,
    Refusals, Traffic,
};
use ropeway_core::frame::CloseCode;
use ropeway_core::handshake::Refusal;
use ropeway_core::protocol::{MessageKind, Options};

use crate::rig::*;

fn metered() -> Engine {
    Engine::new(EngineOptions {
        connection_metrics: true,
        ..EngineOptions::default()
    })
    .expect("an engine")
}

#[test]
fn messages_and_bytes_are_counted_as_they_are_on_the_wire_and_for_the_application() {
    let mut engine = metered();
    let (_, address) = listen(&mut engine, Options::default());
    let mut raw = Raw::connect(address);
    let frames = [
        frame(TEXT, b"whole", true),
        frame(PING, b"p", true),
        frame(0x02, b"be", true),
        frame(0x80, b"gun", true),
    ]
    .concat();
    raw.write(REQUEST);
    raw.write(&frames);
    let mut messages = 0;
    run(&mut engine, |event, connections| {
        echo(&event, connections);
        messages += usize::from(message(&event).is_some());
        messages == 2
    });
    let head = raw.head();
    let back = [raw.receive(), raw.receive(), raw.receive()];
    let kinds = back.map(|(first, _)| first);
    assert_eq!(kinds, [TEXT, PONG, BINARY]);

    let received = Traffic {
        messages: 2,
        payload: 10,
        bytes: (REQUEST.len() + frames.len()) as u64,
        pings: 1,
    };
    let sent = Traffic {
        messages: 2,
        payload: 10,
        bytes: (head.len() + (2 + 5) + (2 + 1) + (2 + 5)) as u64,
        pings: 0,
    };
    let connections = engine.connections();
    let counters = *connections.counters();
    assert_eq!((counters.received, counters.sent), (received, sent));
    let id = connections.ids().next().expect("the connection");
    let expected = ConnectionMetrics {
        received,
        sent,
        ..ConnectionMetrics::default()
    };
    assert_eq!(connections.connection_metrics(id), Ok(expected));
}

#[test]
fn payload_is_counted_uncompressed_and_a_published_message_for_each_receiver() {
    const LENGTH: u64 = 20_000;
    let compressed = || Options {
        compression: Compression::on(),
        ..Options::default()
    };
    let mut engine = metered();
    let (client, server) = pair(&mut engine, compressed(), compressed());
    let before = *engine.connections().counters();
    let text = "all the same ".repeat(LENGTH as usize / 13 + 1);
    let text = &text.as_bytes()[..LENGTH as usize];
    let connections = engine.connections();
    connections.subscribe(server, "news").expect("subscribes");
    connections
        .publish("news", MessageKind::Text, text, None)
        .expect("publishes");
    connections
        .send(server, MessageKind::Text, text)
        .expect("sends");
    let mut messages = 0;
    run(&mut engine, |event, _| {
        messages += usize::from(message(&event).is_some());
        messages == 2
    });
    let connections = engine.connections();
    let ours = connections
        .connection_metrics(server)
        .expect("is there")
        .sent;
    let theirs = (connections.connection_metrics(client))
        .expect("is there")
        .received;
    for traffic in [ours, theirs] {
        assert_eq!((traffic.messages, traffic.payload), (2, 2 * LENGTH));
        assert!(traffic.bytes < LENGTH / 10, "{traffic:?}");
    }
    assert_eq!(ours.bytes, theirs.bytes);
    let counters = connections.counters();
    assert_eq!(counters.sent.payload - before.sent.payload, 2 * LENGTH);
    assert_eq!(counters.received.bytes, counters.sent.bytes);
}

#[test]
fn a_message_in_pieces_counts_with_its_last() {
    let mut engine = metered();
    let streaming = Options {
        streaming: true,
        ..Options::default()
    };
    let (client, server) = pair(&mut engine, Options::default(), streaming);
    for (piece, last) in [("a", false), ("b", false), ("c", true)] {
        (engine.connections())
            .send_fragment(client, MessageKind::Text, piece.as_bytes(), last)
            .expect("sends");
    }
    run(&mut engine, |event, _| {
        matches!(event.kind, EventKind::Fragment { last: true, .. })
    });
    let connections = engine.connections();
    let sent = connections
        .connection_metrics(client)
        .expect("is there")
        .sent;
    let received = (connections.connection_metrics(server))
        .expect("is there")
        .received;
    for traffic in [sent, received] {
        assert_eq!((traffic.messages, traffic.payload), (1, 3));
    }
}

#[test]
fn keep_alive_pings_are_counted_with_their_round_trips() {
    let mut engine = metered();
    let pinging = Options {
        ping_interval: Duration::from_millis(20),
        ..Options::default()
    };
    let (client, server) = pair(&mut engine, Options::default(), pinging);
    until(
        &mut engine,
        |_, _| {},
        |connections| connections.counters().round_trips >= 2,
    );
    let connections = engine.connections();
    let counters = *connections.counters();
    let ours = connections.connection_metrics(server).expect("is there");
    let theirs = connections.connection_metrics(client).expect("is there");
    assert!(ours.sent.pings >= counters.round_trips);
    assert_eq!(ours.sent.pings, counters.sent.pings);
    assert_eq!(theirs.received.pings, counters.received.pings);
    let last = ours.round_trip.expect("was answered");
    assert!(Duration::ZERO < last && last < counters.round_trip_total);
    assert_eq!(theirs.round_trip, None);
}

#[test]
fn what_is_queued_is_told() {
    let mut engine = metered();
    let (_, address) = listen(&mut engine, Options::default());
    let raw = Raw::open_in(&mut engine, address);
    let connections = engine.connections();
    let id = connections.ids().next().expect("the connection");
    let message = pattern(8 << 20);
    connections.send_binary(id, &message).expect("is taken");
    let metrics = connections.metrics();
    let own = connections.connection_metrics(id).expect("is there");
    assert!(own.queued > 0);
    assert_eq!((metrics.queued, metrics.connections), (own.queued, 1));
    let written = own.sent.bytes + own.queued;
    assert!(written > message.len() as u64, "{own:?}");
    drop(raw);
}

#[test]
fn ends_are_counted_by_close_code_and_refusals_by_reason() {
    let mut engine = Engine::new(EngineOptions {
        max_connections: 3,
        ..EngineOptions::default()
    })
    .expect("an engine");
    let asks = Options {
        ask_upgrade: true,
        plain_http: true,
        open_timeout: Duration::from_millis(50),
        ..Options::default()
    };
    let limited = ListenOptions {
        max_per_address: 2,
        ..ListenOptions::default()
    };
    let (_, address) = listen(&mut engine, Options::default());
    let (_, asking) = listen(&mut engine, asks);
    let (_, few) = listen_at(&mut engine, "127.0.0.1:0", &limited, Options::default());

    let mut raw = Raw::open_in(&mut engine, address);
    raw.send(CLOSE, &close_payload(4321, "private"));
    all_gone(&mut engine);
    drop(Raw::open_in(&mut engine, address));
    all_gone(&mut engine);

    for (request, status) in [(REQUEST, 403), ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 200)] {
        let mut raw = Raw::connect(asking);
        raw.write(request);
        run(&mut engine, |event, connections| {
            if matches!(
                event.kind,
                EventKind::UpgradeRequest(_) | EventKind::HttpRequest(_)
            ) {
                let refusal = Refusal::new(status, "answered").expect("a refusal");
                connections.refuse(event.id, &refusal).expect("answers");
            }
            matches!(event.kind, EventKind::Closed(_))
        });
        drop(raw);
        all_gone(&mut engine);
    }
    let mut wrong = Raw::connect(address);
    wrong.write("BREW / HTTP/1.1\r\n\r\n");
    let slow = Raw::connect(asking);
    until(
        &mut engine,
        |_, _| {},
        |connections| connections.counters().closed == 6,
    );
    drop((wrong, slow));
    all_gone(&mut engine);

    let _two = [Raw::connect(few), Raw::connect(few)];
    until(&mut engine, |_, _| {}, |connections| connections.len() == 2);
    let _third = Raw::connect(few);
    let _full = [Raw::connect(address), Raw::connect(address)];
    let expected = Refusals {
        connections: 1,
        addresses: 1,
        application: 1,
        handshake: 1,
        tls: 0,
        timeout: 1,
    };
    until(
        &mut engine,
        |_, _| {},
        |connections| connections.counters().refused == expected,
    );
    let counters = engine.connections().counters();
    let codes: Vec<_> = (counters.close_codes.named())
        .filter(|(_, count)| *count > 0)
        .collect();
    assert_eq!(codes, [("1006", 1), ("4000-4999", 1)]);
    assert_eq!(counters.closed, 6);
}

#[test]
fn connections_are_counted_apart_on_request_only() {
    let mut engine = engine();
    let (client, server) = pair(&mut engine, Options::default(), Options::default());
    let refused = engine.connections().connection_metrics(client);
    assert!(matches!(refused, Err(Error::Misuse(_))), "{refused:?}");
    assert!(engine.connections().counters().received.bytes > 0);

    let mut engine = metered();
    assert_eq!(
        engine.connections().connection_metrics(server),
        Err(Error::UnknownId)
    );
    assert!(size_of::<ConnectionMetrics>() <= 96);
    // A place's next connection begins at nothing, and the last one's counts can be had at its end.
    let (client, _) = pair(&mut engine, Options::default(), Options::default());
    let before = engine.connections().connection_metrics(client);
    let connections = engine.connections();
    connections
        .close(client, CloseCode::NORMAL, "")
        .expect("closes");
    let mut last = None;
    run(&mut engine, |event, connections| {
        if event.id == client && matches!(event.kind, EventKind::Closed(_)) {
            last = connections.connection_metrics(client).ok();
        }
        last.is_some()
    });
    let (before, last) = (before.expect("is there"), last.expect("ended"));
    // Our Close frame has a mask and a code.
    assert_eq!(last.sent.bytes, before.sent.bytes + 8);
    all_gone(&mut engine);
    let (client, server) = pair(&mut engine, Options::default(), Options::default());
    let of = |id| {
        engine
            .connections()
            .connection_metrics(id)
            .expect("is there")
    };
    let [client, server] = [client, server].map(of);
    assert_eq!(client.sent, server.received);
    assert_eq!(client.received, server.sent);
}

#[test]
fn prometheus_reads_every_figure() {
    let mut metrics = Metrics {
        connections: 3,
        queued: 4096,
        counters: Counters {
            accepted: 5,
            round_trips: 2,
            round_trip_total: Duration::from_micros(1500),
            ..Counters::default()
        },
    };
    metrics.counters.received.payload = 77;
    metrics.counters.refused.addresses = 9;
    let page = metrics.to_prometheus();
    let mut types = HashMap::new();
    let mut samples = HashMap::new();
    for line in page.lines() {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some("HELP"), Some(name), Some(help)) => {
                assert!(
                    name.starts_with("ropeway_") && help.ends_with('.'),
                    "{line}"
                );
            }
            (Some("#"), Some("TYPE"), Some(name), Some(kind)) => {
                assert!(types.insert(name, kind).is_none(), "twice: {line}");
            }
            (Some(sample), Some(value), None, None) => {
                let family = sample.split('{').next().expect("a name");
                let family = family.trim_end_matches("_sum").trim_end_matches("_count");
                assert!(types.contains_key(family), "no type before {line}");
                let value: f64 = value.parse().expect("a number");
                assert!(samples.insert(sample, value).is_none(), "twice: {line}");
            }
            _ => panic!("{line}"),
        }
    }
    for (sample, value) in [
        ("ropeway_connections", 3.0),
        ("ropeway_queued_bytes", 4096.0),
        ("ropeway_accepted_total", 5.0),
        ("ropeway_payload_bytes_total{direction=\"received\"}", 77.0),
        ("ropeway_refused_total{reason=\"addresses\"}", 9.0),
        ("ropeway_closed_total{code=\"1000\"}", 0.0),
        ("ropeway_round_trip_seconds_sum", 0.0015),
        ("ropeway_round_trip_seconds_count", 2.0),
    ] {
        assert_eq!(samples.get(sample), Some(&value), "{sample}");
    }
    for (name, kind) in types {
        assert_eq!(kind == "counter", name.ends_with("_total"), "{name}");
    }
}
