//! What a trace is shown.

use std::sync::Mutex;

use super::*;
use crate::protocol::{Trace, TracedFrame};

#[test]
fn a_frame_is_shown_as_a_line() {
    let line = |sent, opcode, flags: (bool, bool), length: u64, payload: &[u8]| {
        let header = Header {
            fin: flags.0,
            rsv1: flags.1,
            opcode,
            mask: None,
            length,
        };
        let frame = TracedFrame {
            role: Role::Client,
            sent,
            header,
            payload,
        };
        frame.to_string()
    };
    let plain = (true, false);
    let long = "ü".repeat(100);
    let shown = format!("< TEXT '{}… [200 bytes]", "ü".repeat(74));
    for (sent, opcode, flags, length, payload, expected) in [
        (
            true,
            Opcode::Text,
            plain,
            5,
            "a'\n\"b".as_bytes(),
            "> TEXT 'a'\\n\"b' [5 bytes]",
        ),
        (false, Opcode::Text, plain, 200, long.as_bytes(), &shown),
        (
            false,
            Opcode::Text,
            plain,
            9,
            &long.as_bytes()[..3],
            "< TEXT 'ü'… [9 bytes]",
        ),
        (
            true,
            Opcode::Binary,
            (false, false),
            2,
            &[0, 255],
            "> BINARY 00 ff [2 bytes, continued]",
        ),
        (
            true,
            Opcode::Text,
            (true, true),
            2,
            b"ab",
            "> TEXT 61 62 [2 bytes, compressed]",
        ),
        (
            true,
            Opcode::Close,
            plain,
            2,
            &[3, 232],
            "> CLOSE 1000 [2 bytes]",
        ),
        (
            true,
            Opcode::Close,
            plain,
            5,
            b"\x03\xe8bye",
            "> CLOSE 1000 bye [5 bytes]",
        ),
        (
            false,
            Opcode::Continuation,
            plain,
            0,
            b"",
            "< CONT [0 bytes]",
        ),
        (false, Opcode::Ping, plain, 1, b"p", "< PING 70 [1 bytes]"),
    ] {
        assert_eq!(line(sent, opcode, flags, length, payload), expected);
    }
}

#[test]
fn every_frame_is_shown_once_with_its_payload_unmasked() {
    for role in BOTH {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = seen.clone();
        let trace = Trace::new(move |frame| {
            let header = frame.header;
            log.lock().expect("one thread").push((
                frame.sent,
                header.fin,
                header.opcode,
                header.mask.is_some(),
                frame.payload.to_vec(),
            ));
            assert_eq!(header.length, frame.payload.len() as u64);
        });
        let mut peer = Peer::open(
            role,
            Options {
                trace: Some(trace),
                ..Options::default()
            },
        );
        peer.frame(TEXT, b"whole", at(1));
        peer.frame(BINARY_BEGINS, b"be", at(1));
        peer.frame(PING, b"p", at(1));
        peer.frame(ENDS, b"gun", at(1));
        peer.close(1000, "", at(1));
        peer.frame(CLOSE, b"", at(1));
        let (ours, theirs) = (role == Role::Client, role == Role::Server);
        let close = close_payload(1000, "");
        let expected = [
            (false, true, Opcode::Text, theirs, &b"whole"[..]),
            (false, false, Opcode::Binary, theirs, b"be"),
            (false, true, Opcode::Ping, theirs, b"p"),
            (true, true, Opcode::Pong, ours, b"p"),
            (false, true, Opcode::Continuation, theirs, b"gun"),
            (true, true, Opcode::Close, ours, &close),
            (false, true, Opcode::Close, theirs, b""),
        ]
        .map(|(sent, fin, opcode, mask, payload)| (sent, fin, opcode, mask, payload.to_vec()));
        assert_eq!(*seen.lock().expect("one thread"), expected);
        // Looking changes nothing.
        assert_eq!(
            peer.told[..3],
            [text("whole"), Told::Ping(b"p".to_vec()), binary(b"begun")]
        );
    }
}
