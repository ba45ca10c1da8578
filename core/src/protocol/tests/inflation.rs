//! What compressed messages (RFC 7692) may cost: limits, bombs, memory, codecs that are shared.

use super::deflate::{COMPRESSED, Two, agreed, compressing, deflated, on};
use super::*;
use crate::deflate::Compress;

/// A message that comes to so many MiB of zeros, at a thousandth of the size.
fn bomb(mebibytes: usize) -> Vec<u8> {
    let mut piece = deflated(&vec![0; 1 << 20]);
    // Whole blocks that refer to nothing before them.
    piece.extend([0, 0, 0xff, 0xff]);
    let mut bytes = piece.repeat(mebibytes);
    bytes.push(0);
    bytes
}

#[test]
fn cve_2026_1526_pysec_2018_79_a_bomb_costs_the_limit_and_ends_in_1009() {
    let bomb = bomb(1024);
    assert!(bomb.len() < 6 << 20);
    let limit = 1 << 20;
    for role in BOTH {
        for takes_over in [false, true] {
            for piece in [usize::MAX, 64 << 10] {
                let options = Options {
                    max_message_size: limit,
                    ..on()
                };
                let mut peer = compressing(role, takes_over, options);
                for piece in frame_to(role, BINARY | COMPRESSED, &bomb).chunks(piece) {
                    if peer.protocol.is_ended() {
                        break;
                    }
                    peer.receive(piece, at(1));
                }
                let closed = peer.closed();
                let Some(Error::Limit { value, actual, .. }) = closed.cause else {
                    panic!("{closed:?}")
                };
                assert_eq!(value, limit);
                assert!(
                    (limit + 1..limit + (128 << 10)).contains(&actual),
                    "{actual}"
                );
                assert_eq!(
                    closed.sent.as_ref().map(|close| close.code.get()),
                    Some(1009)
                );
                assert!(peer.input.inflated_capacity() <= 2 << 20);
                assert_eq!(peer.input.incomplete_bytes(), 0);
            }
        }
    }
}

#[test]
fn a_streamed_bomb_passes_in_constant_memory() {
    let bomb = bomb(32);
    for role in BOTH {
        let options = Options {
            streaming: true,
            ..on()
        };
        let mut peer = compressing(role, false, options);
        let mut total = 0;
        let mut ended = false;
        for piece in frame_to(role, BINARY | COMPRESSED, &bomb).chunks(256 << 10) {
            peer.input.extend(piece);
            while let Some(event) =
                peer.protocol
                    .next_event(&mut peer.input, &mut peer.output, at(1))
            {
                let Event::Fragment {
                    payload,
                    first,
                    last,
                    ..
                } = event
                else {
                    panic!("{event:?}")
                };
                assert_eq!(first, total == 0);
                total += payload.len();
                ended |= last;
                assert!(payload.len() <= 64 << 10);
            }
            assert!(peer.input.inflated_capacity() <= 64 << 10);
        }
        assert!(ended && total == 32 << 20, "{total}");
        assert!(peer.protocol.codecs.is_none() && peer.input.incomplete_bytes() == 0);
    }
}

#[test]
fn the_limit_is_on_what_inflating_yields_to_the_byte() {
    for (length, good) in [(99_999, true), (100_000, true), (100_001, false)] {
        let bytes = deflated(&vec![b'a'; length]);
        for pieces in [1, 7] {
            let options = Options {
                max_message_size: 100_000,
                ..on()
            };
            let mut peer = compressing(Role::Server, false, options);
            let frame = frame_to(Role::Server, BINARY | COMPRESSED, &bytes);
            for piece in frame.chunks(frame.len() / pieces) {
                if !peer.protocol.is_ended() {
                    peer.receive(piece, at(1));
                }
            }
            assert_eq!(peer.protocol.is_open(), good, "{length}");
            if good {
                assert_eq!(peer.events(), [binary(&vec![b'a'; length])]);
            }
        }
    }
    // A message that compression has made larger counts as what it was.
    let payload: Vec<u8> = (0..=255).collect();
    let stored = [&[0, 0, 1, 0xff, 0xfe][..], &payload, &[0]].concat();
    let options = Options {
        max_message_size: 256,
        ..on()
    };
    let mut peer = compressing(Role::Server, false, options);
    peer.frame(BINARY | COMPRESSED, &stored, at(1));
    assert_eq!(peer.events(), [binary(&payload)]);
}

