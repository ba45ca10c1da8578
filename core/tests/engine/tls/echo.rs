//! Data through TLS, in all sizes and both directions.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread;

use ropeway_core::engine::{Client, EventKind, Received, Sent};
use ropeway_core::frame::CloseCode;
use ropeway_core::protocol::{MessageKind, Options};

use super::*;

fn echoed(client: &mut Client, payload: &[u8]) {
    client.send(MessageKind::Binary, payload).expect("is taken");
    match client.receive(Some(PATIENCE)).expect("receives") {
        Some(Received::Message { payload: back, .. }) => {
            assert!(back == payload, "{} bytes came back wrong", payload.len());
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn messages_of_all_sizes_come_back() {
    let authority = Authority::new();
    let server = serve_echo(authority.server());
    let mut client = open(server.address, &authority.client()).expect("opens");
    let info = client.tls_info().expect("there is TLS");
    assert_eq!(info.version, "TLSv1.3");
    assert_eq!(info.application_protocol.as_deref(), Some("http/1.1"));
    assert_eq!(info.peer_certificates.len(), 1);
    assert!(!info.resumed && info.cipher_suite.starts_with("TLS13_"));
    for size in [
        0,
        1,
        125,
        126,
        4096,
        16_383,
        16_384,
        16_385,
        65_500,
        65_535,
        65_536,
        131_072,
        1_000_003,
        16 << 20,
    ] {
        echoed(&mut client, &pattern(size));
    }
    let closed = client.close(CloseCode::NORMAL, "done").expect("closes");
    assert_eq!(closed.cause, None);
    assert_eq!(closed.code(), CloseCode::NORMAL);
}

#[test]
fn a_reader_that_waits_gets_all_that_was_queued() {
    const COUNT: usize = 40;
    let authority = Authority::new();
    let (sender, states) = mpsc::channel();
    let server = serve(authority.server(), move |event, connections| {
        if let EventKind::Message { .. } = event.kind {
            let payload = pattern(300_000);
            for _ in 0..COUNT {
                let sent = connections
                    .send(event.id, MessageKind::Binary, &payload)
                    .expect("is taken");
                sender.send(sent).expect("the test listens");
            }
            let queued = connections.queued_bytes(event.id).expect("is there");
            assert!(queued > 0, "the kernel took {COUNT} messages at once");
        }
        if let EventKind::Writable = event.kind {
            connections.send_text(event.id, "done").expect("is taken");
        }
    });
    let mut peer = authority.open_peer(server.address);
    peer.sock.set_nodelay(true).expect("no delay");
    peer.write_all(&frame(TEXT, b"go", true)).expect("is taken");
    let states: Vec<Sent> = states.iter().take(COUNT).collect();
    assert!(matches!(states.last(), Some(Sent::Queued(_))), "{states:?}");
    for _ in 0..COUNT {
        let (first, payload) = receive_frame(&mut peer);
        assert!(first == BINARY && payload == pattern(300_000));
    }
    assert_eq!(receive_frame(&mut peer), (TEXT, b"done".to_vec()));
}

#[test]
fn a_paused_connection_loses_nothing_of_what_was_decrypted() {
    let authority = Authority::new();
    let mut own = engine();
    let (_, address) = listen_at(
        &mut own,
        "127.0.0.1:0",
        &in_tls(authority.server()),
        Options::default(),
    );
    let client = thread::spawn(move || {
        let mut peer = authority.open_peer(address);
        let frames: Vec<u8> = (0..2000_u32)
            .flat_map(|number| frame(BINARY, &number.to_be_bytes().repeat(50), true))
            .collect();
        peer.write_all(&frames).expect("is taken");
        peer
    });
    let mut next = 0_u32;
    run(&mut own, |event, connections| {
        if let EventKind::Message { payload, .. } = event.kind {
            assert_eq!(payload[..4], next.to_be_bytes());
            next += 1;
            if next.is_multiple_of(100) {
                connections.pause(event.id).expect("is there");
                connections.resume(event.id).expect("is there");
            }
        }
        next == 2000
    });
    drop(client.join().expect("no panic"));
}

/// Hands every byte on by itself.
fn drip(mut from: TcpStream, mut to: TcpStream) {
    let mut bytes = [0; 4096];
    loop {
        match from.read(&mut bytes) {
            Ok(0) | Err(_) => break,
            Ok(count) => {
                for byte in &bytes[..count] {
                    if to.write_all(&[*byte]).is_err() {
                        return;
                    }
                }
            }
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

#[test]
fn records_may_come_byte_by_byte() {
    let authority = Authority::new();
    let server = serve_echo(authority.server());
    let proxy = TcpListener::bind("127.0.0.1:0").expect("listens");
    let address = proxy.local_addr().expect("has one");
    let target = server.address;
    let drips = thread::spawn(move || {
        let near = Raw::accept(&proxy).socket;
        let far = Raw::connect(target).socket;
        let (near_too, far_too) = (
            near.try_clone().expect("a clone"),
            far.try_clone().expect("a clone"),
        );
        let other = thread::spawn(move || drip(far_too, near_too));
        drip(near, far);
        other.join().expect("no panic");
    });
    let mut client = open(address, &authority.client()).expect("opens");
    for size in [0, 1, 300, 5000] {
        echoed(&mut client, &pattern(size));
    }
    let closed = client.close(CloseCode::NORMAL, "").expect("closes");
    assert_eq!(closed.cause, None);
    drop(client);
    drips.join().expect("no panic");
}

#[test]
fn fragments_stream_and_topics_publish() {
    let authority = Authority::new();
    let server = serve(authority.server(), |event, connections| match event.kind {
        EventKind::Opened(_) => {
            assert!(connections.subscribe(event.id, "news").expect("is there"));
        }
        EventKind::Message { kind, payload } => {
            connections
                .publish("news", kind, payload, None)
                .expect("is published");
        }
        _ => {}
    });
    let connect = authority.client();
    let mut clients: Vec<_> = (0..3)
        .map(|_| open(server.address, &connect).expect("opens"))
        .collect();
    // All have been subscribed once each has had an answer of its own.
    for client in &mut clients {
        client.ping(b"there?").expect("is taken");
        assert!(matches!(
            client.receive(Some(PATIENCE)),
            Ok(Some(Received::Pong { .. }))
        ));
    }
    let parts: [&[u8]; 3] = [b"one ", b"two ", b"three"];
    for (at, part) in parts.iter().enumerate() {
        clients[0]
            .send_fragment(MessageKind::Text, part, at == 2)
            .expect("is taken");
    }
    for client in &mut clients {
        match client.receive(Some(PATIENCE)).expect("receives") {
            Some(Received::Message { payload, .. }) => assert_eq!(payload, b"one two three"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn many_clients_talk_at_once() {
    let authority = Arc::new(Authority::new());
    let server = serve_echo(authority.server());
    let address = server.address;
    let threads: Vec<_> = (0..4)
        .map(|seed| {
            let authority = Arc::clone(&authority);
            thread::spawn(move || {
                let mut random = Random(seed + 1);
                let mut client = open(address, &authority.client()).expect("opens");
                for _ in 0..50 {
                    echoed(&mut client, &pattern(random.below(40_000)));
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("no panic");
    }
}
