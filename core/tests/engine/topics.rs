//! Topics.

use ropeway_core::engine::{ConnectionId, Connections, Engine, EventKind, Sent};
use ropeway_core::frame::CloseCode;
use ropeway_core::protocol::{MessageKind, Options};
use ropeway_core::{Error, Limit, SendError};

use crate::rig::*;

fn publish(connections: &mut Connections, topic: &str, text: &str) -> usize {
    connections
        .publish(topic, MessageKind::Text, text.as_bytes(), None)
        .expect("publishes")
}

/// So many pairs in one engine, clients first.
fn pairs(
    engine: &mut Engine,
    count: usize,
    options: &Options,
) -> (Vec<ConnectionId>, Vec<ConnectionId>) {
    let (_, address) = listen(engine, options.clone());
    let clients: Vec<ConnectionId> = (0..count)
        .map(|_| dial(engine, address, Options::default()))
        .collect();
    let mut servers = Vec::new();
    let mut opened = 0;
    run(engine, |event, connections| {
        assert!(matches!(event.kind, EventKind::Opened(_)), "{event:?}");
        if connections.listener_of(event.id).is_some() {
            servers.push(event.id);
        }
        opened += 1;
        opened == 2 * count
    });
    (clients, servers)
}

/// What clients get until `count` messages have come, in order for each.
fn collect(engine: &mut Engine, count: usize) -> Vec<(ConnectionId, String)> {
    let mut log = Vec::new();
    run(engine, |event, _| {
        let (_, payload) = message(&event).expect("messages only");
        log.push((event.id, String::from_utf8(payload).expect("text")));
        log.len() >= count
    });
    assert_eq!(log.len(), count);
    log
}

#[test]
fn subscriptions_begin_and_end_and_are_counted() {
    let mut engine = engine();
    let (_, servers) = pairs(&mut engine, 2, &Options::default());
    let connections = engine.connections();
    assert_eq!(publish(connections, "news", "nobody"), 0);
    assert_eq!(connections.subscribe(servers[0], "news"), Ok(true));
    assert_eq!(connections.subscribe(servers[0], "news"), Ok(false));
    assert_eq!(connections.subscribe(servers[1], "news"), Ok(true));
    assert_eq!(connections.subscribers("news"), 2);
    assert_eq!(publish(connections, "news", "one"), 2);
    assert_eq!(connections.unsubscribe(servers[0], "news"), Ok(true));
    assert_eq!(connections.unsubscribe(servers[0], "news"), Ok(false));
    assert_eq!(connections.unsubscribe(servers[0], "never"), Ok(false));
    assert_eq!(publish(connections, "news", "two"), 1);
    assert_eq!(
        connections.publish("news", MessageKind::Text, b"three", Some(servers[1])),
        Ok(0),
        "all but itself"
    );
    assert_eq!(
        connections.publish("news", MessageKind::Text, b"\xff", None),
        Err(SendError::InvalidUtf8)
    );
    let mut texts: Vec<String> = collect(&mut engine, 3)
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    texts.sort_unstable();
    assert_eq!(texts, ["one", "one", "two"]);
    engine.connections().abort(servers[1]).expect("aborts");
    end_of(&mut engine, servers[1]);
    assert_eq!(
        engine.connections().subscribers("news"),
        0,
        "the end of a connection ends its subscriptions"
    );
}

