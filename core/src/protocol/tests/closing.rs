//! The closing handshake and every other end (RFC 6455 section 7).

use super::*;
use crate::error::{Deadline, IoError, SendError};

#[test]
fn the_peers_close_is_echoed() {
    for role in BOTH {
        let cases = [
            (close_payload(1000, "bye"), close_frame(1000, "bye")),
            (close_payload(4999, ""), close_frame(4999, "")),
            (Vec::new(), close_frame(1005, "")),
        ];
        for (payload, received) in cases {
            let mut peer = Peer::open(role, Options::default());
            peer.frame(CLOSE, &payload, at(1));
            assert_eq!(peer.sent_frames(), [(CLOSE, payload)]);
            let closed = peer.closed();
            assert_eq!(closed.code(), received.code);
            assert_eq!(closed.reason(), received.reason);
            assert_eq!(closed.sent, Some(received.clone()));
            assert_eq!(closed.received, Some(received));
            assert!(closed.is_clean() && !closed.by_us);
            let shutdown = match role {
                Role::Client => Shutdown::AwaitEnd,
                Role::Server => Shutdown::Close,
            };
            assert_eq!(peer.protocol.shutdown(), shutdown);
            peer.eof(at(2));
            // What is queued, our Close frame perhaps, may still go out.
            assert_eq!(peer.protocol.shutdown(), Shutdown::Close);
            assert_eq!(peer.told.len(), 1);
        }
    }
}

#[test]
fn what_follows_the_peers_close_is_ignored() {
    for role in BOTH {
        let mut peer = Peer::open(role, Options::default());
        let bytes = [
            frame_to(role, TEXT_BEGINS, b"unfinished"),
            frame_to(role, CLOSE, &close_payload(1001, "")),
            frame_to(role, TEXT, b"late"),
            vec![0xff; 100],
        ];
        peer.receive(&bytes.concat(), at(1));
        peer.receive(&bytes.concat(), at(2));
        assert_eq!(peer.told.len(), 1);
        assert!(peer.closed().is_clean());
        assert_eq!(peer.sent_frames().len(), 1);
        assert_eq!(peer.input.incomplete_bytes(), 0);
    }
}

#[test]
fn messages_still_come_after_our_close_but_nothing_can_be_sent() {
    for role in BOTH {
        let mut peer = Peer::open(role, Options::default());
        peer.frame(TEXT_BEGINS, b"a", at(1));
        peer.close(1000, "bye", at(1));
        assert!(!peer.protocol.is_open());
        let (protocol, output) = (&mut peer.protocol, &mut peer.output);
        let closed = Err(SendError::Closed);
        assert_eq!(protocol.send(output, MessageKind::Text, b""), closed);
        assert_eq!(
            protocol.send_fragment(output, MessageKind::Text, b"", true),
            closed
        );
        assert_eq!(protocol.ping(output, b""), closed);
        assert_eq!(protocol.pong(output, b""), closed);
        assert_eq!(protocol.close(output, CloseCode::NORMAL, "", at(1)), closed);
        peer.frame(ENDS, b"b", at(2)).frame(BINARY, b"c", at(2));
        assert_eq!(peer.events(), [text("ab"), binary(b"c")]);
        peer.frame(CLOSE, &close_payload(4000, "ok"), at(3));
        assert_eq!(peer.sent_frames(), [(CLOSE, close_payload(1000, "bye"))]);
        let closed = peer.closed();
        assert!(closed.is_clean() && closed.by_us);
        assert_eq!(closed.sent, Some(close_frame(1000, "bye")));
        assert_eq!(closed.received, Some(close_frame(4000, "ok")));
    }
}

#[test]
fn a_close_without_a_code_has_no_payload() {
    let mut peer = Peer::open(Role::Server, Options::default());
    peer.close(1005, "", at(1));
    assert_eq!(peer.sent_frames(), [(CLOSE, Vec::new())]);
    peer.frame(CLOSE, b"", at(2));
    assert!(peer.closed().is_clean());
    assert_eq!(peer.closed().code(), CloseCode::NO_STATUS);
}

