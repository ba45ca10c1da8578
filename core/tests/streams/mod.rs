//! Random streams of WebSocket frames (RFC 6455 section 5): in order as a rule, and broken here and there by mutations
//! that know what a frame is made of. Bytes only, so that any implementation can be fed with them.

use proptest::collection::vec;
use proptest::prelude::*;

/// A frame that need not be a good one.
#[derive(Clone, Debug)]
struct Frame {
    first: u8,
    masked: bool,
    key: [u8; 4],
    /// The size of the extended length in bytes (0, 2 or 8) where it is not the shortest.
    encoded_in: Option<usize>,
    /// The length declared where it is not the payload's.
    declared: Option<u64>,
    payload: Vec<u8>,
}

impl Frame {
    fn encode(&self, bytes: &mut Vec<u8>) {
        let length = self.declared.unwrap_or(self.payload.len() as u64);
        let shortest = match length {
            0..126 => 0,
            126..65_536 => 2,
            _ => 8,
        };
        let mask = if self.masked { 0x80 } else { 0 };
        bytes.push(self.first);
        match self.encoded_in.unwrap_or(shortest).max(shortest) {
            0 => bytes.push(mask | length as u8),
            2 => {
                bytes.push(mask | 126);
                bytes.extend_from_slice(&(length as u16).to_be_bytes());
            }
            _ => {
                bytes.push(mask | 127);
                bytes.extend_from_slice(&length.to_be_bytes());
            }
        }
        let key = if self.masked { self.key } else { [0; 4] };
        if self.masked {
            bytes.extend_from_slice(&key);
        }
        let masked = self.payload.iter().zip(key.iter().cycle());
        bytes.extend(masked.map(|(byte, key)| byte ^ key));
    }
}

/// What an orderly sender sends.
#[derive(Clone, Debug)]
enum Item {
    /// One message in as many frames as it has parts, a ping in front of each part that has one.
    Message {
        text: bool,
        parts: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    },
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Vec<u8>),
}

/// What goes wrong with one frame, found by its number modulo how many there are.
#[derive(Clone, Debug)]
enum Mutation {
    First(u8),
    FlipFin,
    Reserved(u8),
    FlipMask,
    Length(u64),
    EncodedIn(usize),
    PayloadByte(usize, u8),
    Drop,
    Repeat,
    /// The stream ends so many bytes early.
    Truncate(usize),
}

/// Streams as a client (masked) or a server sends them, half of them unbroken. Messages are short as a rule, and go up
/// to `longest` bytes.
pub(super) fn stream(masked: bool, longest: usize) -> impl Strategy<Value = Vec<u8>> {
    let mutations = prop_oneof![
        2 => Just(Vec::new()),
        2 => vec((any::<usize>(), mutation()), 1..3),
    ];
    (vec(item(longest), 1..8), mutations, any::<[u8; 4]>()).prop_map(
        move |(items, mutations, key)| {
            let mut frames = frames(&items, masked, key);
            let mut early = 0;
            for (number, mutation) in mutations {
                let index = number % frames.len().max(1);
                let Some(frame) = frames.get_mut(index) else {
                    break;
                };
                match mutation {
                    Mutation::First(first) => frame.first = first,
                    Mutation::FlipFin => frame.first ^= 0x80,
                    Mutation::Reserved(bits) => frame.first |= bits,
                    Mutation::FlipMask => frame.masked = !frame.masked,
                    Mutation::Length(length) => frame.declared = Some(length),
                    Mutation::EncodedIn(size) => frame.encoded_in = Some(size),
                    Mutation::PayloadByte(at, byte) => {
                        let at = at % frame.payload.len().max(1);
                        if let Some(place) = frame.payload.get_mut(at) {
                            *place = byte;
                        }
                    }
                    Mutation::Drop => drop(frames.remove(index)),
                    Mutation::Repeat => {
                        let copy = frame.clone();
                        frames.insert(index, copy);
                    }
                    Mutation::Truncate(count) => early = count,
                }
            }
            let mut bytes = Vec::new();
            for frame in &frames {
                frame.encode(&mut bytes);
            }
            bytes.truncate(bytes.len().saturating_sub(early));
            bytes
        },
    )
}

