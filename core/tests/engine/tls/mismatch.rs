//! Peers that speak something else.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;

use ropeway_core::engine::EventKind;
use ropeway_core::handshake::HandshakeError;
use ropeway_core::{Error, TlsError};

use super::*;

fn reporting(authority: &Authority) -> (Served, mpsc::Receiver<Option<Error>>) {
    let (sender, receiver) = mpsc::channel();
    let server = serve(authority.server(), move |event, _| {
        if let EventKind::Closed(closed) = event.kind {
            // The test may be over when the last end is told.
            let _ = sender.send(closed.cause.clone());
        }
    });
    (server, receiver)
}

#[test]
fn plain_http_on_a_tls_port_is_answered_in_plain_http() {
    let authority = Authority::new();
    let (server, ends) = reporting(&authority);
    let mut raw = Raw::connect(server.address);
    raw.write(REQUEST);
    let answer = String::from_utf8(raw.rest()).expect("text");
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.ends_with("use wss:// or https://.\r\n"), "{answer}");
    let end = ends.recv_timeout(PATIENCE).expect("is told");
    assert_eq!(end, Some(Error::Tls(TlsError::PlainHttp)));

    let error = Client::open(&url(server.address), Arc::default()).expect_err("is refused");
    match error {
        Error::Handshake(HandshakeError::InvalidStatus(response)) => {
            assert_eq!(response.status, 400);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_no_tls_is_named() {
    let authority = Authority::new();
    let (server, ends) = reporting(&authority);
    for bytes in [&[0; 16][..], b"\xFF\xFE", &[22, 9, 9, 0, 5, 0, 0, 0, 0, 0]] {
        let mut raw = Raw::connect(server.address);
        raw.write(bytes);
        let end = ends.recv_timeout(PATIENCE).expect("is told");
        assert_eq!(end, Some(Error::Tls(TlsError::NotTls)), "{bytes:?}");
        let _ = raw.socket.read(&mut [0; 64]);
    }
}

#[test]
fn a_plain_server_is_named_to_a_tls_client() {
    let authority = Authority::new();
    let server = Served::echo(Default::default());
    let error = refused(server.address, &authority.client());
    assert_eq!(error, TlsError::PlainHttp);

    let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
    let address = listener.local_addr().expect("has one");
    let thread = std::thread::spawn(move || {
        let mut raw = Raw::accept(&listener);
        raw.write("220 mail.example ESMTP\r\n");
        let _ = raw.socket.read(&mut [0; 4096]);
    });
    assert_eq!(refused(address, &authority.client()), TlsError::NotTls);
    thread.join().expect("no panic");
}

#[test]
fn another_application_protocol_is_refused() {
    let authority = Authority::new();
    let (server, ends) = reporting(&authority);
    let mut peer = authority.peer(server.address, &[b"h2"]);
    let error = peer.write_all(b"x").and_then(|()| peer.flush());
    let error = error.expect_err("is refused");
    assert!(
        error.to_string().contains("NoApplicationProtocol"),
        "{error}"
    );
    match ends.recv_timeout(PATIENCE) {
        Ok(Some(Error::Tls(TlsError::Incompatible(what)))) => {
            assert!(what.contains("application protocol"), "{what}");
        }
        other => panic!("{other:?}"),
    }
}