#[test]
fn thousands_of_subscribers_get_all_in_order_with_what_is_sent_to_them_alone() {
    const PEERS: usize = 1_000;
    let mut engine = engine();
    let (_, servers) = pairs(&mut engine, PEERS, &Options::default());
    for &id in &servers {
        engine.connections().subscribe(id, "all").expect("is there");
    }
    // From inside a turn, mixed with direct messages.
    let remote = engine.remote();
    remote
        .send(servers[0], MessageKind::Text, b"go".to_vec())
        .expect("is taken");
    let mut counts = std::collections::HashMap::new();
    let mut total = 0;
    run(&mut engine, |event, connections| {
        let (_, payload) = message(&event).expect("messages only");
        if payload == b"go" {
            for &id in &servers {
                connections.send_text(id, "0").expect("sends");
            }
            assert_eq!(publish(connections, "all", "1"), PEERS);
            assert_eq!(publish(connections, "all", "2"), PEERS);
            for &id in &servers {
                connections.send_text(id, "3").expect("sends");
            }
            assert_eq!(
                connections.publish("all", MessageKind::Text, b"4", Some(servers[7])),
                Ok(PEERS - 1)
            );
            connections.send_text(servers[7], "4").expect("sends");
            assert_eq!(publish(connections, "all", "5"), PEERS);
            return false;
        }
        let expected: &mut usize = counts.entry(event.id).or_default();
        assert_eq!(payload, expected.to_string().as_bytes());
        *expected += 1;
        total += 1;
        total == PEERS * 6
    });
    assert_eq!(engine.connections().counters().publishes_dropped, 0);
}

#[test]
fn publishing_outside_a_turn_leaves_at_once() {
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
    connections.subscribe(server, "t").expect("is there");
    // An earlier call that failed leaves nothing behind that would cork it.
    assert_eq!(
        connections.send(server, MessageKind::Text, b"\xff"),
        Err(SendError::InvalidUtf8)
    );
    publish(connections, "t", "now");
    assert_eq!(raw.receive(), (TEXT, b"now".to_vec()));
}

#[test]
fn clients_can_subscribe_too() {
    let mut engine = engine();
    let (clients, servers) = pairs(&mut engine, 3, &Options::default());
    for &id in clients.iter().chain(&servers) {
        engine
            .connections()
            .subscribe(id, "both")
            .expect("is there");
    }
    assert_eq!(publish(engine.connections(), "both", "masked or not"), 6);
    let log = collect(&mut engine, 6);
    let mut ids: Vec<ConnectionId> = log.iter().map(|(id, _)| *id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 6, "one each: {log:?}");
}

#[test]
fn osv_2020_1695_topics_change_in_every_event() {
    let mut engine = engine();
    let (_, address) = listen(
        &mut engine,
        Options {
            ask_upgrade: true,
            ..Options::default()
        },
    );
    let clients: Vec<ConnectionId> = (0..20)
        .map(|_| dial(&mut engine, address, Options::default()))
        .collect();
    let mut ended = 0;
    let mut deepest = 0;
    run(&mut engine, |event, connections| {
        let id = event.id;
        let own = clients.contains(&id);
        match event.kind {
            EventKind::UpgradeRequest(_) => {
                connections
                    .accept(id, &Default::default())
                    .expect("accepts");
                assert_eq!(connections.subscribe(id, "t"), Ok(true));
            }
            EventKind::Opened(_) if own => {
                connections.send_text(id, "publish").expect("sends");
                connections.ping(id, b"").expect("pings");
            }
            EventKind::Message { payload, .. } if !own => {
                deepest = deepest.max(publish(connections, "t", "a"));
                connections.unsubscribe(id, "t").expect("is there");
                publish(connections, "t", "b");
                connections.subscribe(id, "t").expect("is there");
                publish(connections, "t", "c");
                if payload == b"end" {
                    connections
                        .close(id, CloseCode::NORMAL, "")
                        .expect("closes");
                    publish(connections, "t", "d");
                    connections.unsubscribe(id, "t").expect("is there still");
                }
            }
            EventKind::Ping { .. } => {
                connections.unsubscribe(id, "t").expect("is there");
                connections.subscribe(id, "u").expect("is there");
                publish(connections, "u", "e");
                connections.subscribe(id, "t").expect("is there");
            }
            EventKind::Pong { .. } => {
                connections.send_text(id, "end").expect("sends");
            }
            EventKind::Closed(closed) => {
                assert!(closed.cause.is_none(), "{closed:?}");
                publish(connections, "t", "f");
                if !own {
                    assert_eq!(connections.subscribe(id, "t"), Err(Error::UnknownId));
                    connections.unsubscribe(id, "t").expect("its last event");
                }
                publish(connections, "u", "g");
                ended += 1;
            }
            _ => {}
        }
        ended == 40
    });
    assert!(deepest > 0);
    assert_eq!(
        (
            engine.connections().subscribers("t"),
            engine.connections().subscribers("u")
        ),
        (0, 0)
    );
    all_gone(&mut engine);
}

