//! Settings of sockets, and how many connections one address may have.

use std::net::SocketAddr;
use std::sync::Arc;

use ropeway_core::Error;
use ropeway_core::engine::{Client, ConnectOptions, EventKind, ListenOptions, SocketOptions};
use ropeway_core::protocol::Options;

use crate::rig::*;

fn from(local: &str) -> ConnectOptions {
    ConnectOptions {
        local_address: Some(local.parse().expect("an address")),
        ..ConnectOptions::default()
    }
}

fn over(interface: &str) -> SocketOptions {
    SocketOptions {
        interface: Some(interface.to_owned()),
        ..SocketOptions::default()
    }
}

fn open(address: SocketAddr, connect: &ConnectOptions) -> Result<Client, Error> {
    Client::open_with(&url(address), connect, Arc::default())
}

/// Why the one address could not be connected to.
fn reason(address: SocketAddr, connect: &ConnectOptions) -> String {
    match open(address, connect) {
        Err(Error::Connect { attempts, .. }) => {
            assert_eq!(attempts.len(), 1);
            attempts[0].1.to_string()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_connection_comes_from_the_address_that_was_chosen() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let server = Served::start(Options::default(), move |event, connections| {
        if let EventKind::Opened(_) = event.kind {
            let peer = connections.peer_address(event.id).expect("has one");
            sender.send(peer).expect("the test listens");
        }
    });
    // All of 127.0.0.0/8 is this machine's.
    open(server.address, &from("127.0.0.2:0")).expect("opens");
    let peer = receiver.recv_timeout(PATIENCE).expect("is told");
    assert_eq!(peer.ip().to_string(), "127.0.0.2");

    let reason = reason(server.address, &from("[::1]:0"));
    assert!(
        reason.starts_with("bind to the local address: "),
        "{reason}"
    );
}

#[test]
#[cfg(target_os = "linux")]
fn an_interface_is_kept_to() {
    let listen = ListenOptions {
        socket: over("lo"),
        ..ListenOptions::default()
    };
    let mut engine = engine();
    let any = "127.0.0.1:0".parse().expect("an address");
    let listened = engine.connections().listen(any, &listen, Arc::default());
    if let Err(error) = listened {
        eprintln!("SKIPPED: this system lets nobody choose an interface: {error}");
        return;
    }
    let server = Served::with(
        engine,
        "127.0.0.1:0",
        &listen,
        Options::default(),
        |_, _| {},
    );
    let with = |interface| ConnectOptions {
        socket: over(interface),
        ..ConnectOptions::default()
    };
    open(server.address, &with("lo")).expect("opens");
    let reason = reason(server.address, &with("no-such-one"));
    assert!(reason.starts_with("set the socket's options: "), "{reason}");
}

#[test]
fn settings_that_cannot_be_are_refused_at_once() {
    let socket = SocketOptions {
        dscp: Some(64),
        ..SocketOptions::default()
    };
    let mut engine = engine();
    let connect = ConnectOptions {
        socket: socket.clone(),
        ..ConnectOptions::default()
    };
    let dialled =
        (engine.connections()).connect_with("ws://127.0.0.1:1/", &connect, Arc::default());
    assert!(matches!(dialled, Err(Error::Misuse(_))), "{dialled:?}");
    let listen = ListenOptions {
        socket,
        ..ListenOptions::default()
    };
    let any = "127.0.0.1:0".parse().expect("an address");
    let listened = engine.connections().listen(any, &listen, Arc::default());
    assert!(matches!(listened, Err(Error::Misuse(_))), "{listened:?}");
    assert!(engine.connections().is_empty());
}

#[test]
fn an_address_has_so_many_connections_and_another_when_one_of_them_goes() {
    let mut engine = engine();
    let limited = ListenOptions {
        max_per_address: 2,
        ..ListenOptions::default()
    };
    let (_, address) = listen_at(&mut engine, "127.0.0.1:0", &limited, Options::default());
    let (_, other) = listen_at(&mut engine, "127.0.0.1:0", &limited, Options::default());
    let mut raws = vec![Raw::connect(address), Raw::connect(address)];
    until(&mut engine, |_, _| {}, |connections| connections.len() == 2);

    let mut third = Raw::connect(address);
    let refused = |connections: &mut ropeway_core::engine::Connections, count| {
        connections.counters().refused.addresses == count
    };
    until(
        &mut engine,
        |_, _| {},
        |connections| refused(connections, 1),
    );
    assert!(third.head().starts_with("HTTP/1.1 503 "));
    assert_eq!(engine.connections().len(), 2);

    // The other listener counts by itself.
    let _elsewhere = Raw::connect(other);
    until(&mut engine, |_, _| {}, |connections| connections.len() == 3);

    // However a connection ends, it makes room.
    for ends in [Raw::reset, drop] {
        ends(raws.remove(0));
        until(&mut engine, |_, _| {}, |connections| connections.len() == 2);
        raws.push(Raw::connect(address));
        until(&mut engine, |_, _| {}, |connections| connections.len() == 3);
    }
    let counters = *engine.connections().counters();
    assert_eq!((counters.refused.addresses, counters.accepted), (1, 5));
}