#[test]
fn incomplete_messages_count_inflated_and_with_their_codec() {
    let mut peer = compressing(Role::Server, false, on());
    let bytes = deflated(&vec![b'a'; 100_000]);
    peer.frame(BINARY_BEGINS | COMPRESSED, &bytes, at(1));
    let held = peer.input.incomplete_bytes();
    assert!((140_000..400_000).contains(&held), "{held}");
    peer.frame(ENDS, b"", at(1));
    assert_eq!(peer.events(), [binary(&vec![b'a'; 100_000])]);
    assert_eq!(peer.input.incomplete_bytes(), 0);

    peer.input = Input::with_incomplete_limit(100_000);
    peer.frame(BINARY_BEGINS | COMPRESSED, &bytes, at(1));
    assert!(matches!(
        peer.closed().cause,
        Some(Error::Limit {
            limit: crate::Limit::IncompleteMessages,
            ..
        })
    ));
    assert_eq!(peer.input.incomplete_bytes(), 0);
}

#[test]
fn many_connections_share_one_driver_and_its_codecs() {
    let mut input = Input::new();
    let mut output = Output::new();
    let mut peers: Vec<Protocol> = (0..5)
        .map(|_| Protocol::open(Role::Server, Arc::new(on()), at(0)).with_deflate(agreed(false)))
        .collect();
    let messages: Vec<Vec<u8>> = (0..5u8).map(|number| vec![b'a' + number; 5000]).collect();
    let frames: Vec<Vec<u8>> = messages
        .iter()
        .map(|message| frame_to(Role::Server, BINARY | COMPRESSED, &deflated(message)))
        .collect();
    let longest = frames.iter().map(Vec::len).max().unwrap_or(0);
    // All of them get their messages byte by byte, in turn.
    let mut told = 0;
    for place in 0..longest {
        for (index, peer) in peers.iter_mut().enumerate() {
            input.extend(frames[index].get(place..=place).unwrap_or_default());
            while let Some(event) = peer.next_event(&mut input, &mut output, at(1)) {
                let Event::Message { kind, payload } = event else {
                    panic!("{event:?}")
                };
                assert_eq!(payload, messages[index]);
                peer.send(&mut output, kind, payload).expect("open");
                told += 1;
            }
        }
    }
    assert_eq!(told, 5);
    let echoes = frames_of(Role::Server, output.bytes());
    let sizes: Vec<_> = echoes
        .iter()
        .map(|(_, payload)| payload.len() < 100)
        .collect();
    assert_eq!(sizes, [true; 5]);
    assert_eq!(input.incomplete_bytes(), 0);
    assert!(
        peers
            .iter()
            .all(|peer| peer.codecs.is_none() && peer.partial.is_none())
    );
}

#[test]
fn an_idle_compressed_connection_without_takeover_holds_no_heap() {
    for role in BOTH {
        let mut two = Two::new(role, false, on());
        for size in [1, 1 << 20] {
            two.send(&[b'a'; 10_000], Compress::ByOptions);
            assert_eq!(two.pass(size), [binary(&[b'a'; 10_000])]);
            for peer in [&two.sender, &two.receiver] {
                let protocol = &peer.protocol;
                assert!(protocol.codecs.is_none() && protocol.partial.is_none());
                assert!(protocol.opening.is_none() && protocol.ending.is_none());
            }
        }
    }
}

#[test]
fn frames_for_many_are_compressed_where_they_become_smaller() {
    let threshold = on().compression.threshold;
    let noise: Vec<u8> = (0..=255).collect();
    let messages = [
        (vec![b'a'; 1000], true),
        (vec![b'b'; threshold], true),
        (vec![b'c'; threshold - 1], false),
        (noise, false),
        (vec![b'd'; 70_000], true),
    ];
    let mut frames = Vec::new();
    for (payload, _) in &messages {
        append_server_frame(&mut frames, MessageKind::Binary, payload).expect("memory");
    }
    let mut two = Two::new(Role::Server, false, on());
    let alone = two.sender.protocol.compresses_alone().expect("agreed");
    let compressed =
        compress_server_frames(&mut two.sender.output, &frames, alone).expect("memory");
    let expected: Vec<_> = messages
        .iter()
        .map(|(payload, _)| binary(payload))
        .collect();
    assert_eq!(two.receiver.receive(&compressed, at(1)).events(), expected);
    for ((first, payload), (message, smaller)) in
        frames_of(Role::Server, &compressed).iter().zip(&messages)
    {
        assert_eq!(first & COMPRESSED != 0, *smaller);
        assert_eq!(payload.len() < message.len(), *smaller);
    }
    // With takeover each connection's frames are its own, and without an agreement there is nothing to do.
    let own = compressing(Role::Server, true, on());
    assert_eq!(own.protocol.compresses_alone(), None);
    let plain = Peer::open(Role::Server, on());
    assert_eq!(plain.protocol.compresses_alone(), None);
}
