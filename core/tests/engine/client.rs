//! The blocking client.

use std::net::TcpListener;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use ropeway_core::engine::{Client, EventKind, Received};
use ropeway_core::frame::CloseCode;
use ropeway_core::handshake::HandshakeError;
use ropeway_core::protocol::{MessageKind, Options};
use ropeway_core::{Deadline, Error, SendError};

use crate::rig::*;

fn open(address: std::net::SocketAddr, options: Options) -> Client {
    Client::open(&url(address), Arc::new(options)).expect("opens")
}

fn text(client: &mut Client) -> String {
    match client.receive(Some(PATIENCE)).expect("receives") {
        Some(Received::Message {
            kind: MessageKind::Text,
            payload,
        }) => String::from_utf8(payload.to_vec()).expect("text"),
        other => panic!("{other:?}"),
    }
}

/// A raw server for one connection.
fn raw_server<T: Send + 'static>(
    serve: impl FnOnce(Raw) -> T + Send + 'static,
) -> (std::net::SocketAddr, std::thread::JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
    let address = listener.local_addr().expect("has one");
    let thread = std::thread::spawn(move || {
        let mut raw = Raw::accept(&listener);
        raw.upgrade();
        serve(raw)
    });
    (address, thread)
}

#[test]
fn a_time_out_of_receive_binds_to_that_call_alone() {
    let (address, server) = raw_server(|mut raw| {
        let bytes = frame(TEXT, b"in two halves", false);
        raw.write(&bytes[..5]);
        // The client says that it has waited in vain.
        assert_eq!(raw.receive(), (TEXT, b"waited".to_vec()));
        raw.write(&bytes[5..]);
        raw.rest()
    });
    let mut client = open(address, Options::default());
    let begun = Instant::now();
    let wait = Duration::from_millis(50);
    assert!(client.receive(Some(wait)).expect("receives").is_none());
    assert!(begun.elapsed() >= wait);
    assert!(
        client
            .receive(Some(Duration::ZERO))
            .expect("receives")
            .is_none()
    );
    client.send(MessageKind::Text, b"waited").expect("sends");
    assert_eq!(text(&mut client), "in two halves");
    drop(client);
    assert_eq!(
        server.join().expect("no panic"),
        b"",
        "dropped without a Close frame"
    );
}

#[test]
fn what_is_sent_between_two_messages_of_one_read_leaves_at_once() {
    let (sender, came) = mpsc::channel();
    let (address, server) = raw_server(move |mut raw| {
        raw.write([frame(TEXT, b"one", false), frame(TEXT, b"two", false)].concat());
        for _ in 0..3 {
            sender.send(raw.receive().1).expect("the client waits");
        }
        raw.rest()
    });
    let mut client = open(address, Options::default());
    assert_eq!(text(&mut client), "one");
    // No call of the client between a send and its arrival.
    client.send(MessageKind::Text, b"to one").expect("sends");
    assert_eq!(came.recv_timeout(PATIENCE).expect("it has left"), b"to one");
    client.ping(b"?").expect("pings");
    assert_eq!(came.recv_timeout(PATIENCE).expect("it has left"), b"?");
    client
        .send_fragment(MessageKind::Text, b"half", false)
        .expect("sends");
    assert_eq!(came.recv_timeout(PATIENCE).expect("it has left"), b"half");
    assert_eq!(text(&mut client), "two");
    drop(client);
    assert_eq!(server.join().expect("no panic"), b"");
}

#[test]
fn the_answer_to_a_close_and_to_a_ping_leaves_without_another_call() {
    let (address, server) = raw_server(|mut raw| {
        raw.write([frame(PING, b"?", false), frame(TEXT, b"after", false)].concat());
        let pong = raw.receive();
        raw.send(CLOSE, &close_payload(1001, "away"));
        (pong, raw.receive())
    });
    let mut client = open(address, Options::default());
    assert_eq!(text(&mut client), "after");
    match client.receive(Some(PATIENCE)).expect("receives") {
        Some(Received::Closed(closed)) => assert_eq!(closed.reason(), "away"),
        other => panic!("{other:?}"),
    }
    // The client is not dropped before the server has seen both.
    let (pong, close) = server.join().expect("no panic");
    assert_eq!(pong, (PONG, b"?".to_vec()));
    assert_eq!(close, (CLOSE, close_payload(1001, "away")));
    drop(client);
}

