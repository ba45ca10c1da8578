//! Supervised connections: servers that refuse, fail, vanish and return, and what is told of it.

mod chaos;
mod messages;
mod rules;

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use ropeway_core::engine::{
    ConnectOptions, ConnectionId, Connections, Engine, EngineOptions, Event, EventKind,
    NameResolver, Reconnect, Sent,
};
use ropeway_core::frame::CloseCode;
use ropeway_core::handshake::{HandshakeError, Headers};
use ropeway_core::protocol::{Accept, Closed, MessageKind, Options};
use ropeway_core::{Error, SendError, TlsError};

use crate::redirects::{answer, open, redirect, script};
use crate::rig::*;
use crate::tls::{Authority, in_tls};

/// Waits of at most 10 ms.
fn quick() -> Reconnect {
    Reconnect {
        base: Duration::from_millis(5),
        cap: Duration::from_millis(10),
        seed: Some(1),
        ..Reconnect::default()
    }
}

/// A wait that no test sees the end of.
fn slow() -> Reconnect {
    Reconnect {
        base: Duration::from_secs(36_000),
        cap: Duration::from_secs(36_000),
        seed: Some(1),
        ..Reconnect::default()
    }
}

fn supervise(engine: &mut Engine, address: SocketAddr, reconnect: Reconnect) -> ConnectionId {
    supervise_with(engine, address, Options::default(), reconnect)
}

fn supervise_with(
    engine: &mut Engine,
    address: SocketAddr,
    options: Options,
    reconnect: Reconnect,
) -> ConnectionId {
    engine
        .connections()
        .connect_supervised(
            &url(address),
            &ConnectOptions::default(),
            Arc::new(options),
            reconnect,
        )
        .expect("dials")
}

/// A port of this test's own that refuses until it is told to listen.
fn refusing() -> (socket2::Socket, SocketAddr) {
    let socket =
        socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    socket.bind(&any.into()).expect("binds");
    let address = socket.local_addr().expect("has one").as_socket();
    (socket, address.expect("an IP address"))
}

/// What is told of a connection, in short.
fn told(event: &Event<'_>) -> String {
    match &event.kind {
        EventKind::Reconnecting { attempt, .. } => format!("reconnecting {attempt}"),
        EventKind::Opened(_) => "opened".to_owned(),
        EventKind::Closed(_) => "closed".to_owned(),
        EventKind::Redirect { .. } => "redirect".to_owned(),
        EventKind::Writable => "writable".to_owned(),
        EventKind::Message { payload, .. } => String::from_utf8_lossy(payload).into_owned(),
        other => format!("{other:?}"),
    }
}

