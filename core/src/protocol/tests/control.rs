//! Pings and pongs (RFC 6455 sections 5.5.2 and 5.5.3).

use super::*;

#[test]
fn a_ping_is_answered_with_its_payload_and_told() {
    for role in BOTH {
        let mut peer = Peer::open(role, Options::default());
        for payload in [&b""[..], b"x", &[0xff; 125]] {
            peer.frame(PING, payload, at(1));
            assert_eq!(peer.events(), [Told::Ping(payload.to_vec())]);
            assert_eq!(peer.sent_frames(), [(PONG, payload.to_vec())]);
        }
    }
}

#[test]
fn a_control_frame_split_anywhere_is_one() {
    for role in BOTH {
        let bytes = frame_to(role, PING, b"hello");
        for split in 1..bytes.len() {
            // With and without a fragmented message under way.
            for between in [false, true] {
                let mut peer = Peer::open(role, Options::default());
                if between {
                    peer.frame(TEXT_BEGINS, b"a", at(1));
                }
                peer.receive(&bytes[..split], at(1));
                assert!(peer.told.is_empty() && peer.output.is_empty());
                peer.receive(&bytes[split..], at(1));
                assert_eq!(peer.events(), [Told::Ping(b"hello".to_vec())]);
                assert_eq!(peer.sent_frames(), [(PONG, b"hello".to_vec())]);
                if between {
                    peer.frame(ENDS, b"b", at(1));
                    assert_eq!(peer.events(), [text("ab")]);
                }
            }
        }
    }
}

#[test]
fn an_unsolicited_pong_is_told_and_not_answered() {
    for role in BOTH {
        let mut peer = Peer::open(role, Options::default());
        peer.frame(PONG, b"8bytes..", at(1));
        assert_eq!(peer.events(), [Told::Pong(b"8bytes..".to_vec(), None)]);
        assert!(peer.output.is_empty());
    }
}

#[test]
fn cve_2026_11586_a_ping_flood_leaves_at_most_one_pong_pending() {
    for role in BOTH {
        let mut peer = Peer::open(role, Options::default());
        peer.output.set_blocked(true);
        for number in 0..10_000_u16 {
            peer.frame(PING, &number.to_be_bytes(), at(1));
        }
        assert_eq!(peer.events().len(), 10_000);
        assert!(peer.output.is_empty());
        peer.output.set_blocked(false);
        peer.protocol
            .release_pong(&mut peer.output)
            .expect("random bytes");
        let newest = 9_999_u16.to_be_bytes().to_vec();
        assert_eq!(peer.sent_frames(), [(PONG, newest)]);
        peer.protocol
            .release_pong(&mut peer.output)
            .expect("nothing to do");
        assert!(peer.output.is_empty());
        assert!(peer.protocol.partial.is_none());
    }
}

#[test]
fn cve_2025_5399_a_pong_that_cannot_be_written_does_not_stop_what_follows() {
    for role in BOTH {
        let mut peer = Peer::open(role, Options::default());
        peer.output.set_blocked(true);
        let bytes = [
            frame_to(role, TEXT_BEGINS, b"a"),
            frame_to(role, PING, &[1; 125]),
            frame_to(role, ENDS, b"b"),
            frame_to(role, PING, b"last"),
            frame_to(role, CLOSE, &close_payload(1000, "")),
        ];
        peer.receive(&bytes.concat(), at(1));
        assert_eq!(peer.told.len(), 4);
        assert!(peer.closed().is_clean());
        // The Close frame is sent; a pong behind it must not be.
        assert_eq!(peer.sent_frames(), [(CLOSE, close_payload(1000, ""))]);
        peer.output.set_blocked(false);
        peer.protocol
            .release_pong(&mut peer.output)
            .expect("nothing to do");
        assert!(peer.output.is_empty());
    }
}

#[test]
fn a_pong_is_not_sent_behind_our_close() {
    let mut peer = Peer::open(Role::Server, Options::default());
    peer.output.set_blocked(true);
    peer.frame(PING, b"before", at(1));
    peer.output.set_blocked(false);
    peer.close(1000, "", at(1));
    peer.frame(PING, b"after", at(1));
    peer.protocol
        .release_pong(&mut peer.output)
        .expect("nothing to do");
    assert_eq!(peer.sent_frames(), [(CLOSE, close_payload(1000, ""))]);
    assert_eq!(
        peer.events(),
        [
            Told::Ping(b"before".to_vec()),
            Told::Ping(b"after".to_vec())
        ]
    );
}

#[test]
fn with_answer_pings_off_a_ping_is_only_told() {
    for role in BOTH {
        let options = Options {
            answer_pings: false,
            ..Options::default()
        };
        let mut peer = Peer::open(role, options);
        peer.frame(PING, b"x", at(1));
        assert_eq!(peer.events(), [Told::Ping(b"x".to_vec())]);
        assert!(peer.output.is_empty());
    }
}
