//! The same bytes give the same events and the same output however they are divided among reads, held back in between,
//! or read straight into a message, of the engine's memory or of the application's.

use std::io;
use std::mem::MaybeUninit;

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::room::{Receive, Room};
use super::streaming::joined;
use super::streams::stream;
use super::*;

/// The application's memory, short of what is received where `cut` says so.
#[derive(Debug)]
struct Own {
    length: usize,
    cut: usize,
    bytes: Vec<u8>,
}

impl Room for Own {
    fn fill(&mut self, before: &[u8], receive: &mut Receive<'_>) -> io::Result<usize> {
        self.bytes.extend(before);
        let mut rest = vec![MaybeUninit::uninit(); self.length - before.len() - self.cut];
        let received = receive(&mut rest)?;
        self.bytes.extend_from_slice(received);
        Ok(received.len())
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}

/// One read of a driver.
#[derive(Clone, Debug)]
struct Read {
    size: usize,
    /// Events after which the application reads no more until the next read.
    hold: Option<usize>,
    /// Whether a large payload goes straight into its message.
    direct: bool,
    /// Bytes by which the transport gives less of it than it has promised.
    cut: usize,
}

fn reads() -> impl Strategy<Value = Vec<Read>> {
    let size = prop_oneof![
        1 => Just(1_usize),
        4 => 1_usize..20,
        2 => 100_usize..200,
        2 => 10_000_usize..100_000,
    ];
    let hold = prop_oneof![2 => Just(None), 1 => (0_usize..4).prop_map(Some)];
    let cut = prop_oneof![Just(0_usize), 1_usize..1000];
    let read = (size, hold, any::<bool>(), cut);
    vec(
        read.prop_map(|(size, hold, direct, cut)| Read {
            size,
            hold,
            direct,
            cut,
        }),
        1..20,
    )
}

fn options(streaming: bool) -> Options {
    Options {
        max_message_size: 150_000,
        max_fragments: 4,
        streaming,
        ..Options::default()
    }
}

/// What comes of `bytes`: the events, and the frames sent.
fn outcome(mut peer: Peer) -> (Vec<Told>, Vec<(u8, Vec<u8>)>) {
    let sent = peer.sent_frames();
    let before = peer.told.len();
    peer.eof(at(2));
    assert!(peer.output.is_empty());
    assert_eq!(peer.input.incomplete_bytes(), 0);
    assert!(peer.told.len() <= before + 1);
    (joined(&peer.told), sent)
}

fn at_once(role: Role, streaming: bool, bytes: &[u8]) -> (Vec<Told>, Vec<(u8, Vec<u8>)>) {
    let mut peer = Peer::open(role, options(streaming));
    peer.receive(bytes, at(1));
    outcome(peer)
}

/// By the plan `reads`, repeated; those of one byte only for the first kilobyte.
fn divided(
    role: Role,
    streaming: bool,
    mut bytes: &[u8],
    reads: &[Read],
) -> (Vec<Told>, Vec<(u8, Vec<u8>)>) {
    let mut peer = Peer::open(role, options(streaming));
    let cut = reads[0].cut;
    peer.input.make_rooms(Box::new(move |length| {
        Some(Box::new(Own {
            length,
            cut,
            bytes: Vec::new(),
        }))
    }));
    let mut held = false;
    let total = bytes.len();
    for read in reads.iter().cycle() {
        if bytes.is_empty() {
            break;
        }
        let least = if total - bytes.len() < 1000 { 1 } else { 1000 };
        let size = read.size.max(least).min(bytes.len());
        let direct = read.direct && !held;
        if direct && let Some((mut room, rest)) = peer.protocol.room(&mut peer.input, size, 100_000)
        {
            assert!(rest <= size);
            let count = room
                .fill(peer.protocol.gathered_bytes(), &mut |memory| {
                    let count = memory.len();
                    Ok(memory.write_copy_of_slice(&bytes[..count]))
                })
                .expect("no error was made");
            bytes = &bytes[count..];
            let raw = (peer.protocol).received_in_room(&mut peer.input, room, count, at(1));
            let event = raw.and_then(|raw| peer.input.lend(raw)).map(Told::from);
            peer.told.extend(event);
            peer.drain(at(1));
            continue;
        }
        if direct && peer.protocol.wants_payload() > 0 {
            let (count, raw) = peer
                .protocol
                .read_payload(
                    &mut peer.input,
                    &mut peer.output,
                    1 << 20,
                    0,
                    at(1),
                    |buffer, most| {
                        let count = size.min(most);
                        buffer.extend_from_slice(&bytes[..count]);
                        Ok(count)
                    },
                )
                .expect("no error was made");
            bytes = &bytes[count..];
            let event = raw.and_then(|raw| peer.input.lend(raw)).map(Told::from);
            peer.told.extend(event);
            peer.drain(at(1));
            continue;
        }
        assert!(peer.input.is_empty());
        assert_eq!(peer.protocol.unhold(&mut peer.input), held);
        peer.protocol.receive(&mut peer.input, &bytes[..size]);
        bytes = &bytes[size..];
        held = match read.hold {
            None => {
                peer.drain(at(1));
                false
            }
            Some(count) => {
                for _ in 0..count {
                    let event = peer
                        .protocol
                        .next_event(&mut peer.input, &mut peer.output, at(1));
                    peer.told.extend(event.map(Told::from));
                }
                let left = !peer.input.is_empty();
                peer.protocol.hold(&mut peer.input);
                left
            }
        };
    }
    peer.protocol.unhold(&mut peer.input);
    peer.drain(at(1));
    outcome(peer)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn any_chunking_to_a_server(bytes in stream(true, 160_000), reads in reads(), streaming: bool) {
        prop_assert_eq!(
            divided(Role::Server, streaming, &bytes, &reads),
            at_once(Role::Server, streaming, &bytes)
        );
    }

    #[test]
    fn any_chunking_to_a_client(bytes in stream(false, 160_000), reads in reads(), streaming: bool) {
        prop_assert_eq!(
            divided(Role::Client, streaming, &bytes, &reads),
            at_once(Role::Client, streaming, &bytes)
        );
    }

    #[test]
    fn any_chunking_of_the_handshake(
        tail in stream(true, 200),
        cut in any::<u8>(),
        change in (any::<usize>(), any::<u8>()),
        changed: bool,
        sizes in vec(1_usize..60, 1..10),
    ) {
        let mut head = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".to_vec();
        if changed {
            let place = change.0 % head.len();
            head[place] = change.1;
        }
        head.extend_from_slice(&tail[..tail.len().min(cut.into())]);
        let mut whole = Peer::server(Options::default());
        whole.receive(&head, at(1));
        let mut parts = Peer::server(Options::default());
        let mut rest = &head[..];
        for size in sizes.iter().cycle() {
            let (part, more) = rest.split_at((*size).min(rest.len()));
            parts.receive(part, at(1));
            rest = more;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(&parts.told, &whole.told);
        prop_assert_eq!(parts.sent(), whole.sent());
    }
}