#[test]
fn large_messages_both_ways_at_once_do_not_deadlock() {
    const MESSAGES: usize = 6;
    let server = Served::start(Options::default(), |event, connections| {
        if let EventKind::Opened(_) = event.kind {
            for number in 0..MESSAGES {
                connections
                    .send_binary(event.id, &vec![number as u8; 5 << 20])
                    .expect("sends");
            }
        }
        echo(&event, connections);
    });
    let mut client = open(server.address, Options::default());
    for number in 0..MESSAGES {
        client
            .send(MessageKind::Binary, &vec![100 + number as u8; 5 << 20])
            .expect("sends though the server sends too");
    }
    let mut came = Vec::new();
    while came.len() < 2 * MESSAGES {
        match client.receive(Some(PATIENCE)).expect("receives") {
            Some(Received::Message { payload, .. }) => {
                assert_eq!(payload.len(), 5 << 20);
                assert!(payload.iter().all(|&byte| byte == payload[0]));
                came.push(payload[0]);
            }
            other => panic!("{other:?}"),
        }
    }
    let (early, echoed): (Vec<u8>, Vec<u8>) = came.iter().partition(|&&byte| byte < 100);
    assert_eq!(early, [0, 1, 2, 3, 4, 5]);
    assert_eq!(echoed, [100, 101, 102, 103, 104, 105]);
    assert!(
        client
            .close(CloseCode::NORMAL, "")
            .expect("closes")
            .is_clean()
    );
}

