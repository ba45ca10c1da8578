//! What a hostile peer can make a connection hold, measured on the heap itself.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ropeway_core::engine::{
    ConnectionId, Engine, EngineOptions, Event, EventKind, ListenOptions, Sent,
};
use ropeway_core::frame::FrameError;
use ropeway_core::protocol::{Input, MessageKind, Options, Output, Protocol};
use ropeway_core::{Error, Limit, Role, SendError};

use crate::heap::{held, peak_of, with_little_memory};
use crate::rig::*;

fn limited(max_message_size: u64) -> Options {
    Options {
        max_message_size,
        ..Options::default()
    }
}

#[test]
fn cve_2022_35922_a_declared_length_is_not_allocated() {
    for role in BOTH {
        let mut peer = Peer::open(role, limited(u64::MAX));
        let header = header_to(role, BINARY, 1 << 62);
        let peak = peak_of(|| peer.receive(&header));
        assert!(peak < 1024, "{peak} bytes for a header");
        // What does come is kept with a bounded lead.
        let peak = peak_of(|| peer.receive(&[7; 10]));
        assert!(peak < 80 << 10, "{peak} bytes for a header and 10 bytes");
    }
}

#[test]
fn cve_2026_1526_pysec_2018_79_a_bomb_costs_its_limit_and_not_its_size() {
    // 1 GiB of zeros in a few MB: whole blocks that refer to nothing before them.
    let mut bomb = deflated(&vec![0; 1 << 20]);
    bomb.extend([0, 0, 0xff, 0xff]);
    let mut bomb = bomb.repeat(1024);
    bomb.push(0);
    let limit = 1 << 20;
    for role in BOTH {
        for takes_over in [false, true] {
            let frame = frame_to(role, BINARY | COMPRESSED, &bomb);
            // As one read, which stands in the receive buffer whole, and as reads of a socket.
            for (piece, buffer) in [(frame.len(), frame.len()), (64 << 10, 64 << 10)] {
                let mut peer = Peer::compressing(role, takes_over, limited(limit));
                let peak = peak_of(|| {
                    for piece in frame.chunks(piece) {
                        if peer.closed.is_none() {
                            peer.receive(piece);
                        }
                    }
                });
                assert!(
                    matches!(peer.cause(), Error::Limit { limit: Limit::MessageSize, value, .. } if *value == limit),
                    "{:?}",
                    peer.cause()
                );
                let most = buffer + 5 * limit as usize;
                assert!(peak < most, "{peak} bytes for a limit of {limit}");
            }
        }
    }
}

#[test]
fn cve_2026_48779_cve_2026_12151_tiny_fragments_cost_what_they_carry() {
    for role in BOTH {
        for payload in [&b""[..], b"x"] {
            let mut peer = Peer::open(role, Options::default());
            let many = frame_to(role, CONTINUES, payload).repeat(1024);
            peer.frame(BINARY_BEGINS, payload);
            peer.receive(&many);
            // The receive buffer has its size now; what grows from here on is the message.
            let before = held();
            let peak = peak_of(|| {
                for _ in 1..63 {
                    peer.receive(&many);
                }
            });
            assert!(peer.closed.is_none());
            assert!(peak < 192 << 10, "{peak} bytes for 65,536 fragments");
            peer.receive(&many.repeat(2));
            assert!(matches!(
                peer.cause(),
                Error::Limit {
                    limit: Limit::Fragments,
                    ..
                }
            ));
            assert!(
                held() <= before + 16 * 1024,
                "{} bytes stay",
                held() - before
            );
        }
    }
}

#[test]
fn ws_issue_2331_fragments_of_many_connections_hold_no_more_than_their_budget() {
    const BUDGET: u64 = 4 << 20;
    for role in BOTH {
        let options = Arc::new(Options::default());
        let mut input = Input::with_incomplete_limit(BUDGET);
        let mut output = Output::new();
        let mut all: Vec<_> = (0..1000)
            .map(|_| Protocol::open(role, Arc::clone(&options), NOW))
            .collect();
        let mut bytes = frame_to(role, BINARY_BEGINS, b"x");
        bytes.extend(frame_to(role, CONTINUES, b"x").repeat(131));
        bytes.extend(frame_to(role, CONTINUES, &[1; 8000]));
        input.extend(&bytes);
        let mut failed = 0;
        let mut first = Protocol::open(role, options, NOW);
        while first.next_event(&mut input, &mut output, NOW).is_some() {}
        first.release(&mut input);
        let peak = peak_of(|| {
            for protocol in &mut all {
                input.extend(&bytes);
                while protocol.next_event(&mut input, &mut output, NOW).is_some() {}
                failed += usize::from(protocol.is_ended());
                output.consume(usize::MAX);
            }
        });
        assert!(failed > 400, "{failed} of 1000 were failed");
        // Beside the messages each connection has one record of what is incomplete, and its end.
        let most = BUDGET as usize + 1000 * 512;
        assert!(peak < most, "{peak} bytes for a budget of {BUDGET}");
        all.iter_mut()
            .for_each(|protocol| protocol.release(&mut input));
        assert_eq!(input.incomplete_bytes(), 0);
    }
}

