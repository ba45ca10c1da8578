//! Sockets that the host hands over: listening ones, and connections of which it has read some already.

use std::io::{ErrorKind, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;

use mio::unix::SourceFd;
use mio::{Interest, Token};
use ropeway_core::Error;
use ropeway_core::engine::{
    ConnectOptions, ConnectionId, Engine, EngineOptions, EventKind, ListenOptions, ListenerId,
};
use ropeway_core::protocol::{MessageKind, Options};

use crate::rig::*;

fn local() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("binds")
}

/// Both ends of a connection: a client's, and the one that the host has accepted.
fn connected() -> (Raw, TcpStream) {
    let listener = local();
    let raw = Raw::connect(listener.local_addr().expect("an address"));
    (raw, listener.accept().expect("accepts").0)
}

fn adopt(engine: &mut Engine, socket: impl Into<OwnedFd>, received: &[u8]) -> ConnectionId {
    engine
        .connections()
        .adopt(socket.into(), received, Arc::default())
        .expect("takes it over")
}

#[test]
fn a_listening_socket_is_taken_over() {
    let socket = local();
    let address = socket.local_addr().expect("an address");
    let mut engine = engine();
    let connections = engine.connections();
    let listener = connections
        .adopt_listener(socket.into(), &ListenOptions::default(), Arc::default())
        .expect("takes it over");
    assert_eq!(connections.listener_address(listener), Ok(address));
    let client = dial(&mut engine, address, Options::default());
    let mut back = None;
    run(&mut engine, |event, connections| {
        match event.kind {
            EventKind::Opened(_) if event.id == client => {
                connections.send_text(client, "hello").expect("sends");
            }
            EventKind::Opened(_) => assert_eq!(event.listener, listener),
            EventKind::Message { .. } if event.id == client => back = message(&event),
            _ => echo(&event, connections),
        }
        back.is_some()
    });
    assert_eq!(back, Some((MessageKind::Text, b"hello".to_vec())));
}

#[test]
fn the_file_of_a_unix_socket_taken_over_stays() {
    let path = std::env::temp_dir().join(format!("ropeway-adopted-{}.sock", std::process::id()));
    let socket = UnixListener::bind(&path).expect("binds");
    let mut engine = engine();
    let connections = engine.connections();
    let listener = connections
        .adopt_listener(socket.into(), &ListenOptions::default(), Arc::default())
        .expect("takes it over");
    assert_eq!(
        connections.listener_path(listener),
        Ok(Some(path.as_path()))
    );
    connections.close_listener(listener).expect("is there");
    let stays = path.exists();
    std::fs::remove_file(&path).expect("is there");
    assert!(stays);
}

/// Wherever the host has stopped reading, and whatever came after it: the same messages, and the answers to them.
#[test]
fn a_connection_goes_on_where_the_host_stopped_reading() {
    let large = pattern(200_000);
    let stream = [
        REQUEST.as_bytes(),
        &frame(TEXT, b"early", true),
        &frame(BINARY, &large, true),
    ]
    .concat();
    let request = REQUEST.len();
    let cuts = [
        0,
        1,
        request - 1,
        request,
        request + 3,
        request + 40,
        request + 150_000,
        stream.len(),
    ];
    for cut in cuts {
        let (raw, host) = connected();
        let mut engine = engine();
        let id = adopt(&mut engine, host, &stream[..cut]);
        let rest = stream[cut..].to_vec();
        let peer = std::thread::spawn(move || {
            let mut raw = raw;
            raw.write(rest);
            let head = raw.head();
            assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
            (raw.receive(), raw.receive())
        });
        let mut messages = Vec::new();
        run(&mut engine, |event, connections| {
            assert_eq!((event.id, event.listener), (id, ListenerId::NONE));
            messages.extend(message(&event));
            echo(&event, connections);
            messages.len() == 2
        });
        assert!(
            messages[0] == (MessageKind::Text, b"early".to_vec()),
            "{cut}"
        );
        assert!(messages[1] == (MessageKind::Binary, large.clone()), "{cut}");
        until(&mut engine, |_, _| {}, |_| peer.is_finished());
        let (first, second) = peer.join().expect("is answered");
        assert_eq!(first, (TEXT, b"early".to_vec()));
        assert!(second == (BINARY, large.clone()), "{cut}");
        assert_eq!(engine.connections().counters().accepted, 1);
    }
}

