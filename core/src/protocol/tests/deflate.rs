//! permessage-deflate (RFC 7692): what is agreed, and what compressed messages may look like.

use super::*;
use crate::Fault;
use crate::deflate::{Compress, Compression, InflateError, Parameters};

/// RSV1.
pub(super) const COMPRESSED: u8 = 0x40;

const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

pub(super) fn on() -> Options {
    Options {
        compression: Compression::on(),
        ..Options::default()
    }
}

pub(super) fn with_takeover() -> Options {
    Options {
        compression: Compression {
            server_no_context_takeover: Some(false),
            client_no_context_takeover: Some(false),
            ..Compression::on()
        },
        ..Options::default()
    }
}

pub(super) const fn agreed(takes_over: bool) -> Parameters {
    Parameters {
        server_no_context_takeover: !takes_over,
        client_no_context_takeover: !takes_over,
        server_max_window_bits: 15,
        client_max_window_bits: 15,
    }
}

/// After a handshake that agreed on the extension.
pub(super) fn compressing(role: Role, takes_over: bool, options: Options) -> Peer {
    let protocol = Protocol::open(role, Arc::new(options), at(0)).with_deflate(agreed(takes_over));
    Peer::new(protocol, Output::new())
}

/// The two peers of an agreement, and how they let a frame pass.
pub(super) struct Two {
    pub(super) sender: Peer,
    pub(super) receiver: Peer,
}

impl Two {
    pub(super) fn new(role: Role, takes_over: bool, options: Options) -> Self {
        let other = if role == Role::Client {
            Role::Server
        } else {
            Role::Client
        };
        Self {
            sender: compressing(role, takes_over, options.clone()),
            receiver: compressing(other, takes_over, options),
        }
    }

    pub(super) fn send(&mut self, payload: &[u8], compress: Compress) {
        self.sender
            .protocol
            .send_with(
                &mut self.sender.output,
                MessageKind::Binary,
                payload,
                compress,
            )
            .expect("open");
    }

    /// What has been sent, in pieces of `size` bytes.
    pub(super) fn pass(&mut self, size: usize) -> Vec<Told> {
        for piece in self.sender.sent().chunks(size) {
            self.receiver.receive(piece, at(1));
        }
        self.receiver.events()
    }
}

/// Compresses on its own, by other means.
pub(super) fn deflated(payload: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::Compress::new(flate2::Compression::fast(), false);
    let mut bytes = Vec::with_capacity(payload.len() + payload.len() / 8 + 100);
    encoder
        .compress_vec(payload, &mut bytes, flate2::FlushCompress::Sync)
        .expect("room");
    bytes.truncate(bytes.len() - 4);
    bytes
}