/// Everything that is told up to, and with, what is told last.
fn tale(
    engine: &mut Engine,
    last: &str,
    mut step: impl FnMut(&Event<'_>, &mut Connections),
) -> Vec<String> {
    let mut tale = Vec::new();
    run(engine, |event, connections| {
        let told = told(&event);
        step(&event, connections);
        let done = told == last;
        tale.push(told);
        done
    });
    tale
}

fn end(event: &Event<'_>, closed: &mut Option<Closed>) {
    if let EventKind::Closed(end) = event.kind {
        assert_eq!(closed.replace(end.clone()), None, "the end comes once");
    }
}

#[test]
fn a_server_that_is_not_there_yet_is_waited_for() {
    let (socket, address) = refusing();
    let mut engine = engine();
    let id = supervise(&mut engine, address, quick());
    engine.connections().set_user_data(id, 7).expect("is there");
    let tale = tale(&mut engine, "opened", |event, connections| {
        assert_eq!((event.id, event.user_data), (id, 7));
        if let EventKind::Reconnecting {
            closed,
            attempt,
            delay,
        } = event.kind
        {
            assert!(
                matches!(closed.cause, Some(Error::Connect { .. })),
                "{closed:?}"
            );
            assert!(delay < Duration::from_millis(10), "{delay:?}");
            assert!(connections.ids().any(|other| other == id));
            if attempt == 3 {
                socket.listen(8).expect("listens");
                let socket = socket.try_clone().expect("a copy");
                std::thread::spawn(move || open(&socket.into()).0.rest());
            }
        }
    });
    assert_eq!(
        tale,
        [
            "reconnecting 1",
            "reconnecting 2",
            "reconnecting 3",
            "opened"
        ]
    );
    assert_eq!(engine.connections().len(), 1);
}

#[test]
fn a_connection_that_is_lost_comes_back_under_its_id() {
    let (address, server) = script(|listener| {
        let (mut first, _) = open(listener);
        first.send(TEXT, b"one");
        assert_eq!(first.receive(), (TEXT, b"seen".to_vec()));
        first.reset();
        let (mut second, _) = open(listener);
        second.send(TEXT, b"two");
        assert_eq!(second.receive(), (TEXT, b"seen".to_vec()));
        // Half a message is no message of the next connection's.
        second.write(&frame(TEXT, b"three", false)[..4]);
        drop(second);
        let (mut third, _) = open(listener);
        third.send(TEXT, b"four");
        assert_eq!(third.receive(), (TEXT, b"seen".to_vec()));
        assert_eq!(third.receive().0, CLOSE);
        third.send(CLOSE, &close_payload(1000, ""));
    });
    let mut engine = engine();
    let id = supervise(&mut engine, address, quick());
    let mut closed = None;
    let tale = tale(&mut engine, "closed", |event, connections| {
        assert_eq!(event.id, id);
        end(event, &mut closed);
        if let EventKind::Reconnecting { closed, .. } = event.kind {
            assert!(closed.received.is_none() && closed.cause.is_some());
            let sent = connections.send_text(id, "lost");
            assert_eq!(
                sent,
                Err(SendError::NotOpen),
                "nothing is kept unless asked for"
            );
        }
        if let EventKind::Message { payload, .. } = event.kind {
            connections.send_text(id, "seen").expect("is open");
            if payload == b"four" {
                connections
                    .close(id, CloseCode::NORMAL, "")
                    .expect("is open");
            }
        }
    });
    assert_eq!(
        tale,
        [
            "opened",
            "one",
            "reconnecting 1",
            "opened",
            "two",
            "reconnecting 2",
            "opened",
            "four",
            "closed"
        ]
    );
    assert!(closed.expect("ends").is_clean());
    let counters = *engine.connections().counters();
    assert_eq!(
        (counters.dialled, counters.opened, counters.closed),
        (1, 3, 1)
    );
    server.join().expect("no panic");
    all_gone(&mut engine);
    assert_eq!(
        engine.connections().reconnect_now(id),
        Err(Error::UnknownId)
    );
}

#[test]
fn a_wait_ends_at_once_when_it_is_told_to() {
    let (socket, address) = refusing();
    let mut engine = engine();
    let begun = Instant::now();
    let ids: [_; 4] = std::array::from_fn(|_| supervise(&mut engine, address, slow()));
    let mut waiting = 0;
    run(&mut engine, |event, _| {
        let EventKind::Reconnecting { delay, .. } = event.kind else {
            panic!("{event:?}");
        };
        assert!(delay > PATIENCE);
        waiting += 1;
        waiting == ids.len()
    });
    socket.listen(8).expect("listens");
    let server = std::thread::spawn(move || open(&socket.into()).0.rest());
    let connections = engine.connections();
    for id in ids {
        assert!(connections.peer_address(id).is_err());
        assert_eq!(connections.queued_bytes(id), Ok(0));
        assert_eq!(connections.ping(id, b""), Err(SendError::NotOpen));
    }
    connections
        .close(ids[0], CloseCode::NORMAL, "enough")
        .expect("is there");
    connections.abort(ids[1]).expect("is there");
    connections.reconnect_now(ids[2]).expect("is there");
    engine.remote().abort(ids[3]).expect("is there");
    let mut outcomes = [0, 0];
    run(&mut engine, |event, _| {
        match event.kind {
            EventKind::Opened(_) => {
                assert_eq!(event.id, ids[2]);
                outcomes[0] += 1;
            }
            EventKind::Closed(closed) => {
                assert_ne!(event.id, ids[2]);
                assert_eq!(closed.cause, Some(Error::Aborted));
                outcomes[1] += 1;
            }
            other => panic!("{other:?}"),
        }
        outcomes == [1, 3]
    });
    assert!(begun.elapsed() < PATIENCE);
    let now = engine.connections().reconnect_now(ids[2]);
    assert_eq!(now, Ok(()), "of no effect on an open connection");
    drop(engine);
    server.join().expect("no panic");
}

#[test]
fn each_attempt_follows_redirects_from_the_first_url_on() {
    let (address, server) = script(|listener| {
        let mut heads = Vec::new();
        for _ in 0..2 {
            heads.push(answer(listener, &redirect("/moved")));
            let (raw, head) = open(listener);
            heads.push(head);
            raw.reset();
        }
        heads
    });
    let mut engine = engine();
    let following = ConnectOptions {
        max_redirects: 1,
        ..ConnectOptions::default()
    };
    let twice = Reconnect {
        max_attempts: 1,
        ..quick()
    };
    let options = Arc::new(Options::default());
    let connections = engine.connections();
    connections
        .connect_supervised(&url(address), &following, options, twice)
        .expect("dials");
    let tale = tale(&mut engine, "closed", |_, _| {});
    assert_eq!(
        tale,
        [
            "redirect",
            "opened",
            "reconnecting 1",
            "redirect",
            "opened",
            "closed"
        ]
    );
    let heads = server.join().expect("no panic");
    let lines: Vec<_> = heads
        .iter()
        .filter_map(|head| head.lines().next())
        .collect();
    assert_eq!(
        lines,
        [
            "GET / HTTP/1.1",
            "GET /moved HTTP/1.1",
            "GET / HTTP/1.1",
            "GET /moved HTTP/1.1"
        ]
    );
}

#[test]
fn a_waiting_connection_keeps_its_place_and_no_other() {
    let (_socket, address) = refusing();
    let mut engine = Engine::new(EngineOptions {
        max_connections: 1,
        ..EngineOptions::default()
    })
    .expect("an engine");
    let id = supervise(&mut engine, address, quick());
    tale(&mut engine, "reconnecting 5", |event, connections| {
        assert_eq!((event.id, connections.len()), (id, 1));
        let second = connections.connect(&url(address), Arc::new(Options::default()));
        assert!(matches!(second, Err(Error::Limit { .. })), "{second:?}");
    });
    engine.connections().abort(id).expect("is there");
    tale(&mut engine, "closed", |_, _| {});
    all_gone(&mut engine);
}

#[test]
fn the_answer_to_an_earlier_question_is_not_taken_for_this_one() {
    let (address, server) = script(|listener| {
        answer(listener, &redirect("ws://second.test/"));
        open(listener).0.rest()
    });
    let wrong = TcpListener::bind("127.0.0.1:0").expect("listens");
    let elsewhere = wrong.local_addr().expect("has one");
    let asked = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&asked);
    let both = Barrier::new(2);
    let resolver = NameResolver::new(move |host, _| {
        let number = counted.fetch_add(1, Ordering::Relaxed);
        if number == 1 {
            // Comes when the next attempt waits for an answer of its own.
            assert_eq!(host, "second.test");
            both.wait();
            return Ok(vec![elsewhere]);
        }
        assert_eq!(host, "first.test");
        if number == 2 {
            both.wait();
        }
        Ok(vec![address])
    });
    let connect = ConnectOptions {
        max_redirects: 1,
        resolver: Some(resolver),
        ..ConnectOptions::default()
    };
    let options = Arc::new(Options {
        open_timeout: Duration::from_secs(1),
        ..Options::default()
    });
    let mut engine = engine();
    engine
        .connections()
        .connect_supervised("ws://first.test/", &connect, options, quick())
        .expect("dials");
    let tale = tale(&mut engine, "opened", |_, _| {});
    assert_eq!(tale, ["redirect", "reconnecting 1", "opened"]);
    assert_eq!(asked.load(Ordering::Relaxed), 3);
    wrong.set_nonblocking(true).expect("does not block");
    assert!(wrong.accept().is_err(), "nobody was sent there");
    drop(engine);
    server.join().expect("no panic");
}

