//! Keep-alive and idle waits, by a simulated clock.

use super::*;
use crate::error::Deadline;

const SECOND: u64 = 1000;

fn options() -> Options {
    Options::default()
}

/// The ping that was sent; nothing else may have been.
#[track_caller]
fn ping_sent(peer: &mut Peer) -> Vec<u8> {
    match &peer.sent_frames()[..] {
        [(PING, payload)] => payload.clone(),
        other => panic!("{other:?}"),
    }
}

fn timed_out(deadline: Deadline, seconds: u64) -> Option<Error> {
    Some(Error::Timeout {
        deadline,
        after: Duration::from_secs(seconds),
        stage: None,
    })
}

#[test]
fn a_ping_after_silence_and_its_round_trip() {
    for role in BOTH {
        let mut peer = Peer::open(role, options());
        peer.frame(TEXT, b"x", at(5 * SECOND)).events();
        assert_eq!(peer.protocol.next_deadline(), Some(at(25 * SECOND)));
        peer.wait(at(25 * SECOND - 1));
        assert!(peer.output.is_empty());
        peer.wait(at(25 * SECOND));
        let payload = ping_sent(&mut peer);
        assert_eq!(peer.protocol.next_deadline(), Some(at(45 * SECOND)));
        // One ping outstanding: being called again sends no other.
        peer.wait(at(26 * SECOND));
        assert!(peer.output.is_empty());
        peer.frame(PONG, &payload, at(25 * SECOND + 40));
        let trip = Some(Duration::from_millis(40));
        assert_eq!(peer.events(), [Told::Pong(payload.clone(), trip)]);
        // A second copy answers nothing.
        peer.frame(PONG, &payload, at(25 * SECOND + 50));
        assert_eq!(peer.events(), [Told::Pong(payload, None)]);
        assert_eq!(peer.protocol.next_deadline(), Some(at(45 * SECOND + 50)));
    }
}

#[test]
fn any_byte_counts_as_life() {
    for role in BOTH {
        let mut peer = Peer::open(role, options());
        peer.wait(at(20 * SECOND));
        ping_sent(&mut peer);
        // Two bytes of a long message's header, then a little of it now and then, never a pong.
        let bytes = frame_to(role, BINARY, &[1; 1000]);
        for (number, byte) in bytes[..100].iter().enumerate() {
            let now = at((39 + 19 * number as u64) * SECOND);
            peer.wait(now);
            peer.receive(&[*byte], now);
            assert!(peer.protocol.is_open());
            assert_eq!(
                peer.protocol.next_deadline(),
                Some(now + Duration::from_secs(20))
            );
        }
        assert!(peer.output.is_empty());
        let now = at((39 + 19 * 99 + 20) * SECOND);
        peer.wait(now);
        ping_sent(&mut peer);
    }
}

#[test]
fn a_late_pong_is_measured_unless_another_ping_has_gone_out() {
    let mut peer = Peer::open(Role::Server, options());
    peer.wait(at(20 * SECOND));
    let first = ping_sent(&mut peer);
    peer.frame(TEXT, b"busy", at(30 * SECOND)).events();
    peer.frame(PONG, &first, at(31 * SECOND));
    let trip = Some(Duration::from_secs(11));
    assert_eq!(peer.events(), [Told::Pong(first, trip)]);
    peer.wait(at(51 * SECOND));
    let second = ping_sent(&mut peer);
    peer.frame(TEXT, b"busy", at(52 * SECOND)).events();
    peer.wait(at(72 * SECOND));
    let third = ping_sent(&mut peer);
    assert_ne!(second, third);
    peer.frame(PONG, &second, at(73 * SECOND));
    assert_eq!(peer.events(), [Told::Pong(second, None)]);
    peer.frame(PONG, &third, at(74 * SECOND));
    assert_eq!(
        peer.events(),
        [Told::Pong(third, Some(Duration::from_secs(2)))]
    );
}

#[test]
fn silence_after_a_ping_fails_with_1011() {
    for role in BOTH {
        let mut peer = Peer::open(role, options());
        peer.wait(at(20 * SECOND));
        ping_sent(&mut peer);
        peer.wait(at(40 * SECOND - 1));
        assert!(peer.protocol.is_open());
        peer.wait(at(40 * SECOND));
        assert_eq!(peer.closed().cause, timed_out(Deadline::Pong, 20));
        assert!(peer.closed().by_us);
        let reason = "nothing came after a keep-alive ping within pong_timeout, 20s";
        assert_eq!(peer.sent_frames(), [(CLOSE, close_payload(1011, reason))]);
        assert_eq!(peer.protocol.shutdown(), Shutdown::HalfClose);
    }
}

#[test]
fn a_peer_that_takes_what_it_is_sent_lives() {
    let mut peer = Peer::open(Role::Server, options());
    peer.wait(at(20 * SECOND));
    ping_sent(&mut peer);
    peer.protocol.on_progress(at(39 * SECOND));
    peer.wait(at(40 * SECOND));
    assert!(peer.protocol.is_open());
    assert_eq!(peer.protocol.next_deadline(), Some(at(59 * SECOND)));
}