#[test]
fn codes_that_must_not_be_sent_are_refused() {
    for role in BOTH {
        let mut peer = Peer::open(role, Options::default());
        let mut close = |code, reason: &str| {
            peer.protocol
                .close(&mut peer.output, CloseCode::new(code), reason, at(1))
        };
        for code in [0, 999, 1004, 1006, 1015, 1016, 2999, 5000, 65_535] {
            assert_eq!(close(code, ""), Err(SendError::InvalidCloseCode(code)));
        }
        assert_eq!(close(1005, "x"), Err(SendError::InvalidCloseCode(1005)));
        let long = "x".repeat(124);
        assert_eq!(close(1000, &long), Err(SendError::ControlTooLong(124)));
        assert!(peer.output.is_empty() && peer.protocol.is_open());
        for code in [1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 4999] {
            let mut peer = Peer::open(role, Options::default());
            peer.close(code, &long[1..], at(1));
            assert_eq!(
                peer.sent_frames(),
                [(CLOSE, close_payload(code, &long[1..]))]
            );
        }
    }
}

#[test]
fn a_violation_after_our_close_ends_without_a_second_close() {
    for role in BOTH {
        let mut peer = Peer::open(role, Options::default());
        peer.close(1000, "", at(1));
        peer.sent();
        peer.frame(0x83, b"", at(2));
        assert_eq!(
            peer.closed().cause,
            Some(Error::Frame(FrameError::ReservedOpcode(3)))
        );
        assert!(peer.closed().by_us && !peer.closed().is_clean());
        assert_eq!(peer.closed().sent, Some(close_frame(1000, "")));
        assert_eq!(peer.closed().code(), CloseCode::ABNORMAL);
        assert!(peer.output.is_empty());
        assert_eq!(peer.protocol.shutdown(), Shutdown::HalfClose);
    }
}

#[test]
fn the_stream_ends_without_a_close_frame() {
    for role in BOTH {
        let bytes = frame_to(role, BINARY, &[1; 200]);
        for length in [0, 1, 2, 6, 8, 100, bytes.len() - 1] {
            let mut peer = Peer::open(role, Options::default());
            peer.receive(&bytes[..length], at(1)).eof(at(2));
            assert_eq!(peer.told.len(), 1);
            assert_eq!(peer.closed().cause, Some(Error::ConnectionLost));
            assert_eq!(peer.closed().code(), CloseCode::ABNORMAL);
            assert!(!peer.closed().by_us && peer.output.is_empty());
            assert_eq!(peer.protocol.shutdown(), Shutdown::Drop);
            assert_eq!(peer.input.incomplete_bytes(), 0);
        }
        let mut peer = Peer::open(role, Options::default());
        peer.close(1000, "", at(1));
        peer.eof(at(2));
        assert_eq!(peer.closed().cause, Some(Error::ConnectionLost));
        assert!(peer.closed().by_us);
    }
}

#[test]
fn a_failed_transport_and_an_abort_end_at_once_in_every_state() {
    let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    let reset = Error::Io(IoError::new("read", &reset));
    let states: [fn() -> Peer; 4] = [
        || Peer::client(Options::default()),
        || Peer::server(Options::default()),
        || Peer::open(Role::Client, Options::default()),
        || {
            let mut peer = Peer::open(Role::Server, Options::default());
            peer.close(1000, "", at(1));
            peer
        },
    ];
    for state in states {
        let mut peer = state();
        peer.sent();
        peer.protocol.on_transport_error(reset.clone(), at(2));
        peer.drain(at(2));
        assert_eq!(peer.closed().cause, Some(reset.clone()));
        assert_eq!(peer.protocol.shutdown(), Shutdown::Drop);
        assert_eq!(peer.protocol.next_deadline(), None);

        let mut peer = state();
        peer.sent();
        peer.protocol.abort(at(2));
        peer.protocol.abort(at(3));
        peer.drain(at(3)).eof(at(4));
        assert_eq!(peer.closed().cause, Some(Error::Aborted));
        assert_eq!(peer.protocol.shutdown(), Shutdown::Drop);
        assert!(peer.output.is_empty());
        assert_eq!(peer.told.len(), 1);
    }
}

