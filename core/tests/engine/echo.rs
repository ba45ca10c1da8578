//! Messages of all sizes and kinds, both ways; several engines and listeners.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ropeway_core::Error;
use ropeway_core::engine::{Client, ConnectionId, EventKind, ListenOptions, Received};
use ropeway_core::frame::CloseCode;
use ropeway_core::protocol::{MessageKind, Options};

use crate::rig::*;

#[test]
fn messages_of_all_sizes_come_back_the_same() {
    let server = Served::echo(Options::default());
    let mut engine = engine();
    let client = dial(&mut engine, server.address, Options::default());
    let sizes: Vec<usize> = (0..20)
        .chain([
            125, 126, 127, 1000, 16_383, 16_384, 16_385, 65_535, 65_536, 65_537,
        ])
        .chain([
            (512 << 10) - 14,
            512 << 10,
            1 << 20,
            (2 << 20) + 1,
            16 << 20,
        ])
        .collect();
    let mut came = 0;
    run(&mut engine, |event, connections| {
        assert_eq!(event.id, client);
        match event.kind {
            EventKind::Opened(_) => {
                for &size in &sizes {
                    connections
                        .send_binary(client, &pattern(size))
                        .expect("sends");
                }
            }
            EventKind::Message { kind, payload } => {
                assert_eq!(kind, MessageKind::Binary);
                assert!(
                    payload == pattern(sizes[came]),
                    "message of {} bytes",
                    sizes[came]
                );
                came += 1;
            }
            EventKind::Writable => {}
            ref other => panic!("{other:?}"),
        }
        came == sizes.len()
    });
    assert_eq!(
        engine.connections().counters().received.messages,
        sizes.len() as u64
    );
}

#[test]
fn a_server_s_messages_of_all_sizes_reach_a_client_in_order() {
    let mut engine = engine();
    let (client, server) = pair(&mut engine, Options::default(), Options::default());
    let sizes = [5 << 20, 0, 1, 20_000, 70_000, 3, 16 << 20, 2];
    for size in sizes {
        engine
            .connections()
            .send_binary(server, &pattern(size))
            .expect("sends");
    }
    let mut came = Vec::new();
    run(&mut engine, |event, _| {
        if let Some((_, payload)) = message(&event) {
            assert_eq!(event.id, client);
            assert!(payload == pattern(payload.len()));
            came.push(payload.len());
        }
        came.len() == sizes.len()
    });
    assert_eq!(came, sizes);
}

#[test]
fn fragments_become_one_message_and_control_frames_come_in_between() {
    let mut engine = engine();
    let (client, server) = pair(&mut engine, Options::default(), Options::default());
    let connections = engine.connections();
    connections
        .send_fragment(client, MessageKind::Text, "süß".as_bytes(), false)
        .expect("begins");
    connections.ping(client, b"between").expect("pings");
    connections
        .send_fragment(client, MessageKind::Text, b"", false)
        .expect("goes on");
    connections
        .send_fragment(client, MessageKind::Text, b"!", true)
        .expect("ends");
    let mut log = Vec::new();
    run(&mut engine, |event, _| {
        match event.kind {
            EventKind::Ping { payload } => log.push((event.id == server, payload.to_vec())),
            EventKind::Pong {
                payload,
                round_trip,
            } => {
                assert_eq!(round_trip, None, "no keep-alive's");
                log.push((event.id == server, payload.to_vec()));
            }
            EventKind::Message { kind, payload } => {
                assert_eq!(kind, MessageKind::Text);
                log.push((event.id == server, payload.to_vec()));
            }
            ref other => panic!("{other:?}"),
        }
        log.len() == 3
    });
    assert_eq!(
        log,
        [
            (true, b"between".to_vec()),
            (true, "süß!".as_bytes().to_vec()),
            (false, b"between".to_vec())
        ]
    );
}

#[test]
fn streaming_hands_a_large_message_out_in_pieces() {
    let mut engine = engine();
    let streaming = Options {
        streaming: true,
        max_message_size: 10,
        ..Options::default()
    };
    let (client, server) = pair(&mut engine, Options::default(), streaming);
    let sent = pattern(20 << 20);
    engine
        .connections()
        .send_binary(client, &sent)
        .expect("sends");
    let (mut came, mut pieces) = (Vec::new(), 0);
    run(&mut engine, |event, _| {
        if event.id == client {
            assert!(matches!(event.kind, EventKind::Writable), "{event:?}");
            return false;
        }
        let EventKind::Fragment {
            kind,
            payload,
            first,
            last,
        } = event.kind
        else {
            panic!("{event:?}");
        };
        assert_eq!(
            (event.id, kind, first),
            (server, MessageKind::Binary, pieces == 0)
        );
        pieces += 1;
        came.extend_from_slice(payload);
        last
    });
    assert!(came == sent);
    assert!(pieces > 1);
}