fn opened(options: (Options, Options)) -> (Opened, Opened) {
    let (client, server) = options;
    let mut pair = pair::Pair::new(client, server, Duration::ZERO);
    pair.run(Duration::ZERO);
    match (&pair.client.told[..], &pair.server.told[..]) {
        ([Told::Opened(client)], [Told::Opened(server)]) => {
            ((**client).clone(), (**server).clone())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_agreed_is_told_at_both_ends() {
    let cases = [
        ((Options::default(), Options::default()), ""),
        (
            (
                Options {
                    compression: Compression::off(),
                    ..Options::default()
                },
                on(),
            ),
            "",
        ),
        (
            (Options::default(), on()),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        ),
        ((Options::default(), with_takeover()), "permessage-deflate"),
    ];
    for (options, expected) in cases {
        let (client, server) = opened(options);
        assert_eq!(client.extensions, server.extensions);
        let told: Vec<String> = client.extensions.iter().map(ToString::to_string).collect();
        assert_eq!(told.join(", "), expected);
        // The field is there or not, but never empty.
        let header = client.response.expect("a client's").headers;
        let header = header.get("Sec-WebSocket-Extensions").map(str::to_owned);
        assert_eq!(header.unwrap_or_default(), expected);
    }
}

#[test]
fn settings_that_cannot_be_used_are_refused_by_name() {
    let bad = Options {
        compression: Compression {
            level: 0,
            ..Compression::on()
        },
        ..Options::default()
    };
    let url = WebSocketUrl::parse("ws://example.com/").expect("a URL");
    let mut output = Output::new();
    let error = Protocol::client(&url, Arc::new(bad.clone()), &mut output, at(0));
    let error = error.expect_err("refused");
    assert_eq!(error.fault(), Fault::Caller);
    assert!(matches!(error, Error::Compression(error) if error.option == "level"));
    assert!(output.is_empty());

    let mut server = Peer::server(bad);
    let mut client = Peer::client(Options::default());
    server.receive(&client.sent(), at(0));
    assert!(server.sent_text().starts_with("HTTP/1.1 500 "));
    assert!(matches!(server.closed().cause, Some(Error::Compression(_))));
}

#[test]
fn cve_2026_59881_rsv1_is_refused_where_nothing_was_agreed() {
    for role in BOTH {
        for first in [TEXT, BINARY_BEGINS, CONTINUES, PING, CLOSE] {
            let mut peer = Peer::open(role, on());
            peer.frame(first | COMPRESSED, &HELLO, at(1));
            let cause = peer.closed().cause.clone();
            assert_eq!(
                cause,
                Some(Error::Frame(FrameError::ReservedBits(COMPRESSED)))
            );
            assert_eq!(
                peer.closed().sent.as_ref().map(|close| close.code.get()),
                Some(1002)
            );
        }
    }
}

#[test]
fn rsv1_stands_on_a_messages_first_frame_alone() {
    for role in BOTH {
        let mut peer = compressing(role, false, on());
        peer.frame(BINARY_BEGINS | COMPRESSED, &HELLO[..3], at(1));
        peer.frame(CONTINUES | COMPRESSED, &HELLO[3..], at(1));
        let cause = peer.closed().cause.clone();
        assert_eq!(
            cause,
            Some(Error::Frame(FrameError::CompressedContinuation))
        );
        assert_eq!(
            peer.closed().sent.as_ref().map(|close| close.code.get()),
            Some(1002)
        );
        for first in [PING, PONG, CLOSE] {
            let mut peer = compressing(role, false, on());
            peer.frame(first | COMPRESSED, &HELLO, at(1));
            let cause = peer.closed().cause.clone();
            assert!(matches!(
                cause,
                Some(Error::Frame(FrameError::CompressedControl(_)))
            ));
            assert_eq!(
                peer.closed().sent.as_ref().map(|close| close.code.get()),
                Some(1002)
            );
        }
    }
}

#[test]
fn messages_come_whole_in_pieces_and_between_control_frames() {
    for (role, takes_over) in [(Role::Client, false), (Role::Server, true)] {
        let mut peer = compressing(role, takes_over, on());
        let mut bytes = Vec::new();
        for (first, payload) in [
            (TEXT | COMPRESSED, &HELLO[..]),
            (PING, b"before"),
            (TEXT_BEGINS | COMPRESSED, &HELLO[..2]),
            (PING, b"between"),
            (CONTINUES, b""),
            (CONTINUES, &HELLO[2..5]),
            (PONG, b"again"),
            (ENDS, &HELLO[5..]),
            // A message that is not compressed leaves the others' history alone.
            (TEXT, b"plain"),
            (BINARY | COMPRESSED, &[0]),
            (BINARY | COMPRESSED, b""),
            (TEXT_BEGINS | COMPRESSED, b""),
            (ENDS, b""),
            (TEXT | COMPRESSED, &HELLO),
        ] {
            bytes.extend(frame_to(role, first, payload));
        }
        let expected = [
            text("Hello"),
            Told::Ping(b"before".to_vec()),
            Told::Ping(b"between".to_vec()),
            Told::Pong(b"again".to_vec(), None),
            text("Hello"),
            text("plain"),
            binary(b""),
            binary(b""),
            text(""),
            text("Hello"),
        ];
        for size in 1..bytes.len() {
            let mut peer = compressing(role, takes_over, on());
            for piece in bytes.chunks(size) {
                peer.receive(piece, at(1));
            }
            assert_eq!(peer.events(), expected, "{size}");
            assert_eq!(peer.input.incomplete_bytes(), 0);
        }
        peer.receive(&bytes, at(1));
        assert_eq!(peer.events(), expected);
    }
}

#[test]
fn a_block_with_bfinal_ends_no_message_and_no_connection() {
    let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
    for role in BOTH {
        for takes_over in [false, true] {
            let mut peer = compressing(role, takes_over, on());
            for _ in 0..3 {
                peer.frame(TEXT | COMPRESSED, &last, at(1));
                peer.frame(TEXT | COMPRESSED, &last[..7], at(1));
                peer.frame(TEXT_BEGINS | COMPRESSED, &last[..7], at(1));
                peer.frame(ENDS, &[&HELLO[..6], &[0]].concat(), at(1));
                peer.frame(TEXT | COMPRESSED, &HELLO, at(1));
                let hello = text("Hello");
                assert_eq!(
                    peer.events(),
                    [hello.clone(), hello.clone(), text("HelloHello"), hello]
                );
            }
        }
    }
}

#[test]
fn a_peer_may_leave_the_empty_block_in_repeat_it_or_leave_it_out() {
    // A block of the fixed code that fills its last byte: 3 + 6 * 9 + 7 bits, so that nothing of the empty block is in it.
    let payload = [0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5];
    let as_it_should_be = deflated(&payload);
    assert_eq!((as_it_should_be.len(), as_it_should_be[8]), (9, 0));
    let left_out = &as_it_should_be[..8];
    let left_in = [&as_it_should_be[..], &[0, 0, 0xff, 0xff]].concat();
    let repeated = [&left_in[..], &[0, 0, 0, 0xff, 0xff], &[0]].concat();
    for role in BOTH {
        for takes_over in [false, true] {
            for message in [&as_it_should_be, left_out, &left_in, &repeated] {
                let mut peer = compressing(role, takes_over, on());
                peer.frame(BINARY | COMPRESSED, message, at(1));
                if takes_over && message == left_out {
                    // The next message could not be told from it.
                    let cause = peer.closed().cause.clone();
                    assert_eq!(cause, Some(Error::Inflate(InflateError::Unfinished)));
                    continue;
                }
                peer.frame(BINARY_BEGINS | COMPRESSED, b"", at(1));
                for piece in message.chunks(1) {
                    peer.frame(CONTINUES, piece, at(1));
                }
                peer.frame(ENDS, b"", at(1));
                peer.frame(TEXT | COMPRESSED, &HELLO, at(1));
                let expected = [binary(&payload), binary(&payload), text("Hello")];
                assert_eq!(peer.events(), expected, "{message:x?}");
            }
        }
    }
}

#[test]
fn what_cannot_be_inflated_closes_with_1007() {
    let unfinished = deflated(&b"abcdefgh".repeat(40)[..]);
    let cases: [(&[u8], InflateError); 4] = [
        (&[0xff, 0xff, 0xff], InflateError::Corrupt),
        // More history than there is.
        (&[0xf2, 0x00, 0x11, 0x00, 0x00], InflateError::Corrupt),
        (&[0x00, 0x05, 0x00, 0xfb, 0xff, b'H'], InflateError::Corrupt),
        (&unfinished[..4], InflateError::Unfinished),
    ];
    for role in BOTH {
        for (payload, error) in cases {
            for split in [false, true] {
                let mut peer = compressing(role, true, on());
                let bytes = frame_to(role, BINARY | COMPRESSED, payload);
                for piece in bytes.chunks(if split { 1 } else { 100 }) {
                    peer.receive(piece, at(1));
                }
                let closed = peer.closed();
                assert_eq!(closed.cause, Some(Error::Inflate(error)), "{payload:x?}");
                assert_eq!(closed.cause.as_ref().map(Error::fault), Some(Fault::Peer));
                assert_eq!(
                    closed.sent.as_ref().map(|close| close.code.get()),
                    Some(1007)
                );
                assert!(peer.protocol.codecs.is_none());
                assert_eq!(peer.input.incomplete_bytes(), 0);
            }
        }
    }
}

#[test]
fn text_is_validated_after_inflation_and_as_it_comes() {
    let mut bad = b"fine so far ".repeat(20);
    bad.push(0xff);
    bad.extend(b"and more".repeat(1000));
    let bytes = deflated(&bad);
    for streaming in [false, true] {
        let options = Options { streaming, ..on() };
        let mut peer = compressing(Role::Server, false, options);
        // The message's last byte never comes.
        let frame = frame_to(Role::Server, TEXT | COMPRESSED, &bytes);
        peer.receive(&frame[..frame.len() - 1], at(1));
        let cause = peer.closed().cause.clone();
        assert_eq!(cause, Some(Error::Frame(FrameError::InvalidUtf8InText)));
    }
    let mut peer = compressing(Role::Client, false, on());
    let euro = deflated("€".as_bytes());
    for cut in 0..euro.len() {
        peer.frame(TEXT_BEGINS | COMPRESSED, &euro[..cut], at(1));
        peer.frame(ENDS, &euro[cut..], at(1));
        assert_eq!(peer.events(), [text("€")]);
    }
}

#[test]
fn threshold_and_override_decide_what_is_compressed() {
    let long = [b'a'; 128];
    let noise: Vec<u8> = (0..=255).collect();
    for role in BOTH {
        let mut two = Two::new(role, false, on());
        for (payload, compress, compressed) in [
            (&long[..127], Compress::ByOptions, false),
            (&long[..], Compress::ByOptions, true),
            (&long[..], Compress::Never, false),
            (&long[..40], Compress::Always, true),
            // It would become no smaller.
            (&noise, Compress::ByOptions, false),
            (&noise, Compress::Always, true),
            (b"a", Compress::Always, true),
            (b"", Compress::Always, true),
        ] {
            two.send(payload, compress);
            let frames = frames_of(role, two.sender.output.bytes());
            assert_eq!(
                frames[0].0 & COMPRESSED != 0,
                compressed,
                "{payload:?} {compress:?}"
            );
            assert_eq!(two.pass(1000), [binary(payload)]);
        }
        // Without an agreement nothing is.
        let mut plain = Peer::open(role, on());
        plain
            .protocol
            .send_with(
                &mut plain.output,
                MessageKind::Text,
                &long,
                Compress::Always,
            )
            .expect("open");
        assert_eq!(plain.sent_frames(), [(TEXT, long.to_vec())]);
    }
}

#[test]
fn an_8_bit_window_is_never_compressed_with() {
    for role in BOTH {
        let eight = Parameters {
            server_max_window_bits: 8,
            client_max_window_bits: 8,
            ..agreed(false)
        };
        let mut peer = Peer::new(
            Protocol::open(role, Arc::new(on()), at(0)).with_deflate(eight),
            Output::new(),
        );
        peer.protocol
            .send_with(
                &mut peer.output,
                MessageKind::Text,
                &[b'a'; 1000],
                Compress::Always,
            )
            .expect("open");
        assert_eq!(peer.sent_frames(), [(TEXT, vec![b'a'; 1000])]);
        peer.frame(TEXT | COMPRESSED, &HELLO, at(1));
        assert_eq!(peer.events(), [text("Hello")]);
    }
}

#[test]
fn history_makes_the_second_message_smaller() {
    let json = br#"{"type":"update","id":48151623,"name":"a sensor of some kind","value":42.108,"unit":"degrees"}"#;
    for role in BOTH {
        for takes_over in [false, true] {
            let mut two = Two::new(role, takes_over, on());
            let mut sizes = Vec::new();
            for _ in 0..3 {
                two.send(json, Compress::Always);
                sizes.push(two.sender.output.bytes().len());
                assert_eq!(two.pass(1000), [binary(json)]);
            }
            assert_eq!(sizes[1] < sizes[0] / 3, takes_over, "{sizes:?}");
            assert_eq!(two.sender.protocol.codecs.is_some(), takes_over);
            assert_eq!(two.receiver.protocol.codecs.is_some(), takes_over);
        }
    }
}

#[test]
fn fragments_are_compressed_as_they_go() {
    let line = b"the same line again and again, as it happens\n".repeat(4);
    for role in BOTH {
        for takes_over in [false, true] {
            for streaming in [false, true] {
                let options = Options { streaming, ..on() };
                let mut two = Two::new(role, takes_over, options);
                for _ in 0..2 {
                    let mut sent = 0;
                    for (payload, last) in [
                        (&line[..], false),
                        (&line, false),
                        (b"", false),
                        (&line, true),
                    ] {
                        let sender = &mut two.sender;
                        sender
                            .protocol
                            .send_fragment(&mut sender.output, MessageKind::Text, payload, last)
                            .expect("open");
                        sent += sender.output.bytes().len();
                        let events = two.pass(3);
                        if streaming && !last {
                            let pieces: Vec<u8> = events
                                .iter()
                                .flat_map(|event| match event {
                                    Told::Fragment { payload, .. } => payload.clone(),
                                    other => panic!("{other:?}"),
                                })
                                .collect();
                            assert_eq!(pieces, payload, "a fragment can be read when it has come");
                        } else if !streaming && last {
                            let whole = String::from_utf8(line.repeat(3)).expect("ASCII");
                            assert_eq!(events, [text(&whole)]);
                        }
                    }
                    assert!(sent < 150, "{sent}");
                    assert_eq!(two.sender.protocol.codecs.is_some(), takes_over);
                    assert_eq!(two.receiver.protocol.codecs.is_some(), takes_over);
                }
            }
        }
    }
}