#[test]
fn a_peer_that_has_gone_after_its_request_is_noticed() {
    let (raw, host) = connected();
    drop(raw);
    let mut engine = engine();
    let id = adopt(&mut engine, host, REQUEST.as_bytes());
    assert!(end_of(&mut engine, id).cause.is_some());
    all_gone(&mut engine);
}

#[test]
fn a_unix_connection_is_taken_over_in_a_foreign_loop() {
    let (mut own, host) = UnixStream::pair().expect("a pair");
    let mut engine = engine();
    // The descriptor becomes ready although nothing more comes from the socket.
    let descriptor = engine.descriptor();
    let id = adopt(&mut engine, host, REQUEST.as_bytes());
    let mut loops = mio::Poll::new().expect("a loop");
    loops
        .registry()
        .register(&mut SourceFd(&descriptor), Token(0), Interest::READABLE)
        .expect("is watched");
    let mut ready = mio::Events::with_capacity(1);
    loops.poll(&mut ready, Some(PATIENCE)).expect("waits");
    assert!(!ready.is_empty());
    own.write_all(&frame(TEXT, b"hello", true)).expect("writes");
    let mut got = None;
    run(&mut engine, |event, _| {
        assert_eq!(event.id, id);
        got = message(&event);
        got.is_some()
    });
    assert_eq!(got, Some((MessageKind::Text, b"hello".to_vec())));
}

#[test]
fn a_connected_socket_is_a_client_too() {
    let (own, host) = UnixStream::pair().expect("a pair");
    let mut engine = engine();
    let server = adopt(&mut engine, host, b"");
    let client = engine
        .connections()
        .connect_over(
            own.into(),
            "ws://chat.example/room",
            &ConnectOptions::default(),
            Arc::default(),
        )
        .expect("takes it over");
    let mut back = None;
    run(&mut engine, |event, connections| {
        match event.kind {
            EventKind::Opened(opened) if event.id == server => {
                let request = opened.request.as_ref().expect("a server has it");
                assert_eq!(request.headers.get("host"), Some("chat.example"));
            }
            EventKind::Opened(_) => {
                connections.send_text(client, "hello").expect("sends");
            }
            EventKind::Message { .. } if event.id == client => back = message(&event),
            _ => echo(&event, connections),
        }
        back.is_some()
    });
    assert_eq!(back, Some((MessageKind::Text, b"hello".to_vec())));
    assert_eq!(engine.connections().counters().dialled, 1);
}

#[test]
fn what_is_no_such_socket_is_refused() {
    let mut engine = Engine::new(EngineOptions {
        max_connections: 1,
        ..EngineOptions::default()
    })
    .expect("an engine");
    let file = || OwnedFd::from(std::fs::File::open("/dev/null").expect("opens"));
    let datagrams = || OwnedFd::from(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("binds"));
    let kind = |result: Result<(), Error>| match result {
        Err(Error::Io(error)) => error.kind(),
        other => panic!("{other:?}"),
    };
    let connections = engine.connections();
    let mut connection = |socket| kind(connections.adopt(socket, b"", Arc::default()).map(|_| ()));
    connection(file());
    assert_eq!(connection(datagrams()), ErrorKind::InvalidInput);
    assert_eq!(connection(local().into()), ErrorKind::NotConnected);
    let mut listener = |socket| {
        kind(
            connections
                .adopt_listener(socket, &ListenOptions::default(), Arc::default())
                .map(|_| ()),
        )
    };
    listener(file());
    assert_eq!(listener(datagrams()), ErrorKind::InvalidInput);
    assert_eq!(listener(connected().1.into()), ErrorKind::InvalidInput);

    let (_first, host) = connected();
    adopt(&mut engine, host, b"");
    let (_second, host) = connected();
    let refused = engine.connections().adopt(host.into(), b"", Arc::default());
    assert!(matches!(refused, Err(Error::Limit { .. })), "{refused:?}");
}