#[test]
fn engines_on_several_threads_share_a_port() {
    const ENGINES: usize = 3;
    let listen = ListenOptions {
        reuse_port: true,
        ..ListenOptions::default()
    };
    let served: Arc<Vec<AtomicUsize>> =
        Arc::new((0..ENGINES).map(|_| AtomicUsize::new(0)).collect());
    let mut address = "127.0.0.1:0".to_owned();
    let mut servers = Vec::new();
    for number in 0..ENGINES {
        let served = Arc::clone(&served);
        let server = Served::with(
            engine(),
            &address,
            &listen,
            Options::default(),
            move |event, connections| {
                if let EventKind::Opened(_) = event.kind {
                    served[number].fetch_add(1, Ordering::Relaxed);
                }
                echo(&event, connections);
            },
        );
        address = server.address.to_string();
        servers.push(server);
    }
    // The kernel spreads them by a hash: that one of three engines gets none of 200 does not happen.
    for _ in 0..200 {
        let mut raw = Raw::open(servers[0].address);
        raw.send(TEXT, b"hello");
        assert_eq!(raw.receive(), (TEXT, b"hello".to_vec()));
    }
    let counts: Vec<usize> = served
        .iter()
        .map(|count| count.load(Ordering::Relaxed))
        .collect();
    assert_eq!(counts.iter().sum::<usize>(), 200);
    assert!(counts.iter().all(|&count| count > 0), "{counts:?}");
}

#[test]
fn listeners_open_and_close_and_are_told_apart() {
    let mut engine = engine();
    let (first, one) = listen(&mut engine, Options::default());
    let (second, two) = listen(&mut engine, Options::default());
    let (_own, _other) = (
        dial(&mut engine, one, Options::default()),
        dial(&mut engine, two, Options::default()),
    );
    let mut from = Vec::new();
    let mut opened = 0;
    run(&mut engine, |event, connections| {
        assert!(matches!(event.kind, EventKind::Opened(_)), "{event:?}");
        opened += 1;
        if let Some(listener) = connections.listener_of(event.id) {
            from.push((listener, event.id));
        }
        opened == 4
    });
    from.sort_unstable();
    let accepted: ConnectionId = from[0].1;
    assert_eq!([from[0].0, from[1].0], [first, second]);

    let connections = engine.connections();
    connections.close_listener(first).expect("was there");
    assert_eq!(connections.close_listener(first), Err(Error::UnknownId));
    assert_eq!(connections.listener_address(first), Err(Error::UnknownId));
    assert_eq!(connections.listener_of(accepted), None);
    assert!(
        std::net::TcpStream::connect(one).is_err(),
        "nobody listens any more"
    );
    // Another listener in its place is not taken for it.
    let (third, _) = listen(&mut engine, Options::default());
    assert_ne!(third, first);
    assert_eq!(engine.connections().listener_of(accepted), None);
    // Its connections live on.
    engine
        .connections()
        .send_text(accepted, "still there")
        .expect("sends");
    run(&mut engine, |event, _| {
        message(&event).is_some_and(|(_, text)| text == b"still there")
    });
}

#[test]
fn ipv6_serves_and_dials() {
    let mut engine = engine();
    let listened = engine.connections().listen(
        "[::1]:0".parse().expect("an address"),
        &ListenOptions::default(),
        Arc::new(Options::default()),
    );
    let listener = match listened {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("SKIPPED: this machine has no IPv6 loopback: {error}");
            assert!(std::net::TcpListener::bind("[::1]:0").is_err(), "{error}");
            return;
        }
    };
    let address = engine
        .connections()
        .listener_address(listener)
        .expect("is there");
    let client = dial(&mut engine, address, Options::default());
    run(&mut engine, |event, connections| {
        if event.id == client {
            if let EventKind::Opened(_) = event.kind {
                assert_eq!(connections.peer_address(client), Ok(address));
                connections.send_text(client, "six").expect("sends");
            }
            return message(&event).is_some();
        }
        echo(&event, connections);
        false
    });
}

#[test]
fn a_blocking_client_and_a_threaded_server_exchange_a_hundred_messages() {
    let server = Served::echo(Options::default());
    let mut client =
        Client::open(&url(server.address), Arc::new(Options::default())).expect("opens");
    for number in 0..100_u32 {
        let text = number.to_string();
        client
            .send(MessageKind::Text, text.as_bytes())
            .expect("sends");
        match client.receive(Some(PATIENCE)).expect("receives") {
            Some(Received::Message {
                kind: MessageKind::Text,
                payload,
            }) => {
                assert_eq!(payload, text.as_bytes());
            }
            other => panic!("{other:?}"),
        }
    }
    let closed = client.close(CloseCode::NORMAL, "done").expect("closes");
    assert!(closed.is_clean());
}
