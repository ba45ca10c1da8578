//! Redirects that a client follows, or does not.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use ropeway_core::engine::{Client, ConnectOptions, ConnectionId, Engine, EventKind};
use ropeway_core::handshake::{HandshakeError, Headers, Refusal, WebSocketUrl};
use ropeway_core::protocol::{Closed, Options};
use ropeway_core::{Error, Fault};

use crate::rig::*;
use crate::tls::{Authority, in_tls};

/// A server that does what a script says, on a thread of its own.
pub(super) fn script<T: Send + 'static>(
    steps: impl FnOnce(&TcpListener) -> T + Send + 'static,
) -> (SocketAddr, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
    let address = listener.local_addr().expect("has one");
    let server = std::thread::spawn(move || steps(&listener));
    (address, server)
}

/// Takes a connection and a request, which it answers; the request.
pub(super) fn answer(listener: &TcpListener, response: &str) -> String {
    let mut raw = Raw::accept(listener);
    let head = raw.head();
    raw.write(response);
    head
}

pub(super) fn redirect(location: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
}

/// Takes a connection and opens it; what its request said.
pub(super) fn open(listener: &TcpListener) -> (Raw, String) {
    let mut raw = Raw::accept(listener);
    let head = raw.upgrade();
    (raw, head)
}

fn following(max_redirects: u32) -> ConnectOptions {
    ConnectOptions {
        max_redirects,
        ..ConnectOptions::default()
    }
}

fn secrets() -> Options {
    let mut options = Options::default();
    for (name, value) in [
        ("Authorization", "Bearer secret"),
        ("Cookie", "secret=1"),
        ("Proxy-Authorization", "Basic secret"),
        ("Host", "secret.example"),
        ("X-Kept", "1"),
    ] {
        options.headers.push(name, value).expect("a field");
    }
    options
}

fn connect(
    engine: &mut Engine,
    url: &str,
    connect: &ConnectOptions,
    options: Options,
) -> ConnectionId {
    engine
        .connections()
        .connect_with(url, connect, Arc::new(options))
        .expect("dials")
}

/// Goes on until the connection is open or has ended: where it was led, and how it ended.
fn outcome(engine: &mut Engine, id: ConnectionId) -> (Vec<String>, Option<Closed>) {
    let (mut hops, mut end) = (Vec::new(), None);
    run(engine, |event, _| {
        assert_eq!(event.id, id);
        match event.kind {
            EventKind::Redirect { response, url, .. } => {
                hops.push(format!("{} {url}", response.status));
                false
            }
            EventKind::Opened(_) => true,
            EventKind::Closed(closed) => {
                end = Some(closed.clone());
                true
            }
            other => panic!("{other:?}"),
        }
    });
    (hops, end)
}

#[test]
fn redirects_are_followed_and_each_is_told() {
    let (address, server) = script(|listener| {
        answer(listener, &redirect("/b?c"));
        let port = listener.local_addr().expect("has one").port();
        let elsewhere = format!("http://localhost:{port}/d");
        answer(
            listener,
            &redirect(&elsewhere).replace("302 Found", "308 Permanent Redirect"),
        );
        let (mut raw, head) = open(listener);
        raw.rest();
        head
    });
    let mut engine = engine();
    let url = format!("ws://{address}/a");
    let id = connect(&mut engine, &url, &following(2), Options::default());
    let (hops, end) = outcome(&mut engine, id);
    assert_eq!(end, None);
    let port = address.port();
    assert_eq!(
        hops,
        [
            format!("302 ws://{address}/b?c"),
            format!("308 ws://localhost:{port}/d")
        ]
    );
    let counters = *engine.connections().counters();
    assert_eq!(
        (counters.dialled, counters.opened, counters.closed),
        (1, 1, 0)
    );
    drop(engine);
    let head = server.join().expect("no panic");
    assert!(head.starts_with("GET /d HTTP/1.1\r\n"), "{head}");
    assert!(
        head.contains(&format!("\r\nHost: localhost:{port}\r\n")),
        "{head}"
    );
}

#[test]
fn by_default_a_redirect_is_an_answer_like_any_other() {
    let (address, server) = script(|listener| answer(listener, &redirect("/b")));
    let mut engine = engine();
    let id = dial(&mut engine, address, Options::default());
    let (hops, end) = outcome(&mut engine, id);
    assert!(hops.is_empty());
    match end.and_then(|closed| closed.cause) {
        Some(Error::Handshake(HandshakeError::InvalidStatus(response))) => {
            assert_eq!(response.status, 302);
            assert_eq!(response.headers.get("Location"), Some("/b"));
        }
        other => panic!("{other:?}"),
    }
    server.join().expect("no panic");
    all_gone(&mut engine);
}

