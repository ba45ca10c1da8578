//! permessage-deflate (RFC 7692) end to end: any agreement, any settings, any messages, cut anywhere, come out as they
//! went in; and what is sent can be read by, and what is received can come from, another implementation of deflate.

use std::sync::Arc;

use flate2::{Compress as Encoder, Decompress as Decoder, FlushCompress, FlushDecompress};
use proptest::prelude::*;
use ropeway_core::Role;
use ropeway_core::deflate::{Compress, Compression, Parameters, accept, judge, offers};
use ropeway_core::frame::{Header, HeaderRules, Opcode, append_masked, apply_mask};
use ropeway_core::protocol::{Event, Input, MessageKind, Options, Output, Protocol, Time};

const NOW: Time = Time::from_micros(1);

#[derive(Clone, Debug)]
struct Message {
    kind: MessageKind,
    payload: Vec<u8>,
    compress: Compress,
    /// In fragments of this size, if it is not sent whole.
    fragments: Option<usize>,
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    let words = prop::collection::vec(
        prop::sample::select(vec!["alpha ", "beta ", "{\"id\":", "é€𝄞"]),
        0..3000,
    );
    prop_oneof![
        4 => words.prop_map(|words| words.concat().into_bytes()),
        1 => (0..100_000_usize).prop_map(|length| vec![b'a'; length]),
        1 => prop::collection::vec(0..128_u8, 0..5000),
        1 => Just(Vec::new()),
    ]
}

fn message() -> impl Strategy<Value = Message> {
    let kind = prop::sample::select(vec![MessageKind::Text, MessageKind::Binary]);
    let compress =
        prop::sample::select(vec![Compress::ByOptions, Compress::Never, Compress::Always]);
    let fragments = prop::option::of(1..5000_usize);
    (kind, payload(), compress, fragments).prop_map(|(kind, payload, compress, fragments)| {
        Message {
            kind,
            payload,
            compress,
            fragments,
        }
    })
}

fn settings() -> impl Strategy<Value = Compression> {
    let takeover = || prop::option::of(any::<bool>());
    (
        takeover(),
        takeover(),
        9..=15_u8,
        9..=15_u8,
        0..300_usize,
        1..=9_u8,
        1..=9_u8,
    )
        .prop_map(
            |(server, client, server_bits, client_bits, threshold, level, memory_level)| {
                Compression {
                    enabled: Some(true),
                    server_no_context_takeover: server,
                    client_no_context_takeover: client,
                    server_max_window_bits: server_bits,
                    client_max_window_bits: client_bits,
                    threshold,
                    level,
                    memory_level,
                }
            },
        )
}

fn negotiate(client: &Compression, server: &Compression) -> (Parameters, Parameters) {
    let offers = offers(client).expect("good settings");
    let (theirs, response) = accept(&offers, server)
        .expect("good settings")
        .expect("accepted");
    let ours = judge(&[response], client)
        .expect("a good answer")
        .expect("agreed");
    (ours, theirs)
}

fn end(role: Role, compression: Compression, streaming: bool, agreed: Parameters) -> Protocol {
    let options = Options {
        compression,
        streaming,
        ..Options::default()
    };
    Protocol::open(role, Arc::new(options), NOW).with_deflate(agreed)
}

fn send(protocol: &mut Protocol, output: &mut Output, message: &Message) {
    let Message {
        kind,
        payload,
        compress,
        fragments,
    } = message;
    match fragments {
        None => protocol
            .send_with(output, *kind, payload, *compress)
            .expect("open"),
        Some(size) => {
            let mut rest = &payload[..];
            loop {
                let (fragment, after) = rest.split_at(rest.len().min(*size));
                rest = after;
                protocol
                    .send_fragment(output, *kind, fragment, rest.is_empty())
                    .expect("open");
                if rest.is_empty() {
                    break;
                }
                protocol.ping(output, b"in between").expect("open");
            }
        }
    }
}