#[test]
fn idle_means_no_data_message_and_closes_with_1001() {
    for role in BOTH {
        let idle = || Options {
            idle_timeout: Duration::from_secs(30),
            ..options()
        };
        let mut peer = Peer::open(role, idle());
        peer.frame(TEXT, b"x", at(10 * SECOND)).events();
        peer.frame(PING, b"", at(25 * SECOND)).events();
        peer.frame(PONG, b"", at(39 * SECOND)).events();
        peer.sent();
        assert_eq!(peer.protocol.next_deadline(), Some(at(40 * SECOND)));
        peer.wait(at(40 * SECOND));
        assert_eq!(peer.closed().cause, timed_out(Deadline::Idle, 30));
        let reason = "no message came within idle_timeout, 30s";
        assert_eq!(peer.sent_frames(), [(CLOSE, close_payload(1001, reason))]);

        // A long message is not idle while more of it comes, in one frame or in several.
        for streaming in [false, true] {
            let mut peer = Peer::open(
                role,
                Options {
                    streaming,
                    ..idle()
                },
            );
            peer.receive(&header_to(role, BINARY, 21), at(0));
            for number in 0..20 {
                let now = at(number * 15 * SECOND);
                peer.wait(now).receive(&[1], now);
            }
            assert!(peer.protocol.is_open());
        }
    }
}

#[test]
fn zero_turns_a_wait_off() {
    for role in BOTH {
        let mut peer = Peer::open(
            role,
            Options {
                ping_interval: Duration::ZERO,
                ..options()
            },
        );
        assert_eq!(peer.protocol.next_deadline(), None);
        peer.wait(at(1_000_000 * SECOND));
        assert!(peer.told.is_empty() && peer.output.is_empty());

        // Pings whose answers are not insisted on.
        let mut peer = Peer::open(
            role,
            Options {
                pong_timeout: Duration::ZERO,
                ..options()
            },
        );
        for number in 1..5 {
            let now = at(number * 20 * SECOND);
            assert_eq!(peer.protocol.next_deadline(), Some(now));
            peer.wait(now);
            ping_sent(&mut peer);
        }
        assert!(peer.protocol.is_open());

        let mut server = Peer::server(Options {
            open_timeout: Duration::ZERO,
            ..options()
        });
        assert_eq!(server.protocol.next_deadline(), None);
        server.wait(at(1_000_000 * SECOND));
        assert!(server.told.is_empty());
    }
}

#[test]
fn a_paused_connection_is_not_failed_and_starts_anew_when_resumed() {
    for role in BOTH {
        let mut peer = Peer::open(
            role,
            Options {
                idle_timeout: Duration::from_secs(30),
                ..options()
            },
        );
        peer.wait(at(20 * SECOND));
        let ping = ping_sent(&mut peer);
        peer.protocol.set_paused(true, at(25 * SECOND));
        assert!(peer.protocol.is_paused());
        assert_eq!(peer.protocol.next_deadline(), None);
        peer.wait(at(1000 * SECOND));
        assert!(peer.protocol.is_open() && peer.output.is_empty());
        peer.protocol.set_paused(false, at(1000 * SECOND));
        // Nobody waits any more for the pong that came in the pause: its round trip would be the pause's length.
        peer.frame(PONG, &ping, at(1000 * SECOND));
        assert_eq!(peer.events(), [Told::Pong(ping, None)]);
        // Once more: not a change, so nothing is put off.
        peer.protocol.set_paused(false, at(1010 * SECOND));
        assert_eq!(peer.protocol.next_deadline(), Some(at(1020 * SECOND)));
        // A close overrides the pause, and has its deadline.
        peer.protocol.set_paused(true, at(1011 * SECOND));
        peer.close(1000, "", at(1012 * SECOND));
        assert!(!peer.protocol.is_paused());
        assert_eq!(peer.protocol.next_deadline(), Some(at(1022 * SECOND)));
    }
}

#[test]
fn on_deadline_before_its_time_does_nothing() {
    for role in BOTH {
        let mut peers = [
            Peer::open(role, options()),
            match role {
                Role::Client => Peer::client(options()),
                Role::Server => Peer::server(options()),
            },
            Peer::open(role, options()),
            Peer::open(role, options()),
        ];
        peers[2].close(1000, "", at(0));
        peers[3].frame(0x83, b"", at(0));
        for mut peer in peers {
            peer.sent();
            let told = peer.told.len();
            let deadline = peer.protocol.next_deadline().expect("a deadline");
            for millis in [0, 1, 5_000, 9_999] {
                peer.wait(at(millis));
                assert_eq!(peer.protocol.next_deadline(), Some(deadline));
            }
            assert!(peer.output.is_empty());
            assert_eq!(peer.told.len(), told);
        }
    }
}

#[test]
fn while_open_a_deadline_only_moves_later() {
    // A driver may go by a deadline it has asked for before: what comes in never brings it forward.
    for role in BOTH {
        let mut peer = Peer::open(
            role,
            Options {
                idle_timeout: Duration::from_secs(50),
                ..options()
            },
        );
        let mut before = peer.protocol.next_deadline();
        for step in 0..200_u64 {
            let now = at(step * 1700);
            match step % 7 {
                0 => _ = peer.frame(TEXT, b"x", now),
                1 => _ = peer.frame(PONG, b"x", now),
                2 => _ = peer.receive(&frame_to(role, BINARY, b"xy")[..3], now),
                3 => _ = peer.receive(&frame_to(role, BINARY, b"xy")[3..], now),
                4 => peer.protocol.on_progress(now),
                _ => _ = peer.wait(now),
            }
            let after = peer.protocol.next_deadline();
            assert!(after >= before, "{before:?} to {after:?} in step {step}");
            before = after;
        }
        assert!(peer.protocol.is_open());
    }
}