#[test]
fn a_loop_ends_at_the_limit() {
    let (address, server) = script(|listener| {
        for _ in 0..4 {
            answer(listener, &redirect("/"));
        }
    });
    let mut engine = engine();
    let id = connect(
        &mut engine,
        &url(address),
        &following(3),
        Options::default(),
    );
    let (hops, end) = outcome(&mut engine, id);
    assert_eq!(hops.len(), 3);
    let cause = end.expect("ends").cause.expect("has a cause");
    assert_eq!(
        cause,
        Error::Handshake(HandshakeError::TooManyRedirects { count: 4, limit: 3 })
    );
    assert_eq!(cause.fault(), Fault::Limit);
    assert_eq!(
        cause.to_string(),
        "the server's redirect number 4 passes this client's max_redirects, 3"
    );
    server.join().expect("no panic");
    all_gone(&mut engine);
}

#[test]
fn all_redirects_share_one_open_timeout() {
    let mut refusal = Refusal::new(307, "").expect("a status");
    refusal.headers.push("Location", "/").expect("a field");
    let asking = Options {
        ask_upgrade: true,
        ..Options::default()
    };
    let server = Served::start(asking, move |event, connections| {
        if let EventKind::UpgradeRequest(_) = event.kind {
            connections.refuse(event.id, &refusal).expect("refuses");
        }
    });
    let mut engine = engine();
    let options = Options {
        open_timeout: Duration::from_millis(300),
        ..Options::default()
    };
    let endless = following(u32::MAX);
    let id = connect(&mut engine, &url(server.address), &endless, options);
    let (hops, end) = outcome(&mut engine, id);
    assert!(!hops.is_empty());
    let cause = end.expect("ends").cause;
    assert!(matches!(cause, Some(Error::Timeout { .. })), "{cause:?}");
}

/// websockets before 16.1 sent Authorization and Cookie to whomever it was redirected to.
#[test]
fn websockets_16_1_another_origin_gets_no_secret() {
    let (other, second) = script(|listener| open(listener).1);
    let (address, first) = script(move |listener| {
        let own = answer(listener, &redirect("/same"));
        (own, answer(listener, &redirect(&url(other))))
    });
    let mut engine = engine();
    let url = format!("ws://user:secret@{address}/");
    let id = connect(&mut engine, &url, &following(5), secrets());
    let (hops, _) = outcome(&mut engine, id);
    assert_eq!(hops.len(), 2);
    let (own, same) = first.join().expect("no panic");
    let kept = |head: &str| head.split_once("Bearer secret").is_some();
    assert!(kept(&own) && kept(&same), "{same}");
    let head = second.join().expect("no panic");
    assert!(!head.contains("secret"), "{head}");
    assert!(head.contains("\r\nX-Kept: 1\r\n"), "{head}");
    assert!(head.contains(&format!("\r\nHost: {other}\r\n")), "{head}");
}

#[test]
fn user_and_password_of_the_url_go_to_their_origin_only() {
    let (other, second) = script(|listener| open(listener).1);
    let (address, first) = script(move |listener| {
        answer(listener, &redirect("/same"));
        answer(listener, &redirect(&url(other)))
    });
    let mut engine = engine();
    let url = format!("ws://user:pass@{address}/");
    let id = connect(&mut engine, &url, &following(5), Options::default());
    let (hops, _) = outcome(&mut engine, id);
    assert!(hops.iter().all(|hop| !hop.contains("pass")), "{hops:?}");
    let basic = "\r\nAuthorization: Basic dXNlcjpwYXNz\r\n";
    assert!(first.join().expect("no panic").contains(basic));
    assert!(!second.join().expect("no panic").contains("Authorization"));
}

/// autobahn let a redirect's query add lines to the request.
#[test]
fn pysec_2020_25_a_location_adds_no_line_to_the_request() {
    let (address, server) = script(|listener| {
        answer(listener, &redirect("/?a=%0d%0aX-Injected: y"));
        open(listener).1
    });
    let mut engine = engine();
    let id = connect(
        &mut engine,
        &url(address),
        &following(1),
        Options::default(),
    );
    let (_, end) = outcome(&mut engine, id);
    assert_eq!(end, None);
    let head = server.join().expect("no panic");
    assert!(
        head.starts_with("GET /?a=%0d%0aX-Injected:%20y HTTP/1.1\r\n"),
        "{head}"
    );
    for location in ["/?a\rX-Injected: y", "/?a\tb", "/?\0"] {
        let (address, server) = script(move |listener| answer(listener, &redirect(location)));
        let mut engine = crate::rig::engine();
        let id = connect(
            &mut engine,
            &url(address),
            &following(1),
            Options::default(),
        );
        let (hops, end) = outcome(&mut engine, id);
        assert!(hops.is_empty());
        let cause = end.expect("ends").cause;
        assert!(
            matches!(
                cause,
                Some(Error::Handshake(
                    HandshakeError::Malformed(_) | HandshakeError::InvalidRedirect(_)
                ))
            ),
            "{location:?}: {cause:?}"
        );
        server.join().expect("no panic");
    }
}

