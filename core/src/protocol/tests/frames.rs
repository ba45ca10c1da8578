//! Messages and their frames: what is taken and what fails the connection (RFC 6455 sections 5 and 8).

use super::super::send::LENT;
use super::*;
use crate::deflate::Compress;
use crate::frame::MAX_HEADER;

/// The verdict on `bytes`, for the other end of which they were made: the error, and what is sent of it.
#[track_caller]
fn violation(role: Role, bytes: &[u8], error: FrameError) {
    for piece in [bytes.len(), 1, 3] {
        let mut peer = Peer::open(role, Options::default());
        for bytes in bytes.chunks(piece) {
            peer.receive(bytes, at(1));
        }
        let code = error.close_code();
        let closed = peer.closed().clone();
        assert_eq!(closed.cause, Some(Error::Frame(error)));
        let sent = closed.sent.expect("a Close frame");
        assert_eq!(sent.code, code);
        assert!(error.to_string().starts_with(&sent.reason) && sent.reason.len() > 10);
        assert_eq!(closed.received, None);
        assert!(closed.by_us);
        assert_eq!(
            peer.sent_frames(),
            [(CLOSE, close_payload(code.get(), &sent.reason))]
        );
        assert_eq!(peer.protocol.shutdown(), Shutdown::HalfClose);
        // Nothing more comes of it, whatever comes in.
        peer.frame(TEXT, b"late", at(2)).frame(PING, b"", at(2));
        peer.eof(at(3));
        assert!(peer.output.is_empty());
        assert_eq!(peer.protocol.shutdown(), Shutdown::Close);
    }
}

#[test]
fn whole_messages_of_every_length_encoding() {
    for role in BOTH {
        let mut peer = Peer::open(role, Options::default());
        for length in [0, 1, 125, 126, 127, 65_535, 65_536, 100_000] {
            let payload: Vec<u8> = (0..length).map(|index| index as u8).collect();
            peer.frame(BINARY, &payload, at(1));
            assert_eq!(peer.events(), [binary(&payload)]);
            let letters = "é".repeat(length / 2);
            peer.frame(TEXT, letters.as_bytes(), at(1));
            assert_eq!(peer.events(), [text(&letters)]);
        }
        assert!(peer.output.is_empty());
    }
}

#[test]
fn many_messages_in_one_read_come_in_order() {
    for role in BOTH {
        let mut peer = Peer::open(role, Options::default());
        let mut bytes = Vec::new();
        for number in 0..100_u8 {
            bytes.extend(frame_to(role, BINARY, &[number; 3]));
        }
        peer.receive(&bytes, at(1));
        let expected: Vec<_> = (0..100).map(|number| binary(&[number; 3])).collect();
        assert_eq!(peer.events(), expected);
    }
}

#[test]
fn fragments_make_one_message_with_control_frames_between_them() {
    for role in BOTH {
        let mut peer = Peer::open(role, Options::default());
        peer.frame(TEXT_BEGINS, b"\xe2\x82", at(1));
        peer.frame(PING, b"1", at(1));
        peer.frame(CONTINUES, b"", at(1));
        peer.frame(PONG, b"2", at(1));
        peer.frame(CONTINUES, b"\xac", at(1));
        peer.frame(ENDS, b"!", at(1));
        assert_eq!(
            peer.events(),
            [
                Told::Ping(b"1".to_vec()),
                Told::Pong(b"2".to_vec(), None),
                text("€!")
            ]
        );
        assert_eq!(peer.sent_frames(), [(PONG, b"1".to_vec())]);
        // An empty message in several frames, then one in a single frame.
        peer.frame(BINARY_BEGINS, b"", at(1))
            .frame(ENDS, b"", at(1));
        peer.frame(BINARY, b"x", at(1));
        assert_eq!(peer.events(), [binary(b""), binary(b"x")]);
    }
}

#[test]
fn reserved_bits_fail_with_1002() {
    for role in BOTH {
        for bits in [0x40, 0x20, 0x10, 0x70] {
            for first in [TEXT, BINARY, CONTINUES, PING, CLOSE] {
                let bytes = frame_to(role, first | bits, b"");
                violation(role, &bytes, FrameError::ReservedBits(bits));
            }
        }
    }
}

#[test]
fn cve_2026_59881_rsv1_without_the_extension_fails_with_1002() {
    for role in BOTH {
        // "Hello" as permessage-deflate would send it (RFC 7692 section 7.2.3.1).
        let compressed = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
        let bytes = frame_to(role, TEXT | 0x40, &compressed);
        violation(role, &bytes, FrameError::ReservedBits(0x40));
    }
}