#[test]
fn cve_2026_11586_a_ping_flood_costs_one_pong() {
    for role in BOTH {
        let mut peer = Peer::open(role, Options::default());
        peer.output.set_blocked(true);
        let pings = frame_to(role, PING, &[1; 125]).repeat(100);
        peer.receive(&pings);
        let peak = peak_of(|| {
            for _ in 0..100 {
                peer.receive(&pings);
            }
        });
        assert!(peak < 1024, "{peak} bytes for 10,000 pings");
    }
}

#[test]
fn websocketpp_issue_789_a_half_open_handshake_costs_what_it_has_sent() {
    let mut server = Peer::server(Options::default());
    server.receive(b"GET / HTTP/1.1\r\nHost: h\r\n");
    let peak = peak_of(|| {
        for _ in 0..20_000 {
            server.receive(b"X");
        }
    });
    assert!(server.closed.is_some());
    // 16 KiB of head, in a buffer that grows by doubling.
    assert!(peak < 64 << 10, "{peak} bytes for a head of 16 KiB");
}

#[test]
fn cve_2026_59881_a_compressed_frame_costs_nothing_where_none_was_agreed() {
    let bytes = deflated(&vec![0; 1 << 20]);
    for role in BOTH {
        let mut peer = Peer::open(role, Options::default());
        let frame = frame_to(role, TEXT | COMPRESSED, &bytes);
        peer.input.extend(&frame);
        let peak = peak_of(|| peer.receive(&[]));
        assert_eq!(
            peer.cause(),
            &Error::Frame(FrameError::ReservedBits(COMPRESSED))
        );
        assert!(peak < 8192, "{peak} bytes");
    }
}

/// A server's engine on this thread, so that its heap is counted, and a client that opens and then reads nothing.
fn silent_client(options: Options) -> (Engine, ConnectionId, TcpStream) {
    let mut engine = Engine::new(EngineOptions::default()).expect("an engine");
    let connections = engine.connections();
    let any = "127.0.0.1:0".parse().expect("an address");
    let listener = connections
        .listen(any, &ListenOptions::default(), Arc::new(options))
        .expect("listens");
    let address = connections.listener_address(listener).expect("is there");
    let mut client = TcpStream::connect(address).expect("connects");
    client
        .write_all(
            b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
              Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        )
        .expect("sends");
    let server = wait(&mut engine, |event| match event.kind {
        EventKind::Opened(_) => Some(event.id),
        _ => None,
    });
    (engine, server, client)
}

/// Turns the engine until an event is what is looked for.
fn wait<T>(engine: &mut Engine, look: impl Fn(&Event<'_>) -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        assert!(Instant::now() < end, "it never came");
        engine.poll(Some(Duration::from_secs(1))).expect("polls");
        while let Some((event, _)) = engine.next_event() {
            if let Some(found) = look(&event) {
                return found;
            }
        }
    }
}

#[test]
fn cve_2020_35896_a_peer_that_never_reads_costs_the_queues_limit() {
    const LIMIT: u64 = 1 << 20;
    let (mut engine, server, mut client) = silent_client(Options {
        send_queue_low: LIMIT / 4,
        send_queue_high: LIMIT / 2,
        send_queue_limit: LIMIT,
        ..Options::default()
    });
    let mut refused = 0;
    let message = [7; 10_000];
    let peak = peak_of(|| {
        for _ in 0..10_000 {
            let sent = engine.connections().send_binary(server, &message);
            refused += usize::from(matches!(sent, Err(SendError::Full { limit: LIMIT, .. })));
        }
    });
    assert!(refused > 1000, "{refused} of 10,000 were refused");
    let most = 2 * LIMIT as usize + (512 << 10);
    assert!(peak < most, "{peak} bytes for a limit of {LIMIT}");
    let mut head = [0; 12];
    client.read_exact(&mut head).expect("an answer");
    assert_eq!(&head, b"HTTP/1.1 101");
}