#[test]
fn tls_is_left_by_no_redirect_and_joined_by_one() {
    let authority = Authority::new();
    let refuse = |location: String| {
        let mut refusal = Refusal::new(301, "").expect("a status");
        refusal
            .headers
            .push("Location", &location)
            .expect("a field");
        refusal
    };
    let downgrade = refuse("http://localhost/".to_owned());
    let asking = || Options {
        ask_upgrade: true,
        ..Options::default()
    };
    let secure = Served::with(
        engine(),
        "127.0.0.1:0",
        &in_tls(authority.server()),
        asking(),
        move |event, connections| {
            if let EventKind::UpgradeRequest(_) = event.kind {
                connections.refuse(event.id, &downgrade).expect("refuses");
            }
        },
    );
    let upgrade = refuse(format!("https://localhost:{}/", secure.address.port()));
    let plain = Served::start(asking(), move |event, connections| {
        if let EventKind::UpgradeRequest(_) = event.kind {
            connections.refuse(event.id, &upgrade).expect("refuses");
        }
    });
    let mut engine = engine();
    let options = ConnectOptions {
        max_redirects: 5,
        ..authority.client()
    };
    let id = connect(
        &mut engine,
        &url(plain.address),
        &options,
        Options::default(),
    );
    let (hops, end) = outcome(&mut engine, id);
    assert_eq!(
        hops,
        [format!("301 wss://localhost:{}/", secure.address.port())]
    );
    assert_eq!(
        end.expect("ends").cause,
        Some(HandshakeError::InsecureRedirect("ws://localhost/".into()).into())
    );
}

#[test]
fn the_application_may_stop_at_a_redirect_or_give_it_fields_of_its_own() {
    let (other, second) = script(|listener| open(listener).1);
    let unasked = TcpListener::bind("127.0.0.1:0").expect("listens");
    let nowhere = unasked.local_addr().expect("has one");
    let (address, first) = script(move |listener| {
        answer(listener, &redirect(&url(nowhere)));
        answer(listener, &redirect(&url(other)));
    });
    let mut engine = engine();
    let stopped = connect(
        &mut engine,
        &url(address),
        &following(1),
        Options::default(),
    );
    let mut end = None;
    run(&mut engine, |event, connections| {
        match event.kind {
            EventKind::Redirect { .. } => connections.abort(event.id).expect("is there"),
            EventKind::Closed(closed) => end = Some(closed.clone()),
            other => panic!("{other:?}"),
        }
        end.is_some()
    });
    assert_eq!(end.expect("ends").cause, Some(Error::Aborted));
    let id = connect(&mut engine, &url(address), &following(1), secrets());
    assert_ne!(id, stopped);
    run(&mut engine, |event, connections| match event.kind {
        EventKind::Redirect { url, headers, .. } => {
            assert_eq!(url.port(), other.port());
            let kept: Vec<&str> = headers.iter().map(|(name, _)| name).collect();
            assert_eq!(kept, ["X-Kept"]);
            let mut headers = Headers::new();
            headers.push("Authorization", "Bearer other").expect("ok");
            connections.set_headers(id, headers).expect("is there");
            false
        }
        EventKind::Opened(_) => true,
        other => panic!("{other:?}"),
    });
    let late = engine.connections().set_headers(id, Headers::new());
    assert!(matches!(late, Err(Error::Misuse(_))), "{late:?}");
    first.join().expect("no panic");
    let head = second.join().expect("no panic");
    assert!(
        head.contains("\r\nAuthorization: Bearer other\r\n"),
        "{head}"
    );
    assert!(!head.contains("Bearer secret"), "{head}");
}

#[test]
fn a_blocking_client_follows_redirects_too() {
    let (address, server) = script(|listener| {
        answer(listener, &redirect("/b"));
        let (mut raw, head) = open(listener);
        raw.rest();
        head
    });
    let options = Arc::new(Options::default());
    let client = Client::open_with(&url(address), &following(1), options).expect("opens");
    drop(client);
    let head = server.join().expect("no panic");
    assert!(head.starts_with("GET /b "), "{head}");
}

#[test]
fn a_location_is_not_followed_out_of_the_web() {
    let (address, server) = script(|listener| answer(listener, &redirect("ws+unix:/run/x.sock")));
    let mut engine = engine();
    let id = connect(
        &mut engine,
        &url(address),
        &following(1),
        Options::default(),
    );
    let cause = end_of(&mut engine, id).cause.expect("a cause");
    assert!(
        matches!(cause, Error::Handshake(HandshakeError::InvalidRedirect(_))),
        "{cause:?}"
    );
    assert_eq!(cause.fault(), Fault::Peer);
    assert!(WebSocketUrl::parse("ws+unix:/run/x.sock").is_ok());
    server.join().expect("no panic");
}