#[test]
fn reserved_opcodes_fail_with_1002() {
    for role in BOTH {
        for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
            let bytes = frame_to(role, 0x80 | opcode, b"");
            violation(role, &bytes, FrameError::ReservedOpcode(opcode));
        }
    }
}

#[test]
fn masking_that_does_not_fit_the_sender_fails_with_1002() {
    violation(
        Role::Server,
        &frame_to(Role::Client, TEXT, b"x"),
        FrameError::UnmaskedByClient,
    );
    violation(
        Role::Client,
        &frame_to(Role::Server, TEXT, b"x"),
        FrameError::MaskedByServer,
    );
}

#[test]
fn control_frames_that_are_fragmented_or_long_fail_with_1002() {
    for role in BOTH {
        for (first, opcode) in [
            (CLOSE, Opcode::Close),
            (PING, Opcode::Ping),
            (PONG, Opcode::Pong),
        ] {
            let bytes = frame_to(role, first & 0x7f, b"");
            violation(role, &bytes, FrameError::FragmentedControl(opcode));
            for length in [126, 65_536] {
                let error = FrameError::ControlTooLong { opcode, length };
                violation(role, &header_to(role, first, length), error);
            }
        }
    }
}

#[test]
fn lengths_not_in_their_shortest_form_fail_with_1002() {
    let mask = |role| if role == Role::Server { 0x80 } else { 0 };
    for role in BOTH {
        for length in [0_u16, 1, 125] {
            let mut bytes = vec![BINARY, mask(role) | 126];
            bytes.extend(length.to_be_bytes());
            let error = FrameError::OverlongLength {
                length: length.into(),
                encoded_in: 2,
            };
            violation(role, &bytes, error);
        }
        for length in [0_u64, 125, 126, 65_535] {
            let mut bytes = vec![BINARY, mask(role) | 127];
            bytes.extend(length.to_be_bytes());
            let error = FrameError::OverlongLength {
                length,
                encoded_in: 8,
            };
            violation(role, &bytes, error);
        }
    }
}

#[test]
fn fragments_out_of_order_fail_with_1002() {
    for role in BOTH {
        for first in [CONTINUES, ENDS] {
            let bytes = frame_to(role, first, b"x");
            violation(role, &bytes, FrameError::UnexpectedContinuation);
            // A whole message leaves nothing to be continued, nor does a finished one.
            let whole = [
                frame_to(role, TEXT_BEGINS, b"x"),
                frame_to(role, ENDS, b"x"),
            ]
            .concat();
            let mut peer = Peer::open(role, Options::default());
            peer.receive(&whole, at(1)).receive(&bytes, at(1));
            assert_eq!(peer.told[0], text("xx"));
            assert_eq!(
                peer.closed().cause,
                Some(Error::Frame(FrameError::UnexpectedContinuation))
            );
        }
        for (first, opcode) in [
            (TEXT, Opcode::Text),
            (BINARY, Opcode::Binary),
            (TEXT_BEGINS, Opcode::Text),
            (BINARY_BEGINS, Opcode::Binary),
        ] {
            let bytes = [
                frame_to(role, TEXT_BEGINS, b"x"),
                frame_to(role, first, b"y"),
            ];
            violation(
                role,
                &bytes.concat(),
                FrameError::ExpectedContinuation(opcode),
            );
        }
    }
}

#[test]
fn text_that_is_not_utf8_fails_with_1007() {
    for role in BOTH {
        for bad in [
            &b"\xff"[..],
            b"ab\xc0\x80",
            b"\xed\xa0\x80",
            b"\xf4\x90\x80\x80",
            b"\xe2\x82",
        ] {
            let bytes = frame_to(role, TEXT, bad);
            violation(role, &bytes, FrameError::InvalidUtf8InText);
            let (begin, end) = bad.split_at(1);
            let bytes = [
                frame_to(role, TEXT_BEGINS, begin),
                frame_to(role, ENDS, end),
            ];
            violation(role, &bytes.concat(), FrameError::InvalidUtf8InText);
        }
    }
}

#[test]
fn bad_text_fails_at_its_first_bad_byte_long_before_the_frame_ends() {
    for role in BOTH {
        let mut bytes = header_to(role, TEXT, 1_000_000);
        let mask: u8 = if role == Role::Server { KEY[0] } else { 0 };
        bytes.push(0xff ^ mask);
        violation(role, &bytes, FrameError::InvalidUtf8InText);
    }
}

