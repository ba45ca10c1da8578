//! Dialling: names, addresses, and servers that do not answer as they should.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ropeway_core::engine::{Engine, EngineOptions, EventKind};
use ropeway_core::handshake::HandshakeError;
use ropeway_core::protocol::Options;
use ropeway_core::{Deadline, Error, Limit, OpeningStage};

use crate::rig::*;

fn raw_listener() -> (TcpListener, std::net::SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
    let address = listener.local_addr().expect("has one");
    (listener, address)
}

/// A port that nobody listens on, and that the system gives to nobody who asks for any.
fn closed_port() -> std::net::SocketAddr {
    "127.0.0.1:1".parse().expect("an address")
}

#[test]
fn a_refused_connection_names_every_address() {
    let mut engine = engine();
    let address = closed_port();
    let id = dial(&mut engine, address, Options::default());
    match end_of(&mut engine, id).cause {
        Some(Error::Connect { host, attempts }) => {
            assert_eq!(host, address.to_string());
            assert_eq!(attempts.len(), 1);
            assert_eq!(attempts[0].0, address);
            assert_eq!(attempts[0].1.os_code(), Some(libc::ECONNREFUSED));
        }
        other => panic!("{other:?}"),
    }
    let url = format!("ws://localhost:{}/", address.port());
    let id = engine
        .connections()
        .connect(&url, Arc::new(Options::default()))
        .expect("dials");
    match end_of(&mut engine, id).cause {
        Some(error @ Error::Connect { .. }) => {
            let text = error.to_string();
            assert!(
                text.contains("localhost") && text.contains("127.0.0.1"),
                "{text}"
            );
        }
        other => panic!("{other:?}"),
    }
    all_gone(&mut engine);
}

#[test]
fn localhost_is_found_at_whichever_address_the_server_has() {
    for host in ["127.0.0.1:0", "[::1]:0"] {
        let Ok(listener) = TcpListener::bind(host) else {
            eprintln!("SKIPPED: this machine has no {host}");
            continue;
        };
        let address = listener.local_addr().expect("has one");
        let names = std::net::ToSocketAddrs::to_socket_addrs(&("localhost", address.port()));
        if !names
            .expect("localhost resolves")
            .any(|name| name == address)
        {
            eprintln!("SKIPPED: localhost is not {address} here");
            continue;
        }
        let server = std::thread::spawn(move || {
            let mut raw = Raw::accept(&listener);
            raw.upgrade();
            raw.rest()
        });
        let mut engine = engine();
        let url = format!("ws://localhost:{}/", address.port());
        let id = engine
            .connections()
            .connect(&url, Arc::new(Options::default()))
            .expect("dials");
        run(&mut engine, |event, _| {
            assert!(matches!(event.kind, EventKind::Opened(_)), "{event:?}");
            event.id == id
        });
        drop(engine);
        assert_eq!(server.join().expect("no panic"), b"");
    }
}

#[test]
fn a_name_that_does_not_resolve_is_told_with_the_name() {
    let mut engine = engine();
    let id = engine
        .connections()
        .connect("ws://no-such-host.invalid/", Arc::new(Options::default()))
        .expect("dials");
    match end_of(&mut engine, id).cause {
        Some(Error::Resolve { host, message }) => {
            assert_eq!(host, "no-such-host.invalid");
            assert!(!message.is_empty());
        }
        other => panic!("{other:?}"),
    }
    all_gone(&mut engine);
}

#[test]
fn urls_that_cannot_be_dialled_are_refused_at_once() {
    let mut engine = engine();
    let options = Arc::new(Options::default());
    for url in [
        "",
        "ftp://localhost/",
        "ws://",
        "ws://localhost/#fragment",
        "ws://local host/",
    ] {
        let result = engine.connections().connect(url, options.clone());
        assert!(matches!(result, Err(Error::Url(_))), "{url}: {result:?}");
    }
    assert!(engine.connections().is_empty());
}

#[test]
fn a_server_that_accepts_and_is_silent_ends_in_open_timeout() {
    let (listener, address) = raw_listener();
    let wait = Duration::from_millis(80);
    let mut engine = engine();
    let begun = Instant::now();
    let id = dial(
        &mut engine,
        address,
        Options {
            open_timeout: wait,
            ..Options::default()
        },
    );
    let closed = end_of(&mut engine, id);
    assert_eq!(
        closed.cause,
        Some(Error::Timeout {
            deadline: Deadline::Open,
            after: wait,
            stage: Some(Box::new(OpeningStage::Handshake))
        })
    );
    assert!(begun.elapsed() >= wait);
    all_gone(&mut engine);
    drop(listener);
}

