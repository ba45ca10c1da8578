//! Nothing is read or written beyond a buffer, shown by an allocator that ends each at an inaccessible page.

use ropeway_core::Role;
use ropeway_core::deflate::{Compress, Compression};
use ropeway_core::protocol::{MessageKind, Options};

use crate::heap::Fence;
use crate::rig::*;

/// Bytes that tell where they stand and do not repeat soon.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 7 + at / 251) as u8).collect()
}

#[test]
fn osv_2021_1727_frames_are_unmasked_within_the_receive_buffer() {
    let payload = pattern(4096);
    for length in 0..=4096 {
        let frame = frame_to(Role::Server, BINARY, &payload[..length]);
        // A fresh buffer ends with the frame: first whole, then with its payload in two.
        for cut in [frame.len(), frame.len() - length / 2] {
            let _fence = Fence::new();
            let mut server = Peer::open(Role::Server, Options::default());
            for part in [&frame[..cut], &frame[cut..]] {
                server.receive_each(part, |_, message| assert!(message == &payload[..length]));
            }
            assert_eq!(server.messages, 1);
        }
    }
}

#[test]
fn uwebsockets_issue_1653_inflating_stays_within_its_buffers() {
    let payload = pattern(70_000);
    let lengths = (0..300).step_by(3).chain([
        16_383, 16_384, 16_385, 32_768, 65_535, 65_536, 65_537, 70_000,
    ]);
    for length in lengths {
        let bytes = deflated(&payload[..length]);
        for role in BOTH {
            let frame = frame_to(role, BINARY | COMPRESSED, &bytes);
            for (takes_over, pieces) in [(false, 1), (true, 1), (false, 3), (true, 3)] {
                // Behind the compressed message stands another one, which must not be overwritten.
                let behind = frame_to(role, TEXT, b"behind");
                let _fence = Fence::new();
                let mut peer = Peer::compressing(role, takes_over, Options::default());
                let mut told = 0;
                let bytes = [&frame[..], &behind].concat();
                for piece in bytes.chunks(bytes.len().div_ceil(pieces)) {
                    peer.receive_each(piece, |kind, message| {
                        let expected = match kind {
                            MessageKind::Binary => &payload[..length],
                            MessageKind::Text => b"behind",
                        };
                        assert!(message == expected, "{length} bytes");
                        told += 1;
                    });
                }
                assert_eq!(told, 2, "{length} bytes");
            }
        }
    }
}

#[test]
fn cve_2026_29035_compressing_stays_within_its_buffers() {
    let noise: Vec<u8> = (0..70_000_u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let zeros = vec![0; 70_000];
    let lengths = (0..200).chain([4095, 4096, 4097, 16_384, 32_768, 65_535, 65_536, 70_000]);
    for length in lengths {
        for payload in [&noise[..length], &zeros[..length]] {
            for role in BOTH {
                for takes_over in [false, true] {
                    let options = Options {
                        compression: Compression::on(),
                        ..Options::default()
                    };
                    let other = match role {
                        Role::Client => Role::Server,
                        Role::Server => Role::Client,
                    };
                    let _fence = Fence::new();
                    let mut sender = Peer::compressing(role, takes_over, options);
                    sender
                        .protocol
                        .send_with(
                            &mut sender.output,
                            MessageKind::Binary,
                            payload,
                            Compress::Always,
                        )
                        .expect("is open");
                    let bytes = sender.sent();
                    let mut receiver = Peer::compressing(other, takes_over, Options::default());
                    receiver.receive_each(&bytes, |_, message| assert!(message == payload));
                    assert_eq!(receiver.messages, 1);
                }
            }
        }
    }
}

#[test]
fn nn_2025_0102_nothing_is_used_after_a_refusal() {
    // Freed blocks behind a fence cannot be touched.
    for cut in 0..=REQUEST.len() {
        let _fence = Fence::new();
        let mut server = Peer::server(Options {
            ask_upgrade: true,
            ..Options::default()
        });
        server.receive(&REQUEST.as_bytes()[..cut]);
        let refusal = ropeway_core::handshake::Refusal::new(403, "no\n").expect("a refusal");
        let refused = server.protocol.refuse(&mut server.output, &refusal, NOW);
        assert_eq!(refused.is_ok(), cut == REQUEST.len());
        server.receive(&REQUEST.as_bytes()[cut..]);
        server.protocol.abort(NOW);
        server.receive(b"");
        assert!(server.closed.is_some());
    }
}

const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";