#[test]
fn close_frames_are_checked() {
    for role in BOTH {
        let bytes = frame_to(role, CLOSE, b"\x03");
        violation(role, &bytes, FrameError::ClosePayloadOfOneByte);
        for code in [
            0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535,
        ] {
            let bytes = frame_to(role, CLOSE, &close_payload(code, ""));
            violation(role, &bytes, FrameError::InvalidCloseCode(code));
        }
        let bytes = frame_to(role, CLOSE, b"\x03\xe8\xff");
        violation(role, &bytes, FrameError::InvalidUtf8InCloseReason);
    }
}

#[test]
fn cve_2025_10148_a_client_masks_every_frame_with_a_key_of_its_own() {
    let mut client = Peer::open(Role::Client, Options::default());
    let mut keys = std::collections::HashSet::new();
    for number in 0..100_u8 {
        let (protocol, output) = (&mut client.protocol, &mut client.output);
        match number % 4 {
            0 => protocol.send(output, MessageKind::Binary, b"same"),
            1 => protocol.send_fragment(output, MessageKind::Binary, b"same", true),
            2 => protocol.ping(output, b"same"),
            _ => protocol.pong(output, b"same"),
        }
        .expect("open");
        let sent = client.sent();
        assert_eq!(sent[1], 0x80 | 4);
        keys.insert(sent[2..6].to_vec());
        assert_eq!(frames_of(Role::Client, &sent)[0].1, b"same");
    }
    assert!(keys.len() > 98, "{} keys", keys.len());
}

#[test]
fn sending_keeps_the_order_of_fragments() {
    use crate::error::SendError;
    for role in BOTH {
        let mut peer = Peer::open(role, Options::default());
        let (protocol, output) = (&mut peer.protocol, &mut peer.output);
        let (text, binary) = (MessageKind::Text, MessageKind::Binary);
        assert_eq!(protocol.send_fragment(output, text, b"a", false), Ok(()));
        assert_eq!(
            protocol.send(output, text, b"x"),
            Err(SendError::MessageInProgress)
        );
        assert_eq!(
            protocol.send_fragment(output, binary, b"x", false),
            Err(SendError::KindChanged)
        );
        assert_eq!(
            protocol.send_fragment(output, text, b"\xc3", true),
            Err(SendError::InvalidUtf8)
        );
        assert_eq!(protocol.send_fragment(output, text, b"\xc3", false), Ok(()));
        assert_eq!(
            protocol.send_fragment(output, text, b"\x28", false),
            Err(SendError::InvalidUtf8)
        );
        assert_eq!(protocol.send_fragment(output, text, b"\xa9", false), Ok(()));
        assert_eq!(protocol.ping(output, b"p"), Ok(()));
        assert_eq!(
            protocol.ping(output, &[0; 126]),
            Err(SendError::ControlTooLong(126))
        );
        assert_eq!(protocol.send_fragment(output, text, b"", false), Ok(()));
        assert_eq!(protocol.send_fragment(output, text, b"b", true), Ok(()));
        assert_eq!(
            protocol.send(output, text, b"\xff"),
            Err(SendError::InvalidUtf8)
        );
        assert_eq!(protocol.send(output, binary, b"\xff"), Ok(()));
        assert_eq!(
            peer.sent_frames(),
            [
                (TEXT_BEGINS, b"a".to_vec()),
                (CONTINUES, b"\xc3".to_vec()),
                (CONTINUES, b"\xa9".to_vec()),
                (PING, b"p".to_vec()),
                (CONTINUES, b"".to_vec()),
                (ENDS, b"b".to_vec()),
                (BINARY, b"\xff".to_vec()),
            ]
        );
    }
}

#[test]
fn a_large_payload_of_a_server_is_lent_behind_its_header() {
    for role in BOTH {
        let mut peer = Peer::open(role, Options::default());
        for length in [0, 125, 126, LENT - 1, LENT, 3 * LENT] {
            let payload = vec![1; length];
            let rest = peer
                .protocol
                .send_lent(
                    &mut peer.output,
                    MessageKind::Binary,
                    &payload,
                    Compress::ByOptions,
                )
                .expect("open");
            let lent = role == Role::Server && length >= LENT;
            assert_eq!(rest.len(), if lent { length } else { 0 });
            let mut sent = peer.sent();
            assert!(!lent || sent.len() <= MAX_HEADER);
            sent.extend_from_slice(rest);
            assert_eq!(frames_of(role, &sent), [(BINARY, payload)]);
        }
    }
}
