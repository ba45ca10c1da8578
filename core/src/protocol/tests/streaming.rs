//! Streaming: messages of any length in pieces, in constant memory (RFC 6455 section 5.4).

use super::*;
use crate::deflate::Compress;

fn streaming() -> Options {
    Options {
        streaming: true,
        ..Options::default()
    }
}

/// The pieces put together to whole messages, their flags checked. A message without its end is left out.
pub(super) fn joined(events: &[Told]) -> Vec<Told> {
    let mut whole: Vec<Told> = Vec::new();
    let mut under_way: Option<(MessageKind, Vec<u8>)> = None;
    for event in events {
        let Told::Fragment {
            kind,
            payload,
            first,
            last,
        } = event
        else {
            whole.push(event.clone());
            continue;
        };
        assert_eq!(*first, under_way.is_none(), "the first flag");
        assert!(*last || !payload.is_empty(), "an empty piece");
        let (begun, mut bytes) = under_way.take().unwrap_or((*kind, Vec::new()));
        assert_eq!(begun, *kind);
        bytes.extend_from_slice(payload);
        if *last {
            whole.push(Told::Message(begun, bytes));
        } else {
            under_way = Some((begun, bytes));
        }
    }
    whole
}

#[test]
fn the_pieces_together_are_the_message() {
    for role in BOTH {
        let bytes = [
            frame_to(role, TEXT_BEGINS, b""),
            frame_to(role, CONTINUES, "a€".as_bytes()),
            frame_to(role, PING, b"p"),
            frame_to(role, CONTINUES, b"\xf0\x9f"),
            frame_to(role, CONTINUES, b"\x9a\xa0"),
            frame_to(role, ENDS, b""),
            frame_to(role, BINARY, &[9; 300]),
            frame_to(role, TEXT, b""),
            frame_to(role, BINARY_BEGINS, b""),
            frame_to(role, ENDS, b"x"),
        ]
        .concat();
        for piece in [1, 2, 3, 5, 7, 64, bytes.len()] {
            let mut peer = Peer::open(role, streaming());
            for bytes in bytes.chunks(piece) {
                peer.receive(bytes, at(1));
            }
            let events = peer.events();
            assert_eq!(
                joined(&events),
                [
                    Told::Ping(b"p".to_vec()),
                    text("a€🚠"),
                    binary(&[9; 300]),
                    text(""),
                    binary(b"x")
                ]
            );
            assert!(peer.protocol.partial.is_none());
        }
    }
}

#[test]
fn a_message_in_one_read_is_one_piece() {
    for role in BOTH {
        let mut peer = Peer::open(role, streaming());
        peer.frame(TEXT, b"whole", at(1));
        assert_eq!(
            peer.events(),
            [Told::Fragment {
                kind: MessageKind::Text,
                payload: b"whole".to_vec(),
                first: true,
                last: true
            }]
        );
    }
}

#[test]
fn text_is_validated_as_it_comes() {
    for role in BOTH {
        for end in [ENDS, CONTINUES] {
            let mut peer = Peer::open(role, streaming());
            peer.frame(TEXT_BEGINS, b"ok\xe2", at(1));
            assert_eq!(peer.told.len(), 1);
            peer.frame(end, b"\x28", at(1));
            assert_eq!(
                peer.closed().cause,
                Some(Error::Frame(FrameError::InvalidUtf8InText))
            );
        }
        // A character must not end in the next message.
        let mut peer = Peer::open(role, streaming());
        peer.frame(TEXT, b"\xe2\x82", at(1));
        assert_eq!(peer.closed().sent.as_ref().expect("sent").code.get(), 1007);
        let mut peer = Peer::open(role, streaming());
        peer.frame(TEXT_BEGINS, b"\xe2\x82", at(1))
            .frame(ENDS, b"", at(1));
        assert_eq!(peer.closed().sent.as_ref().expect("sent").code.get(), 1007);
    }
}

#[test]
fn a_message_of_a_gibibyte_passes_in_constant_memory() {
    const LENGTH: u64 = 1 << 30;
    const PIECE: usize = 64 << 10;
    let mut peer = Peer::open(
        Role::Client,
        Options {
            max_message_size: 1000,
            ..streaming()
        },
    );
    peer.receive(&header_to(Role::Client, BINARY, LENGTH), at(1));
    let mut total = 0;
    for number in 0..LENGTH / PIECE as u64 {
        peer.input.spare(PIECE);
        peer.input.filled(PIECE);
        let event = peer
            .protocol
            .next_event(&mut peer.input, &mut peer.output, at(1));
        let Some(Event::Fragment {
            payload,
            first,
            last,
            ..
        }) = event
        else {
            panic!("{event:?}")
        };
        total += payload.len() as u64;
        assert_eq!((first, last), (number == 0, total == LENGTH));
        assert!(peer.protocol.partial.is_none());
        peer.drain(at(1));
    }
    assert_eq!(total, LENGTH);
    assert_eq!(peer.input.incomplete_bytes(), 0);
    assert!(peer.input.spare(0).len() <= 2 * PIECE);
}

#[test]
fn fragments_without_end_cost_nothing() {
    for role in BOTH {
        let mut peer = Peer::open(role, streaming());
        peer.frame(BINARY_BEGINS, b"", at(1));
        let many = frame_to(role, CONTINUES, b"").repeat(10_000);
        for _ in 0..20 {
            peer.receive(&many, at(1));
        }
        assert!(peer.told.is_empty() && peer.protocol.partial.is_none());
        peer.frame(ENDS, b"", at(1));
        assert_eq!(joined(&peer.events()), [binary(b"")]);
    }
}

#[test]
fn one_message_is_told_in_pieces_on_demand() {
    for role in BOTH {
        let bytes = [
            frame_to(role, TEXT, b"before"),
            frame_to(role, TEXT_BEGINS, "a€".as_bytes()),
            frame_to(role, CONTINUES, b"\xf0\x9f"),
            frame_to(role, ENDS, b"\x9a\xa0"),
            frame_to(role, BINARY, b"after"),
        ]
        .concat();
        for asked in 0..bytes.len() {
            let options = Options {
                max_message_size: 9,
                ..Options::default()
            };
            let mut peer = Peer::open(role, options);
            for (number, byte) in bytes.iter().enumerate() {
                if number == asked {
                    peer.protocol.stream_message();
                    peer.drain(at(1));
                }
                peer.receive(&[*byte], at(1));
            }
            let events = peer.events();
            assert_eq!(
                joined(&events),
                [text("before"), text("a€🚠"), binary(b"after")]
            );
            let pieces = events
                .iter()
                .filter(|event| matches!(event, Told::Fragment { last: true, .. }));
            assert_eq!(pieces.count(), 1, "asked at {asked}");
            assert_eq!(peer.input.incomplete_bytes(), 0);
        }
    }
}

#[test]
fn a_compressed_message_is_told_in_pieces_on_demand() {
    let message = vec![7; 300_000];
    let mut two = deflate::Two::new(Role::Client, false, deflate::on());
    two.send(&message, Compress::Always);
    let bytes = two.sender.sent();
    let server = &mut two.receiver;
    let (half, rest) = bytes.split_at(bytes.len() / 2);
    server.receive(half, at(1));
    server.protocol.stream_message();
    server.drain(at(1)).receive(rest, at(1));
    let events = server.events();
    assert!(events.len() > 1);
    assert_eq!(joined(&events), [binary(&message)]);
    assert_eq!(server.input.incomplete_bytes(), 0);
}