/// Everything that comes of `bytes` in pieces of the sizes given, in turn; messages that come in pieces are joined.
fn receive(protocol: &mut Protocol, bytes: &[u8], sizes: &[usize]) -> Vec<(MessageKind, Vec<u8>)> {
    let (mut input, mut output) = (Input::new(), Output::new());
    let mut messages = Vec::new();
    let mut joined = Vec::new();
    let mut rest = bytes;
    for size in sizes.iter().cycle() {
        let (piece, after) = rest.split_at(rest.len().min(*size));
        rest = after;
        input.extend(piece);
        while let Some(event) = protocol.next_event(&mut input, &mut output, NOW) {
            match event {
                Event::Message { kind, payload } => messages.push((kind, payload.to_vec())),
                Event::Fragment {
                    kind,
                    payload,
                    last,
                    ..
                } => {
                    joined.extend_from_slice(payload);
                    if last {
                        messages.push((kind, std::mem::take(&mut joined)));
                    }
                }
                Event::Ping { .. } => {}
                other => panic!("{other:?}"),
            }
        }
        if rest.is_empty() {
            break;
        }
    }
    assert_eq!(input.incomplete_bytes(), 0);
    messages
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) })]

    #[test]
    fn what_is_sent_arrives(
        client in settings(),
        server in settings(),
        from_client in any::<bool>(),
        streaming in any::<bool>(),
        messages in prop::collection::vec(message(), 1..6),
        sizes in prop::collection::vec(prop_oneof![1..20_usize, 1..100_000_usize], 1..5),
    ) {
        let (ours, theirs) = negotiate(&client, &server);
        let client = end(Role::Client, client, streaming, ours);
        let server = end(Role::Server, server, streaming, theirs);
        let (mut sender, mut receiver) = if from_client { (client, server) } else { (server, client) };
        let mut output = Output::new();
        for message in &messages {
            send(&mut sender, &mut output, message);
        }
        let received = receive(&mut receiver, output.bytes(), &sizes);
        let expected: Vec<_> = messages.into_iter().map(|message| (message.kind, message.payload)).collect();
        prop_assert!(received == expected);
    }

    /// What a sender makes, a plain inflater reads, with the history that was agreed and no more.
    #[test]
    fn another_inflater_reads_what_is_sent(
        settings in settings(),
        takes_over in any::<bool>(),
        messages in prop::collection::vec(message(), 1..6),
    ) {
        let agreed = Parameters {
            server_no_context_takeover: !takes_over,
            client_no_context_takeover: true,
            server_max_window_bits: settings.server_max_window_bits,
            client_max_window_bits: 15,
        };
        let mut sender = end(Role::Server, settings, false, agreed);
        let mut decoder = Decoder::new(false);
        for message in &messages {
            let mut output = Output::new();
            send(&mut sender, &mut output, message);
            let mut whole = Vec::with_capacity(message.payload.len() + 1000);
            let mut compressed = false;
            for (header, mut payload) in frames(output.bytes(), false) {
                if header.opcode.is_control() {
                    continue;
                }
                compressed |= header.rsv1;
                if !compressed {
                    whole.extend(payload);
                    continue;
                }
                if header.fin {
                    payload.extend([0, 0, 0xff, 0xff]);
                }
                let before = decoder.total_in();
                decoder.decompress_vec(&payload, &mut whole, FlushDecompress::Sync).expect("deflate");
                prop_assert_eq!(decoder.total_in() - before, payload.len() as u64);
            }
            prop_assert!(whole == message.payload);
            if !takes_over {
                decoder.reset(false);
            }
        }
    }

    /// What another deflate makes, cut into fragments and masked, is read.
    #[test]
    fn another_deflate_is_read(
        level in 0..=9_u32,
        takes_over in any::<bool>(),
        finishes in any::<bool>(),
        messages in prop::collection::vec(payload(), 1..6),
        cuts in prop::collection::vec(0..3000_usize, 0..4),
        sizes in prop::collection::vec(1..5000_usize, 1..5),
    ) {
        let agreed = Parameters {
            server_no_context_takeover: true,
            client_no_context_takeover: !takes_over,
            server_max_window_bits: 15,
            client_max_window_bits: 15,
        };
        let mut receiver = end(Role::Server, Compression::on(), false, agreed);
        let mut encoder = Encoder::new(flate2::Compression::new(level), false);
        let mut bytes = Vec::new();
        for payload in &messages {
            let mut compressed = Vec::with_capacity(payload.len() * 2 + 1000);
            if payload.is_empty() {
                compressed.push(0);
            } else if finishes {
                encoder.compress_vec(payload, &mut compressed, FlushCompress::Finish).expect("room");
                encoder.reset();
                // RFC 7692 section 7.2.3.4.
                compressed.push(0);
            } else {
                encoder.compress_vec(payload, &mut compressed, FlushCompress::Sync).expect("room");
                compressed.truncate(compressed.len() - 4);
                if !takes_over {
                    encoder.reset();
                }
            }
            fragments(&mut bytes, &compressed, &cuts);
        }
        let received = receive(&mut receiver, &bytes, &sizes);
        let expected: Vec<_> = messages.into_iter().map(|payload| (MessageKind::Binary, payload)).collect();
        prop_assert!(received == expected);
    }

    /// Whatever comes is an event or an error, whichever way it is cut, and the same one.
    #[test]
    fn any_bytes_are_taken_or_refused_alike(
        takes_over in any::<bool>(),
        payloads in prop::collection::vec(
            prop_oneof![prop::collection::vec(any::<u8>(), 0..300), payload().prop_map(|payload| damaged(&payload))],
            1..4,
        ),
        size in 1..100_usize,
    ) {
        let agreed = Parameters {
            server_no_context_takeover: true,
            client_no_context_takeover: !takes_over,
            server_max_window_bits: 15,
            client_max_window_bits: 15,
        };
        let mut bytes = Vec::new();
        for payload in &payloads {
            fragments(&mut bytes, payload, &[]);
        }
        let outcome = |size: usize| {
            let mut receiver = end(Role::Server, Compression::on(), false, agreed);
            let (mut input, mut output) = (Input::new(), Output::new());
            let mut told = Vec::new();
            for piece in bytes.chunks(size) {
                input.extend(piece);
                while let Some(event) = receiver.next_event(&mut input, &mut output, NOW) {
                    told.push(match event {
                        Event::Message { payload, .. } => payload.to_vec(),
                        Event::Closed(closed) => format!("{:?}", closed.cause).into_bytes(),
                        other => panic!("{other:?}"),
                    });
                }
                if receiver.is_ended() {
                    break;
                }
            }
            told
        };
        prop_assert!(outcome(size) == outcome(usize::MAX));
    }
}