#[test]
fn an_error_after_the_end_is_not_told() {
    let mut peer = Peer::open(Role::Client, Options::default());
    peer.frame(CLOSE, b"", at(1));
    peer.protocol.on_transport_error(Error::Aborted, at(2));
    peer.drain(at(2));
    assert_eq!(peer.told.len(), 1);
    assert!(peer.closed().is_clean());
    assert_eq!(peer.protocol.shutdown(), Shutdown::Drop);
}

#[test]
fn one_deadline_bounds_the_whole_close() {
    let timeout = Error::Timeout {
        deadline: Deadline::Close,
        after: Duration::from_secs(10),
        stage: None,
    };
    for role in BOTH {
        // The peer never answers.
        let mut peer = Peer::open(role, Options::default());
        peer.close(1000, "", at(1_000));
        peer.sent();
        peer.frame(PING, b"still here", at(9_000));
        assert_eq!(peer.protocol.next_deadline(), Some(at(11_000)));
        peer.events();
        peer.wait(at(10_999));
        assert!(peer.told.is_empty());
        peer.wait(at(11_000));
        assert_eq!(peer.closed().cause, Some(timeout.clone()));
        assert_eq!(peer.protocol.shutdown(), Shutdown::Drop);
        assert_eq!(peer.protocol.next_deadline(), None);
        assert!(peer.output.is_empty());

        // It answers late, and never ends the stream.
        let mut peer = Peer::open(role, Options::default());
        peer.close(1000, "", at(1_000));
        peer.frame(CLOSE, b"", at(9_000));
        assert!(peer.closed().is_clean());
        let shutdown = match role {
            Role::Client => Shutdown::AwaitEnd,
            Role::Server => Shutdown::Close,
        };
        assert_eq!(peer.protocol.shutdown(), shutdown);
        assert_eq!(peer.protocol.next_deadline(), Some(at(11_000)));
        peer.wait(at(11_000));
        assert_eq!(peer.protocol.shutdown(), Shutdown::Drop);

        // A failed connection waits for the peer's end as long.
        let mut peer = Peer::open(role, Options::default());
        peer.frame(0x83, b"", at(1_000));
        assert_eq!(peer.protocol.shutdown(), Shutdown::HalfClose);
        assert_eq!(peer.protocol.next_deadline(), Some(at(11_000)));
        peer.wait(at(11_000));
        assert_eq!(peer.protocol.shutdown(), Shutdown::Drop);
        assert_eq!(peer.told.len(), 1);
    }
}

#[test]
fn a_close_timeout_of_0_waits_for_ever() {
    let mut peer = Peer::open(
        Role::Client,
        Options {
            close_timeout: Duration::ZERO,
            ..Options::default()
        },
    );
    peer.close(1000, "", at(1));
    assert_eq!(peer.protocol.next_deadline(), None);
    peer.wait(at(1_000_000));
    assert!(peer.told.is_empty());
}

#[test]
fn a_reason_is_shortened_at_a_character() {
    use crate::protocol::shorten;
    assert_eq!(shorten("short"), "short");
    assert_eq!(shorten(&"x".repeat(123)).len(), 123);
    assert_eq!(shorten(&"x".repeat(124)).len(), 123);
    assert_eq!(shorten(&"€".repeat(50)), "€".repeat(41));
    assert_eq!(shorten(&format!("x{}", "€".repeat(50))).len(), 121);
}

#[test]
fn counts_past_what_is_there_count_as_all() {
    let mut peer = Peer::open(Role::Client, Options::default());
    let bytes = frame_to(Role::Client, TEXT, b"x");
    peer.input.extend(&bytes);
    peer.input.filled(usize::MAX);
    assert_eq!(peer.input.len(), bytes.len());
    peer.drain(at(1));
    assert_eq!(peer.events(), [text("x")]);
    peer.close(1000, "", at(1));
    peer.output.consume(1);
    peer.output.consume(usize::MAX);
    assert!(peer.output.is_empty());
}