fn frames(items: &[Item], masked: bool, key: [u8; 4]) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    let mut push = |first, payload: &[u8]| {
        let key = key.map(|byte| byte.wrapping_mul(frames.len() as u8 | 1));
        frames.push(Frame {
            first,
            masked,
            key,
            encoded_in: None,
            declared: None,
            payload: payload.to_vec(),
        });
    };
    for item in items {
        match item {
            Item::Message { text, parts } => {
                for (number, (part, ping)) in parts.iter().enumerate() {
                    if let Some(ping) = ping {
                        push(0x89, ping);
                    }
                    let opcode = match (number, text) {
                        (0, true) => 1,
                        (0, false) => 2,
                        _ => 0,
                    };
                    let fin = if number + 1 == parts.len() { 0x80 } else { 0 };
                    push(fin | opcode, part);
                }
            }
            Item::Ping(payload) => push(0x89, payload),
            Item::Pong(payload) => push(0x8a, payload),
            Item::Close(payload) => push(0x88, payload),
        }
    }
    frames
}

fn item(longest: usize) -> impl Strategy<Value = Item> {
    prop_oneof![
        8 => (any::<bool>(), payload(longest), vec((any::<usize>(), ping()), 0..4))
            .prop_map(|(text, payload, cuts)| message(text, payload, cuts)),
        2 => control().prop_map(Item::Ping),
        1 => control().prop_map(Item::Pong),
        1 => close().prop_map(Item::Close),
    ]
}

/// A message cut at random, within characters too.
fn message(text: bool, payload: Vec<u8>, cuts: Vec<(usize, Option<Vec<u8>>)>) -> Item {
    let payload = if text {
        "aé€🚠"
            .chars()
            .cycle()
            .skip(payload.len() % 4)
            .take(payload.len() / 2)
            .collect::<String>()
            .into_bytes()
    } else {
        payload
    };
    let mut rest = &payload[..];
    let mut parts = Vec::new();
    for (cut, ping) in cuts {
        let (part, more) = rest.split_at(cut % (rest.len() + 1));
        parts.push((part.to_vec(), ping));
        rest = more;
    }
    parts.push((rest.to_vec(), None));
    Item::Message { text, parts }
}

fn payload(longest: usize) -> impl Strategy<Value = Vec<u8>> {
    let length = prop_oneof![
        8 => 0_usize..20,
        2 => 120_usize..140,
        1 => 65_530_usize..65_540,
        1 => 0..=longest,
    ];
    (length, any::<u8>())
        .prop_map(|(length, start)| (0..length).map(|index| start ^ index as u8).collect())
}

fn control() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => vec(any::<u8>(), 0..10),
        1 => vec(any::<u8>(), 120..=125),
    ]
}

fn ping() -> impl Strategy<Value = Option<Vec<u8>>> {
    prop_oneof![3 => Just(None), 1 => control().prop_map(Some)]
}

fn close() -> impl Strategy<Value = Vec<u8>> {
    let code = prop_oneof![
        6 => prop::sample::select(&[1000_u16, 1001, 1011, 1014, 3000, 4999][..]),
        1 => prop::sample::select(&[0_u16, 999, 1004, 1005, 1006, 1015, 2999, 5000][..]),
        1 => any::<u16>(),
    ];
    let whole = (code, "[a-zé]{0,20}")
        .prop_map(|(code, reason)| [&code.to_be_bytes(), reason.as_bytes()].concat());
    prop_oneof![
        6 => whole,
        1 => Just(Vec::new()),
        1 => vec(any::<u8>(), 1..5),
    ]
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let lengths = [
        0,
        1,
        125,
        126,
        65_535,
        65_536,
        1 << 31,
        1 << 32,
        1 << 53,
        (1 << 63) - 1,
        1 << 63,
        u64::MAX,
    ];
    prop_oneof![
        any::<u8>().prop_map(Mutation::First),
        Just(Mutation::FlipFin),
        prop::sample::select(&[0x40_u8, 0x20, 0x10][..]).prop_map(Mutation::Reserved),
        Just(Mutation::FlipMask),
        prop::sample::select(lengths.to_vec()).prop_map(Mutation::Length),
        prop::sample::select(&[2_usize, 8][..]).prop_map(Mutation::EncodedIn),
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Mutation::PayloadByte(at, byte)),
        Just(Mutation::Drop),
        Just(Mutation::Repeat),
        (0_usize..40).prop_map(Mutation::Truncate),
    ]
}