#[test]
fn a_server_whose_backlog_is_full_ends_in_open_timeout() {
    let silent = Silent::new();
    let mut engine = engine();
    let wait = Duration::from_millis(80);
    let options = Options {
        open_timeout: wait,
        ..Options::default()
    };
    let id = dial(&mut engine, silent.address, options);
    let end = end_of(&mut engine, id);
    assert_eq!(
        end.cause,
        Some(Error::Timeout {
            deadline: Deadline::Open,
            after: wait,
            stage: Some(Box::new(OpeningStage::Connecting {
                host: silent.address.to_string(),
                silent: vec![silent.address],
                failed: vec![],
                untried: 0,
            }))
        })
    );
    all_gone(&mut engine);
}

#[test]
fn a_refusal_s_status_headers_and_body_are_kept() {
    let (listener, address) = raw_listener();
    let server = std::thread::spawn(move || {
        let mut raw = Raw::accept(&listener);
        raw.head();
        raw.write("HTTP/1.1 403 Forbidden\r\nX-Why: because\r\nContent-Length: 12\r\n\r\nnot ");
        raw.write("with you");
        raw.rest()
    });
    let mut engine = engine();
    let id = dial(&mut engine, address, Options::default());
    match end_of(&mut engine, id).cause {
        Some(Error::Handshake(HandshakeError::InvalidStatus(response))) => {
            assert_eq!(response.status, 403);
            assert_eq!(response.headers.get("x-why"), Some("because"));
            assert_eq!(response.body, b"not with you");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(server.join().expect("no panic"), b"");
}

#[test]
fn a_server_that_speaks_first_is_heard() {
    let (listener, address) = raw_listener();
    let server = std::thread::spawn(move || {
        let mut raw = Raw::accept(&listener);
        // Before the request has come, and then nothing more.
        raw.write("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
        raw.head();
        raw.rest()
    });
    let mut engine = engine();
    let id = dial(
        &mut engine,
        address,
        Options {
            open_timeout: PATIENCE,
            ..Options::default()
        },
    );
    // The connection is made and has spoken before the engine looks at it for the first time.
    std::thread::yield_now();
    match end_of(&mut engine, id).cause {
        Some(Error::Handshake(HandshakeError::InvalidStatus(response))) => {
            assert_eq!(response.status, 503);
        }
        other => panic!("{other:?}"),
    }
    drop(engine);
    server.join().expect("no panic");
}

#[test]
fn a_server_that_goes_during_the_handshake_is_told() {
    let (listener, address) = raw_listener();
    let server = std::thread::spawn(move || {
        let mut raw = Raw::accept(&listener);
        raw.head();
        raw.write("HTTP/1.1 101 Switching");
    });
    let mut engine = engine();
    let id = dial(&mut engine, address, Options::default());
    assert_eq!(
        end_of(&mut engine, id).cause,
        Some(Error::Handshake(HandshakeError::Incomplete {
            received: 22
        }))
    );
    server.join().expect("no panic");
}

#[test]
fn a_dial_can_be_given_up_at_any_time() {
    let (listener, address) = raw_listener();
    let mut engine = engine();
    for url in [url(address), "ws://localhost:1/".to_owned()] {
        let id = engine
            .connections()
            .connect(&url, Arc::new(Options::default()))
            .expect("dials");
        engine
            .connections()
            .close(id, ropeway_core::frame::CloseCode::NORMAL, "")
            .expect("gives up");
        assert_eq!(end_of(&mut engine, id).cause, Some(Error::Aborted));
    }
    all_gone(&mut engine);
    drop(listener);
}

#[test]
fn dialling_too_is_bounded_by_max_connections() {
    let options = EngineOptions {
        max_connections: 2,
        ..EngineOptions::default()
    };
    let mut engine = Engine::new(options).expect("an engine");
    let (_listener, address) = raw_listener();
    dial(&mut engine, address, Options::default());
    let second = dial(&mut engine, address, Options::default());
    match engine
        .connections()
        .connect(&url(address), Arc::new(Options::default()))
    {
        Err(Error::Limit {
            limit: Limit::Connections,
            value: 2,
            actual: 3,
            ..
        }) => {}
        other => panic!("{other:?}"),
    }
    engine.connections().abort(second).expect("aborts");
    end_of(&mut engine, second);
    until(&mut engine, |_, _| {}, |connections| connections.len() == 1);
    dial(&mut engine, address, Options::default());
}
