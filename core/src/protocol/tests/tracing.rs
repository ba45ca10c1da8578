//! What a trace is shown.

use std::sync::Mutex;

use super::*;
use crate::protocol::Trace;

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