#[test]
fn aiohttp_13415_cve_2026_1528_fragments_whose_lengths_wrap_cost_nothing() {
    for role in BOTH {
        for length in [
            1 << 31,
            1 << 32,
            (1 << 53) + 1,
            (1 << 63) - 100,
            (1 << 63) - 1,
        ] {
            let mut peer = Peer::open(role, limited(1 << 20));
            peer.frame(BINARY_BEGINS, &[1; 100]);
            let header = header_to(role, CONTINUES, length);
            let peak = peak_of(|| peer.receive(&header));
            let expected = Error::Limit {
                limit: Limit::MessageSize,
                value: 1 << 20,
                actual: length + 100,
                role,
            };
            assert_eq!(peer.cause(), &expected);
            assert!(peak < 8192, "{peak} bytes");
        }
    }
}

#[test]
fn without_memory_for_a_message_its_connection_is_failed() {
    let payload = vec![0; 8 << 20];
    for role in BOTH {
        let whole = frame_to(role, BINARY | COMPRESSED, &deflated(&payload));
        let begun = frame_to(role, BINARY_BEGINS, &payload[..2 << 20]);
        for (frame, piece) in [(&whole, whole.len()), (&whole, 1000), (&begun, 4096)] {
            let mut peer = Peer::compressing(role, false, Options::default());
            with_little_memory(1 << 20, || {
                for piece in frame.chunks(piece) {
                    if peer.closed.is_none() {
                        peer.receive(piece);
                    }
                }
            });
            let closed = peer.closed.as_ref().expect("it has ended");
            assert!(
                matches!(
                    peer.cause(),
                    Error::Limit {
                        limit: Limit::IncompleteMessages,
                        ..
                    }
                ),
                "{closed:?}"
            );
            let sent = closed.sent.as_ref().expect("a Close frame");
            assert_eq!(sent.code.get(), 1013);
            assert_eq!(peer.input.incomplete_bytes(), 0);
        }
    }
}

#[test]
fn without_memory_for_what_is_sent_nothing_is() {
    // Nothing that a compressor makes smaller.
    let mut word = 1_u64;
    let payload: Vec<u8> = (0..4 << 20)
        .map(|_| {
            word = word.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            (word >> 56) as u8
        })
        .collect();
    let open = |role, takes_over| match takes_over {
        None => Peer::open(role, Options::default()),
        Some(takes_over) => Peer::compressing(role, takes_over, Options::default()),
    };
    for (role, peer) in [(Role::Client, Role::Server), (Role::Server, Role::Client)] {
        for takes_over in [None, Some(false), Some(true)] {
            let (mut peer, mut other) = (open(role, takes_over), open(peer, takes_over));
            let mut send = |payload: &[u8]| {
                let Peer {
                    protocol, output, ..
                } = &mut peer;
                let sent = protocol.send(output, MessageKind::Binary, payload);
                (sent, peer.sent())
            };
            other.receive(&send(&payload[..1000]).1);
            let mut refused = None;
            with_little_memory(1 << 20, || refused = Some(send(&payload)));
            let (sent, bytes) = refused.expect("it was tried");
            assert!(
                matches!(sent, Err(SendError::OutOfMemory(size)) if size > 1 << 20),
                "{sent:?}"
            );
            assert_eq!(bytes, []);
            // The connection lives on.
            let (sent, bytes) = send(&payload);
            assert_eq!(sent, Ok(()));
            let mut same = false;
            other.receive_each(&bytes, |_, received| same = received == payload);
            assert!(same && other.messages == 2);
        }
    }
}

#[test]
fn without_memory_for_what_the_kernel_does_not_take_its_connection_fails() {
    let (mut engine, server, _client) = silent_client(Options::default());
    let payload = vec![0; 32 << 20];
    let connections = engine.connections();
    connections.subscribe(server, "t").expect("subscribes");
    let (mut published, mut sent) = (Ok(0), Ok(Sent::Queued(0)));
    with_little_memory(1 << 20, || {
        published = connections.publish("t", MessageKind::Binary, &payload, None);
        // The kernel takes a part of it, so that the peer waits for the rest.
        sent = connections.send_binary(server, &payload);
    });
    assert!(matches!(published, Err(SendError::OutOfMemory(_))));
    assert_eq!(sent, Ok(Sent::Sent));
    let cause = wait(&mut engine, |event| match &event.kind {
        EventKind::Closed(closed) => Some(closed.cause.clone()),
        _ => None,
    });
    assert!(
        matches!(cause, Some(Error::Send(SendError::OutOfMemory(size))) if size > 1 << 20),
        "{cause:?}"
    );
}

#[test]
fn a_connection_leaves_nothing_on_the_heap() {
    let before = held();
    for role in [Role::Client, Role::Server] {
        let mut peer = Peer::open(role, Options::default());
        peer.frame(BINARY_BEGINS, &[1; 10_000]);
        peer.frame(PING, b"p");
        peer.frame(TEXT, b"not now");
        assert!(peer.closed.is_some());
    }
    assert_eq!(held(), before);
}