#[test]
fn early_messages_beyond_the_limit_wait_in_the_peer() {
    // The client sends more than the kernel takes; the server talks all the time and reads late.
    let (address, server) = raw_server(|mut raw| {
        for number in 0..400_u32 {
            raw.send(BINARY, &[&number.to_be_bytes()[..], &[0; 10_000]].concat());
        }
        let (_, payload) = raw.receive();
        raw.send(TEXT, payload.len().to_string().as_bytes());
        raw.rest();
    });
    let options = Options {
        send_queue_limit: 1 << 20,
        ..Options::default()
    };
    let mut client = open(address, options);
    client
        .send(MessageKind::Binary, &pattern(14 << 20))
        .expect("sends");
    for number in 0..400_u32 {
        match client.receive(Some(PATIENCE)).expect("receives") {
            Some(Received::Message { payload, .. }) => {
                assert_eq!(payload[..4], number.to_be_bytes())
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(text(&mut client), (14 << 20).to_string());
    drop(client);
    server.join().expect("no panic");
}

#[test]
fn what_keeps_it_from_opening_is_the_error() {
    let options = Arc::new(Options {
        open_timeout: Duration::from_millis(60),
        ..Options::default()
    });
    let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
    let address = listener.local_addr().expect("has one");
    let error = Client::open(&url(address), options.clone()).expect_err("nobody answers");
    assert!(
        matches!(
            error,
            Error::Timeout {
                deadline: Deadline::Open,
                ..
            }
        ),
        "{error:?}"
    );
    drop(listener);
    let error = Client::open(&url(address), options.clone()).expect_err("nobody listens");
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    let error = Client::open("nonsense", options).expect_err("no URL");
    assert!(matches!(error, Error::Url(_)), "{error:?}");
    let server = Served::start(
        Options {
            ask_upgrade: true,
            ..Options::default()
        },
        |event, connections| {
            if let EventKind::UpgradeRequest(_) = event.kind {
                let refusal = ropeway_core::handshake::Refusal::new(403, "no").expect("a refusal");
                connections.refuse(event.id, &refusal).expect("refuses");
            }
        },
    );
    let error =
        Client::open(&url(server.address), Arc::new(Options::default())).expect_err("refused");
    match error {
        Error::Handshake(HandshakeError::InvalidStatus(response)) => {
            assert_eq!((response.status, &response.body[..]), (403, &b"no"[..]));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn after_the_end_every_call_says_so() {
    let server = Served::echo(Options::default());
    let mut client = open(
        server.address,
        Options {
            streaming: true,
            ..Options::default()
        },
    );
    assert_eq!(client.opened().subprotocol, None);
    assert!(client.closed().is_none());
    client.send(MessageKind::Text, b"unread").expect("sends");
    assert_eq!(
        client.close(CloseCode::new(999), "").err(),
        Some(Error::Send(SendError::InvalidCloseCode(999)))
    );
    assert!(
        client
            .close(CloseCode::NORMAL, "bye")
            .expect("closes")
            .is_clean()
    );
    assert!(
        client
            .close(CloseCode::NORMAL, "again")
            .expect("is closed")
            .is_clean()
    );
    assert!(client.closed().is_some());
    assert_eq!(
        client.send(MessageKind::Text, b"late").err(),
        Some(Error::Send(SendError::Closed))
    );
    assert_eq!(client.ping(b"").err(), Some(Error::Send(SendError::Closed)));
    for _ in 0..2 {
        assert!(matches!(
            client.receive(None).expect("at once"),
            Some(Received::Closed(closed)) if closed.is_clean()
        ));
    }
}

#[test]
fn pongs_are_received() {
    let server = Served::echo(Options::default());
    let mut client = open(server.address, Options::default());
    client.ping(b"are you there").expect("pings");
    assert!(matches!(
        client.receive(Some(PATIENCE)).expect("receives"),
        Some(Received::Pong {
            payload: b"are you there"
        })
    ));
    assert_eq!(
        client.ping(&[0; 126]).err(),
        Some(Error::Send(SendError::ControlTooLong(126)))
    );
}

#[test]
fn a_pong_that_comes_while_a_send_waits_is_kept_for_receive() {
    let (address, server) = raw_server(|mut raw| {
        raw.narrow();
        let (first, payload) = raw.receive();
        assert_eq!(first, PING);
        // Nothing of the message is read before these have come, so the client still waits.
        raw.send(PONG, &payload);
        raw.send(TEXT, b"between");
        raw.send(PONG, b"unasked");
        let (first, payload) = raw.receive();
        assert_eq!((first, payload.len()), (BINARY, 8 << 20));
        raw
    });
    let mut client = open(address, Options::default());
    client.ping(b"are you there?").expect("pings");
    client
        .send(MessageKind::Binary, &vec![7; 8 << 20])
        .expect("sends");
    let pong = |expected: &[u8], client: &mut Client| match client
        .receive(Some(PATIENCE))
        .expect("receives")
    {
        Some(Received::Pong { payload }) => assert_eq!(payload, expected),
        other => panic!("{other:?}"),
    };
    pong(b"are you there?", &mut client);
    assert_eq!(text(&mut client), "between");
    pong(b"unasked", &mut client);
    drop(server.join().expect("no panic"));
}

#[test]
fn a_message_has_gone_when_send_returns() {
    // More than the kernel takes at once, and less than the high-water mark.
    const SIZE: usize = 900 << 10;
    let (address, server) = raw_server(|mut raw| {
        raw.narrow();
        raw.receive().1.len()
    });
    let mut client = open(address, Options::default());
    client
        .send(MessageKind::Binary, &vec![7; SIZE])
        .expect("sends");
    // No further call of the client's.
    assert_eq!(server.join().expect("no panic"), SIZE);
}

#[test]
fn pongs_without_end_wait_in_the_kernel_while_a_send_waits() {
    const SIZE: usize = 8 << 20;
    let (counted, count) = mpsc::channel();
    let (address, server) = raw_server(move |mut raw| {
        raw.narrow();
        let pong = frame(PONG, &[7; 100], false);
        let many = pong.repeat(500);
        let brief = Some(Duration::from_millis(300));
        raw.socket.set_write_timeout(brief).expect("a time-out");
        let mut sent = 0;
        while let Ok(count) = std::io::Write::write(&mut raw.socket, &many[sent % many.len()..]) {
            sent += count;
            assert!(sent < 64 << 20, "they are kept without bound");
        }
        let (_, message) = raw.receive();
        assert_eq!(message.len(), SIZE);
        let rest = sent.next_multiple_of(pong.len()) - sent;
        let patient = Some(PATIENCE);
        raw.socket.set_write_timeout(patient).expect("a time-out");
        counted
            .send((sent + rest) / pong.len())
            .expect("the test listens");
        raw.write(&pong[pong.len() - rest..]);
        raw
    });
    let options = Options {
        send_queue_limit: 256 << 10,
        ..Options::default()
    };
    let mut client = open(address, options);
    client
        .send(MessageKind::Binary, &vec![7; SIZE])
        .expect("sends");
    // Those that the client kept come first, the others from the kernel; none is lost.
    let count = count.recv_timeout(PATIENCE).expect("the message came");
    assert!(count > 0);
    for _ in 0..count {
        match client.receive(Some(PATIENCE)).expect("receives") {
            Some(Received::Pong { payload }) => assert_eq!(payload, [7; 100]),
            other => panic!("{other:?}"),
        }
    }
    drop(server.join().expect("no panic"));
}