/// A subscriber whose peer does not read, filled until its queue is above the high-water mark.
fn slow(engine: &mut Engine, options: Options) -> (ConnectionId, Raw) {
    let (_, address) = listen(engine, options);
    let raw = std::thread::spawn(move || Raw::open(address));
    let mut server = ConnectionId::NONE;
    run(engine, |event, _| {
        server = event.id;
        true
    });
    let connections = engine.connections();
    connections.subscribe(server, "t").expect("is there");
    let high = Options::default().send_queue_high;
    while connections.queued_bytes(server).expect("is there") <= high {
        connections
            .send_binary(server, &pattern(100_000))
            .expect("sends");
    }
    (server, raw.join().expect("opens"))
}

#[test]
fn a_slow_subscriber_is_left_out_and_counted() {
    let mut engine = engine();
    let (server, _raw) = slow(&mut engine, Options::default());
    let queued = engine.connections().queued_bytes(server);
    for _ in 0..1_000 {
        assert_eq!(publish(engine.connections(), "t", "dropped"), 1);
    }
    assert_eq!(
        engine.connections().queued_bytes(server),
        queued,
        "its queue does not grow"
    );
    assert_eq!(engine.connections().counters().publishes_dropped, 1_000);
}

#[test]
fn a_slow_subscriber_is_closed_where_that_is_the_policy() {
    let mut engine = engine();
    let options = Options {
        close_slow_subscribers: true,
        ..Options::default()
    };
    let (server, _raw) = slow(&mut engine, options);
    publish(engine.connections(), "t", "too much");
    match end_of(&mut engine, server).cause {
        Some(Error::Limit {
            limit: Limit::SlowSubscriber,
            value,
            actual,
            ..
        }) => {
            assert_eq!(value, Options::default().send_queue_high);
            assert!(actual > value);
        }
        other => panic!("{other:?}"),
    }
    all_gone(&mut engine);
}

/// It is not the peer that is slow, and nothing is queued.
#[test]
fn a_subscriber_in_the_middle_of_a_message_is_not_slow() {
    let mut engine = engine();
    let options = Options {
        close_slow_subscribers: true,
        ..Options::default()
    };
    let (_, servers) = pairs(&mut engine, 1, &options);
    let connections = engine.connections();
    connections.subscribe(servers[0], "t").expect("is there");
    let mut fragment = |last| {
        let sent = connections.send_fragment(servers[0], MessageKind::Text, b"part", last);
        assert_eq!(sent, Ok(Sent::Sent));
        publish(connections, "t", "between or behind");
        connections.flush();
        connections.counters().publishes_dropped
    };
    assert_eq!(fragment(false), 1);
    assert_eq!(fragment(true), 1);
}

#[test]
fn what_is_published_before_a_close_arrives_and_a_closing_subscriber_is_not_slow() {
    let mut engine = engine();
    let options = Options {
        close_slow_subscribers: true,
        ..Options::default()
    };
    let (clients, servers) = pairs(&mut engine, 1, &options);
    engine
        .connections()
        .subscribe(servers[0], "t")
        .expect("is there");
    engine
        .connections()
        .send_text(clients[0], "go")
        .expect("sends");
    let (mut log, mut ends) = (Vec::new(), 0);
    run(&mut engine, |event, connections| {
        match event.kind {
            EventKind::Message { .. } if event.id == servers[0] => {
                publish(connections, "t", "last");
                connections
                    .close(servers[0], CloseCode::NORMAL, "")
                    .expect("closes");
                publish(connections, "t", "too late");
            }
            EventKind::Message { payload, .. } => log.push(payload.to_vec()),
            EventKind::Closed(closed) => {
                assert!(closed.is_clean(), "{closed:?}");
                ends += 1;
            }
            ref other => panic!("{other:?}"),
        }
        ends == 2
    });
    assert_eq!(log, [b"last".to_vec()]);
    assert_eq!(engine.connections().counters().publishes_dropped, 1);
}
