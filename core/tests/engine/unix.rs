//! Unix sockets: `ws+unix:` URLs on both sides, and the socket's file.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ropeway_core::engine::{
    ConnectOptions, ConnectionId, Engine, EventKind, ListenOptions, ListenerId, Reconnect,
};
use ropeway_core::handshake::Refusal;
use ropeway_core::protocol::{Accept, MessageKind, Options};
use ropeway_core::{Error, Fault};

use crate::rig::*;

/// A path in a directory of its own, which goes with it.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ropeway-unix-{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir(&directory).expect("a directory");
        Self(directory.join("x.sock"))
    }

    fn url(&self, target: &str) -> String {
        format!("ws+unix:{}:{target}", self.0.display())
    }

    fn listen(&self, engine: &mut Engine, listen: &ListenOptions) -> Result<ListenerId, Error> {
        engine
            .connections()
            .listen_url(&self.url("/"), listen, Arc::new(Options::default()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.0.parent().expect("a directory"));
    }
}

#[test]
fn messages_go_both_ways() {
    let place = Place::new();
    let mut engine = engine();
    let listener = place
        .listen(&mut engine, &ListenOptions::default())
        .expect("listens");
    let connections = engine.connections();
    assert_eq!(
        connections.listener_path(listener).expect("is there"),
        Some(place.0.as_path())
    );
    assert!(matches!(
        connections.listener_address(listener),
        Err(Error::Misuse(_))
    ));
    let client = connections
        .connect(&place.url("/chat?x=1"), Arc::default())
        .expect("dials");
    let payload = pattern(3_000_000);
    let mut back = None;
    run(&mut engine, |event, connections| {
        match event.kind {
            EventKind::Opened(opened) => {
                if event.id == client {
                    connections.send_binary(client, &payload).expect("is taken");
                } else {
                    let request = opened.request.as_ref().expect("a request");
                    assert_eq!(request.target, "/chat?x=1");
                    assert_eq!(request.headers.get("Host"), Some("localhost"));
                    assert!(connections.peer_address(event.id).is_err(), "it has none");
                }
            }
            EventKind::Message { .. } if event.id == client => back = message(&event),
            _ => echo(&event, connections),
        }
        back.is_some()
    });
    assert!(back == Some((MessageKind::Binary, payload)));
}

#[test]
fn the_file_has_the_mode_that_was_asked_for_and_goes_with_the_listener() {
    let place = Place::new();
    let mut engine = engine();
    let listen = ListenOptions {
        unix_mode: Some(0o600),
        ..Default::default()
    };
    let listener = place.listen(&mut engine, &listen).expect("listens");
    let mode = fs::metadata(&place.0).expect("is there").permissions();
    assert_eq!(mode.mode() & 0o7777, 0o600);
    let connections = engine.connections();
    connections.close_listener(listener).expect("is there");
    assert!(!place.0.exists());

    place.listen(&mut engine, &listen).expect("listens again");
    drop(engine);
    assert!(!place.0.exists(), "the engine's end is the listener's");
}

#[test]
fn a_socket_left_behind_is_replaced_and_one_in_use_is_not() {
    let place = Place::new();
    drop(UnixListener::bind(&place.0).expect("binds"));
    assert!(place.0.exists(), "a dead server's socket");
    let mut first = engine();
    place
        .listen(&mut first, &ListenOptions::default())
        .expect("takes its place");
    let mut second = engine();
    match place.listen(&mut second, &ListenOptions::default()) {
        Err(Error::Io(error)) => assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse),
        other => panic!("{other:?}"),
    }
    assert!(place.0.exists(), "it is still there");
}

#[test]
fn what_is_no_socket_is_left_alone() {
    let place = Place::new();
    fs::write(&place.0, "precious").expect("writes");
    let error = place
        .listen(&mut engine(), &ListenOptions::default())
        .expect_err("is taken");
    assert!(matches!(error, Error::Io(_)), "{error}");
    assert_eq!(fs::read(&place.0).expect("is there"), b"precious");
}

#[test]
fn another_server_s_socket_is_not_removed() {
    let place = Place::new();
    let mut own = engine();
    place
        .listen(&mut own, &ListenOptions::default())
        .expect("listens");
    fs::remove_file(&place.0).expect("is there");
    let other = UnixListener::bind(&place.0).expect("binds");
    drop(own);
    assert!(place.0.exists());
    drop(other);
}

#[test]
fn paths_that_cannot_be_are_errors() {
    let mut own = engine();
    let connections = own.connections();
    let long = format!("/tmp/{}", "x".repeat(200));
    let listened = connections.listen_unix(&long, &ListenOptions::default(), Arc::default());
    assert!(matches!(listened, Err(Error::Io(_))), "{listened:?}");
    for path in [long.as_str(), "/nowhere/x.sock"] {
        let id = own
            .connections()
            .connect(&format!("ws+unix:{path}:/"), Arc::default())
            .expect("dials");
        let cause = end_of(&mut own, id).cause.expect("a cause");
        assert!(
            matches!(&cause, Error::ConnectUnix { path: named, .. } if **named == *path),
            "{cause}"
        );
        assert_eq!(cause.fault(), Fault::Network);
    }
}

#[test]
fn a_full_backlog_is_waited_for() {
    let place = Place::new();
    let mut own = engine();
    let listen = ListenOptions {
        backlog: 1,
        ..Default::default()
    };
    place.listen(&mut own, &listen).expect("listens");
    let ids: Vec<ConnectionId> = (0..12)
        .map(|_| {
            own.connections()
                .connect(&place.url("/"), Arc::default())
                .expect("dials")
        })
        .collect();
    let mut opened = 0;
    run(&mut own, |event, _| {
        assert!(
            matches!(event.kind, EventKind::Opened(_)),
            "opens, and nothing else: {event:?}"
        );
        opened += usize::from(ids.contains(&event.id));
        opened == ids.len()
    });
}

#[test]
fn redirects_and_reconnecting_stay_on_the_socket() {
    let place = Place::new();
    let mut engine = engine();
    let asking = Options {
        ask_upgrade: true,
        ..Options::default()
    };
    let connections = engine.connections();
    connections
        .listen_unix(&place.0, &ListenOptions::default(), Arc::new(asking))
        .expect("listens");
    let following = ConnectOptions {
        max_redirects: 1,
        ..ConnectOptions::default()
    };
    let quick = Reconnect {
        base: Duration::from_millis(1),
        ..Reconnect::default()
    };
    let options = Arc::new(Options::default());
    let client = connections
        .connect_supervised(&place.url("/a"), &following, options, quick)
        .expect("dials");
    let mut redirect = Refusal::new(302, "").expect("a status");
    redirect.headers.push("Location", "/b").expect("a field");
    let (mut targets, mut hops) = (Vec::new(), Vec::new());
    let mut server = ConnectionId::NONE;
    run(&mut engine, |event, connections| match event.kind {
        EventKind::UpgradeRequest(request) => {
            targets.push(request.target.clone());
            if targets.len() == 1 {
                connections.refuse(event.id, &redirect).expect("refuses");
            } else {
                server = event.id;
                let accepted = connections.accept(event.id, &Accept::default());
                accepted.expect("accepts");
            }
            false
        }
        EventKind::Redirect { url, .. } => {
            hops.push(url.to_string());
            false
        }
        EventKind::Opened(_) if event.id == client && targets.len() == 2 => {
            connections.abort(server).expect("is there");
            false
        }
        EventKind::Opened(_) => event.id == client,
        _ => false,
    });
    assert_eq!(targets, ["/a", "/b", "/a"]);
    assert_eq!(hops, [place.url("/b")]);
}