#[test]
fn a_connection_in_tls_comes_back_in_tls() {
    let authority = Authority::new();
    let server = Served::with(
        engine(),
        "127.0.0.1:0",
        &in_tls(authority.server()),
        Options::default(),
        |event, connections| match event.kind {
            EventKind::Message {
                payload: b"away", ..
            } => connections.abort(event.id).expect("is there"),
            EventKind::Message {
                payload: b"again", ..
            } => connections
                .close(event.id, CloseCode::new(1012), "")
                .expect("is open"),
            _ => echo(&event, connections),
        },
    );
    let mut engine = engine();
    let url = format!("wss://{}/", server.address);
    let options = Arc::new(Options::default());
    let id = engine
        .connections()
        .connect_supervised(&url, &authority.client(), options, quick())
        .expect("dials");
    let mut words = ["away", "again", "stay"].iter();
    let tale = tale(&mut engine, "stay", |event, connections| {
        if let EventKind::Opened(_) = event.kind {
            let info = connections.tls_info(id).expect("is there");
            assert!(info.is_some(), "in TLS");
            let word = words.next().expect("three times");
            connections.send_text(id, word).expect("is open");
        }
    });
    assert_eq!(
        tale,
        [
            "opened",
            "reconnecting 1",
            "opened",
            "reconnecting 2",
            "opened",
            "stay"
        ]
    );
}