/// A compressed payload with a byte changed.
fn damaged(payload: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new(flate2::Compression::fast(), false);
    let mut bytes = Vec::with_capacity(payload.len() * 2 + 1000);
    encoder
        .compress_vec(payload, &mut bytes, FlushCompress::Sync)
        .expect("room");
    bytes.truncate(bytes.len().saturating_sub(4));
    let middle = bytes.len() / 2;
    if let Some(byte) = bytes.get_mut(middle) {
        *byte ^= 0x24;
    }
    bytes
}

/// Appends `payload` as a client's compressed binary message, cut after each of the lengths.
fn fragments(bytes: &mut Vec<u8>, payload: &[u8], cuts: &[usize]) {
    let key = [0x37, 0xfa, 0x21, 0x3d];
    let mut rest = payload;
    for place in 0..=cuts.len() {
        let length = cuts
            .get(place)
            .map_or(rest.len(), |&cut| cut.min(rest.len()));
        let (fragment, after) = rest.split_at(length);
        rest = after;
        let header = Header {
            fin: place == cuts.len(),
            rsv1: place == 0,
            opcode: if place == 0 {
                Opcode::Binary
            } else {
                Opcode::Continuation
            },
            mask: Some(key),
            length: length as u64,
        };
        let mut encoded = [0; ropeway_core::frame::MAX_HEADER];
        let size = header.encode(&mut encoded);
        bytes.extend_from_slice(&encoded[..size]);
        append_masked(bytes, fragment, key, 0);
    }
}

fn frames(mut bytes: &[u8], masked: bool) -> Vec<(Header, Vec<u8>)> {
    let rules = HeaderRules { masked, rsv1: true };
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let (header, size) = Header::parse(bytes, rules).expect("good").expect("whole");
        let (frame, rest) = bytes.split_at(size + header.length as usize);
        let mut payload = frame[size..].to_vec();
        apply_mask(&mut payload, header.mask.unwrap_or_default(), 0);
        frames.push((header, payload));
        bytes = rest;
    }
    frames
}
