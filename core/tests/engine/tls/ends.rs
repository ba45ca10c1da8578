//! Ends in and out of order (RFC 8446 section 6.1).

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use ropeway_core::engine::EventKind;
use ropeway_core::frame::CloseCode;
use ropeway_core::protocol::{Closed, Options};
use ropeway_core::{Deadline, Error, OpeningStage, TlsError};

use super::*;

fn telling(options: Options, authority: &Authority) -> (Served, mpsc::Receiver<Closed>) {
    let (sender, receiver) = mpsc::channel();
    let server = Served::with(
        engine(),
        "127.0.0.1:0",
        &in_tls(authority.server()),
        options,
        move |event, connections| {
            echo(&event, connections);
            if let EventKind::Closed(closed) = event.kind {
                sender.send(closed.clone()).expect("the test listens");
            }
        },
    );
    (server, receiver)
}

#[test]
fn a_stream_that_is_cut_short_is_told_from_one_that_ends() {
    let authority = Authority::new();
    let (server, ends) = telling(Options::default(), &authority);

    let mut peer = authority.open_peer(server.address);
    peer.flush().expect("flushes");
    peer.sock.shutdown(Shutdown::Write).expect("ends");
    let closed = ends.recv_timeout(PATIENCE).expect("is told");
    assert_eq!(closed.cause, Some(Error::Tls(TlsError::Truncated)));

    let mut peer = authority.open_peer(server.address);
    peer.conn.send_close_notify();
    peer.flush().expect("flushes");
    let closed = ends.recv_timeout(PATIENCE).expect("is told");
    assert_eq!(closed.cause, Some(Error::ConnectionLost));
}

#[test]
fn a_server_ends_with_close_notify_behind_its_close_frame() {
    let authority = Authority::new();
    let (server, ends) = telling(Options::default(), &authority);
    let mut peer = authority.open_peer(server.address);
    peer.write_all(&frame(TEXT, b"last words", true))
        .expect("is taken");
    peer.write_all(&frame(CLOSE, &close_payload(1000, "bye"), true))
        .expect("is taken");
    assert_eq!(receive_frame(&mut peer), (TEXT, b"last words".to_vec()));
    assert_eq!(
        receive_frame(&mut peer),
        (CLOSE, close_payload(1000, "bye"))
    );
    let mut rest = Vec::new();
    // rustls calls an end without close_notify an error.
    peer.read_to_end(&mut rest).expect("an end in order");
    assert!(rest.is_empty());
    let closed = ends.recv_timeout(PATIENCE).expect("is told");
    assert_eq!(
        (closed.cause.clone(), closed.code()),
        (None, CloseCode::NORMAL)
    );
}

#[test]
fn a_missing_close_notify_behind_a_close_frame_harms_nothing() {
    let authority = Authority::new();
    let (server, ends) = telling(Options::default(), &authority);
    let mut peer = authority.open_peer(server.address);
    peer.write_all(&frame(CLOSE, &close_payload(1000, ""), true))
        .expect("is taken");
    peer.sock.shutdown(Shutdown::Write).expect("ends");
    let closed = ends.recv_timeout(PATIENCE).expect("is told");
    assert_eq!(
        (closed.cause.clone(), closed.code()),
        (None, CloseCode::NORMAL)
    );
}

#[test]
fn a_record_that_was_changed_on_the_way_is_an_error_with_an_alert() {
    let authority = Authority::new();
    let (server, ends) = telling(Options::default(), &authority);
    let mut peer = authority.open_peer(server.address);
    let (start, body) = ([23, 3, 3, 0, 32], [7; 32]);
    peer.sock
        .write_all(&[&start[..], &body].concat())
        .expect("is taken");
    let closed = ends.recv_timeout(PATIENCE).expect("is told");
    assert!(
        matches!(closed.cause, Some(Error::Tls(TlsError::Protocol(_)))),
        "{closed:?}"
    );
    let error = peer.read(&mut [0; 8]).expect_err("an alert");
    assert!(error.to_string().contains("BadRecordMac"), "{error}");
}

fn too_slow(stage: OpeningStage) -> Error {
    Error::Timeout {
        deadline: Deadline::Open,
        after: Duration::from_millis(150),
        stage: Some(Box::new(stage)),
    }
}

#[test]
fn a_handshake_that_does_not_go_on_is_bounded_by_open_timeout() {
    let authority = Authority::new();
    let options = Options {
        open_timeout: Duration::from_millis(150),
        ..Default::default()
    };
    let (server, ends) = telling(options, &authority);
    let begun = Instant::now();
    let mut raw = Raw::connect(server.address);
    // The beginning of a ClientHello, and no more.
    raw.write([22, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3]);
    let closed = ends.recv_timeout(PATIENCE).expect("is told");
    assert_eq!(closed.cause, Some(too_slow(OpeningStage::Tls)));
    assert!(begun.elapsed() >= Duration::from_millis(150));
    let _ = raw.rest();
}

#[test]
fn a_server_that_says_nothing_is_bounded_by_open_timeout() {
    let authority = Authority::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
    let address = listener.local_addr().expect("has one");
    let options = Options {
        open_timeout: Duration::from_millis(150),
        ..Default::default()
    };
    let error = Client::open_with(&secure_url(address), &authority.client(), Arc::new(options))
        .expect_err("times out");
    assert_eq!(error, too_slow(OpeningStage::Tls));
}

#[test]
fn a_server_that_goes_in_the_middle_of_the_handshake_is_named() {
    let authority = Authority::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
    let address = listener.local_addr().expect("has one");
    let thread = std::thread::spawn(move || {
        let mut raw = Raw::accept(&listener);
        let mut hello = [0; 5];
        raw.socket.read_exact(&mut hello).expect("a ClientHello");
        let mut rest = vec![0; usize::from(u16::from_be_bytes([hello[3], hello[4]]))];
        raw.socket.read_exact(&mut rest).expect("its rest");
    });
    assert_eq!(
        refused(address, &authority.client()),
        TlsError::HandshakeCut
    );
    thread.join().expect("no panic");
}
